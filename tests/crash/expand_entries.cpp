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
void ask_too_much(sim::Sim& sim) {
    const Json body = {{"spec", {{"resources", {{"requests", {{"storage", "2Ti"}}}}}}}};
    for (const char* claim : {"data-postgres-0", "data-postgres-1"}) {
        const kube::ObjectRef ref{kube::kClaims, kSpace, claim};
        const bool asked = sim::api_patch(sim, ref, kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, "").ok();
        if (!asked || !sim.settle(sim::milliseconds(600000))) std::exit(2);
    }
}

// StatefulSet stuck, of a class whose filesystems grow only when they are mounted, under a budget of one pod at a time.
void put_stuck(sim::Sim& sim) {
    const Json storage_class = {
        {"apiVersion", "storage.k8s.io/v1"}, {"kind", "StorageClass"},    {"metadata", {{"name", "fast-offline"}}},
        {"provisioner", "disk.example"},     {"reclaimPolicy", "Delete"}, {"volumeBindingMode", "Immediate"},
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
          {"persistentVolumeClaimRetentionPolicy", {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}},
          {"template",
           {{"metadata", {{"labels", labels}}},
            {"spec",
             {{"containers",
               Json::array({{{"name", "main"}, {"image", "registry.example/stuck:1"}, {"volumeMounts", mounts}}})}}}}},
          {"volumeClaimTemplates", Json::array({{{"metadata", {{"name", "data"}}},
                                                 {"spec",
                                                  {{"accessModes", Json::array({"ReadWriteOnce"})},
                                                   {"storageClassName", "fast-offline"},
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
                   put_stuck,
                   always(expand({"sts/stuck", "--size", "2Gi", "--restart", "if-needed", "--yes"})),
                   kAll,
                   0,
                   nullptr,
                   160};
    entry.other = always(expand({"sts/stuck", "--size", "3Gi", "--yes"}));
    entry.pods_stay = true;
    entry.restarts = "stuck";
    return thinned(std::move(entry));
}

Entry recovering() {
    Entry entry = gently({"expand-recover", "pvc-expand", "recover", ask_too_much,
                          always(expand({"recover", "sts/postgres", "--yes"})), kAll, 0, nullptr, 10});
    entry.asks_less = true;
    return entry;
}

}  // namespace

std::vector<Entry> expand_entries() {
    return {
        gently({"expand", "pvc-expand", "expand", nullptr, always(grow()), kAll, 0, nullptr, 40}),
        thinned(
            gently({"expand-canary", "pvc-expand", "expand", nullptr,
                    always(expand({"sts/postgres", "--size", "2Gi", "--canary", "1", "--template", "data", "--yes"})),
                    kForward, 0, nullptr, 80})),
        gently({"expand-lost", "pvc-expand", "expand", lose_grown_journal, always(grow()), kForward, 0, nullptr, 40}),
        thinned(gently({"expand-selector", "pvc-expand", "expand", nullptr,
                        always(expand({"-l", "app=postgres", "--size", "2Gi", "--yes"})), kForward, 0, nullptr, 80})),
        gently({"expand-deploy", "pvc-expand", "expand", nullptr,
                always(expand({"deploy/files", "--size", "2Gi", "--yes"})), kAll, 0, nullptr, 10},
               "deploy/files"),
        restarting(),
        recovering(),
    };
}

}  // namespace holdfast::crash
