#include "common/plan/journal.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

constexpr int kChangeTries = 5;  // of a change that somebody's annotation was faster than

kube::ObjectRef ref_of(const Journal& journal) {
    return {kube::kConfigMaps, journal.space, journal_name(journal.operation)};
}

// An answer that was lost: what is there is our write if it holds our very text.
bool holds(const Result<std::optional<Json>>& found, const Journal& journal) {
    const std::string sent = kube::text_at(journal_to_config_map(journal), "/data/journal.json");
    return found.ok() && found->has_value() && kube::text_at(**found, "/data/journal.json") == sent;
}

// Belongs to the head, and goes with it.
Json owned(Json shard, const Journal& journal) {
    shard["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                         {"kind", "ConfigMap"},
                                                         {"name", journal_name(journal.operation)},
                                                         {"uid", journal.uid}}});
    return shard;
}

// The name is taken: by the same text, or by one that somebody edited or that belongs to a journal which is gone.
Status settle_shard(kube::Cluster& cluster, const kube::ObjectRef& ref, Json shard) {
    TRY_ASSIGN(const std::optional<Json> found, cluster.find(ref));
    if (!found) return Error{ErrorKind::kUnavailable, ref.text() + ": it could not be made", "", 0, ""};
    const bool same = kube::text_at(*found, "/data/part") == kube::text_at(shard, "/data/part") &&
                      kube::text_at(*found, "/metadata/ownerReferences/0/uid") ==
                          kube::text_at(shard, "/metadata/ownerReferences/0/uid");
    if (same && !kube::deleting(*found)) return {};
    shard["metadata"]["resourceVersion"] = kube::version_of(*found);
    shard["metadata"]["uid"] = kube::uid_of(*found);
    const auto replaced = cluster.replace(ref, shard);
    return replaced.ok() ? Status() : Status(replaced.error().with_context(ref.text()));
}

Status write_shards(kube::Cluster& cluster, Journal& journal, std::map<std::string, Json> shards) {
    std::vector<std::string> hashes;
    std::vector<Json> manifests;
    for (auto& [hash, shard] : shards) {
        if (journal.shards.contains(hash)) continue;
        hashes.push_back(hash);
        manifests.push_back(owned(std::move(shard), journal));
    }
    const auto made = cluster.create_all(manifests);
    for (std::size_t i = 0; i < made.size(); ++i) {
        if (!made[i].ok()) {
            const kube::ObjectRef ref{kube::kConfigMaps, journal.space, shard_name(journal.operation, hashes[i])};
            const ErrorKind kind = made[i].error().kind;
            const bool look = kind == ErrorKind::kAlreadyExists || kind == ErrorKind::kUnavailable ||
                              kind == ErrorKind::kTimeout || kind == ErrorKind::kConnect;
            if (!look) return made[i].error().with_context(ref.text());
            TRY(settle_shard(cluster, ref, std::move(manifests[i])));
        }
        journal.shards.insert(hashes[i]);
    }
    return {};
}

// One request for each shard, eight in flight; those that cannot be had are left out.
Result<std::map<std::string, std::string>> read_shards(kube::ClusterReader& reader, const Json& head,
                                                       const std::string& operation,
                                                       const std::vector<std::string>& hashes) {
    std::vector<kube::ObjectRef> refs;
    for (const std::string& hash : hashes)
        refs.push_back({kube::kConfigMaps, kube::space_of(head), shard_name(operation, hash)});
    std::map<std::string, std::string> texts;
    const auto found = reader.get_all(refs);
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!found[i].ok() && found[i].error().kind != ErrorKind::kNotFound)
            return found[i].error().with_context(refs[i].text());
        if (found[i].ok()) texts[hashes[i]] = kube::text_at(*found[i], "/data/part");
    }
    return texts;
}

// "" : none is named.
std::string operation_in(const Json& head) {
    const std::string stem = journal_name("");
    const std::string name = kube::name_of(head);
    return starts_with(name, stem) ? name.substr(stem.size()) : "";
}

Result<Journal> with_shards(kube::ClusterReader& reader, const Json& head) {
    return journal_from_config_map(head, [&](const std::vector<std::string>& hashes) {
        return read_shards(reader, head, operation_in(head), hashes);
    });
}

Error lacks_parts(const Journal& journal) {
    return {ErrorKind::kInvalid,
            ref_of(journal).text() +
                ": parts of this journal are lost, since their shard is gone: " + join(journal.lost, ", "),
            "what the operation made carries its id in the label " + std::string(labels::kOperation), 0, ""};
}

// What a newer Holdfast wrote, or what lies in another cluster, can still be read there.
bool is_damaged(const Error& error) { return error.kind == ErrorKind::kInvalid || error.reason == kJournalEdited; }

std::string way_without(const Journal& told) {
    return "the journal is damaged, but claims and volumes tell of the operation; put back what was there, or: kubectl "
           "delete configmap " +
           journal_name(told.operation) + " -n " + told.space + "; then: kubectl " + told.plugin + " resume " +
           told.operation + " -n " + told.space + ", or abort";
}

Error with_way_on(kube::ClusterReader& reader, const std::string& space, const std::string& operation,
                  const Rebuild& rebuild, Error error) {
    if (!is_damaged(error) || !rebuild) return error;
    const auto told = rebuild(reader, space);
    if (!told.ok()) return error;
    for (const Journal& one : *told) {
        if (one.operation == operation) error.hint = way_without(one);
    }
    return error;
}

Journal unread_one(Journal told, const Error& error) {
    told.state = is_damaged(error) ? "damaged" : "unreadable";
    told.message = is_damaged(error) ? way_without(told) : error.message + "; " + error.hint;
    return told;
}

// What a journal says of itself stays; what was planned and recorded is as the objects tell it.
void mend(Journal& journal, Journal rebuilt) {
    journal.record = std::move(rebuilt.record);
    journal.rounds = std::move(rebuilt.rounds);
    journal.lost.clear();
    journal.shards.clear();
}

Journal* journal_in(std::vector<Journal>& journals, const Journal& like) {
    const auto found = std::find_if(journals.begin(), journals.end(), [&](const Journal& one) {
        return one.operation == like.operation && one.space == like.space;
    });
    return found == journals.end() ? nullptr : &*found;
}

// Somebody's label on it is no reason to stop with a workload down; a later owner has raised the epoch.
bool still_of_its_owner(const Json& head, const Journal& journal) {
    const auto there = journal_from_config_map(head);
    return there.ok() && there->uid == journal.uid && there->epoch == journal.epoch && there->owner == journal.owner;
}

Status create_head(kube::Cluster& cluster, Journal& journal, const Journal& written) {
    auto made = cluster.create(journal_to_config_map(written));
    if (!made.ok()) {
        auto found = cluster.find(ref_of(journal));
        if (!holds(found, written)) return made.error().with_context(ref_of(journal).text());
        made = **found;
    }
    take_versions(journal, *made);
    return {};
}

}  // namespace

Status check_operation_id(const std::string& operation) { return check_dns_label(operation, "operation"); }

Status write_new(kube::Cluster& cluster, Journal& journal) {
    journal.uid.clear();
    journal.resource_version.clear();
    journal.shards.clear();
    if (journal_objects(journal).shards.empty()) return create_head(cluster, journal, journal);
    Journal begun = journal;
    begun.rounds = Json::array();
    begun.record = Json::object();
    TRY(create_head(cluster, journal, begun));
    return write_change(cluster, journal);
}

Status write_change(kube::Cluster& cluster, Journal& journal) {
    for (int attempt = 1;; ++attempt) {
        JournalObjects objects = journal_objects(journal);
        TRY(write_shards(cluster, journal, std::move(objects.shards)));
        auto made = cluster.replace(ref_of(journal), objects.head);
        if (!made.ok()) {
            auto found = cluster.find(ref_of(journal));
            const bool there = found.ok() && found->has_value();
            const bool moved = made.error().kind == ErrorKind::kConflict && attempt < kChangeTries;
            if (there && moved && still_of_its_owner(**found, journal)) {
                journal.resource_version = kube::version_of(**found);
                continue;
            }
            if (!holds(found, journal)) return made.error().with_context(ref_of(journal).text());
            made = **found;
        }
        take_versions(journal, *made);
        return {};
    }
}

Status erase(kube::Cluster& cluster, const Journal& journal) {
    std::string version = journal.resource_version;
    for (int attempt = 1;; ++attempt) {
        const Status gone = cluster.remove(ref_of(journal), {journal.uid, version});
        if (gone.ok()) return {};
        // "Not found" may be the word of a proxy, and an answer may have been lost: what is there now decides.
        const auto there = read_journal(cluster, journal.space, journal.operation);
        if (!there.ok() && there.error().kind == ErrorKind::kNotFound) return {};
        // Somebody's annotation is no reason to keep it; a later owner's journal is not ours to remove.
        const bool ours =
            there.ok() && there->uid == journal.uid && there->epoch == journal.epoch && there->owner == journal.owner;
        const bool for_good =
            gone.error().kind == ErrorKind::kForbidden || gone.error().kind == ErrorKind::kUnauthorized;
        if (for_good || !ours || attempt == 3) return gone.error().with_context(ref_of(journal).text());
        version = there->resource_version;
    }
}

Result<Journal> read_journal(kube::ClusterReader& reader, const std::string& space, const std::string& operation) {
    TRY(check_operation_id(operation));
    TRY_ASSIGN(const std::optional<Json> found, reader.find({kube::kConfigMaps, space, journal_name(operation)}));
    if (!found) {
        return Error{ErrorKind::kNotFound, "operation " + operation + " not found in namespace " + space,
                     "finished operations leave no journal; `status` lists those that are open", 0, ""};
    }
    return with_shards(reader, *found);
}

Result<std::vector<Journal>> list_journals(kube::ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& unreadable) {
    const std::string selector =
        std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole + "=journal";
    TRY_ASSIGN(const kube::List list, reader.list(kube::kConfigMaps, space, {selector, ""}));
    std::vector<Journal> journals;
    for (const Json& item : list.items) {
        auto journal = with_shards(reader, item);
        const bool ours = !journal.ok() &&
                          (journal.error().kind == ErrorKind::kInvalid || journal.error().kind == ErrorKind::kRefused);
        if (!journal.ok() && !ours) return journal.error();
        if (journal.ok())
            journals.push_back(std::move(*journal));
        else
            unreadable.push_back(journal.error().message);
    }
    return journals;
}

Result<Journal> read_or_rebuild(kube::ClusterReader& reader, const std::string& space, const std::string& operation,
                                const Rebuild& rebuild) {
    auto journal = read_journal(reader, space, operation);
    const bool gone = !journal.ok() && journal.error().kind == ErrorKind::kNotFound;
    if (!gone && !journal.ok()) return with_way_on(reader, space, operation, rebuild, journal.error());
    if (!gone && journal->lost.empty()) return journal;
    auto told = rebuild ? rebuild(reader, space) : Result<std::vector<Journal>>(std::vector<Journal>());
    if (!told.ok() && gone && told.error().kind == ErrorKind::kForbidden) {
        Error error = journal.error();
        error.hint += "; whether objects tell of it could not be seen: " + told.error().message;
        return error;
    }
    if (!told.ok()) return told.error();
    for (Journal& one : *told) {
        if (one.operation != operation) continue;
        if (gone) return std::move(one);
        mend(*journal, std::move(one));
        return journal;
    }
    return gone ? journal.error() : lacks_parts(*journal);
}

bool names_journal(const std::string& line, const Journal& journal) {
    return starts_with(line, ref_of(journal).text() + ":");
}

Status rebuild_lost(kube::ClusterReader& reader, const std::string& space, const Rebuild& rebuild,
                    std::vector<Journal>& journals, std::vector<std::string>& damaged, std::vector<Journal>& unread) {
    std::vector<Journal> told;
    if (rebuild) {
        TRY_ASSIGN(told, rebuild(reader, space));
    }
    for (Journal& one : told) {
        Journal* known = journal_in(journals, one);
        const bool unreadable = std::any_of(damaged.begin(), damaged.end(),
                                            [&](const std::string& line) { return names_journal(line, one); });
        if (known != nullptr && !known->lost.empty()) {
            mend(*known, std::move(one));
        } else if (known == nullptr && unreadable) {
            auto there = read_journal(reader, one.space, one.operation);
            if (there.ok())
                journals.push_back(std::move(*there));
            else
                unread.push_back(unread_one(std::move(one), there.error()));
        } else if (known == nullptr) {
            journals.push_back(std::move(one));
        }
    }
    for (const Journal& one : journals) {
        if (!one.lost.empty()) damaged.push_back(lacks_parts(one).message);
    }
    std::erase_if(journals, [](const Journal& one) { return !one.lost.empty(); });
    return {};
}

}  // namespace holdfast::plan
