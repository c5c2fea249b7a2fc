#include "plugins/restore/in_place_guards.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "common/plan/observe.h"
#include "common/plan/wakers.h"
#include "plugins/restore/since.h"
#include "plugins/restore/swap_steps.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace holdfast::restore {
namespace {

// What an operator's own way to a snapshot is: its reconciler would put back whatever we change under it.
constexpr std::array<std::pair<const char*, const char*>, 9> kOwnWays{{
    {"postgresql.cnpg.io", "make a new Cluster with spec.bootstrap.recovery.volumeSnapshots"},
    {"acid.zalan.do", "make a new postgresql object with spec.clone, or spec.standby"},
    {"postgres-operator.crunchydata.com",
     "set spec.backups.pgbackrest.restore, or make a cluster with spec.dataSource"},
    {"stackgres.io", "make a new SGCluster with spec.initialData.restore"},
    {"pgv2.percona.com", "make a PerconaPGRestore"},
    {"pxc.percona.com", "make a PerconaXtraDBClusterRestore"},
    {"psmdb.percona.com", "make a PerconaServerMongoDBRestore"},
    {"mysql.oracle.com", "make a new InnoDBCluster with spec.initDB"},
    {"k8s.mariadb.com", "make a Restore object, or a new MariaDB with spec.bootstrapFrom"},
}};

std::string own_way(const kube::Owner& owner) {
    for (const auto& [group, way] : kOwnWays) {
        if (owner.group == group) return way;
    }
    return "restore by the means of whatever made " + escape_line(owner.text());
}

// "postgres:15.4-alpine" -> {"postgres", "15"}; no tag or one that begins otherwise -> {"postgres", ""}.
std::pair<std::string, std::string> repository_and_major(const std::string& image) {
    const std::string name = image.substr(0, image.find('@'));
    const std::size_t colon = name.rfind(':');
    if (colon == std::string::npos || name.find('/', colon) != std::string::npos) return {name, ""};
    const std::string tag = name.substr(colon + 1);
    const std::size_t end = tag.find_first_not_of("0123456789");
    return {name.substr(0, colon), tag.substr(0, end)};
}

// Those of the set whose tag is known to say the database's version.
std::vector<std::string> recorded_images(const InPlaceFacts& facts) {
    std::vector<std::string> images;
    if (!facts.source.record) return images;
    const std::string& major = facts.source.record->app.major_version;
    for (const kube::ContainerFacts& container : facts.source.record->containers) {
        if (!major.empty() && repository_and_major(container.image).second == major) images.push_back(container.image);
    }
    return images;
}

// What the workload runs of the same software in another major version; "": nothing.
std::string of_other_major(const std::string& image, const Json& workload) {
    if (!workload.is_object()) return "";
    const auto [repository, major] = repository_and_major(image);
    for (const std::string& live : kube::workload_state_of(workload).images) {
        const auto [now, now_major] = repository_and_major(live);
        if (now == repository && !now_major.empty() && now_major != major) return live;
    }
    return "";
}

// Every pod is ready with the image of now: it has read its files.
bool all_run_as_asked(const Json& workload) {
    return kube::replicas_of(workload) > 0 && !kube::rolling_out(workload) &&
           plan::observe(plan::Condition::kAllReady, &workload).state == plan::Verdict::State::kDone;
}

bool mounts(const Json& pod, const std::set<std::string>& claims, std::string& which) {
    for (const std::string& claim : kube::claims_of_pod(pod)) {
        if (!claims.contains(claim)) continue;
        which = claim;
        return true;
    }
    return false;
}

Status check_unswapped(const InPlaceFacts& facts, const SwapRecord& record, const Swap& swap) {
    const auto volume = facts.volumes.find(swap.old_volume);
    if (volume == facts.volumes.end()) return {};
    return unswapped(record, swap, volume->second, "nothing was changed");
}

Status check_claim(const InPlaceFacts& facts, const SwapRecord& record, const Swap& swap) {
    const std::string what = "pvc/" + record.space + "/" + swap.claim;
    const Json& claim = swap.manifest;
    if (kube::deleting(claim)) return refuse(what + " is being deleted", "wait until it is gone and made again");
    if (kube::phase_of(claim) != "Bound")
        return refuse(what + " is not Bound, its phase is " + escape_line(kube::phase_of(claim)),
                      "`kubectl restore doctor " + what.substr(0, 4) + swap.claim + "` says why");
    if (const std::string finalizer = foreign_finalizer(claim); !finalizer.empty())
        return refuse(what + " has the finalizer " + escape_line(finalizer) +
                          ": it may keep the claim from going away while the workload is stopped",
                      "let whoever set it take it off: kubectl -n " + shell_quote(record.space) + " edit pvc " +
                          shell_quote(swap.claim));
    for (const kube::Snapshot& snapshot : facts.snapshots) {
        if (snapshot.claim != swap.claim || snapshot.ready || snapshot.deleting) continue;
        return refuse("vs/" + record.space + "/" + snapshot.name + " of " + what +
                          " is not ready yet: its finalizer keeps the claim from going away until the upload ends",
                      "wait: `kubectl snap describe vs/" + snapshot.name + "`, or delete that snapshot");
    }
    for (const kube::OwnerReference& owner : kube::owners_of(claim)) {
        // A StatefulSet that deletes claims owns them, or lets its pods do, and lets go when the policy says Retain.
        // Any other pod's is a generic ephemeral volume's.
        const bool lets_go = record.workload.ref.resource == kube::kStatefulSets;
        if (lets_go && (owner.uid == record.workload.uid || owner.kind == "Pod")) continue;
        return refuse(
            what + " is owned by " + escape_line(owner.kind + "/" + owner.name) + ", which would delete or remake it",
            "restore by the means of that owner");
    }
    return {};
}

// R9, for the claim as it lives and for the template, whichever of the two the claim is made anew from.
Status check_binding(const InPlaceFacts& facts, const SwapRecord& record, const Swap& swap) {
    const auto request = Quantity::parse(swap.request);
    if (!request.ok()) return request.error();
    std::string obstacle =
        kube::binding_obstacle("pvc/" + record.space + "/" + swap.claim, swap.manifest, swap.manifest, *request);
    const Json* in_template = template_for(facts, swap.claim);
    if (obstacle.empty() && in_template != nullptr)
        obstacle = kube::binding_obstacle(template_text(facts, *in_template), *in_template, swap.manifest, *request);
    if (obstacle.empty()) return {};
    return refuse(obstacle + ": a claim made from it would not bind to the restored volume but get an empty one",
                  "make claim and template agree first");
}

}  // namespace

Error refuse(const std::string& message, const std::string& hint) {
    return {ErrorKind::kRefused, message + "; nothing was changed", hint};
}

Status check_owner(const InPlaceOptions& options, const InPlaceFacts& facts) {
    if (!facts.workload.is_object()) return {};
    const kube::WorkloadState state = kube::workload_state_of(facts.workload);
    const std::string what = options.target.text();
    if (!state.controller.empty()) {
        const std::string software = kube::operator_of(state.controller);
        return refuse(what + " is owned by " + escape_line(state.controller.text()) +
                          (software.empty() ? "" : " (" + software + ")") +
                          ": its controller would undo the swap or remake the claims",
                      own_way(state.controller));
    }
    return plan::check_wakers(what, facts.workload, {facts.autoscalers, facts.deployer_paused, options.gitops_paused},
                              "the swap");
}

Status check_version(const InPlaceFacts& facts) {
    for (const std::string& image : recorded_images(facts)) {
        const std::string live = of_other_major(image, facts.workload);
        if (live.empty()) continue;
        return refuse(facts.source.text() + " is of major version " + repository_and_major(image).second + " (" +
                          image + "), and the workload runs " + escape_line(live) + ", which cannot read its files",
                      "set the workload's image back to " + image + " first");
    }
    return {};
}

std::string database_image(const InPlaceFacts& facts) {
    if (!facts.workload.is_object() || !all_run_as_asked(facts.workload)) return "";
    const std::vector<std::string> live = kube::workload_state_of(facts.workload).images;
    for (const std::string& recorded : recorded_images(facts)) {
        for (const std::string& image : live) {
            if (repository_and_major(image) == repository_and_major(recorded)) return image;
        }
    }
    return "";
}

Status check_kept_version(const InPlaceFacts& facts, const std::string& operation, const std::string& image) {
    const std::string live = image.empty() ? "" : of_other_major(image, facts.workload);
    if (live.empty()) return {};
    return refuse("the volumes that " + operation + " took out hold the files of " + escape_line(image) +
                      ", and the workload runs " + escape_line(live) + ", which cannot read them",
                  "set the workload's image back to " + escape_line(image) + " first");
}

Status check_skew(const InPlaceOptions& options, const InPlaceFacts& facts, std::size_t claims) {
    const Source& source = facts.source;
    if (claims < 2 || !source.record || source.record->consistency != "none" || options.accept_skew) return {};
    return refuse(source.text() + " has " + std::to_string(claims) +
                      " claims that were cut one after the other while they were written to (consistency: none, skew " +
                      human_elapsed(static_cast<double>(source.record->skew_ms) / 1000) + ")",
                  "--accept-skew restores it nonetheless; each volume is crash-consistent by itself");
}

Status check_autoscalers(const InPlaceFacts& facts, const SwapRecord& record) {
    const Workload& workload = record.workload;
    if (workload.stopped <= 0 || workload.stopped >= workload.replicas) return {};
    for (const Json& autoscaler : facts.autoscalers) {
        if (!kube::scales(autoscaler, workload.ref.resource.kind, workload.ref.name)) continue;
        return refuse("hpa/" + kube::name_of(autoscaler) + " scales " + workload.text() +
                          ": it rests only while the replicas are 0, and would scale up again in the middle of the "
                          "swap, which leaves " +
                          std::to_string(workload.stopped) + " running",
                      "delete the autoscaler for that time, or swap every ordinal");
    }
    return {};
}

Status check_claim_states(const InPlaceFacts& facts, const SwapRecord& record) {
    for (const Swap& swap : record.swaps) {
        TRY(check_unswapped(facts, record, swap));
        TRY(check_claim(facts, record, swap));
    }
    return {};
}

Status check_bindings(const InPlaceFacts& facts, const SwapRecord& record) {
    for (const Swap& swap : record.swaps) TRY(check_binding(facts, record, swap));
    return {};
}

Status check_pods(const InPlaceOptions& options, const InPlaceFacts& facts, const SwapRecord& record) {
    std::set<std::string> claims;
    for (const Swap& swap : record.swaps) claims.insert(swap.claim);
    for (const Json& pod : facts.pods) {
        std::string claim;
        if (!mounts(pod, claims, claim)) continue;
        const std::string who = "pod/" + options.space + "/" + kube::name_of(pod);
        const bool own = record.workload.exists() && plan::is_pod_of(record.workload, pod);
        // pvc-protection counts it as long as it is there: with the workload stopped, the claim would not go.
        if (!own && kube::ended(pod))
            return refuse(
                who + " has ended, and as long as it is there it keeps pvc/" + options.space + "/" + claim +
                    " from being deleted",
                "kubectl -n " + shell_quote(options.space) + " delete pod " + shell_quote(kube::name_of(pod)));
        if (!own) {
            return refuse(who + " mounts pvc/" + options.space + "/" + claim +
                              (record.workload.exists() ? " and is not one of " + record.workload.text() + "'s"
                                                        : ": its volume cannot be swapped under it"),
                          record.workload.exists() ? "stop it first"
                                                   : "stop it, or restore the workload that it belongs to: "
                                                     "kubectl restore sts/NAME --from SET --in-place");
        }
        TRY(plan::check_not_lost(pod));
    }
    return {};
}

}  // namespace holdfast::restore
