#include "plugins/clone/known.h"

#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace holdfast::clone {
namespace {

// Of everything that a clone keeps; a Secret is read by name alone (safety R30).
const std::vector<const kube::Resource*>& kinds() {
    static const std::vector<const kube::Resource*> kKinds = {&kube::kStatefulSets, &kube::kDeployments,
                                                              &kube::kServices,     &kube::kNetworkPolicies,
                                                              &kube::kConfigMaps,   &kube::kClaims};
    return kKinds;
}

void take(KnownClone& clone, const kube::Resource& resource, Json object) {
    const std::string name = kube::name_of(object);
    if (!made_under_its_name(resource, object)) {
        clone.strangers.push_back(kube::ObjectRef{resource, clone.space, name}.text());
        return;
    }
    if (clone.source.empty()) clone.source = source_told_by(object);
    if (clone.operation.empty()) clone.operation = kube::label_of(object, labels::kOperation);
    if (clone.expires.empty()) clone.expires = kube::annotation_of(object, labels::kExpires);
    const std::string created = kube::created_of(object);
    if (clone.created.empty() || created < clone.created) clone.created = created;
    clone.objects.push_back({{resource, clone.space, name}, std::move(object)});
}

// The claims that a pod mounts are copied without it: what they are copies of is told of each.
std::string all_sources(const KnownClone& clone) {
    if (clone.count(kube::kStatefulSets) + clone.count(kube::kDeployments) > 0) return clone.source;
    std::string all = clone.source;
    const std::string place = all.substr(0, all.rfind('/') + 1);
    for (const KnownObject& one : clone.objects) {
        const std::string source = source_told_by(one.object);
        if (source.empty() || source == clone.source) continue;
        all += "," + (starts_with(source, place) ? source.substr(place.size()) : source);
    }
    return all;
}

}  // namespace

std::string source_told_by(const Json& object) {
    const std::string from = kube::annotation_of(object, labels::kClonedFrom);
    return from.substr(0, from.find(' '));
}

long long KnownClone::claimed_bytes() const {
    long long sum = 0;
    for (const KnownObject& one : objects) {
        if (!(one.ref.resource == kube::kClaims)) continue;
        const kube::Claim claim = kube::claim_of(one.object);
        if (claim.capacity)
            sum += claim.capacity->bytes();
        else if (claim.requested)
            sum += claim.requested->bytes();
    }
    return sum;
}

std::size_t KnownClone::count(const kube::Resource& resource) const {
    return static_cast<std::size_t>(std::count_if(
        objects.begin(), objects.end(), [&](const KnownObject& one) { return one.ref.resource == resource; }));
}

bool KnownClone::only_left() const {
    return !objects.empty() && count(kube::kConfigMaps) + count(kube::kSecrets) == objects.size();
}

std::string KnownClone::source_space() const {
    const std::vector<std::string> parts = split(source, '/');
    return parts.size() == 3 ? parts[1] : "";
}

std::string typed_name(const kube::ObjectRef& ref) {
    const kube::Resource& resource = ref.resource;
    return to_lower(resource.kind) + (resource.group.empty() ? "" : "." + resource.group) + "/" + ref.name;
}

kube::ListOptions parts_of_clones(const std::string& name) {
    kube::ListOptions ours;
    ours.label_selector = std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole +
                          "=clone," + labels::kClone + (name.empty() ? "" : "=" + name);
    return ours;
}

bool made_under_its_name(const kube::Resource& resource, const Json& object) {
    return kube::annotation_of(object, labels::kMadeAs) == resource.plural + "/" + kube::name_of(object);
}

Result<std::vector<KnownClone>> known_clones(kube::ClusterReader& reader, const std::string& space,
                                             const std::string& name) {
    const kube::ListOptions ours = parts_of_clones(name);
    std::map<std::tuple<std::string, std::string, std::string>, KnownClone> clones;
    for (const kube::Resource* resource : kinds()) {
        TRY_ASSIGN(kube::List list, reader.list(*resource, space, ours));
        for (Json& item : list.items) {
            const std::string called = kube::label_of(item, labels::kClone);
            const std::string operation = kube::label_of(item, labels::kOperation);
            KnownClone& clone = clones[{kube::space_of(item), called, operation}];
            clone.name = called;
            clone.space = kube::space_of(item);
            take(clone, *resource, std::move(item));
        }
    }
    std::vector<KnownClone> all;
    for (auto& [key, clone] : clones) {
        // A Secret that was copied is named on the workload that it was copied for.
        std::set<std::string> secrets;
        for (const KnownObject& one : clone.objects) {
            for (const std::string& secret : split(kube::annotation_of(one.object, labels::kSecrets), ','))
                secrets.insert(secret);
        }
        for (const std::string& secret : secrets) {
            if (name.empty()) continue;  // a list tells of none
            TRY_ASSIGN(std::optional<Json> object, reader.find({kube::kSecrets, clone.space, secret}));
            if (object && kube::label_of(*object, labels::kClone) == clone.name &&
                kube::label_of(*object, labels::kOperation) == clone.operation)
                take(clone, kube::kSecrets, std::move(*object));
        }
        clone.from = all_sources(clone);
        if (!clone.objects.empty() || !name.empty()) all.push_back(std::move(clone));
    }
    return all;
}

}  // namespace holdfast::clone
