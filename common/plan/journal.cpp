#include "common/plan/journal.h"

#include "common/core/names.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

namespace holdfast::plan {
namespace {

kube::ObjectRef ref_of(const Journal& journal) {
    return {kube::kConfigMaps, journal.space, journal_name(journal.operation)};
}

// An answer that was lost: what is there is our write if it holds our very text.
bool holds(const Result<std::optional<Json>>& found, const Journal& journal) {
    const std::string sent = kube::text_at(journal_to_config_map(journal), "/data/journal.json");
    return found.ok() && found->has_value() && kube::text_at(**found, "/data/journal.json") == sent;
}

}  // namespace

Status check_operation_id(const std::string& operation) { return check_dns_label(operation, "operation"); }

Status write_new(kube::Cluster& cluster, Journal& journal) {
    journal.uid.clear();
    journal.resource_version.clear();
    auto made = cluster.create(journal_to_config_map(journal));
    if (!made.ok()) {
        auto found = cluster.find(ref_of(journal));
        if (!holds(found, journal)) return made.error().with_context(ref_of(journal).text());
        made = **found;
    }
    take_versions(journal, *made);
    return {};
}

Status write_change(kube::Cluster& cluster, Journal& journal) {
    auto made = cluster.replace(ref_of(journal), journal_to_config_map(journal));
    if (!made.ok()) {
        auto found = cluster.find(ref_of(journal));
        if (!holds(found, journal)) return made.error().with_context(ref_of(journal).text());
        made = **found;
    }
    take_versions(journal, *made);
    return {};
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
    return journal_from_config_map(*found);
}

Result<std::vector<Journal>> list_journals(kube::ClusterReader& reader, const std::string& space,
                                           std::vector<std::string>& unreadable) {
    const std::string selector =
        std::string(labels::kManagedBy) + "=" + labels::kManagedByValue + "," + labels::kRole + "=journal";
    TRY_ASSIGN(const kube::List list, reader.list(kube::kConfigMaps, space, {selector, ""}));
    std::vector<Journal> journals;
    for (const Json& item : list.items) {
        auto journal = journal_from_config_map(item);
        if (journal.ok())
            journals.push_back(std::move(*journal));
        else
            unreadable.push_back(journal.error().message);
    }
    return journals;
}

}  // namespace holdfast::plan
