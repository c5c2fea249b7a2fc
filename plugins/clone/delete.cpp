#include "plugins/clone/delete.h"

#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/pod_references.h"
#include "common/kube/objects/workload.h"
#include "common/plan/journal.h"
#include "common/plan/make_step.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

Error no_such_clone(kube::ClusterReader& reader, const DeleteOptions& options, const std::string& name) {
    std::vector<std::string> names;
    const auto all = known_clones(reader, options.space, "");
    if (all.ok()) {
        for (const KnownClone& one : *all) {
            if (!one.only_left()) names.push_back(one.name);
        }
    }
    Error error{ErrorKind::kNotFound,
                "no clone " + escape_line(name) + " in namespace " + options.space +
                    (options.operation.empty() ? "" : " made by operation " + escape_line(options.operation)) +
                    "; nothing was changed"};
    if (!options.operation.empty()) {
        error.hint = "see: kubectl clone list -o wide -n " + options.space;
        return error;
    }
    const std::vector<std::string> near = nearest(name, names);
    error.hint = near.empty() ? "see: kubectl clone list -A" : "did you mean " + join(near, ", ") + "?";
    return error;
}

// Made at one time from two sources: each saw that the name was free.
Error two_of_a_name(const std::vector<KnownClone>& clones) {
    std::vector<std::string> each;
    for (const KnownClone& one : clones)
        each.push_back("of " + escape_line(one.from) + " by operation " + escape_line(one.operation));
    const KnownClone& first = clones.front();
    return refused("namespace " + first.space + " has more than one clone " + first.name + ": " + join(each, ", "),
                   "say which: kubectl clone delete " + first.name + " -n " + first.space + " --operation " +
                       shell_quote(first.operation));
}

// A clone that is still being made is taken back by abort, which knows what of it is not there yet.
Status check_finished(kube::ClusterReader& reader, const DeleteOptions& options, const KnownClone& clone) {
    std::set<std::string> spaces = {options.space};
    if (!clone.source_space().empty()) spaces.insert(clone.source_space());
    for (const std::string& space : spaces) {
        std::vector<std::string> damaged;
        const auto journals = plan::list_journals(reader, space, damaged);
        // Whoever may not look beside the source is told by the label alone.
        if (!journals.ok() && journals.error().kind == ErrorKind::kForbidden && space != options.space) continue;
        if (!journals.ok()) return journals.error();
        // Of one that is made from another cluster there is a signpost, which says where its journal is.
        for (const std::string& one : damaged) {
            if (one.find("/" + plan::journal_name(clone.operation) + ":") == std::string::npos) continue;
            return Error{ErrorKind::kLocked, "clone " + clone.name + " is not finished; nothing was changed: " + one};
        }
        for (const plan::Journal& journal : *journals) {
            if (journal.operation != clone.operation) continue;
            return Error{ErrorKind::kLocked,
                         "clone " + clone.name + " is not finished: operation " + journal.operation +
                             " is still at it; nothing was changed",
                         "take it back: kubectl clone abort " + journal.operation + " -n " + journal.space};
        }
    }
    return {};
}

Status check_unused(const DeleteOptions& options, const Removal& removal) {
    if (removal.users.empty()) return {};
    const auto& [claim, pod] = *removal.users.begin();
    return refused("pod/" + options.space + "/" + pod + " uses pvc/" + claim + ": it would stay as long as the pod",
                   "stop that pod first: kubectl delete pod " + shell_quote(pod) + " -n " + options.space);
}

Json record_of(const DeleteOptions& options, const Removal& removal) {
    Json record = {{"deletes", options.names}, {"objects", Json::array()}, {"policies", Json::object()}};
    for (const Belonging& one : removal.belongings)
        record["objects"].push_back({{"group", one.ref.resource.group},
                                     {"plural", one.ref.resource.plural},
                                     {"name", one.ref.name},
                                     {"uid", kube::uid_of(one.object)}});
    for (const kube::Volume& volume : removal.volumes)
        record["policies"][volume.name] = {{"policy", volume.reclaim_policy}, {"uid", volume.uid}};
    return record;
}

// What the clone's StatefulSet has made itself holds what was written to the clone alone: it was not made by us.
Status tell_of_later(kube::ClusterReader& reader, const DeleteOptions& options, const KnownClone& clone,
                     plan::Plan& plan) {
    if (clone.count(kube::kStatefulSets) == 0) return {};
    TRY_ASSIGN(const kube::List claims,
               reader.list(kube::kClaims, options.space, {std::string(labels::kClone) + "=" + clone.name, ""}));
    for (const Json& claim : claims.items) {
        if (kube::label_of(claim, labels::kRole) == "clone") continue;
        const std::string name = kube::name_of(claim);
        plan.notes.push_back("pvc/" + options.space + "/" + name +
                             " is left: the clone's StatefulSet made it, when it was scaled up or a claim was missing; "
                             "if nobody wants what it holds: kubectl delete pvc " +
                             shell_quote(name) + " -n " + options.space);
    }
    return {};
}

// Its Service means the clone's pods alone, and goes with them; whoever sends to it has nobody to send to.
Status tell_of_senders(kube::ClusterReader& reader, const DeleteOptions& options, const KnownClone& clone,
                       plan::Plan& plan) {
    if (clone.count(kube::kServices) == 0) return {};
    const auto ingresses = reader.list(kube::kIngresses, options.space);
    const auto kind = ingresses.ok() ? ErrorKind::kInternal : ingresses.error().kind;
    if (kind == ErrorKind::kForbidden || kind == ErrorKind::kNotFound) return {};
    if (!ingresses.ok()) return ingresses.error();
    for (const Json& ingress : ingresses->items) {
        const std::set<std::string> services = kube::services_of_ingress(ingress);
        for (const KnownObject& one : clone.objects) {
            if (!(one.ref.resource == kube::kServices) || !services.contains(one.ref.name)) continue;
            plan.notes.push_back("ingress/" + options.space + "/" + kube::name_of(ingress) + " sends to service/" +
                                 one.ref.name + ", which goes with the clone");
        }
    }
    return {};
}

}  // namespace

Result<DeleteOptions> delete_options(app::Context& context, const app::Arguments& arguments) {
    DeleteOptions options;
    options.names = arguments.positionals;
    for (const std::string& name : options.names) TRY(check_dns_subdomain(name, "the clone's name"));
    std::sort(options.names.begin(), options.names.end());
    options.names.erase(std::unique(options.names.begin(), options.names.end()), options.names.end());
    options.operation = arguments.text("operation");
    if (!options.operation.empty() && options.names.size() > 1)
        return Error{ErrorKind::kUsage, "--operation says which clone of one name is meant: give one name", ""};
    TRY_ASSIGN(options.space, context.space());
    return options;
}

Result<std::optional<KnownClone>> Delete::find(kube::ClusterReader& reader, const std::string& name, bool resuming,
                                               plan::Plan& plan) const {
    TRY_ASSIGN(std::vector<KnownClone> found, known_clones(reader, options_.space, name));
    std::vector<KnownClone> there;
    for (KnownClone& one : found) {
        for (const std::string& stranger : one.strangers)
            plan.notes.push_back(stranger + " is left: it has the labels of clone " + name +
                                 ", but was not made under this name");
        const bool meant = options_.operation.empty() || one.operation == options_.operation;
        const bool is_one = !one.objects.empty() && (resuming || !one.only_left());
        if (meant && is_one) there.push_back(std::move(one));
    }
    if (there.size() > 1 && !resuming) return two_of_a_name(there);
    if (there.empty()) return std::optional<KnownClone>();
    return std::optional(std::move(there.front()));
}

Result<std::vector<KnownClone>> Delete::gather(kube::ClusterReader& reader, bool resuming, plan::Plan& plan) const {
    std::vector<KnownClone> clones;
    for (const std::string& name : options_.names) {
        TRY_ASSIGN(std::optional<KnownClone> clone, find(reader, name, resuming, plan));
        if (!clone && !resuming) return no_such_clone(reader, options_, name);
        if (!clone) continue;
        if (!resuming) TRY(check_finished(reader, options_, *clone));
        TRY(tell_of_later(reader, options_, *clone, plan));
        TRY(tell_of_senders(reader, options_, *clone, plan));
        clones.push_back(std::move(*clone));
    }
    return clones;
}

Result<plan::Plan> Delete::plan(kube::ClusterReader& reader, const plan::Input& input) {
    plan::Plan plan;
    TRY_ASSIGN(const std::vector<KnownClone> clones, gather(reader, input.resuming, plan));
    std::vector<kube::ObjectRef> refs;
    std::set<std::string> uids;
    for (const KnownClone& clone : clones) {
        for (const KnownObject& one : clone.objects) {
            refs.push_back(one.ref);
            uids.insert(kube::uid_of(one.object));
        }
    }
    TRY_ASSIGN(const Removal removal,
               gather_removal(reader, refs, [&](const Json& object) { return uids.contains(kube::uid_of(object)); }));
    if (!input.resuming) TRY(check_unused(options_, removal));
    std::vector<std::string> notes = std::move(plan.notes);
    plan = plan_removal(removal);
    plan.notes.insert(plan.notes.end(), notes.begin(), notes.end());
    plan.record = record_of(options_, removal);
    plan.later_needs.push_back({"get", kube::kConfigMaps, options_.space, "", ""});  // a resume reads the journal
    removed_.clear();
    for (const plan::Step& step : plan.steps) {  // not what is left since somebody needs it
        if (const auto* removes = std::get_if<plan::Delete>(&step.action)) removed_.push_back(removes->ref);
    }
    removed_uids_.assign(uids.begin(), uids.end());
    return plan;
}

// What is deleted stays deleted: taken back is only a deletion that has not begun.
Result<std::optional<plan::Plan>> Delete::take_back(kube::ClusterReader& reader, const plan::Input& input) {
    plan::Plan back;
    const Json objects = input.record.value("objects", Json::array());
    const Json policies = input.record.value("policies", Json::object());
    for (const Json& one : objects) {
        const kube::Resource* resource = kube::find_plural(kube::text_at(one, "/group"), kube::text_at(one, "/plural"));
        if (resource == nullptr) continue;
        const kube::ObjectRef ref{*resource, options_.space, kube::text_at(one, "/name")};
        TRY_ASSIGN(const std::optional<Json> object, reader.find(ref));
        if (object && !kube::deleting(*object) && kube::uid_of(*object) == kube::text_at(one, "/uid")) continue;
        return Error{ErrorKind::kRefused,
                     "refusing to abort " + input.operation + ": " + ref.text() +
                         " is deleted already, and that cannot be taken back; nothing was changed",
                     "finish it: kubectl clone resume " + input.operation + " -n " + options_.space};
    }
    for (const auto& [name, was] : policies.items()) {
        const std::string policy = kube::text_at(was, "/policy");
        TRY_ASSIGN(const std::optional<Json> volume, reader.find({kube::kVolumes, "", name}));
        if (!volume || kube::uid_of(*volume) != kube::text_at(was, "/uid") ||
            kube::reclaim_policy_of(*volume) == policy)
            continue;
        back.steps.push_back(plan::patch_step(
            "put-back-" + name, "set the reclaim policy of pv/" + name + " back to " + escape_line(policy), "as it was",
            {kube::kVolumes, "", name}, kube::uid_of(*volume),
            {{"spec", {{"persistentVolumeReclaimPolicy", policy}}}}));
    }
    return std::optional(std::move(back));
}

Result<plan::Report> Delete::report(kube::ClusterReader& reader, const plan::Input&) {
    const auto left = reader.get_all(removed_);
    for (std::size_t i = 0; i < removed_.size(); ++i) {
        const bool same =
            left[i].ok() && std::binary_search(removed_uids_.begin(), removed_uids_.end(), kube::uid_of(*left[i]));
        if (same)
            return Error{ErrorKind::kUnavailable, removed_[i].text() + " is still there", "run the same command again"};
    }
    plan::Report report;
    report.json = {{"apiVersion", "holdfast.dev/v1"},
                   {"kind", "DeletedClones"},
                   {"namespace", options_.space},
                   {"items", Json::array()}};
    for (const std::string& name : options_.names) {
        report.text += "clone/" + name + " deleted\n";
        report.names.push_back("clone/" + name);
        report.json["items"].push_back({{"name", "clone/" + name}});
    }
    return report;
}

}  // namespace holdfast::clone
