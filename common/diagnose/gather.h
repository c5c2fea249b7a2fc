// Reading for a diagnosis: what may not be read becomes a gap that is told, never a failure. Each object and list is
// asked for once, so that one examination of many objects stays cheap.
#pragma once

#include "common/kube/objects/event.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/reader.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::diagnose {

enum class Sight { kUnknown, kAbsent, kThere };  // kUnknown: not looked for, or it may not be read

// A fact that may be hidden.
template <typename T>
struct Seen {
    Sight sight = Sight::kUnknown;
    T value{};

    bool there() const { return sight == Sight::kThere; }
    bool absent() const { return sight == Sight::kAbsent; }
    const T& operator*() const { return value; }
    const T* operator->() const { return &value; }
};

// The same through a view: seen_as(object, kube::volume_of).
template <typename View>
auto seen_as(const Seen<Json>& seen, View view) {
    Seen<decltype(view(seen.value))> as;
    as.sight = seen.sight;
    if (seen.there()) as.value = view(seen.value);
    return as;
}

// What could not be seen, and why: becomes a finding of its own.
struct Gap {
    std::string what;  // "list events in bookstore"
    std::string why;   // the server's words
};

class Gatherer {
  public:
    explicit Gatherer(kube::ClusterReader& reader) : reader_(reader) {}
    Gatherer(const Gatherer&) = delete;
    Gatherer& operator=(const Gatherer&) = delete;

    Seen<Json> look(const kube::Resource& resource, const std::string& space, const std::string& name);
    // kThere also for an empty list.
    Seen<std::vector<Json>> list(const kube::Resource& resource, const std::string& space,
                                 const kube::ListOptions& options = {});
    // Newest first. Those of an older object of the same name are left out.
    std::vector<kube::Event> events(const kube::Resource& resource, const std::string& space, const std::string& name,
                                    const std::string& uid);
    // Reads the events of a namespace in one list; events() and warnings() then answer from it.
    void read_events(const std::string& space);
    // Warnings of one reason in a namespace, whatever they are about, newest first.
    std::vector<kube::Event> warnings(const std::string& space, const std::string& reason);

    Seen<std::vector<kube::StorageClass>> storage_classes();
    Seen<std::vector<kube::SnapshotClass>> snapshot_classes();
    // Whether a CSI driver of this name is installed: its CSIDriver, or a node that has registered it.
    Sight driver(const std::string& name);
    std::vector<std::string> drivers();            // names of all, "" list if they may not be read
    Sight serves(const kube::Resource& resource);  // discovery
    Seen<kube::Discovery> discovery();

    const std::vector<Gap>& gaps() const { return gaps_; }

  private:
    void note(const std::string& what, const Error& error);

    kube::ClusterReader& reader_;
    std::map<std::string, Seen<Json>> objects_;
    std::map<std::string, Seen<std::vector<Json>>> lists_;
    std::map<std::string, std::vector<kube::Event>> events_;  // by namespace
    std::vector<Gap> gaps_;
};

}  // namespace holdfast::diagnose
