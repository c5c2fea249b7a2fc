#include "plugins/snap/set_view.h"

#include "common/core/text.h"
#include "common/kube/sets.h"

namespace holdfast::snap {

Result<SetState> read_state(kube::ClusterReader& reader, kube::SnapshotSet set) {
    SetState state;
    TRY_ASSIGN(const auto members, kube::read_members(reader, set));
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (members[i])
            state.snapshots.emplace_back(kube::snapshot_of(*members[i]));
        else
            state.snapshots.emplace_back();
        const auto& snapshot = state.snapshots.back();
        if (snapshot && snapshot->ready && !snapshot->deleting)
            ++state.ready;
        else
            state.not_ready.push_back("vs/" + set.members[i].snapshot);
    }
    state.set = std::move(set);
    return state;
}

Json state_json(const SetState& state) {
    Json json = {{"apiVersion", "holdfast.dev/v1"}, {"kind", "SnapshotSet"}, {"namespace", state.set.space}};
    const Json record = Json::parse(kube::set_record(state.set), nullptr, false);
    for (const auto& [key, value] : record.items()) {
        if (key != "workloadManifest" && key != "format") json[key] = value;
    }
    json["rebuilt"] = state.set.uid.empty();
    json["ready"] = state.ready;
    json["total"] = state.set.members.size();
    for (std::size_t i = 0; i < state.snapshots.size(); ++i) {
        Json& member = json["members"][i];
        const auto& snapshot = state.snapshots[i];
        member["exists"] = snapshot.has_value();
        member["ready"] = snapshot && snapshot->ready && !snapshot->deleting;
        if (!snapshot) continue;
        member["content"] = snapshot->content;
        if (snapshot->restore_size) member["restoreSizeBytes"] = *snapshot->restore_size;
        if (!snapshot->error.empty()) member["error"] = snapshot->error;
    }
    return json;
}

std::string some_of(const std::vector<std::string>& names, std::size_t most) {
    if (names.size() <= most + 1) return join(names, ", ");
    const std::vector<std::string> first(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(most));
    return join(first, ", ") + " and " + std::to_string(names.size() - most) + " more";
}

}  // namespace holdfast::snap
