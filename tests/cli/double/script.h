// Answers by a script, a JSON array of rules, the first that fits wins:
//   {"method": "GET", "path": "regular expression over path and query", "skip": 1, "times": 2, "reply": {...}}
// reply: status, headers, body (text) | json | body_file | generate {prefix, repeat, count, suffix, pause_ms} | through
// (true: the store answers after all, with these
// headers too and the wire's faults below), delay_ms, content_length, chunked, until_close,
// cut_after, drop, announce (true: "arrived METHOD TARGET" on stdout, after the store has done what it does).
// ${n} in a body is how often the rule has answered.
#pragma once

#include "tests/cli/double/engine.h"

namespace holdfast::double_ {

class Script : public Engine {
  public:
    // Begins anew with other rules. Throws as make_script does.
    virtual void set_rules(const Json& rules) = 0;
};

// Throws on a script that cannot be read: a test's mistake. `below` answers replies with "through"; it must outlive it.
std::unique_ptr<Script> make_script(const Json& rules, Engine& below);

}  // namespace holdfast::double_
