#include "plugins/clone/choice.h"

#include "common/copies/live_members.h"
#include "common/copies/snapshot_class.h"
#include "common/copies/workload_claims.h"
#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/storage.h"
#include "plugins/clone/placing.h"
#include "plugins/clone/sites.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::clone {
namespace {

constexpr std::size_t kNameLimit = 253;

std::string claim_text(const CloneOptions& options, const Member& member) {
    return "pvc/" + options.space + "/" + member.facts.claim;
}

bool has_class_for(const LiveFacts& live, const std::string& driver) {
    return std::any_of(live.classes.begin(), live.classes.end(),
                       [&](const Json& one) { return kube::snapshot_class_of(one).driver == driver; });
}

// The first driver that has no snapshot class; "" : all have one.
std::string driver_without_class(const LiveFacts& live, const std::vector<Member>& sources) {
    for (const Member& source : sources) {
        if (!live.has_snapshot_api || !has_class_for(live, source.driver)) return source.driver;
    }
    return "";
}

Status decide_method(const CloneOptions& options, const LiveFacts& live, Choice& choice) {
    const std::string lacking = driver_without_class(live, choice.sources);
    const std::string no_class = live.has_snapshot_api
                                     ? "driver " + escape_line(lacking) + " has no VolumeSnapshotClass"
                                     : "the cluster has no snapshot API";
    choice.method = options.method;
    if (options.method == Method::kClone) {
        if (options.elsewhere())
            return refused("--method clone: a driver clones only within one namespace, and the clone is to be in " +
                               options.to_space + where(options) + ", not in " + options.space,
                           options.other ? "--method snapshot works across clusters on the same storage"
                                         : "--method snapshot works across namespaces");
        choice.why = "as given";
        return {};
    }
    if (lacking.empty()) {
        choice.method = Method::kSnapshot;
        choice.why =
            options.method == Method::kSnapshot ? "as given"
            : options.elsewhere()
                ? "a driver clones only within one namespace"
                : "the driver has a VolumeSnapshotClass; whether it can clone volumes nothing tells beforehand";
        return {};
    }
    if (options.method == Method::kSnapshot)
        return refused("--method snapshot: " + no_class,
                       options.elsewhere() ? "" : "--method clone asks the driver to copy the volume");
    if (options.elsewhere())
        return refused(no_class + ", and a driver clones only within one namespace, not from " + options.space +
                           " to " + options.to_space + where(options),
                       "clone within " + options.space + ", or make a VolumeSnapshotClass for that driver");
    choice.method = Method::kClone;
    choice.why = no_class + ": the driver is asked to clone; whether it can is seen only when it tries";
    return {};
}

Status take_classes(const CloneOptions& options, const LiveFacts& live, Choice& choice, const std::string& operation) {
    if (choice.method != Method::kSnapshot) return {};
    ClassChooser classes(live.classes, options.snapshot_class);
    for (Member& source : choice.sources) {
        TRY_ASSIGN(source.facts.snapshot_class, classes.choose(source.driver, claim_text(options, source)));
        source.facts.snapshot = snapshot_name(operation, source.facts.claim);
    }
    return {};
}

// A StatefulSet finds its claims by their names: TEMPLATE-SET-ORDINAL.
std::string copy_name(const CloneOptions& options, const Member& source, int ordinal) {
    if (*options.source.resource == kube::kClaims) return options.name;
    if (ordinal >= 0) return source.facts.claim_template + "-" + options.name + "-" + std::to_string(ordinal);
    return options.name + "-" + source.facts.claim;
}

Result<ClaimSpec> spec_of(const CloneOptions& options, const std::vector<kube::StorageClass>& classes,
                          const Member& member) {
    Source source;
    source.space = options.space;
    source.name = member.facts.claim;
    source.classes = classes;
    TRY_ASSIGN(ClaimSpec spec, choose_claim(source, member, options.wishes));
    spec.space = options.to_space;
    return spec;
}

// Where the throwaway pod must not go, or the driver cannot copy to. A snapshot that is restored at once by a class
// without a pod may well get to another zone: that the storage decides.
Status check_zones(const Choice& choice, const Member& member, const kube::StorageClass& storage_class) {
    if (!member.old_volume || (choice.method == Method::kSnapshot && !storage_class.waits_for_pod())) return {};
    if (kube::topologies_meet(member.old_volume->topology, storage_class.topology)) return {};
    return refused("storageclass " + storage_class.name + " makes volumes only in " +
                       join(storage_class.places, " or ") + ", and the volume of " + member.called + " is in " +
                       join(member.old_volume->places, " or "),
                   "choose a class that has that place too: --storage-class");
}

Status add_copy(const CloneOptions& options, const std::vector<kube::StorageClass>& classes, std::size_t index,
                int ordinal, Choice& choice) {
    const Member& member = choice.sources[index];
    Copy copy;
    copy.of = index;
    copy.ordinal = ordinal;
    TRY_ASSIGN(copy.spec, spec_of(options, classes, member));
    TRY(check_zones(choice, member, copy.spec.storage_class));
    copy.spec.name = copy_name(options, member, ordinal);
    choice.copies.push_back(std::move(copy));
    return {};
}

Status check_lengths(const Choice& choice) {
    for (const Copy& copy : choice.copies) {
        if (copy.spec.name.size() <= kNameLimit) continue;
        return refused(
            "pvc/" + copy.spec.name + " would be longer than a name may be (" + std::to_string(kNameLimit) + ")",
            "choose a shorter name for the clone");
    }
    return {};
}

// Which ordinal of the source each ordinal of the clone is a copy of: as asked for, else the lowest ones under their
// own numbers.
Result<std::map<int, int>> map_ordinals(const CloneOptions& options, const std::set<int>& there) {
    std::map<int, int> of;  // the clone's -> the source's
    std::vector<std::string> names;
    for (const int ordinal : there) names.push_back(std::to_string(ordinal));
    const std::string has = options.source.text() + " has ordinals " + join(names, ", ");
    for (const auto& [from, to] : options.ordinals) {
        if (!there.contains(from))
            return refused("--ordinals " + std::to_string(from) + "=" + std::to_string(to) + ": " + has, "");
        of[to] = from;
    }
    if (options.ordinals.empty()) {
        const int wanted = options.replicas.value_or(static_cast<int>(there.size()));
        if (wanted > static_cast<int>(there.size()))
            return refused("--replicas " + std::to_string(wanted) + ": " + has,
                           "one ordinal can be copied several times: --ordinals 0=0,0=1");
        for (const int ordinal : there) {
            if (static_cast<int>(of.size()) < wanted) of[ordinal] = ordinal;
        }
    }
    if (of.empty() || of.rbegin()->first - of.begin()->first + 1 == static_cast<int>(of.size())) return of;
    return refused("the clone's ordinals would have gaps, and a StatefulSet has none: " + has,
                   "say which is to be which: --ordinals SRC=DST,...");
}

Status add_ordinals(const CloneOptions& options, const std::vector<kube::StorageClass>& classes, Choice& choice) {
    std::set<int> there;
    for (const Member& source : choice.sources) {
        if (source.facts.ordinal >= 0) there.insert(source.facts.ordinal);
    }
    TRY_ASSIGN(const auto of, map_ordinals(options, there));
    std::set<int> used;
    for (const auto& [to, from] : of) used.insert(from);
    std::erase_if(choice.sources, [&](const Member& source) {
        return source.facts.ordinal >= 0 && !used.contains(source.facts.ordinal);
    });
    for (const auto& [to, from] : of) {
        for (std::size_t i = 0; i < choice.sources.size(); ++i) {
            if (choice.sources[i].facts.ordinal == from) TRY(add_copy(options, classes, i, to, choice));
        }
    }
    choice.start = of.empty() ? 0 : of.begin()->first;
    choice.replicas = static_cast<int>(of.size());
    return {};
}

Member member_of(const CloneOptions& options, const LiveFacts& live, kube::SetMember facts) {
    Member member;
    member.driver = facts.driver;
    const auto volume = live.volumes.find(facts.volume);
    // What says where a volume can be reached from are labels of nodes, and another cluster's nodes have their own.
    if (!options.other && volume != live.volumes.end()) member.old_volume = kube::volume_of(volume->second);
    member.facts = std::move(facts);
    member.called = claim_text(options, member);
    return member;
}

}  // namespace

bool Choice::waits_for_pod() const {
    return std::any_of(copies.begin(), copies.end(),
                       [](const Copy& copy) { return copy.spec.storage_class.waits_for_pod(); });
}

CutRequest cut_request(const CloneOptions& options, const std::vector<std::string>& mounted) {
    CutRequest request;
    request.targets = {options.source};
    request.claims = mounted;
    request.snapshot_class = options.snapshot_class;
    request.as_set = false;
    request.plugin = "clone";
    return request;
}

Result<Choice> choose(const CloneOptions& options, const LiveFacts& live,
                      const std::vector<kube::StorageClass>& classes, const std::string& operation) {
    if (live.space_terminating)
        return refused("namespace " + live.space + " is terminating: nothing can be created in it",
                       "a copy of what it holds has to be made before it is deleted");
    const Json& workload = live.workloads.front();
    const bool named = *options.source.resource == kube::kStatefulSets;
    const std::vector<std::string> mounted =
        named ? mounted_by_name(*options.source.resource, workload) : std::vector<std::string>{};
    TRY_ASSIGN(Members members, choose_members(live, cut_request(options, mounted), operation));
    Choice choice;
    choice.notes = std::move(members.notes);
    for (kube::SetMember& one : members.members) {
        choice.looked_at.push_back(one.claim);
        choice.sources.push_back(member_of(options, live, std::move(one)));
    }
    TRY(decide_method(options, live, choice));
    TRY(take_classes(options, live, choice, operation));
    if (named) TRY(add_ordinals(options, classes, choice));
    for (std::size_t i = 0; i < choice.sources.size(); ++i) {
        if (choice.sources[i].facts.ordinal < 0 || !named) TRY(add_copy(options, classes, i, -1, choice));
    }
    place_together(options, live, named, choice);
    TRY(check_lengths(choice));
    return choice;
}

Status choose_again(const CloneOptions& options, const std::vector<kube::StorageClass>& classes, Choice& choice) {
    for (Copy& copy : choice.copies) {
        TRY_ASSIGN(ClaimSpec spec, spec_of(options, classes, choice.sources[copy.of]));
        spec.name = copy.spec.name;
        copy.spec = std::move(spec);
    }
    return {};
}

}  // namespace holdfast::clone
