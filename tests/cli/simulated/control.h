// What a test tells the server while it runs: a JSON object a line on stdin; each is answered by a line "answer JSON".
//   {"rules": [...]}   the script (double/script.h) begins anew with these
//   {"save": "name"}, {"load": "name"}   keeps the world, goes back to it; open watches end
//   {"judge": true}    from now on invariants are looked at; "deletes": "snapshots" or "kept volumes": these are asked
//   to go
//   {"forbid": ["get nodes/proxy", ...]}  access reviews say no to these, until a world is loaded
//   {"settle": true}   time leaps until nothing is due any more
//   {"state": true}    {"state": {object: text}, "violations": [...], "looks": N}, as tests/crash sees it
// The answer has "error" if it could not be done. The end of stdin ends the process.
#pragma once

#include "tests/cli/double/script.h"
#include "tests/cli/simulated/live.h"
#include "tests/crash/invariants.h"

#include <memory>
#include <set>
#include <string>

namespace holdfast::simulated {

class Control {
  public:
    // Both must outlive it.
    Control(Live& live, double_::Script& script) : live_(live), script_(script) {}
    [[noreturn]] void run();

  private:
    Json carry_out(const Json& order);
    void forbid(const std::set<std::string>& what);
    void judge(const std::string& deletes);
    Json state();

    Live& live_;
    double_::Script& script_;
    std::unique_ptr<crash::Invariants> invariants_;
};

}  // namespace holdfast::simulated
