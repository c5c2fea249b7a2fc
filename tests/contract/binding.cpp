#include "tests/contract/objects.h"

// Claims and volumes find each other: the volume binder and the provisioner.
namespace holdfast::contract {

CONTRACT("binding", "a volume and a claim bind both ways, with uid, annotations and phases") {
    const Json pv = s.make(volume(s, "v"));
    const Json pvc = s.make(claim(s, "data"));
    const Json is = bound_claim(s, "data");
    SAME(volume_of(is), name_of(pv));
    SAME(kube::annotation_of(is, "pv.kubernetes.io/bind-completed"), "yes");
    SAME(kube::annotation_of(is, "pv.kubernetes.io/bound-by-controller"), "yes");
    const Json found = s.until(kVolumes, s.own("v"), "Bound", bound);
    SAME(text_at(found, "/spec/claimRef/uid"), uid_of(pvc));
    SAME(text_at(found, "/spec/claimRef/name"), "data");
    SAME(text_at(found, "/spec/claimRef/namespace"), s.space);
    SAME(text_at(found, "/spec/claimRef/kind"), "PersistentVolumeClaim");
    SAME(kube::annotation_of(found, "pv.kubernetes.io/bound-by-controller"), "yes");
}

CONTRACT("binding", "a bound claim shows the volume's capacity and access modes, not its own request") {
    s.make(volume(s, "v", "80Mi"));
    s.make(claim(s, "data", "", "64Mi"));
    const Json is = bound_claim(s, "data");
    SAME(text_at(is, "/status/capacity/storage"), "80Mi");
    SAME(text_at(is, "/spec/resources/requests/storage"), "64Mi");
    SAME(is["status"]["accessModes"], Json::array({"ReadWriteOnce"}));
}

CONTRACT("binding", "a new volume is Available, and has pv-protection") {
    s.make(volume(s, "v"));
    const Json is = s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    CHECK(holds(is, "kubernetes.io/pv-protection"));
    SAME(text_at(is, "/spec/volumeMode"), "Filesystem");
}

CONTRACT("binding", "a claim gets pvc-protection, a volume mode and no volume by itself") {
    const Json is = s.make(claim(s, "data"));
    CHECK(holds(is, "kubernetes.io/pvc-protection"));
    SAME(text_at(is, "/spec/volumeMode"), "Filesystem");
    SAME(text_at(is, "/status/phase"), "Pending");
    s.never(kClaims, "data", "bound", bound);
}

CONTRACT("binding", "the smallest volume that is large enough is taken") {
    s.make(volume(s, "small", "32Mi"));
    s.make(volume(s, "large", "200Mi"));
    s.make(volume(s, "right", "100Mi"));
    for (const char* name : {"small", "large", "right"})
        s.until(kVolumes, s.own(name), "Available", phase_is("Available"));
    s.make(claim(s, "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("right"));
}

CONTRACT("binding", "of two claims that want one volume one gets it") {
    s.make(claim(s, "a"));
    s.make(claim(s, "b"));
    s.make(volume(s, "v"));
    const auto winners = s.until_count(kClaims, 1, "bound", bound);
    const std::string loser = name_of(winners.front()) == "a" ? "b" : "a";
    s.never(kClaims, loser, "bound", bound, milliseconds(1500));
}

CONTRACT("binding", "a claim's selector chooses among volumes") {
    Json chosen = volume(s, "chosen", "100Mi");
    chosen["metadata"]["labels"]["disk"] = "ours";
    s.make(volume(s, "other"));
    s.make(chosen);
    Json pvc = claim(s, "data");
    pvc["spec"]["selector"] = {{"matchLabels", {{"disk", "ours"}}}};
    s.make(pvc);
    SAME(volume_of(bound_claim(s, "data")), s.own("chosen"));
}

CONTRACT("binding", "a claim with a data source is bound to a free volume that fits all the same, which says so") {
    s.make(volume(s, "v"));
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.make(restored(claim(s, "data"), "one"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
    const Json is = s.until(kVolumes, s.own("v"), "Bound", bound);
    SAME(kube::annotation_of(is, "pv.kubernetes.io/bound-by-controller"), "yes");
}

CONTRACT("binding", "a bound claim whose volume goes is Lost") {
    s.make(volume(s, "v"));
    s.make(claim(s, "data"));
    bound_claim(s, "data");
    s.until(kVolumes, s.own("v"), "Bound", bound);
    s.remove(kVolumes, s.own("v"));
    s.merge(kVolumes, s.own("v"), {{"metadata", {{"finalizers", nullptr}}}});
    s.until(kClaims, "data", "Lost", phase_is("Lost"));
}

CONTRACT("binding", "a claim without a class gets the default one, and a volume of it") {
    Json pvc = claim(s, "data");
    pvc["spec"].erase("storageClassName");
    SAME(text_at(s.make(pvc), "/spec/storageClassName"), "fast");
    const Json is = bound_claim(s, "data");
    SAME(volume_of(is), "pvc-" + uid_of(is));
}

CONTRACT("binding", "provisioned: the volume has the claim's size, the class's policy and who made it") {
    const Json pvc = s.make(claim(s, "data", "fast", "80Mi"));
    bound_claim(s, "data");
    const Json is = s.until(kVolumes, "pvc-" + uid_of(pvc), "Bound", bound);
    SAME(text_at(is, "/spec/capacity/storage"), "80Mi");
    SAME(text_at(is, "/spec/persistentVolumeReclaimPolicy"), "Delete");
    SAME(text_at(is, "/spec/storageClassName"), "fast");
    SAME(text_at(is, "/spec/csi/driver"), "fast.csi.hf.test");
    SAME(text_at(is, "/spec/claimRef/uid"), uid_of(pvc));
    SAME(kube::annotation_of(is, "pv.kubernetes.io/provisioned-by"), "fast.csi.hf.test");
    CHECK(holds(is, "kubernetes.io/pv-protection"));
    CHECK(kube::annotation_of(is, "pv.kubernetes.io/bound-by-controller").empty());
}

CONTRACT("binding", "provisioned: the claim says who was asked") {
    s.make(claim(s, "data", "fast"));
    SAME(kube::annotation_of(bound_claim(s, "data"), "volume.kubernetes.io/storage-provisioner"), "fast.csi.hf.test");
}

CONTRACT("binding", "a class whose driver does not answer, or refuses, leaves the claim Pending") {
    s.make(claim(s, "unserved", "unserved"));
    s.make(claim(s, "broken", "broken"));
    s.until(kClaims, "broken", "asked for", [](const Json& one) {
        return !kube::annotation_of(one, "volume.kubernetes.io/storage-provisioner").empty();
    });
    s.never(kClaims, "unserved", "bound", bound);
    s.never(kClaims, "broken", "bound", bound);
}

CONTRACT("binding", "a class that is not there leaves the claim Pending") {
    s.make(claim(s, "data", "no-such-class"));
    s.never(kClaims, "data", "bound", bound);
}

CONTRACT("binding", "WaitForFirstConsumer: nobody is asked before a pod is there") {
    s.make(claim(s, "data", "fast-later"));
    s.never(kClaims, "data", "asked for", [](const Json& one) {
        return bound(one) || !kube::annotation_of(one, "volume.kubernetes.io/storage-provisioner").empty();
    });
}

CONTRACT("binding", "WaitForFirstConsumer: a pod chooses the node, then the volume comes") {
    s.make(claim(s, "data", "fast-later"));
    s.make(pod(s, "user", {"data"}));
    const Json is = bound_claim(s, "data");
    CHECK(!kube::annotation_of(is, "volume.kubernetes.io/selected-node").empty());
    s.until(kPods, "user", "Ready", ready);
}

CONTRACT("binding", "WaitForFirstConsumer: a pod that no node takes is no consumer") {
    s.make(claim(s, "data", "fast-later"));
    Json user = pod(s, "user", {"data"});
    nowhere(user["spec"]);
    s.make(user);
    s.never(kClaims, "data", "bound", bound);
}

CONTRACT("binding", "a pod waits for a claim that is not there yet") {
    s.make(pod(s, "user", {"data"}));
    s.never(kPods, "user", "placed", [](const Json& one) { return has(one, "/spec/nodeName"); });
    s.make(claim(s, "data", "fast"));
    s.until(kPods, "user", "Ready", ready);
}

CONTRACT("binding", "a claim's spec cannot be changed, but for its size") {
    s.make(claim(s, "data", "fast"));
    bound_claim(s, "data");
    const kube::ObjectRef ref = s.ref(kClaims, "data");
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"volumeName", "other"}}}}, {}), 422, "Invalid");
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"storageClassName", "slow"}}}}, {}), 422, "Invalid");
    FAILS(s.cluster.patch(ref, PatchType::kMerge, {{"spec", {{"accessModes", Json::array({"ReadOnlyMany"})}}}}, {}),
          422, "Invalid");
}

CONTRACT("binding", "a claim's size can grow where its class lets it, and never shrink") {
    const auto resize = [&](const std::string& name, const char* size) {
        return s.cluster.patch(s.ref(kClaims, name), PatchType::kMerge,
                               {{"spec", {{"resources", {{"requests", {{"storage", size}}}}}}}}, {});
    };
    s.make(claim(s, "data", "fast"));
    s.make(claim(s, "fixed", "fast-fixed"));
    s.make(claim(s, "pending"));
    bound_claim(s, "data");
    bound_claim(s, "fixed");
    FAILS(resize("data", "32Mi"), 422, "Invalid");
    FAILS(resize("fixed", "80Mi"), 403, "Forbidden");
    FAILS(resize("pending", "80Mi"), 422, "Invalid");
    SAME(text_at(MUST(resize("data", "80Mi")), "/spec/resources/requests/storage"), "80Mi");
}

CONTRACT("binding", "where a volume's disk is cannot be changed, its policy and claimRef can") {
    s.make(volume(s, "v"));
    FAILS(s.cluster.patch(s.ref(kVolumes, s.own("v")), PatchType::kMerge,
                          {{"spec", {{"csi", {{"volumeHandle", "other"}}}}}}, {}),
          422, "Invalid");
    const Json is = s.merge(kVolumes, s.own("v"), {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}});
    SAME(text_at(is, "/spec/persistentVolumeReclaimPolicy"), "Delete");
    s.merge(kVolumes, s.own("v"), {{"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}});
}

}  // namespace holdfast::contract
