// A FakeCluster that notes how many patches were sent at a time.
#pragma once

#include "tests/unit/support/fake_cluster.h"

#include <cstddef>
#include <vector>

namespace holdfast::testing {

struct CountingCluster : FakeCluster {
    using FakeCluster::FakeCluster;
    std::vector<std::size_t> batches;
    std::vector<Result<Json>> patch_all(const std::vector<kube::PatchCall>& sent, kube::DryRun dry_run) override {
        batches.push_back(sent.size());
        return FakeCluster::patch_all(sent, dry_run);
    }
};

}  // namespace holdfast::testing
