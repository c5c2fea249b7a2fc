#include "tests/crash/plugins.h"
#include "tests/crash/state.h"
#include "tests/sim/api.h"

#include <cstdlib>

namespace holdfast::crash {
namespace {

CommandLine expand(std::vector<std::string> words) { return {"pvc-expand", std::move(words)}; }

CommandLine grow() { return expand({"sts/postgres", "--size", "2Gi", "--yes"}); }

// Killed when the StatefulSet was deleted and nothing came in its place yet, and then somebody deleted the journal.
void lose_grown_journal(sim::Sim& sim) {
    kill_after(sim, grow(), sim::Verb::kDelete, kube::kStatefulSets);
    sim.store.erase({kube::kConfigMaps, kSpace, "holdfast-op-" + open_operations(sim).front()});
}

// Somebody asked for more than the storage can ever give.
void ask_too_much_for(sim::Sim& sim, const std::vector<std::string>& claims) {
    const Json body = {{"spec", {{"resources", {{"requests", {{"storage", "2Ti"}}}}}}}};
    for (const std::string& claim : claims) {
        const kube::ObjectRef ref{kube::kClaims, kSpace, claim};
        const bool asked = sim::api_patch(sim, ref, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "").ok();
        if (!asked || !sim.settle(sim::milliseconds(600000))) std::exit(2);
    }
}

void ask_too_much(sim::Sim& sim) { ask_too_much_for(sim, {"data-postgres-0", "data-postgres-1"}); }

// A claim that no workload has.
void ask_too_much_alone(sim::Sim& sim) {
    const Json claim = {{"apiVersion", "v1"},
                        {"kind", "PersistentVolumeClaim"},
                        {"metadata", {{"name", "alone"}, {"namespace", kSpace}}},
                        {"spec",
                         {{"accessModes", Json::array({"ReadWriteOnce"})},
                          {"storageClassName", "fast"},
                          {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}};
    const bool made = sim::api_create(sim, claim, kube::DryRun::kNone).ok();
    if (!made || !sim.settle(sim::milliseconds(600000))) std::exit(2);
    ask_too_much_for(sim, {"alone"});
}

// StatefulSet stuck of this class, whose claims go the way that `retention` says, under a budget of one pod at a time.
void put_stuck(sim::Sim& sim, const char* class_name, const char* retention) {
    const Json storage_class = {{"apiVersion", "storage.k8s.io/v1"},  {"kind", "StorageClass"},
                                {"metadata", {{"name", class_name}}}, {"provisioner", "disk.example"},
                                {"reclaimPolicy", "Delete"},          {"volumeBindingMode", "Immediate"},
                                {"allowVolumeExpansion", true}};
    const Json labels = {{"app", "stuck"}};
    const Json mounts = Json::array({{{"name", "data"}, {"mountPath", "/data"}}});
    const Json set = {
        {"apiVersion", "apps/v1"},
        {"kind", "StatefulSet"},
        {"metadata", {{"name", "stuck"}, {"namespace", kSpace}}},
        {"spec",
         {{"replicas", 2},
          {"serviceName", "stuck"},
          {"podManagementPolicy", "OrderedReady"},
          {"selector", {{"matchLabels", labels}}},
          {"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", retention}, {"whenScaled", retention}}},
          {"template",
           {{"metadata", {{"labels", labels}}},
            {"spec",
             {{"containers", Json::array({{{"name", "main"},
                                           {"image", "registry.example/stuck:1"},
                                           {"readinessProbe", {{"exec", {{"command", {"ready"}}}}}},
                                           {"volumeMounts", mounts}}})}}}}},
          {"volumeClaimTemplates", Json::array({{{"metadata", {{"name", "data"}}},
                                                 {"spec",
                                                  {{"accessModes", Json::array({"ReadWriteOnce"})},
                                                   {"storageClassName", class_name},
                                                   {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}}})}}}};
    const Json budget = {{"apiVersion", "policy/v1"},
                         {"kind", "PodDisruptionBudget"},
                         {"metadata", {{"name", "stuck"}, {"namespace", kSpace}}},
                         {"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", labels}}}}}};
    for (const Json& one : {storage_class, set, budget}) {
        const bool made = sim::api_create(sim, one, kube::DryRun::kNone).ok();
        if (!made || !sim.settle(sim::milliseconds(600000))) std::exit(2);
    }
}

// What differs little from "expand".
Entry thinned(Entry entry) {
    entry.faults_every = 4;
    return entry;
}

// None of them may end a pod.
Entry gently(Entry entry, const std::string& target = "sts/postgres") {
    entry.pods_stay = true;
    entry.other = always(expand({target, "--size", "3Gi", "--yes"}));
    return entry;
}

// Its pods start again, but never two of them at a time.
Entry restarting() {
    Entry entry = {"expand-restart",
                   "pvc-expand",
                   "expand",
                   [](sim::Sim& sim) {
                       put_stuck(sim, "fast-offline", "Retain");     // grows when it is mounted anew
                       sim.delays.probe = sim::milliseconds(20000);  // long before the database answers
                       // Nobody but us sees to it that one pod stays.
                       sim.store.erase({kube::kPodDisruptionBudgets, kSpace, "stuck"});
                   },
                   always(expand({"sts/stuck", "--size", "2Gi", "--restart", "if-needed", "--yes"})),
                   kAll,
                   0,
                   nullptr,
                   16};
    entry.other = always(expand({"sts/stuck", "--size", "3Gi", "--yes"}));
    entry.pods_stay = true;
    entry.restarts = "stuck";
    return thinned(std::move(entry));
}

CommandLine grow_offline() { return expand({"sts/stuck", "--size", "2Gi", "--restart", "offline", "--yes"}); }

// All pods of it stop, its volumes grow, and they start again; nobody else's pods end.
Entry offline(Entry entry, const std::string& target = "sts/stuck") {
    entry.pods_stay = true;
    entry.restarts = target.substr(target.find('/') + 1);
    entry.all_at_once = true;
    entry.aborts_forward = true;
    entry.other = always(expand({target, "--size", "3Gi", "--restart", "offline", "--yes"}));
    return entry;
}

// A volume of this class grows only while no node has it.
void put_offline(sim::Sim& sim) { put_stuck(sim, "slow-offline", "Delete"); }

// Differs from "expand-offline" only in how the set is found.
Entry offline_selected() {
    Entry entry = offline({"expand-offline-selector", "pvc-expand", "expand", put_offline,
                           always(expand({"-l", "app=stuck", "--size", "2Gi", "--restart", "offline", "--yes"})),
                           kAgain, 0, nullptr, 16});
    entry.faults_every = entry.actors_every = 12;
    return entry;
}

// Killed when the pods were stopped, and then somebody deleted the journal.
void lose_stopped_journal(sim::Sim& sim) {
    put_offline(sim);
    kill_after(sim, grow_offline(), sim::Verb::kDelete, kube::kPods);
    sim.store.erase({kube::kConfigMaps, kSpace, "holdfast-op-" + open_operations(sim).front()});
}

// The first such request once there is a journal: before that all is only tried.
std::function<bool(const sim::Call&)> recorded(sim::Verb verb, const kube::Resource& resource) {
    return [verb, &resource, known = false](const sim::Call& call) mutable {
        known = known || (call.verb == sim::Verb::kCreate && call.ref.resource == kube::kConfigMaps);
        return known && call.verb == verb && call.ref.resource == resource;
    };
}

// Somebody has had the claims of sts/postgres grow, and comes for its template.
void grow_by_hand(sim::Sim& sim) {
    const Json body = {{"spec", {{"resources", {{"requests", {{"storage", "2Gi"}}}}}}}};
    for (const char* claim : {"data-postgres-0", "data-postgres-1", "wal-postgres-0", "wal-postgres-1"}) {
        const kube::ObjectRef ref{kube::kClaims, kSpace, claim};
        const bool asked = sim::api_patch(sim, ref, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "").ok();
        if (!asked || !sim.settle(sim::milliseconds(600000))) std::exit(2);
    }
}

// Its claims were large enough; killed when the set was deleted, and then somebody deleted the journal.
void lose_template_journal(sim::Sim& sim) {
    grow_by_hand(sim);
    lose_grown_journal(sim);
}

CommandLine grow_both() { return expand({"-l", "app in (postgres,stuck)", "--size", "2Gi", "--yes"}); }

// Two sets, the first of which is gone, and the second of which somebody has made anew as another: it comes to no end.
void leave_one_missing(sim::Sim& sim) {
    put_stuck(sim, "fast-too", "Retain");
    kill_at(sim, grow_both(), recorded(sim::Verb::kCreate, kube::kStatefulSets));
    const kube::ObjectRef ref{kube::kStatefulSets, kSpace, "stuck"};
    Json other = *sim.store.find(ref);
    if (!sim::api_remove(sim, ref, {}, kube::Propagation::kOrphan, kube::DryRun::kNone).ok()) std::exit(2);
    if (!sim.settle(sim::milliseconds(600000))) std::exit(2);
    other["spec"]["podManagementPolicy"] = "Parallel";
    other.erase("status");
    for (const char* key : {"uid", "resourceVersion", "creationTimestamp", "generation", "annotations"})
        other["metadata"].erase(key);
    if (!sim::api_create(sim, other, kube::DryRun::kNone).ok() || !sim.settle(sim::milliseconds(600000))) std::exit(2);
}

// Its replicas were scaled away, and their claims are there still: without a pod only its revisions tell of a set that
// is gone.
void leave_unused(sim::Sim& sim) {
    put_stuck(sim, "fast-too", "Retain");
    const kube::ObjectRef ref{kube::kStatefulSets, kSpace, "stuck"};
    const Json none = {{"spec", {{"replicas", 0}}}};
    const bool asked = sim::api_patch(sim, ref, kube::PatchType::kMerge, none, {}, kube::DryRun::kNone, "").ok();
    if (!asked || !sim.settle(sim::milliseconds(600000))) std::exit(2);
}

// Its volumes have grown, and its filesystems grow only when they are mounted anew, which nobody was allowed to do.
void leave_unmounted(sim::Sim& sim) {
    put_stuck(sim, "fast-offline", "Retain");
    int reads = 0;
    kill_at(sim, expand({"sts/stuck", "--size", "2Gi", "--yes"}),
            [&, known = recorded(sim::Verb::kPatch, kube::kClaims), begun = false](const sim::Call& call) mutable {
                begun = begun || known(call);
                return begun && call.verb == sim::Verb::kWatch && ++reads > 1;
            });
    if (!sim.settle(sim::milliseconds(600000))) std::exit(2);
}

// The commands that every plugin has, on an expansion that was stopped at each of its boundaries.
std::vector<Entry> stopped_entries() {
    const auto before_asking = [](sim::Sim& sim) { kill_at(sim, grow(), recorded(sim::Verb::kPatch, kube::kClaims)); };
    const auto before_delete = [](sim::Sim& sim) {
        kill_at(sim, grow(), recorded(sim::Verb::kDelete, kube::kStatefulSets));
    };
    const auto in_gap = [](sim::Sim& sim) { kill_after(sim, grow(), sim::Verb::kDelete, kube::kStatefulSets); };
    const auto after_create = [](sim::Sim& sim) { kill_after(sim, grow(), sim::Verb::kCreate, kube::kStatefulSets); };
    const auto let_go = [](sim::Sim& sim) {
        grow_by_hand(sim);
        kill_at(sim, grow(), recorded(sim::Verb::kDelete, kube::kStatefulSets));
    };
    const auto down = [](sim::Sim& sim) {
        put_offline(sim);
        kill_after(sim, grow_offline(), sim::Verb::kDelete, kube::kPods);
    };
    const auto resume = on_operation("pvc-expand", "resume"), abort = on_operation("pvc-expand", "abort");
    const auto on = [](const char* name, auto prepare, auto line) {
        return Entry{name,    "pvc-expand", "expand", prepare,           line, kAgain,  kNothingLeft,
                     nullptr, 150,          false,    Deletes::kNothing, 12,   nullptr, 3};
    };
    const auto resumes = [](Entry entry, CommandLine begun_by) {
        entry.begun_by = std::move(begun_by);
        return entry;
    };
    return {gently(on("expand-abort", before_asking, abort)),
            gently(on("expand-abort-let-go", let_go, abort)),
            gently(on("expand-abort-missing", leave_one_missing, abort)),
            gently(on("expand-gc", in_gap, always(expand({"gc", "--yes"})))),
            offline(on("expand-abort-down", down, abort)),
            resumes(gently(on("expand-resume", before_asking, resume)), grow()),
            resumes(gently(on("expand-resume-delete", before_delete, resume)), grow()),
            resumes(gently(on("expand-resume-gap", in_gap, resume)), grow()),
            resumes(gently(on("expand-resume-adopt", after_create, resume)), grow()),
            resumes(offline(on("expand-resume-down", down, resume)), grow_offline())};
}

// Who comes for a size below what was refused for good is told to recover first, which is what another user does here.
CommandLine recover_more(const std::string& target) { return expand({"recover", target, "--size", "3Gi", "--yes"}); }

Entry recovering() {
    Entry entry = gently({"expand-recover", "pvc-expand", "recover", ask_too_much,
                          always(expand({"recover", "sts/postgres", "--yes"})), kAll, 0, nullptr, 1});
    entry.asks_less = true;
    entry.other = always(recover_more("sts/postgres"));
    return entry;
}

Entry recovering_one() {
    Entry entry = thinned(gently({"expand-recover-claim", "pvc-expand", "recover", ask_too_much_alone,
                                  always(expand({"recover", "pvc/alone", "--yes"})), kAll, 0, nullptr, 8},
                                 "pvc/alone"));
    entry.asks_less = true;
    entry.other = always(recover_more("pvc/alone"));
    return entry;
}

}  // namespace

std::vector<Entry> expand_entries() {
    std::vector<Entry> all = {
        gently({"expand", "pvc-expand", "expand", nullptr, always(grow()), kAll, 0, nullptr, 4}),
        thinned(
            gently({"expand-canary", "pvc-expand", "expand", nullptr,
                    always(expand({"sts/postgres", "--size", "2Gi", "--canary", "1", "--template", "data", "--yes"})),
                    kForward, 0, nullptr, 8})),
        gently({"expand-lost", "pvc-expand", "expand", lose_grown_journal, always(grow()), kForward, 0, nullptr, 4}),
        thinned(gently(
            {"expand-beside-restore", "pvc-expand", "expand", make_set, always(grow()), kForward, 0, nullptr, 8})),
        thinned(gently({"expand-selector", "pvc-expand", "expand", nullptr,
                        always(expand({"-l", "app=postgres", "--size", "2Gi", "--yes"})), kForward, 0, nullptr, 8})),
        gently({"expand-deploy", "pvc-expand", "expand", nullptr,
                always(expand({"deploy/files", "--size", "2Gi", "--yes"})), kAll, 0, nullptr, 1},
               "deploy/files"),
        thinned(gently({"expand-claim", "pvc-expand", "expand", nullptr,
                        always(expand({"pvc/data-postgres-1", "--size", "2Gi", "--yes"})), kAll, 0, nullptr, 8},
                       "pvc/data-postgres-1")),
        thinned(gently(
            {"expand-unused", "pvc-expand", "expand", leave_unused,
             always(expand({"sts/stuck", "--size", "2Gi", "--include-unused", "--yes"})), kForward, 0, nullptr, 8},
            "sts/stuck")),
        restarting(),
        offline({"expand-offline", "pvc-expand", "expand", put_offline, always(grow_offline()), kAll, 0, nullptr, 6}),
        thinned(offline({"expand-offline-lost", "pvc-expand", "expand", lose_stopped_journal, always(grow_offline()),
                         kForward, 0, nullptr, 8})),
        thinned(offline({"expand-offline-mounts", "pvc-expand", "expand", leave_unmounted, always(grow_offline()),
                         kAgain, 0, nullptr, 8})),
        thinned(offline(
            {"expand-offline-claim", "pvc-expand", "expand", nullptr,
             always(expand({"pvc/files", "--size", "2Gi", "--restart", "offline", "--yes"})), kAll, 0, nullptr, 8},
            "deploy/files")),
        offline_selected(),
        thinned(gently({"expand-template", "pvc-expand", "expand", grow_by_hand, always(grow()), kAll, 0, nullptr, 8})),
        thinned(gently({"expand-template-lost", "pvc-expand", "expand", lose_template_journal, always(grow()), kForward,
                        0, nullptr, 8})),
        recovering(),
        recovering_one(),
    };
    for (Entry& one : stopped_entries()) all.push_back(std::move(one));
    return all;
}

}  // namespace holdfast::crash
