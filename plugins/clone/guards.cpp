#include "plugins/clone/guards.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/quota.h"
#include "common/kube/objects/snapshot.h"
#include "common/kube/objects/storage.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/fresh.h"
#include "plugins/clone/seeds.h"
#include "plugins/clone/sites.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::clone {
namespace {

Error taken(const CloneOptions& options, const kube::Claim& claim, bool unfinished) {
    const std::string what = "pvc/" + options.to_space + "/" + claim.name;
    if (claim.operation.empty())
        return refused(what + " exists already, and Holdfast did not make it", "choose another name for the clone");
    const std::string maker = escape_line(claim.operation);
    if (!unfinished)
        return refused(what + " exists already (made by operation " + maker + ")",
                       "choose another name, or remove the clone: kubectl clone delete NAME -n " + options.to_space);
    return {ErrorKind::kLocked, what + " is being made by operation " + maker + "; nothing was changed",
            "look at it: kubectl clone status " + maker + " -n " + options.space};
}

// What the new claims add to each resource that a quota may bound.
std::map<std::string, long long> demand_of(const CloneOptions& options, const Choice& choice, const Now& now,
                                           const std::string& operation) {
    std::map<std::string, long long> demand;
    std::vector<Copy> copies = choice.copies;
    const Choice seeds = seeds_of(options, choice);
    // A draft is gone before the other ordinals come, but a quota may take its time to count it out again.
    if (!options.sql.empty() && !now.all_prepared(seeds, mark_of(options))) {
        for (Copy& draft : drafts_of(seeds, operation).copies) copies.push_back(std::move(draft));
    }
    for (const Copy& copy : copies) {
        const auto there = now.claims.find(copy.spec.name);
        if (there != now.claims.end() && there->second.operation == operation) continue;
        const std::string of_class = copy.spec.storage_class.name + ".storageclass.storage.k8s.io/";
        for (const std::string& prefix : {std::string(), of_class}) {
            demand[prefix + "requests.storage"] += copy.spec.size.bytes();
            demand[prefix + "persistentvolumeclaims"] += 1;
        }
        demand["count/persistentvolumeclaims"] += 1;
    }
    return demand;
}

std::string amount(const std::string& resource, long long value) {
    return ends_with(resource, "requests.storage") ? human_bytes(value) : std::to_string(value);
}

Status check_quota(const CloneOptions& options, const Choice& choice, const Now& now, const std::string& operation) {
    const auto demand = demand_of(options, choice, now, operation);
    for (const Json& quota : now.quotas) {
        for (const auto& [resource, more] : demand) {
            const auto room = kube::quota_room(quota, resource);
            if (!room || more == 0 || room->takes(more)) continue;
            return refused("resourcequota/" + options.to_space + "/" + kube::name_of(quota) + " has no room: " +
                               resource + " is " + amount(resource, room->hard) + ", " + amount(resource, room->used) +
                               " are used, and the clone needs " + amount(resource, more) + " more",
                           "remove something, have the quota raised, or clone to another namespace");
        }
    }
    return {};
}

}  // namespace

Status check_place(const CloneOptions& options, const Choice& choice, const Now& now, const std::string& operation) {
    if (now.terminating)
        return refused("namespace " + options.to_space + " is terminating: nothing can be created in it",
                       "choose another with --to-namespace");
    for (const auto& [name, claim] : now.claims) {
        if (claim.operation != operation) return taken(options, claim, now.unfinished.contains(claim.operation));
    }
    return check_quota(options, choice, now, operation);
}

Status check_namesake(const CloneOptions& options, const std::optional<kube::Claim>& part, const std::string& begun) {
    if (!part) return {};
    const std::string taken = "a clone is called " + options.name + " already in namespace " + options.to_space +
                              where(options) + ": pvc/" + options.to_space + "/" + part->name +
                              " is a part of it (made by operation " + escape_line(part->operation) + ")";
    if (begun.empty())
        return refused(taken + ", and delete would take both",
                       "choose another name; what there is: kubectl clone list -n " + options.to_space);
    return Error{ErrorKind::kConflict,
                 taken +
                     " since this one was begun, and what selects the one's pods would select the other's; the source "
                     "is intact",
                 "take this one back: kubectl clone abort " + begun + " -n " + options.space};
}

Status check_one_moment(const CloneOptions& options, const Choice& choice, const Now& now,
                        const std::string& operation) {
    if (choice.method != Method::kSnapshot || !now.any_made(operation) || now.all_bound(choice, operation)) return {};
    for (const Member& source : choice.sources) {
        if (source.snapshot && !source.snapshot->deleting) continue;
        return Error{ErrorKind::kConflict,
                     "vs/" + options.space + "/" + source.facts.snapshot +
                         " went before every claim of the clone was made of it: what is missing would be of another "
                         "moment; the source is intact",
                     "take this one back and begin anew: kubectl clone abort " + operation + " -n " + options.space};
    }
    return {};
}

Status check_copied(const CloneOptions& options, const Choice& choice, const Now& now, const std::string& operation) {
    for (const Copy& copy : choice.copies) {
        const auto claim = now.claims.find(copy.spec.name);
        if (claim == now.claims.end() || claim->second.operation != operation) continue;
        const auto volume = now.volumes.find(claim->second.volume);
        if (volume == now.volumes.end() || !kube::volume_of(volume->second).chosen) continue;
        return Error{ErrorKind::kMismatch,
                     "pvc/" + options.to_space + "/" + copy.spec.name + " is bound to pv/" + volume->first +
                         where(options) +
                         ", which was free and is no copy of the source: what is on it is whoever's it was; nothing of "
                         "the clone uses it, and both are left as they are",
                     "see whose pv/" + volume->first + " is; then kubectl clone abort " + operation + " -n " +
                         options.space + ", which leaves that claim",
                     0, ""};
    }
    return {};
}

Status check_unopened(const CloneOptions& options, const Choice& choice, const std::vector<Json>& pods, bool treated,
                      const std::string& operation, bool begun) {
    std::set<std::string> names;
    for (const Copy& copy : choice.copies) names.insert(copy.spec.name);
    for (const Json& pod : pods) {
        const std::string maker = kube::label_of(pod, labels::kOperation);
        const bool own = maker == operation || (maker.empty() && kube::label_of(pod, labels::kClone) == options.name);
        if (own || kube::ended(pod) || (maker.empty() && !treated)) continue;
        for (const std::string& claim : kube::claims_of_pod(pod)) {
            if (!names.contains(claim)) continue;
            const std::string what = "pod/" + options.to_space + "/" + kube::name_of(pod);
            const std::string how =
                (maker.empty() ? what : what + ", a throwaway of operation " + escape_line(maker) + ",") +
                " would open pvc/" + options.to_space + "/" + claim + " as soon as that is made" +
                (maker.empty() ? ", before it is prepared" : "");
            const std::string hint =
                maker.empty() ? "stop that pod first: kubectl delete pod " + shell_quote(kube::name_of(pod)) + " -n " +
                                    options.to_space
                              : "remove what that operation has left: kubectl clone gc -n " + options.to_space;
            if (!begun) return refused(how, hint);
            return Error{ErrorKind::kConflict, how + "; the source is intact", hint};
        }
    }
    return {};
}

Status check_cut(const CloneOptions& options, const LiveFacts& live, const Choice& choice) {
    if (choice.method != Method::kSnapshot) return {};
    for (const Member& source : choice.sources) {
        const std::string name = "vs/" + options.space + "/" + source.facts.snapshot;
        if (!source.snapshot) return Error{ErrorKind::kConflict, name + " was deleted since it was cut"};
        if (!source.content)
            return Error{
                ErrorKind::kConflict, name + " and its content do not point at each other",
                "look at it: kubectl describe volumesnapshot -n " + options.space + " " + source.facts.snapshot};
        const auto volume = live.volumes.find(source.facts.volume);
        const std::string handle = volume == live.volumes.end() ? "" : kube::volume_source_of(volume->second).handle;
        if (source.content->volume_handle == handle) continue;
        // A claim is named, not pointed at: one that was deleted and made again meanwhile has another volume.
        return Error{ErrorKind::kConflict,
                     name + " is not of the volume that " + source.called +
                         " had: object replaced, that claim was deleted and made again meanwhile",
                     "take this clone back with abort, then make a new one"};
    }
    return {};
}

}  // namespace holdfast::clone
