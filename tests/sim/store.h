// The versioned store behind the simulated API server, as etcd is behind the real one: every write has a revision, the
// last revisions can be read again, and watches are readings of the history. A value: copying it forks the world.
#pragma once

#include "common/core/json.h"
#include "common/kube/reader.h"
#include "tests/sim/object.h"

#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::sim {

struct Change {
    long long revision = 0;
    kube::WatchEvent::Type type = kube::WatchEvent::Type::kAdded;
    kube::ObjectRef ref;
    ObjectPtr object;  // after the change; of a deletion the last state
    ObjectPtr before;  // null: it was not there
};

class Store {
  public:
    static constexpr std::size_t kHistory = 4000;  // changes that watches can still be given

    // Null if it is not there. By its parts: as often as controllers look, copying a reference counts.
    ObjectPtr find(const kube::ObjectRef& ref) const { return find(ref.resource, ref.space, ref.name); }
    ObjectPtr find(const kube::Resource& resource, std::string_view space, std::string_view name) const;
    // In order of namespace and name. space "": all.
    std::vector<ObjectPtr> list(const kube::Resource& resource, const std::string& space) const;
    // As they were `lag` changes ago.
    ObjectPtr find_stale(const kube::ObjectRef& ref, int lag) const;
    std::vector<ObjectPtr> list_stale(const kube::Resource& resource, const std::string& space, int lag) const;
    std::vector<ObjectPtr> everything() const;

    // Sets resourceVersion. The object has its name and namespace.
    void put(const kube::ObjectRef& ref, Json object);
    void erase(const kube::ObjectRef& ref);

    // Nothing before now can be read or watched any more: a compaction.
    void compact() { history_.clear(); }
    long long revision() const { return revision_; }
    const std::deque<Change>& history() const { return history_; }

  private:
    static std::string key(const kube::Resource& resource, std::string_view space, std::string_view name);
    static std::string key(const kube::ObjectRef& ref) { return key(ref.resource, ref.space, ref.name); }
    void note(Change change);

    std::map<std::string, ObjectPtr> objects_;  // "group/plural/namespace/name"
    std::deque<Change> history_;
    long long revision_ = 1000;
};

// Whether the object is one that the list options choose: "a=b", "a==b", "a!=b", "a in (b,c)", "a notin (b)", "a",
// "!a" for labels; "path=value" and "path!=value" for fields.
bool chosen(const Json& object, const kube::ListOptions& options);
// 400 for a selector that cannot be read, or that names a field by which the kind cannot be chosen.
Status check_selectors(const kube::Resource& resource, const kube::ListOptions& options);

}  // namespace holdfast::sim
