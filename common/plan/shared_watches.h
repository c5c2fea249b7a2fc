// One open watch for all the waits of a round that are for objects of one kind in one namespace. A hundred StatefulSets
// that are replaced one after the other are a hundred waits: with a watch each they are as many connections.
//
// A wait lists what it is for, and what it is told after that is what a watch of its own from that list on would tell.
// So nothing here is remembered of any object, and what is read before a step that cannot be taken back is read from
// the API server.
#pragma once

#include "common/kube/reader.h"
#include "common/os/clock.h"
#include "common/plan/step.h"

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace holdfast::plan {

class SharedWatches {
  public:
    // Shared is what several of the plan's steps wait for: one wait alone gets a watch of the objects that it names.
    SharedWatches(const Plan& plan, Clock& clock);

    // What comes after resource_version, as ClusterReader::watch, and fails as that. Events of other objects of the
    // kind and namespace may be among it. next() also fails with kUnavailable where a watch that was opened for an
    // earlier wait tells nothing for ten seconds: its connection may be gone without a word. The cluster and this must
    // outlive what is given.
    Result<std::unique_ptr<kube::Watch>> watch(kube::ClusterReader& cluster, const kube::Resource& resource,
                                               const std::string& space, const kube::ListOptions& options,
                                               const std::string& resource_version);

  private:
    friend class LentWatch;
    // An open watch that nobody reads now.
    struct Stream {
        std::unique_ptr<kube::Watch> watch;
        std::string version;  // of what it told last
    };
    using Key = std::pair<const kube::ClusterReader*, std::string>;

    Clock& clock_;
    std::set<std::string> shared_;
    std::map<Key, Stream> idle_;
};

}  // namespace holdfast::plan
