#include "common/plan/drive_parts.h"

#include "common/core/names.h"
#include "common/core/quantity.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "common/os/random.h"
#include "common/plan/describe.h"
#include "common/plan/holding.h"
#include "common/plan/permissions.h"
#include "common/plan/wait.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

std::string id_stem(const Operation& operation) {
    std::string target = to_lower(operation.target());
    for (char& c : target) {
        if (c == '.' || c == '/' || c == '_') c = '-';
    }
    return operation.kind() + "-" + target;
}

// A claim whose volume is swapped is deleted and made anew as it was, without a label of ours; whether it has the right
// volume is the operation's own question.
bool makes_anew(const Journal& journal, const kube::ObjectRef& ref) {
    if (ref.resource != kube::kClaims) return false;
    for (const Json& round : journal.rounds) {
        const Json* steps = kube::find_at(round, "/steps");
        if (steps == nullptr) continue;
        const bool found = std::any_of(steps->begin(), steps->end(), [&](const Json& step) {
            const std::string verb = kube::text_at(step, "/verb");
            return (verb == "delete" || verb == "recreate") &&
                   kube::text_at(step, "/resource") == ref.resource.plural &&
                   kube::text_at(step, "/namespace") == ref.space && kube::text_at(step, "/name") == ref.name;
        });
        if (found) return true;
    }
    return false;
}

// 49: what is gone on with must be what was locked. A workload that is not there may be one that the operation has
// deleted and will make anew; one with our label is one that it has made.
Status same_objects(kube::ClusterReader& reader, const Journal& journal) {
    for (const Lock& lock : journal.locks) {
        TRY_ASSIGN(const std::optional<Json> live, reader.find(lock.workload));
        if (!live || lock.uid.empty() || kube::uid_of(*live) == lock.uid) continue;
        if (kube::label_of(*live, labels::kOperation) == journal.operation) continue;
        if (makes_anew(journal, lock.workload)) continue;
        return Error{ErrorKind::kRefused,
                     lock.workload.text() + ": it is not the object that operation " + journal.operation +
                         " began with: it was deleted and made anew (uid " + escape_line(kube::uid_of(*live)) +
                         ", recorded " + escape_line(lock.uid) + "); nothing was changed",
                     "`status " + journal.operation + "` shows how far it had come", 0, ""};
    }
    return {};
}

// Of an operation whose journal is gone the Lease does not say that it is unfinished.
Result<bool> shares_lock(World& world, Operation& operation, const Journal& lost) {
    TRY_ASSIGN(const std::vector<kube::ObjectRef> targets, operation.lock_targets(world.cluster));
    TRY_ASSIGN(const std::vector<Lock> wanted, resolve_locks(world.cluster, targets));
    return std::any_of(wanted.begin(), wanted.end(), [&](const Lock& lock) {
        return std::any_of(lost.locks.begin(), lost.locks.end(),
                           [&](const Lock& one) { return one.workload == lock.workload; });
    });
}

// A journal that cannot be read may be of this very command: then beginning anew would make a second one.
Status none_unreadable(const std::vector<std::string>& unreadable, const std::vector<Journal>& told,
                       const Operation& operation) {
    const std::string stem = "/" + journal_name(id_stem(operation)) + "-";
    for (const std::string& one : unreadable) {
        if (one.find(stem) == std::string::npos) continue;
        for (const Journal& journal : told) {
            if (names_journal(one, journal)) return Error{ErrorKind::kRefused, one, journal.message, 0, ""};
        }
        return Error{ErrorKind::kRefused, one,
                     "an operation of this kind on " + operation.target() +
                         " is unfinished, and what it has done cannot be known from this journal",
                     0, ""};
    }
    return {};
}

}  // namespace

std::string new_operation_id(const Operation& operation) {
    return bounded_name(id_stem(operation), "-" + random_letters(5), 50);
}

std::string lines_for(const Journal& journal, bool can_abort) {
    const std::string base = "kubectl " + journal.plugin;
    std::string on = "to go on: " + base + " resume " + journal.operation + " -n " + journal.space;
    if (!can_abort) return on;
    return on + "; to take it back: " + base + " abort " + journal.operation + " -n " + journal.space;
}

std::string lines_for(const std::string& plugin, const std::string& operation, const std::string& space) {
    const std::string base = "kubectl " + plugin, on = " " + operation + " -n " + space;
    return "to go on: " + base + " resume" + on + "; whether it can be taken back says: " + base + " abort" + on +
           " --dry-run";
}

std::string lines_without_journal(const Journal& journal) {
    std::vector<std::string> kinds;
    for (const kube::ObjectRef& ref : created_objects(journal)) {
        const std::string kind = ref.resource.qualified();
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
    }
    std::string lines = "somebody deleted the journal of " + journal.operation;
    if (!kinds.empty())
        lines += "; what it made is still there: kubectl get " + join(kinds, ",") + " -n " + journal.space + " -l " +
                 labels::kOperation + "=" + journal.operation;
    const std::vector<kube::ObjectRef> written = written_objects(journal);
    const bool volumes = std::any_of(written.begin(), written.end(),
                                     [](const kube::ObjectRef& ref) { return ref.resource == kube::kVolumes; });
    if (volumes)
        lines += "; volumes that it has taken out are kept: kubectl get pv -l " + std::string(labels::kKept) + "=" +
                 journal.operation;
    return lines;
}

namespace {

Error with_other_arguments(const Journal& open, bool can_abort) {
    return {ErrorKind::kLocked,
            "operation " + open.operation + " on " + target_text(open) +
                " is unfinished and was begun with other arguments; nothing was changed",
            lines_for(open, can_abort), 0, ""};
}

}  // namespace

Result<std::optional<Journal>> find_earlier(World& world, Operation& operation, const DriveOptions& options) {
    const CommandLine& line = options.line;
    const Rebuild rebuild = [&](kube::ClusterReader& reader, const std::string&) { return operation.rebuild(reader); };
    if (line.resume) {
        TRY_ASSIGN(Journal journal, read_or_rebuild(world.cluster, operation.space(), *line.resume, rebuild));
        if (journal.state == "done") {
            return Error{ErrorKind::kRefused,
                         "operation " + journal.operation + " is finished: there is nothing to go on with", "", 0, ""};
        }
        if (!operation.replaces_workload()) TRY(same_objects(world.cluster, journal));
        return std::optional<Journal>(std::move(journal));
    }
    std::vector<std::string> unreadable;
    TRY_ASSIGN(std::vector<Journal> journals, list_journals(world.cluster, operation.space(), unreadable));
    std::vector<Journal> unread;
    TRY(rebuild_lost(world.cluster, operation.space(), rebuild, journals, unreadable, unread));
    TRY(none_unreadable(unreadable, unread, operation));
    std::erase_if(journals, [](const Journal& one) { return one.state == "done"; });
    const std::string hash = argument_hash(line, operation.manner_flags());
    for (Journal& one : journals) {
        if (one.argument_hash != hash) continue;
        if (!operation.replaces_workload()) TRY(same_objects(world.cluster, one));
        return std::optional<Journal>(std::move(one));
    }
    for (const Journal& one : journals) {
        const bool same = one.kind == operation.kind() && one.target == operation.target();
        TRY_ASSIGN(const bool held,
                   !same && one.uid.empty() ? shares_lock(world, operation, one) : Result<bool>(false));
        if (!same && !held) continue;
        return with_other_arguments(one, !options.can_abort || options.can_abort(world.cluster, one));
    }
    return std::optional<Journal>();
}

Status check_allowed(kube::ClusterReader& reader, const std::vector<kube::AccessCheck>& checks,
                     const std::string& plugin, kube::ClusterReader* other) {
    TRY_ASSIGN(const std::vector<bool> allowed, allowed_at(reader, other, checks));
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < checks.size() && i < allowed.size(); ++i) {
        const kube::AccessCheck& check = checks[i];
        if (allowed[i]) continue;
        missing.push_back(check.verb + " " + check.resource.qualified() +
                          (check.subresource.empty() ? "" : "/" + check.subresource) +
                          (check.space.empty() ? "" : " in namespace " + check.space) +
                          (check.site == kube::Site::kThere ? " of the other cluster" : ""));
    }
    if (missing.empty()) return {};
    return Error{ErrorKind::kForbidden, "not allowed: " + join(missing, ", ") + "; nothing was changed",
                 "`kubectl " + plugin + " rbac` prints the role that is needed", 0, ""};
}

// The message names those limits alone that are exceeded (kubernetes apiserver pkg/admission/plugin/resourcequota
// controller.go, checkRequest): "exceeded quota: q, requested: count/x=1, used: count/x=3, limited: count/x=3".
bool waits_for_its_place(const Step& step, const Error& error) {
    const auto* create = std::get_if<Create>(&step.action);
    if (create == nullptr || !create->beside) return false;
    const std::string counted = "count/" + ref_of_manifest(create->manifest).resource.qualified() + "=";
    const std::size_t at = error.message.find("exceeded quota: ");
    const std::size_t asked = error.message.find(", requested: " + counted + "1, used: " + counted, at);
    const std::size_t limit = error.message.find(", limited: " + counted, asked);
    if (at == std::string::npos || asked == std::string::npos || limit == std::string::npos) return false;
    const auto number_at = [&](std::size_t from) {
        return Quantity::parse(error.message.substr(from, error.message.find_first_not_of("0123456789", from) - from));
    };
    const auto used = number_at(error.message.find("used: " + counted, asked) + 6 + counted.size());
    const auto most = number_at(limit + 11 + counted.size());
    return used.ok() && most.ok() && *used <= *most;
}

Json stop_event(const Journal& journal, const kube::ObjectRef& on, const std::string& uid, const std::string& message,
                const std::string& time) {
    return {{"apiVersion", "v1"},
            {"kind", "Event"},
            {"metadata",
             {{"name", bounded_name("holdfast." + journal.operation, "." + random_letters(5), 253)},
              {"namespace", journal.space}}},
            {"involvedObject",
             {{"apiVersion", on.resource.api_version()},
              {"kind", on.resource.kind},
              {"namespace", on.space},
              {"name", on.name},
              {"uid", uid}}},
            {"type", "Warning"},
            {"reason", "HoldfastStopped"},
            {"message", (journal.operation + " stopped: " + message).substr(0, 1000)},
            {"source", {{"component", "kubectl-" + journal.plugin}}},
            {"firstTimestamp", time},
            {"lastTimestamp", time},
            {"count", 1}};
}

namespace {

// Of the namespace, whichever operation keeps them: an undo has not marked all that it would have put back.
std::vector<std::string> kept_volumes(kube::ClusterReader& reader, const std::string& space) {
    std::vector<std::string> names;
    for (const char* label : {labels::kKept, labels::kPutIn}) {
        const auto list = reader.list(kube::kVolumes, "", {label, ""});
        if (!list.ok()) continue;
        for (const Json& object : list->items) {
            const kube::Volume volume = kube::volume_of(object);
            if (volume.claim_space == space && volume.reclaim_policy == "Retain") names.push_back("pv/" + volume.name);
        }
    }
    return names;
}

}  // namespace

std::optional<Error> lost_with_its_space(kube::ClusterReader& reader, const Journal& journal, const Error& error,
                                         const std::function<bool()>& told) {
    const bool perhaps = error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kConflict ||
                         error.kind == ErrorKind::kLocked || error.reason == kNeverMore ||
                         error.message.find("being terminated") != std::string::npos;
    if (!perhaps) return std::nullopt;
    const auto space = reader.find({kube::kNamespaces, "", journal.space});
    const bool gone = space.ok() && !*space;
    const bool goes = space.ok() && *space && kube::deleting(**space);
    // Who may not look at namespaces hears it from a write that was refused.
    const bool heard =
        !space.ok() && error.message.find("namespaces \"" + journal.space + "\" not found") != std::string::npos;
    if (!gone && !goes && !heard) return std::nullopt;
    const std::vector<std::string> kept = kept_volumes(reader, journal.space);
    const std::string base = "kubectl " + journal.plugin;
    return Error{
        ErrorKind::kConflict,
        "somebody deleted namespace " + journal.space + " while " + journal.operation + " was at work" +
            (goes ? ", and it is still going: " : ": ") + target_text(journal) +
            ", claims, snapshots and the journal go with it; " +
            (kept.empty() ? "no volume of it is kept by an operation: each stays or goes as its own reclaim policy says"
                          : "kept, under Retain, with all that is on them: " + join(kept, ", ")),
        told() ? "make it again, then end the operation, which says what each of these volumes was: kubectl "
                 "create namespace " +
                     journal.space + "; " + base + " abort " + journal.operation + " -n " + journal.space
               : "nothing of the operation is left to go on with; what Retain keeps lists: kubectl get pv",
        0, ""};
}

}  // namespace holdfast::plan
