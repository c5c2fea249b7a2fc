#include "common/diagnose/gather.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::diagnose {
namespace {

// By resource, not by object: a hundred volumes that may not be read are one gap.
std::string read_text(const std::string& verb, const kube::Resource& resource, const std::string& space) {
    return verb + " " + resource.qualified() + (resource.namespaced && !space.empty() ? " in " + space : "");
}

}  // namespace

void Gatherer::note(const std::string& what, const Error& error) {
    const bool told = std::any_of(gaps_.begin(), gaps_.end(), [&](const Gap& gap) { return gap.what == what; });
    if (!told) gaps_.push_back({what, escape_line(error.message)});
}

Seen<Json> Gatherer::look(const kube::Resource& resource, const std::string& space, const std::string& name) {
    if (name.empty()) return {};
    const kube::ObjectRef ref{resource, resource.namespaced ? space : "", name};
    const auto known = objects_.find(ref.text());
    if (known != objects_.end()) return known->second;
    Seen<Json> seen;
    auto found = reader_.find(ref);
    if (!found.ok()) {
        note(read_text("get", resource, space), found.error());
    } else if (*found) {
        seen = {Sight::kThere, std::move(**found)};
    } else {
        seen.sight = Sight::kAbsent;
    }
    objects_[ref.text()] = seen;
    return seen;
}

Seen<std::vector<Json>> Gatherer::list(const kube::Resource& resource, const std::string& space,
                                       const kube::ListOptions& options) {
    const std::string key =
        resource.qualified() + "/" + space + "?" + options.label_selector + "&" + options.field_selector;
    const auto known = lists_.find(key);
    if (known != lists_.end()) return known->second;
    Seen<std::vector<Json>> seen;
    auto listed = reader_.list(resource, space, options);
    if (listed.ok()) {
        seen = {Sight::kThere, std::move(listed->items)};
    } else if (listed.error().kind == ErrorKind::kNotFound) {
        seen.sight = Sight::kAbsent;  // the resource itself is not served
    } else {
        note(read_text("list", resource, space), listed.error());
    }
    lists_[key] = seen;
    return seen;
}

std::vector<kube::Event> Gatherer::events(const kube::Resource& resource, const std::string& space,
                                          const std::string& name, const std::string& uid) {
    std::vector<kube::Event> events;
    const auto read = events_.find(space);
    if (resource.namespaced && read != events_.end()) {
        for (const kube::Event& event : read->second) {
            const bool same_life = uid.empty() || event.uid.empty() || event.uid == uid;
            if (event.kind == resource.kind && event.name == name && same_life) events.push_back(event);
        }
        return events;
    }
    // Events about cluster-scoped objects stand in the namespace "default".
    const std::string where = resource.namespaced ? space : "default";
    const auto listed = list(kube::kEvents, where, {"", kube::events_selector(resource.kind, name, uid)});
    for (const Json& item : listed.value) events.push_back(kube::event_of(item));
    kube::sort_newest_first(events);
    return events;
}

void Gatherer::read_events(const std::string& space) {
    const auto listed = list(kube::kEvents, space);
    if (!listed.there()) return;  // the gap is noted; each object asks for itself and finds nothing
    std::vector<kube::Event> events;
    for (const Json& item : listed.value) events.push_back(kube::event_of(item));
    kube::sort_newest_first(events);
    events_[space] = std::move(events);
}

std::vector<kube::Event> Gatherer::warnings(const std::string& space, const std::string& reason) {
    std::vector<kube::Event> events;
    const auto read = events_.find(space);
    if (read != events_.end()) {
        std::copy_if(read->second.begin(), read->second.end(), std::back_inserter(events),
                     [&](const kube::Event& event) { return event.warning && event.reason == reason; });
        return events;
    }
    const auto listed = list(kube::kEvents, space, {"", "type=Warning,reason=" + reason});
    for (const Json& item : listed.value) events.push_back(kube::event_of(item));
    kube::sort_newest_first(events);
    return events;
}

Seen<std::vector<kube::StorageClass>> Gatherer::storage_classes() {
    const auto listed = list(kube::kStorageClasses, "");
    Seen<std::vector<kube::StorageClass>> classes{listed.sight, {}};
    for (const Json& item : listed.value) classes.value.push_back(kube::storage_class_of(item));
    return classes;
}

Seen<std::vector<kube::SnapshotClass>> Gatherer::snapshot_classes() {
    if (serves(kube::kSnapshotClasses) == Sight::kAbsent) return {Sight::kAbsent, {}};
    const auto listed = list(kube::kSnapshotClasses, "");
    Seen<std::vector<kube::SnapshotClass>> classes{listed.sight, {}};
    for (const Json& item : listed.value) classes.value.push_back(kube::snapshot_class_of(item));
    return classes;
}

std::vector<std::string> Gatherer::drivers() {
    std::vector<std::string> names;
    for (const Json& item : list(kube::kCsiDrivers, "").value) names.push_back(kube::name_of(item));
    for (const Json& item : list(kube::kCsiNodes, "").value) {
        for (std::string& name : kube::drivers_of_node(item)) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Sight Gatherer::driver(const std::string& name) {
    if (name.empty()) return Sight::kUnknown;
    const std::vector<std::string> all = drivers();
    if (std::find(all.begin(), all.end(), name) != all.end()) return Sight::kThere;
    // A driver need not have a CSIDriver object: without both lists its absence is not known.
    const bool saw_both = list(kube::kCsiDrivers, "").there() && list(kube::kCsiNodes, "").there();
    return saw_both ? Sight::kAbsent : Sight::kUnknown;
}

Seen<kube::Discovery> Gatherer::discovery() {
    auto found = reader_.discover();
    if (found.ok()) return {Sight::kThere, std::move(*found)};
    note("ask the API server what it serves", found.error());
    return {};
}

Sight Gatherer::serves(const kube::Resource& resource) {
    const auto found = discovery();
    if (!found.there()) return Sight::kUnknown;
    if (found->has(resource)) return Sight::kThere;
    return found->incomplete.contains(resource.api_version()) ? Sight::kUnknown : Sight::kAbsent;
}

}  // namespace holdfast::diagnose
