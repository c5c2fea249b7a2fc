#include "tests/contract/objects.h"

// Volumes that name their claim before it is there: the conditions on which restoring in place rests (safety R9, R10).
namespace holdfast::contract {
namespace {

constexpr char kNobody[] = "11111111-2222-3333-4444-555555555555";

// The volume is there, seen by the binder, and reserved for the claim.
void reserve(Stage& s, const Json& manifest, const std::string& claim_name) {
    const Json made = s.make(reserved_for(s, manifest, claim_name));
    s.until(kVolumes, name_of(made), "Available", phase_is("Available"));
}

// Class fast would give the claim a fresh empty volume: that it does is the proof that the reserved one was refused.
void gets_a_fresh_one(Stage& s, const std::string& claim_name, const std::string& reserved) {
    const Json is = bound_claim(s, claim_name);
    SAME(volume_of(is), "pvc-" + uid_of(is));
    SAME(text_at(s.get(kVolumes, reserved), "/spec/claimRef/uid"), "");
}

Json of_class_fast(Json volume) {
    volume["spec"]["storageClassName"] = "fast";
    return volume;
}

}  // namespace

CONTRACT("reserving", "reserved: a volume that names the claim without uid is Available, and is the claim's") {
    reserve(s, volume(s, "v", "200Mi"), "data");
    s.make(volume(s, "better"));
    s.until(kVolumes, s.own("better"), "Available", phase_is("Available"));
    const Json pvc = s.make(claim(s, "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
    const Json found = s.until(kVolumes, s.own("v"), "Bound", bound);
    SAME(text_at(found, "/spec/claimRef/uid"), uid_of(pvc));
    CHECK(kube::annotation_of(found, "pv.kubernetes.io/bound-by-controller").empty());
}

CONTRACT("reserving", "reserved: nobody else gets it") {
    reserve(s, volume(s, "v"), "data");
    s.make(claim(s, "other"));
    s.never(kClaims, "other", "bound", bound);
}

CONTRACT("reserving", "reserved: a claim of that name in another namespace does not get it") {
    Json pv = volume(s, "v");
    pv["spec"]["claimRef"] = {{"namespace", s.space + "-other"}, {"name", "data"}};
    s.make(pv);
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.make(claim(s, "data"));
    s.never(kClaims, "data", "bound", bound);
}

CONTRACT("reserving", "reserved: another class in the claim does not matter") {
    reserve(s, volume(s, "v"), "data");
    s.make(claim(s, "data", "fast"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved: another class in the volume does not matter") {
    Json pv = volume(s, "v");
    pv["spec"]["storageClassName"] = "slow-retain";
    reserve(s, pv, "data");
    s.make(claim(s, "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved: a claim that waits for its first consumer is bound without one") {
    reserve(s, volume(s, "v"), "data");
    s.make(claim(s, "data", "fast-later"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved: a selector that does not match does not matter") {
    reserve(s, volume(s, "v"), "data");
    Json pvc = claim(s, "data");
    pvc["spec"]["selector"] = {{"matchLabels", {{"disk", "another"}}}};
    s.make(pvc);
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved: a claim that asks for less than the volume has gets it") {
    reserve(s, of_class_fast(volume(s, "v", "200Mi")), "data");
    s.make(claim(s, "data", "fast", "64Mi"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved, but the claim asks for more: it gets a fresh empty volume") {
    reserve(s, of_class_fast(volume(s, "v", "64Mi")), "data");
    s.make(claim(s, "data", "fast", "80Mi"));
    gets_a_fresh_one(s, "data", s.own("v"));
}

CONTRACT("reserving", "reserved, but of another volume mode: the claim gets a fresh empty volume") {
    Json pv = of_class_fast(volume(s, "v"));
    pv["spec"]["volumeMode"] = "Block";
    reserve(s, pv, "data");
    s.make(claim(s, "data", "fast"));
    gets_a_fresh_one(s, "data", s.own("v"));
}

CONTRACT("reserving", "reserved, but without an access mode that the claim wants: it gets a fresh empty volume") {
    Json pv = of_class_fast(volume(s, "v"));
    pv["spec"]["accessModes"] = Json::array({"ReadOnlyMany"});
    reserve(s, pv, "data");
    s.make(claim(s, "data", "fast"));
    gets_a_fresh_one(s, "data", s.own("v"));
}

CONTRACT("reserving", "reserved, with more access modes than the claim wants: it is the claim's") {
    Json pv = of_class_fast(volume(s, "v"));
    pv["spec"]["accessModes"] = Json::array({"ReadOnlyMany", "ReadWriteOnce"});
    reserve(s, pv, "data");
    s.make(claim(s, "data", "fast"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved, but of another volumeAttributesClassName: the claim gets a fresh empty volume") {
    Json pv = of_class_fast(volume(s, "v"));
    pv["spec"]["volumeAttributesClassName"] = "gold";
    reserve(s, pv, "data");
    s.make(claim(s, "data", "fast"));
    gets_a_fresh_one(s, "data", s.own("v"));
}

CONTRACT("reserving", "reserved, and of the same volumeAttributesClassName: it is the claim's") {
    Json pv = of_class_fast(volume(s, "v"));
    pv["spec"]["volumeAttributesClassName"] = "gold";
    reserve(s, pv, "data");
    Json pvc = claim(s, "data", "fast");
    pvc["spec"]["volumeAttributesClassName"] = "gold";
    s.make(pvc);
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved, but being deleted: the claim gets a fresh empty volume") {
    Json pv = reserved_for(s, of_class_fast(volume(s, "v")), "data");
    pv["metadata"]["finalizers"] = Json::array({"hf.test/hold"});
    pv["spec"]["claimRef"]["uid"] = kNobody;
    s.make(pv);
    s.until(kVolumes, s.own("v"), "Released", phase_is("Released"));
    s.remove(kVolumes, s.own("v"));
    // The binder says Available of what it has read, and so has read of the deletion.
    s.merge(kVolumes, s.own("v"), {{"spec", {{"claimRef", {{"uid", nullptr}}}}}});
    s.until(kVolumes, s.own("v"), "Available, and being deleted",
            [](const Json& one) { return phase_is("Available")(one) && kube::deleting(one); });
    s.make(claim(s, "data", "fast"));
    gets_a_fresh_one(s, "data", s.own("v"));
    s.merge(kVolumes, s.own("v"), {{"metadata", {{"finalizers", nullptr}}}});
}

CONTRACT("reserving", "reserved with the uid of another claim: the volume is Released, the claim gets a fresh one") {
    Json pv = reserved_for(s, of_class_fast(volume(s, "v")), "data");
    pv["spec"]["claimRef"]["uid"] = kNobody;
    s.make(pv);
    s.until(kVolumes, s.own("v"), "Released", phase_is("Released"));
    s.make(claim(s, "data", "fast"));
    const Json is = bound_claim(s, "data");
    SAME(volume_of(is), "pvc-" + uid_of(is));
    SAME(text_at(s.get(kVolumes, s.own("v")), "/status/phase"), "Released");
}

CONTRACT("reserving", "reserved with the claim's own uid: they bind") {
    const Json pvc = s.make(claim(s, "data"));
    Json pv = reserved_for(s, volume(s, "v"), "data");
    pv["spec"]["claimRef"]["uid"] = uid_of(pvc);
    s.make(pv);
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "reserved while a temporary claim is bound to it: Available, and the temporary claim is Lost") {
    s.make(volume(s, "v"));
    s.make(claim(s, "temporary"));
    bound_claim(s, "temporary");
    s.until(kVolumes, s.own("v"), "Bound", bound);
    s.merge(
        kVolumes, s.own("v"),
        {{"spec",
          {{"claimRef", {{"namespace", s.space}, {"name", "data"}, {"uid", nullptr}, {"resourceVersion", nullptr}}}}}});
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.until(kClaims, "temporary", "Lost", phase_is("Lost"));
    s.make(claim(s, "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
    s.remove(kClaims, "temporary");
    s.until_gone(kClaims, "temporary");
    SAME(text_at(s.get(kVolumes, s.own("v")), "/status/phase"), "Bound");
}

CONTRACT("reserving", "reserved for a claim that is bound elsewhere: both stay as they are") {
    s.make(volume(s, "one"));
    s.make(claim(s, "data"));
    bound_claim(s, "data");
    reserve(s, volume(s, "two"), "data");
    s.never(kVolumes, s.own("two"), "bound", bound, milliseconds(1500));
    const Json is = s.get(kClaims, "data");
    SAME(volume_of(is), s.own("one"));
    SAME(text_at(is, "/status/phase"), "Bound");
}

CONTRACT("reserving", "released: a volume whose claimRef loses its uid is Available, and the claim made anew gets it") {
    s.make(volume(s, "v"));
    s.make(claim(s, "data"));
    bound_claim(s, "data");
    s.remove(kClaims, "data");
    s.until(kVolumes, s.own("v"), "Released", phase_is("Released"));
    s.merge(kVolumes, s.own("v"), {{"spec", {{"claimRef", {{"uid", nullptr}, {"resourceVersion", nullptr}}}}}});
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.make(claim(s, "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "released: a claim made anew does not get the volume back by itself") {
    s.make(volume(s, "v"));
    s.make(claim(s, "data"));
    bound_claim(s, "data");
    s.remove(kClaims, "data");
    s.until(kVolumes, s.own("v"), "Released", phase_is("Released"));
    s.make(claim(s, "data"));
    s.never(kClaims, "data", "bound", bound);
    SAME(text_at(s.get(kVolumes, s.own("v")), "/status/phase"), "Released");
}

CONTRACT("reserving", "released: without its claimRef a volume is free for anybody") {
    s.make(volume(s, "v"));
    s.make(claim(s, "data"));
    bound_claim(s, "data");
    s.remove(kClaims, "data");
    s.until(kVolumes, s.own("v"), "Released", phase_is("Released"));
    s.merge(kVolumes, s.own("v"), {{"spec", {{"claimRef", nullptr}}}});
    s.until(kVolumes, s.own("v"), "Available", phase_is("Available"));
    s.make(claim(s, "stranger"));
    SAME(volume_of(bound_claim(s, "stranger")), s.own("v"));
}

CONTRACT("reserving", "named: a claim that names a free volume gets it, and the volume is its own") {
    s.make(volume(s, "v"));
    s.make(volume(s, "other", "32Mi"));
    Json pvc = claim(s, "data");
    pvc["spec"]["volumeName"] = s.own("v");
    const Json made = s.make(pvc);
    const Json is = bound_claim(s, "data");
    CHECK(kube::annotation_of(is, "pv.kubernetes.io/bound-by-controller").empty());
    SAME(text_at(s.get(kVolumes, s.own("v")), "/spec/claimRef/uid"), uid_of(made));
}

CONTRACT("reserving", "named: a claim waits for a volume that is not there yet") {
    Json pvc = claim(s, "data");
    pvc["spec"]["volumeName"] = s.own("v");
    s.make(pvc);
    s.never(kClaims, "data", "bound", bound, milliseconds(1500));
    s.make(volume(s, "v"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

// The volume is reserved: a free one of a class that others use might become a stranger's claim's.
CONTRACT("reserving", "named: a class that makes volumes makes none for a claim that names one") {
    Json pvc = claim(s, "data", "fast");
    pvc["spec"]["volumeName"] = s.own("v");
    s.make(pvc);
    s.never(kClaims, "data", "bound", bound, milliseconds(1500));
    s.make(reserved_for(s, of_class_fast(volume(s, "v")), "data"));
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "named: a claim waits for a volume that is another's") {
    s.make(reserved_for(s, volume(s, "v"), "another"));
    Json pvc = claim(s, "data");
    pvc["spec"]["volumeName"] = s.own("v");
    s.make(pvc);
    s.never(kClaims, "data", "bound", bound);
}

CONTRACT("reserving", "named: a free volume that is too small, or of another class, is not taken") {
    s.make(volume(s, "small", "32Mi"));
    Json pv = volume(s, "other");
    pv["spec"]["storageClassName"] = s.own("other-class");
    s.make(pv);
    for (const char* name : {"small", "other"}) {
        Json pvc = claim(s, name);
        pvc["spec"]["volumeName"] = s.own(name);
        s.make(pvc);
    }
    s.never(kClaims, "small", "bound", bound);
    s.never(kClaims, "other", "bound", bound, milliseconds(500));
}

CONTRACT("reserving", "named and reserved: size and class do not matter, they bind") {
    Json pv = volume(s, "v", "32Mi");
    pv["spec"]["storageClassName"] = "slow-retain";
    s.make(reserved_for(s, pv, "data"));
    Json pvc = claim(s, "data", "fast");
    pvc["spec"]["volumeName"] = s.own("v");
    s.make(pvc);
    SAME(volume_of(bound_claim(s, "data")), s.own("v"));
}

CONTRACT("reserving", "a copied bind-completed annotation makes a new claim Lost") {
    reserve(s, volume(s, "v"), "data");
    Json pvc = claim(s, "data");
    pvc["metadata"]["annotations"] = {{"pv.kubernetes.io/bind-completed", "yes"},
                                      {"pv.kubernetes.io/bound-by-controller", "yes"}};
    s.make(pvc);
    s.until(kClaims, "data", "Lost", phase_is("Lost"));
    SAME(text_at(s.get(kVolumes, s.own("v")), "/status/phase"), "Available");
}

CONTRACT("reserving",
         "a copied bind-completed annotation with the volume's name makes it Lost, if the uid is another's") {
    Json pv = reserved_for(s, volume(s, "v"), "data");
    pv["spec"]["claimRef"]["uid"] = kNobody;
    s.make(pv);
    Json pvc = claim(s, "data");
    pvc["metadata"]["annotations"] = {{"pv.kubernetes.io/bind-completed", "yes"}};
    pvc["spec"]["volumeName"] = s.own("v");
    s.make(pvc);
    s.until(kClaims, "data", "Lost", phase_is("Lost"));
}

CONTRACT("reserving", "a copied selected-node annotation is kept: the claim's volume is made without a consumer") {
    Json pvc = claim(s, "data", "fast-later");
    pvc["metadata"]["annotations"] = {{"volume.kubernetes.io/selected-node", "node-a"}};
    s.make(pvc);
    bound_claim(s, "data");
}

}  // namespace holdfast::contract
