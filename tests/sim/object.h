// An object as it is stored: a value that never changes, shared by the map, the history and every copy of a world. What
// controllers look at all the time is read from it once.
#pragma once

#include "common/core/json.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <memory_resource>
#include <variant>

namespace holdfast::sim {

struct Pod {
    bool placed = false, ended = false;
    std::vector<std::string> claims;
};

// A pointer to the JSON; null if there is none.
class ObjectPtr {
  public:
    ObjectPtr() = default;
    ObjectPtr(std::nullptr_t) {}  // NOLINT: as other pointers
    ObjectPtr(const kube::ObjectRef& ref, Json json)
        : stored_(new Stored(ref, std::move(json)), std::default_delete<const Stored>(),
                  std::pmr::polymorphic_allocator<>(&counters())) {}

    const Json& operator*() const { return stored_->json; }
    const Json* operator->() const { return &stored_->json; }
    const Json* get() const { return stored_ ? &stored_->json : nullptr; }
    explicit operator bool() const { return stored_ != nullptr; }
    friend bool operator==(const ObjectPtr& object, std::nullptr_t) { return object.stored_ == nullptr; }

    // REQUIRES: not null.
    const kube::ObjectRef& ref() const { return stored_->ref; }
    const std::string& uid() const { return stored_->uid; }
    bool deleting() const { return stored_->deleting; }
    bool has_owners() const { return stored_->has_owners; }  // metadata.ownerReferences is there
    // REQUIRES: not null; a claim, a volume, a snapshot, a snapshot's content, a pod.
    const kube::Claim& claim() const { return std::get<kube::Claim>(stored_->view); }
    const kube::Volume& volume() const { return std::get<kube::Volume>(stored_->view); }
    const kube::Snapshot& snapshot() const { return std::get<kube::Snapshot>(stored_->view); }
    const kube::SnapshotContent& content() const { return std::get<kube::SnapshotContent>(stored_->view); }
    const Pod& pod() const { return std::get<Pod>(stored_->view); }

  private:
    struct Stored {
        Stored(const kube::ObjectRef& of, Json what)
            : json(std::move(what)),
              ref(of),
              uid(kube::uid_of(json)),
              deleting(kube::deleting(json)),
              has_owners(kube::find_at(json, "/metadata/ownerReferences") != nullptr) {
            if (ref.resource == kube::kClaims) view = kube::claim_of(json);
            if (ref.resource == kube::kVolumes) view = kube::volume_of(json);
            if (ref.resource == kube::kSnapshots) view = kube::snapshot_of(json);
            if (ref.resource == kube::kSnapshotContents) view = kube::content_of(json);
            if (ref.resource == kube::kPods) view = pod_of(json);
        }
        Json json;
        kube::ObjectRef ref;
        std::string uid;
        bool deleting, has_owners;
        std::variant<std::monostate, kube::Claim, kube::Volume, kube::Snapshot, kube::SnapshotContent, Pod> view;
    };
    static Pod pod_of(const Json& json);
    // All in a few pages: a branch of the crash matrix gets a copy of each page that it writes to, and a pointer is
    // copied for each look at an object.
    static std::pmr::memory_resource& counters() {
        static auto* const pool = new std::pmr::synchronized_pool_resource;  // outlives every world
        return *pool;
    }
    std::shared_ptr<const Stored> stored_;
};

}  // namespace holdfast::sim
