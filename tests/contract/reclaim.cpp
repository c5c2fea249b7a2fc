#include "tests/contract/objects.h"

// What becomes of volumes when claims go, and what keeps both from going: reclaim policies, protection.
namespace holdfast::contract {
namespace {

constexpr char kProvisionerFinalizer[] = "external-provisioner.volume.kubernetes.io/finalizer";

// A claim of class fast with its volume, both Bound; the volume's name.
std::string provisioned(Stage& s, const std::string& name) {
    s.make(claim(s, name, "fast"));
    const std::string volume = text_at(s.until(kClaims, name, "Bound", bound), "/spec/volumeName");
    s.until(kVolumes, volume, "Bound", bound);
    return volume;
}

void policy(Stage& s, const std::string& volume, const char* name) {
    s.merge(kVolumes, volume, {{"spec", {{"persistentVolumeReclaimPolicy", name}}}});
}

bool going(const Json& object) { return kube::deleting(object); }

// What the scheduler says of a pod that no node takes: no more than it has read of the pod's claim.
std::string verdict(Stage& s, const std::string& name, const std::string& claim) {
    Json probe = pod(s, name, {claim});
    nowhere(probe["spec"]);
    s.make(probe);
    const auto judged = [](const Json& one) { return text_at(one, "/status/conditions/0/type") == "PodScheduled"; };
    const Json is = s.until(kPods, name, "judged", judged);
    s.remove(kPods, name);
    return text_at(is, "/status/conditions/0/message");
}

// A pod is placed by what the scheduler has read of its claim, which may be older than the claim's deletion.
void until_scheduler_knows(Stage& s, const std::string& claim) {
    if (!s.scheduler_lags()) return;
    int number = 0;
    s.until_answered("the scheduler knows that the claim is being deleted", [&] {
        return verdict(s, "probe-" + std::to_string(++number), claim).find("is being deleted") != std::string::npos;
    });
}

}  // namespace

CONTRACT("reclaim", "Delete: the volume goes after its claim") {
    const std::string volume = provisioned(s, "data");
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
    s.until_gone(kVolumes, volume);
}

CONTRACT("reclaim", "Retain: the volume stays, Released, with its claimRef") {
    const std::string volume = provisioned(s, "data");
    const std::string uid = uid_of(s.get(kClaims, "data"));
    policy(s, volume, "Retain");
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
    const Json is = s.until(kVolumes, volume, "Released", phase_is("Released"));
    SAME(text_at(is, "/spec/claimRef/uid"), uid);
    s.never(kVolumes, volume, "deleted", going);
}

CONTRACT("reclaim", "Released: setting the policy to Delete lets the volume go") {
    const std::string volume = provisioned(s, "data");
    policy(s, volume, "Retain");
    s.remove(kClaims, "data");
    s.until(kVolumes, volume, "Released", phase_is("Released"));
    policy(s, volume, "Delete");
    s.until_gone(kVolumes, volume);
}

CONTRACT("reclaim", "Available with a claimRef without uid is not reclaimed, whatever the policy says") {
    const std::string volume = provisioned(s, "data");
    policy(s, volume, "Retain");
    s.remove(kClaims, "data");
    s.until(kVolumes, volume, "Released", phase_is("Released"));
    s.merge(kVolumes, volume, {{"spec", {{"claimRef", {{"uid", nullptr}, {"resourceVersion", nullptr}}}}}});
    s.until(kVolumes, volume, "Available", phase_is("Available"));
    policy(s, volume, "Delete");
    s.never(kVolumes, volume, "deleted", going);
    // As finalize does it: with the uid of a claim that is gone it is Released, and goes.
    s.merge(kVolumes, volume, {{"spec", {{"claimRef", {{"uid", "11111111-2222-3333-4444-555555555555"}}}}}});
    s.until_gone(kVolumes, volume);
}

CONTRACT("reclaim",
         "a provisioned volume holds the provisioner's finalizer while its policy is Delete, and only then") {
    const std::string volume = provisioned(s, "data");
    const auto held = [](const Json& one) { return holds(one, kProvisionerFinalizer); };
    s.until(kVolumes, volume, "held by its provisioner", held);
    policy(s, volume, "Retain");
    s.until(kVolumes, volume, "free of its provisioner", [&](const Json& one) { return !held(one); });
    policy(s, volume, "Delete");
    s.until(kVolumes, volume, "held again", held);
}

CONTRACT("reclaim", "volume first, then claim, policy Delete: the volume waits for the claim, then both go") {
    const std::string volume = provisioned(s, "data");
    s.remove(kVolumes, volume);
    s.never(kVolumes, volume, "unbound", [](const Json& one) { return !bound(one); });
    CHECK(going(s.get(kVolumes, volume)));
    SAME(text_at(s.get(kClaims, "data"), "/status/phase"), "Bound");
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
    s.until_gone(kVolumes, volume);
}

CONTRACT("reclaim", "volume first, then claim, policy Retain: the volume object waits for the claim, then goes") {
    s.make(volume(s, "v"));
    s.make(claim(s, "data"));
    s.until(kClaims, "data", "Bound", bound);
    s.until(kVolumes, s.own("v"), "Bound", bound);
    s.remove(kVolumes, s.own("v"));
    s.never(
        kVolumes, s.own("v"), "unbound", [](const Json& one) { return !bound(one); }, milliseconds(1500));
    s.remove(kClaims, "data");
    s.until_gone(kVolumes, s.own("v"));
}

CONTRACT("reclaim", "a volume that no claim has goes at once") {
    s.make(volume(s, "v"));
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.remove(kVolumes, s.own("v"));
    s.until_gone(kVolumes, s.own("v"));
}

CONTRACT("reclaim", "a claim that no pod uses goes at once") {
    s.make(claim(s, "data"));
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
}

CONTRACT("reclaim", "a claim that a pod uses goes when the pod is gone") {
    const std::string volume = provisioned(s, "data");
    s.make(pod(s, "user", {"data"}));
    s.until(kPods, "user", "Ready", ready);
    s.remove(kClaims, "data");
    s.never(kClaims, "data", "free", [](const Json& one) { return !holds(one, "kubernetes.io/pvc-protection"); });
    CHECK(going(s.get(kClaims, "data")));
    SAME(text_at(s.get(kClaims, "data"), "/status/phase"), "Bound");
    s.remove(kPods, "user");
    s.until_gone(kClaims, "data");
    s.until_gone(kVolumes, volume);
}

CONTRACT("reclaim", "a pod that has not been placed does not keep a claim") {
    s.make(claim(s, "data"));
    Json user = pod(s, "user", {"data"});
    nowhere(user["spec"]);
    s.make(user);
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
}

CONTRACT("reclaim", "a pod that has ended keeps a claim too, until the pod is deleted") {
    provisioned(s, "data");
    Json user = pod(s, "user", {"data"});
    user["spec"]["restartPolicy"] = "Never";
    user["spec"]["containers"][0]["command"] = Json::array({"true"});
    s.make(user);
    s.until(kPods, "user", "Succeeded", phase_is("Succeeded"));
    s.remove(kClaims, "data");
    s.never(kClaims, "data", "free", [](const Json& one) { return !holds(one, "kubernetes.io/pvc-protection"); });
    s.remove(kPods, "user");
    s.until_gone(kClaims, "data");
}

CONTRACT("reclaim", "a new pod cannot take a claim that is being deleted") {
    s.make(claim(s, "data", "fast"));
    s.until(kClaims, "data", "Bound", bound);
    s.merge(kClaims, "data",
            {{"metadata", {{"finalizers", Json::array({"kubernetes.io/pvc-protection", "hf.test/hold"})}}}});
    s.remove(kClaims, "data");
    until_scheduler_knows(s, "data");
    s.make(pod(s, "user", {"data"}));
    s.never(kPods, "user", "placed", [](const Json& one) { return has(one, "/spec/nodeName"); });
    s.merge(kClaims, "data", {{"metadata", {{"finalizers", nullptr}}}});
}

CONTRACT("reclaim", "a claimRef that loses its uid makes a bound claim Lost, and the uid put back mends it") {
    s.make(volume(s, "v"));
    const Json pvc = s.make(claim(s, "data"));
    s.until(kClaims, "data", "Bound", bound);
    s.until(kVolumes, s.own("v"), "Bound", bound);
    s.merge(kVolumes, s.own("v"), {{"spec", {{"claimRef", {{"uid", nullptr}}}}}});
    s.until(kClaims, "data", "Lost", phase_is("Lost"));
    s.merge(kVolumes, s.own("v"), {{"spec", {{"claimRef", {{"uid", uid_of(pvc)}}}}}});
    s.until(kClaims, "data", "Bound", bound);
    s.until(kVolumes, s.own("v"), "Bound", bound);
}

CONTRACT("reclaim", "a Released volume stays Released when a claim of that name comes") {
    const std::string volume = provisioned(s, "data");
    policy(s, volume, "Retain");
    s.remove(kClaims, "data");
    s.until(kVolumes, volume, "Released", phase_is("Released"));
    s.make(claim(s, "data", "fast"));
    const Json is = s.until(kClaims, "data", "Bound", bound);
    CHECK(text_at(is, "/spec/volumeName") != volume);
    SAME(text_at(s.get(kVolumes, volume), "/status/phase"), "Released");
}

}  // namespace holdfast::contract
