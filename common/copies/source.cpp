#include "common/copies/source.h"

#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/kube/sets.h"

#include <algorithm>

namespace holdfast::copies {
namespace {

constexpr char kAllowModeChange[] = "snapshot.storage.kubernetes.io/allow-volume-mode-change";
constexpr const char* kImportedAnnotations[] = {"snapshot.storage.kubernetes.io/deletion-secret-name",
                                                "snapshot.storage.kubernetes.io/deletion-secret-namespace",
                                                kAllowModeChange};

// What a single snapshot says of itself: our record if there is one, else its source claim while that still is there.
Status describe_single(kube::ClusterReader& reader, Source& source, const Json& object, Member& member) {
    const kube::Snapshot& snapshot = *member.snapshot;
    if (!snapshot.set.empty()) {
        auto record = kube::set_from_snapshots(snapshot.set, {object});
        if (record.ok() && record->members.size() == 1) {
            member.facts = record->members.front();
            record->space = source.space;
            source.record = std::move(*record);
            return {};
        }
    }
    member.facts.snapshot = snapshot.name;
    member.facts.snapshot_uid = snapshot.uid;
    member.facts.claim = snapshot.claim;
    member.facts.cut_at = snapshot.cut_at;
    if (snapshot.claim.empty()) return {};
    TRY_ASSIGN(const std::optional<Json> live, reader.find({kube::kClaims, source.space, snapshot.claim}));
    if (!live) return {};
    const kube::Claim claim = kube::claim_of(*live);
    member.facts.volume = claim.volume;
    member.facts.storage_class = claim.storage_class;
    member.facts.volume_mode = claim.volume_mode;
    member.facts.access_modes = claim.access_modes;
    if (claim.requested) member.facts.size_bytes = claim.requested->bytes();
    if (claim.capacity) member.facts.size_bytes = std::max(member.facts.size_bytes, claim.capacity->bytes());
    return {};
}

Status read_set_members(kube::ClusterReader& reader, Source& source) {
    TRY_ASSIGN(source.record, kube::read_set(reader, source.space, source.name));
    TRY_ASSIGN(const auto objects, kube::read_members(reader, *source.record));
    for (std::size_t i = 0; i < objects.size(); ++i) {
        Member member;
        member.facts = source.record->members[i];
        if (objects[i]) member.snapshot = kube::snapshot_of(*objects[i]);
        source.members.push_back(std::move(member));
    }
    return {};
}

Status read_single(kube::ClusterReader& reader, Source& source) {
    auto object = reader.get({kube::kSnapshots, source.space, source.name});
    if (!object.ok()) return object.error();
    Member member;
    member.snapshot = kube::snapshot_of(*object);
    TRY(describe_single(reader, source, *object, member));
    source.members.push_back(std::move(member));
    return {};
}

// Contents say driver, handle and mode; a content that does not point back belongs to another snapshot of the same
// name.
Status read_contents(kube::ClusterReader& reader, std::vector<Member>& members) {
    std::vector<kube::ObjectRef> refs;
    std::vector<Member*> wanted;
    for (Member& member : members) {
        member.driver = member.facts.driver;
        if (!member.snapshot || member.snapshot->content.empty()) continue;
        refs.push_back({kube::kSnapshotContents, "", member.snapshot->content});
        wanted.push_back(&member);
    }
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i].ok()) {
            if (answers[i].error().kind == ErrorKind::kNotFound) continue;
            return answers[i].error().with_context(refs[i].text());
        }
        Member& member = *wanted[i];
        kube::SnapshotContent content = kube::content_of(*answers[i]);
        if (!kube::bound_both_ways(*member.snapshot, content)) continue;
        member.driver = content.driver;
        member.mode_change_allowed = kube::annotation_of(*answers[i], kAllowModeChange) == "true";
        for (const char* key : kImportedAnnotations) {
            const std::string value = kube::annotation_of(*answers[i], key);
            if (!value.empty()) member.content_annotations[key] = value;
        }
        member.content = std::move(content);
    }
    return {};
}

// The old volumes tell the topology that the restored ones must be reachable from. One that is gone is no error.
Status read_old_volumes(kube::ClusterReader& reader, std::vector<Member>& members) {
    std::vector<kube::ObjectRef> refs;
    std::vector<Member*> wanted;
    for (Member& member : members) {
        if (member.facts.volume.empty()) continue;
        refs.push_back({kube::kVolumes, "", member.facts.volume});
        wanted.push_back(&member);
    }
    const auto answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok())
            wanted[i]->old_volume = kube::volume_of(*answers[i]);
        else if (answers[i].error().kind != ErrorKind::kNotFound)
            return answers[i].error().with_context(refs[i].text());
    }
    return {};
}

std::string choices(const std::vector<const Member*>& members) {
    std::vector<std::string> lines;
    for (const Member* member : members) {
        std::string line = member->facts.claim.empty() ? member->text() : member->facts.claim;
        if (member->facts.ordinal >= 0) line += " (--ordinal " + std::to_string(member->facts.ordinal) + ")";
        lines.push_back(std::move(line));
    }
    return join(lines, ", ");
}

}  // namespace

std::string Member::text() const {
    if (!called.empty()) return called;
    return "vs/" + (snapshot ? snapshot->space + "/" : std::string()) + facts.snapshot;
}

long long Member::least_bytes() const {
    if (snapshot && snapshot->restore_size.value_or(0) > 0) return *snapshot->restore_size;
    if (content && content->restore_size.value_or(0) > 0) return *content->restore_size;
    return facts.size_bytes;
}

std::string Member::volume_mode() const {
    if (content && !content->source_volume_mode.empty()) return content->source_volume_mode;
    return facts.volume_mode.empty() ? "Filesystem" : facts.volume_mode;
}

std::string Source::text() const { return (is_set ? "set/" : "vs/") + name; }

kube::Placement Source::placement() const {
    return record ? kube::placement_of(kube::pod_spec_of_workload(record->workload_manifest)) : kube::Placement{};
}

Result<std::vector<kube::Volume>> gather_free_volumes(kube::ClusterReader& reader) {
    std::vector<kube::Volume> free;
    TRY_ASSIGN(const kube::List list, reader.list(kube::kVolumes, ""));
    for (const Json& item : list.items) {
        kube::Volume volume = kube::volume_of(item);
        if (volume.phase == "Available" && !volume.deleting) free.push_back(std::move(volume));
    }
    return free;
}

Result<std::vector<kube::StorageClass>> gather_classes(kube::ClusterReader& reader) {
    TRY_ASSIGN(const kube::List list, reader.list(kube::kStorageClasses, ""));
    std::vector<kube::StorageClass> classes;
    for (const Json& item : list.items) classes.push_back(kube::storage_class_of(item));
    // Of several default classes the newest counts, by name if made in the same second
    // (pkg/volume/util/storageclass.go).
    std::sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) {
        return a.created != b.created ? a.created > b.created : a.name < b.name;
    });
    return classes;
}

Result<std::vector<Member>> gather_members(kube::ClusterReader& reader, const std::string& space,
                                           const std::string& operation, const std::vector<kube::SetMember>& recorded) {
    std::vector<kube::ObjectRef> refs;
    for (const kube::SetMember& one : recorded) refs.push_back({kube::kSnapshots, space, one.snapshot});
    const auto answers = reader.get_all(refs);
    std::vector<Member> members(recorded.size());
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        members[i].facts = recorded[i];
        const Result<Json>& answer = answers[i];
        if (!answer.ok() && answer.error().kind != ErrorKind::kNotFound)
            return answer.error().with_context(refs[i].text());
        if (answer.ok() && kube::label_of(*answer, labels::kOperation) == operation)
            members[i].snapshot = kube::snapshot_of(*answer);
    }
    TRY(read_contents(reader, members));
    TRY(read_old_volumes(reader, members));
    return members;
}

Result<Source> gather_source(kube::ClusterReader& reader, const std::string& space, const std::string& word) {
    TRY_ASSIGN(const kube::SnapshotName parsed, kube::parse_snapshot_name(word));
    Source source;
    source.space = space;
    source.name = parsed.name;
    source.is_set = parsed.is_set;
    TRY(parsed.is_set ? read_set_members(reader, source) : read_single(reader, source));
    TRY(read_contents(reader, source.members));
    TRY(read_old_volumes(reader, source.members));
    TRY_ASSIGN(source.classes, gather_classes(reader));
    TRY_ASSIGN(source.free_volumes, gather_free_volumes(reader));
    return source;
}

Status check_complete(const Source& source) {
    std::vector<std::string> missing;
    for (const Member& member : source.members) {
        if (member.snapshot && !member.snapshot->deleting && (!source.is_set || kube::is_cut(*member.snapshot)))
            continue;
        const std::string who = member.facts.ordinal >= 0 ? "ordinal " + std::to_string(member.facts.ordinal)
                                                          : "claim " + member.facts.claim;
        const std::string why = !member.snapshot            ? " is gone"
                                : member.snapshot->deleting ? " is being deleted"
                                                            : " was not cut";
        missing.push_back(who + " (" + member.text() + why + ")");
    }
    if (missing.empty() && (!source.is_set || !source.record || source.record->complete)) return {};
    if (missing.empty()) missing.push_back("its record says that it was not finished");
    return Error{ErrorKind::kRefused,
                 source.text() + " in namespace " + source.space +
                     (source.is_set ? " is incomplete: " : " cannot be restored: ") + join(missing, ", ") +
                     "; nothing was changed",
                 source.is_set ? "a single snapshot of it can be restored as vs/NAME; `kubectl snap describe " +
                                     source.name + "` shows what is there"
                               : ""};
}

Result<std::vector<const Member*>> select_members(const Source& source, const Selection& selection) {
    std::vector<const Member*> all, chosen;
    for (const Member& member : source.members) all.push_back(&member);
    const auto pick = [&](auto matches) {
        for (const Member* member : all) {
            if ((!selection.ordinal || member->facts.ordinal == *selection.ordinal) && matches(*member))
                chosen.push_back(member);
        }
    };
    pick([&](const Member& member) { return selection.claim.empty() || member.facts.claim == selection.claim; });
    // "data" means the template of that name where no claim is called so.
    if (chosen.empty()) pick([&](const Member& member) { return member.facts.claim_template == selection.claim; });
    if (!chosen.empty()) return chosen;
    std::string what = selection.ordinal ? "ordinal " + std::to_string(*selection.ordinal) : "";
    if (!selection.claim.empty()) what += (what.empty() ? "claim " : " of claim ") + escape_line(selection.claim);
    return Error{ErrorKind::kRefused,
                 source.text() + " has no " + what + "; it has " + choices(all) + "; nothing was changed", ""};
}

Result<const Member*> select_one(const Source& source, const Selection& selection) {
    TRY_ASSIGN(const std::vector<const Member*> members, select_members(source, selection));
    if (members.size() == 1) return members.front();
    return Error{ErrorKind::kRefused,
                 source.text() + " has several claims: " + choices(members) + "; nothing was changed",
                 "choose one with --ordinal N or --claim NAME"};
}

}  // namespace holdfast::copies
