// A cluster that was recorded: the objects and events of tests/cluster with every fault provoked for real, without what
// no diagnosis reads. tests/golden/diagnose/world.json; what is found in it is kept next to it.
#pragma once

#include "common/diagnose/diagnose.h"
#include "tests/unit/support/fake_cluster.h"

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
};

// One block a finding, as a golden file keeps it.
std::string text_of(const std::vector<diagnose::Finding>& findings);
bool has_code(const std::vector<diagnose::Finding>& findings, const std::string& code);

// The server's answer to who may not.
Error forbidden(const std::string& what);

}  // namespace holdfast::testing
