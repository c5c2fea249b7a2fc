// A cluster that was recorded: the objects and events of tests/cluster with every fault provoked for real, without what
// no diagnosis reads. tests/golden/diagnose/world.json; what is found in it is kept next to it.
#pragma once

#include "common/diagnose/diagnose.h"
#include "tests/unit/support/fake_cluster.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::testing {

struct Recorded {
    FakeClock clock;
    FakeCluster cluster{clock};
    std::vector<Json> objects;

    Recorded();
    // "space/name" of all objects of a kind, sorted.
    std::vector<std::string> names(const std::string& kind) const;
    // Changes one recorded object; it must be there.
    void change(const std::string& kind, const std::string& space, const std::string& name,
                const std::function<void(Json&)>& edit);
    // Forgets all objects of a kind, and the events about them.
    void forget(const std::string& kind);
    // Every call whose line of the log begins with `call` is refused.
    void forbid(const std::string& call);
};

// One block a finding, as a golden file keeps it.
std::string text_of(const std::vector<diagnose::Finding>& findings);
bool has_code(const std::vector<diagnose::Finding>& findings, const std::string& code);

// The server's answer to who may not.
Error forbidden(const std::string& what);

}  // namespace holdfast::testing
