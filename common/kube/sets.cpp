#include "common/kube/sets.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

namespace holdfast::kube {
namespace {

Error no_such_set(ClusterReader& reader, const std::string& space, const std::string& name) {
    Error error;
    error.kind = ErrorKind::kNotFound;
    error.message = "set/" + space + "/" + name + " not found";
    std::vector<std::string> damaged, names;
    const auto sets = list_sets(reader, space, damaged);
    if (sets.ok()) {
        for (const SnapshotSet& set : *sets) names.push_back(set.name);
    }
    const std::vector<std::string> near = nearest(name, names);
    if (!near.empty())
        error.hint = "did you mean " + join(near, ", ") + "?";
    else if (sets.ok() && names.empty())
        error.hint = "there is no snapshot set in namespace " + space + "; a single snapshot is vs/NAME";
    else
        error.hint = "`kubectl snap list` shows what there is; a single snapshot is vs/NAME";
    return error;
}

}  // namespace

Result<SnapshotName> parse_snapshot_name(const std::string& word) {
    SnapshotName parsed;
    if (word.find('/') == std::string::npos) {
        parsed.name = word;
    } else {
        TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
        const Resource* resource = find_resource(typed.type);
        const bool is_snapshot = resource != nullptr && *resource == kSnapshots;
        if (!is_snapshot && typed.type != "set") {
            return Error{ErrorKind::kUsage, "\"" + escape_line(word) + "\" is neither a snapshot set nor a snapshot",
                         "write NAME or set/NAME for a set, vs/NAME for a single snapshot"};
        }
        parsed.is_set = !is_snapshot;
        parsed.name = typed.name;
    }
    TRY(check_dns_subdomain(parsed.name, parsed.is_set ? "a set's name" : "a snapshot's name"));
    return parsed;
}

ObjectRef object_named(const std::string& space, const std::string& word) {
    const auto parsed = parse_snapshot_name(word);
    if (!parsed.ok()) return {};
    if (!parsed->is_set) return {kSnapshots, space, parsed->name};
    return {kConfigMaps, space, set_config_map_name(parsed->name)};
}

Result<SnapshotSet> read_set(ClusterReader& reader, const std::string& space, const std::string& name) {
    TRY_ASSIGN(const std::optional<Json> config_map, reader.find({kConfigMaps, space, set_config_map_name(name)}));
    std::optional<Error> damage;
    if (config_map) {
        Result<SnapshotSet> recorded = set_from_config_map(*config_map);
        if (recorded.ok()) return recorded;
        damage = recorded.error();
    }
    // A label's value has at most 63 bytes, so a longer name cannot be that of a set.
    if (is_label_value(name)) {
        ListOptions options;
        options.label_selector = std::string(labels::kSet) + "=" + name;
        const Result<List> snapshots = reader.list(kSnapshots, space, options);
        // kNotFound: the cluster has no snapshot API; the set's own answer says more.
        if (!snapshots.ok() && snapshots.error().kind != ErrorKind::kNotFound) return snapshots.error();
        if (snapshots.ok()) {
            Result<SnapshotSet> rebuilt = set_from_snapshots(name, snapshots->items);
            if (rebuilt.ok()) return rebuilt;
        }
    }
    if (damage) return *damage;
    return no_such_set(reader, space, name);
}

Result<std::vector<SnapshotSet>> list_sets(ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& damaged) {
    std::vector<SnapshotSet> sets;
    damaged.clear();
    ListOptions options;
    options.label_selector = std::string(labels::kRole) + "=set";
    const auto each = [&](Json&& config_map) {
        Result<SnapshotSet> set = set_from_config_map(config_map);
        if (set.ok())
            sets.push_back(std::move(set).value());
        else
            damaged.push_back(set.error().message);
        return true;
    };
    const auto restart = [&] {
        sets.clear();
        damaged.clear();
    };
    TRY(reader.for_each(kConfigMaps, space, options, each, restart));
    return sets;
}

Result<std::vector<std::optional<Json>>> read_members(ClusterReader& reader, const SnapshotSet& set) {
    std::vector<ObjectRef> refs;
    for (const SetMember& member : set.members) refs.push_back({kSnapshots, set.space, member.snapshot});
    std::vector<std::optional<Json>> members;
    for (Result<Json>& answer : reader.get_all(refs)) {
        if (!answer.ok()) {
            if (answer.error().kind != ErrorKind::kNotFound) return answer.error();
            members.emplace_back();
            continue;
        }
        // Until the cut is recorded only the label tells our snapshot from another one of its name.
        const std::string& recorded = set.members[members.size()].snapshot_uid;
        if (recorded.empty() ? label_of(*answer, labels::kSet) != set.name : recorded != uid_of(*answer))
            members.emplace_back();
        else
            members.emplace_back(std::move(answer).value());
    }
    return members;
}

}  // namespace holdfast::kube
