#include "tests/contract/objects.h"

#include "common/kube/objects/snapshot.h"

// Snapshots: their life, what they hold, errors, and claims that are filled from them.
namespace holdfast::contract {
namespace {

constexpr char kPrefix[] = "snapshot.storage.kubernetes.io/";

void make_source(Stage& s) {
    s.make(claim(s, "data", "fast"));
    s.until(kClaims, "data", "Bound", bound);
}

std::string content_of(const Json& snapshot) { return text_at(snapshot, "/status/boundVolumeSnapshotContentName"); }

Predicate held_by(const std::vector<std::string>& finalizers) {
    return [finalizers](const Json& one) {
        return std::all_of(finalizers.begin(), finalizers.end(),
                           [&](const std::string& name) { return holds(one, kPrefix + name); });
    };
}

// Ready, and held as it ought to be: who cuts it and who holds it do not wait for each other.
Json taken(Stage& s, const std::string& name, const std::string& snapshot_class = "fast") {
    s.make(snapshot(s, name, "data", snapshot_class));
    s.until(kSnapshots, name, "ready", ready);
    const Json is = s.until(kSnapshots, name, "held", held_by({"volumesnapshot-as-source-protection"}));
    s.until(kSnapshotContents, content_of(is), "held", held_by({"volumesnapshotcontent-bound-protection"}));
    return is;
}

bool has_content(const Json& one) { return !content_of(one).empty(); }
bool has_error(const Json& one) { return !text_at(one, "/status/error/message").empty(); }
Predicate error_says(const std::string& words) {
    return [words](const Json& one) { return text_at(one, "/status/error/message").find(words) != std::string::npos; };
}
bool cut(const Json& one) { return has(one, "/status/creationTime"); }

Json pre_provisioned(const Stage& s, const std::string& name, const std::string& handle, const std::string& snapshot) {
    Json made = {{"apiVersion", "snapshot.storage.k8s.io/v1"},
                 {"kind", "VolumeSnapshotContent"},
                 {"metadata", {{"name", s.own(name)}}}};
    made["spec"] = {{"deletionPolicy", "Retain"},
                    {"driver", "fast.csi.hf.test"},
                    {"source", {{"snapshotHandle", handle}}},
                    {"sourceVolumeMode", "Filesystem"},
                    {"volumeSnapshotRef", {{"namespace", s.space}, {"name", snapshot}}}};
    return made;
}

Json of_content(const Stage& s, const std::string& name, const std::string& content) {
    Json made = snapshot(s, name, "", "");
    made["spec"]["source"] = {{"volumeSnapshotContentName", content}};
    return made;
}

}  // namespace

CONTRACT("snapshots", "a snapshot gets a content, both name each other, and it becomes ready") {
    make_source(s);
    const Json is = taken(s, "one");
    SAME(content_of(is), "snapcontent-" + uid_of(is));
    const Json content = s.get(kSnapshotContents, content_of(is));
    CHECK(kube::bound_both_ways(kube::snapshot_of(is), kube::content_of(content)));
    SAME(text_at(content, "/spec/deletionPolicy"), "Delete");
    SAME(text_at(content, "/spec/driver"), "fast.csi.hf.test");
    CHECK(!text_at(content, "/status/snapshotHandle").empty());
    CHECK(content["status"]["creationTime"].is_number_integer());
    CHECK(content["status"]["restoreSize"].is_number_integer());
    SAME(text_at(is, "/status/restoreSize"), "64Mi");
    CHECK(cut(is));
}

CONTRACT("snapshots", "a ready snapshot and its content are held by finalizers, its claim no longer is") {
    make_source(s);
    taken(s, "one");  // waits until both are held
    s.until(kSnapshots, "one", "held, since its content is bound", held_by({"volumesnapshot-bound-protection"}));
    s.until(kClaims, "data", "free",
            [](const Json& one) { return !holds(one, std::string(kPrefix) + "pvc-as-source-protection"); });
}

CONTRACT("snapshots", "cut at once, ready later: meanwhile the claim is held and cannot go") {
    make_source(s);
    s.make(snapshot(s, "one", "data", "fast-uploading"));
    const Json early = s.until(kSnapshots, "one", "cut", cut);
    CHECK(!ready(early));
    CHECK(held_by({"pvc-as-source-protection"})(s.get(kClaims, "data")));
    s.remove(kClaims, "data");
    s.never(kClaims, "data", "free", [](const Json& one) { return !held_by({"pvc-as-source-protection"})(one); });
    s.remove(kSnapshots, "one");
    s.until_gone(kClaims, "data");
}

CONTRACT("snapshots", "a claim that is being deleted goes when its snapshot is ready") {
    make_source(s);
    s.make(snapshot(s, "one", "data", "fast-delayed"));
    s.until(kSnapshots, "one", "cut", cut);
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
    CHECK(ready(s.get(kSnapshots, "one")));
}

CONTRACT("snapshots", "the content says since when it is being made, until it is") {
    make_source(s);
    const Json is = taken(s, "one");
    const std::string mark = std::string(kPrefix) + "volumesnapshot-being-created";
    s.until(kSnapshotContents, content_of(is), "made",
            [&](const Json& one) { return kube::annotation_of(one, mark).empty(); });
    s.make(snapshot(s, "never", "data", "broken"));
    const Json broken = s.until(kSnapshots, "never", "with a content", has_content);
    s.until(kSnapshotContents, content_of(broken), "in error", has_error);
}

CONTRACT("snapshots", "without a class the default of the volume's driver is taken") {
    make_source(s);
    const Json is = taken(s, "one", "");
    SAME(text_at(is, "/spec/volumeSnapshotClassName"), "fast");
}

CONTRACT("snapshots", "an error is told, is not the end, and leaves the snapshot unready") {
    make_source(s);
    s.make(snapshot(s, "one", "data", "broken"));
    const Json is = s.until(kSnapshots, "one", "refused by the array", error_says("the array refused the snapshot"));
    CHECK(!ready(is));
    s.remove(kSnapshots, "one");
    s.until_gone(kSnapshots, "one");
}

CONTRACT("snapshots", "where no driver answers there is a content without status, and it does not go") {
    Json pv = volume(s, "v");
    pv["spec"]["csi"]["driver"] = "absent.csi.hf.test";
    s.make(pv);
    s.make(claim(s, "data"));
    s.until(kClaims, "data", "Bound", bound);
    s.make(snapshot(s, "one", "data", "unserved"));
    const Json is = s.until(kSnapshots, "one", "with a content", has_content);
    s.never(kSnapshotContents, content_of(is), "answered",
            [](const Json& one) { return has(one, "/status/snapshotHandle"); });
    s.remove(kSnapshots, "one");
    const auto going = [](const Json& one) { return kube::deleting(one); };
    s.until(kSnapshotContents, content_of(is), "being deleted", going);
    s.never(kSnapshotContents, content_of(is), "gone", [&](const Json& one) { return !going(one); });
    s.merge(kSnapshotContents, content_of(is), {{"metadata", {{"finalizers", nullptr}}}});
    s.until_gone(kSnapshots, "one");
}

CONTRACT("snapshots", "of a claim that is not there: an error, and it goes on when the claim comes") {
    s.make(snapshot(s, "one", "data"));
    s.until(kSnapshots, "one", "in error", has_error);
    s.make(claim(s, "data", "fast"));
    const Json is = s.until(kSnapshots, "one", "ready", ready);
    CHECK(!has_error(is));
}

CONTRACT("snapshots", "of a claim that is not bound: no content until it is") {
    s.make(claim(s, "data"));
    s.make(snapshot(s, "one", "data"));
    s.until(kSnapshots, "one", "in error", has_error);
    CHECK(!has_content(s.get(kSnapshots, "one")));
}

CONTRACT("snapshots", "of a class that is not there: an error") {
    make_source(s);
    s.make(snapshot(s, "one", "data", "no-such-class"));
    const Json is = s.until(kSnapshots, "one", "in error", has_error);
    CHECK(!has_content(is));
}

CONTRACT("snapshots", "deletion policy Delete: the content goes with the snapshot") {
    make_source(s);
    const std::string content = content_of(taken(s, "one"));
    s.remove(kSnapshots, "one");
    s.until_gone(kSnapshots, "one");
    s.until_gone(kSnapshotContents, content);
}

CONTRACT("snapshots", "deletion policy Retain: the content stays") {
    make_source(s);
    const std::string content = content_of(taken(s, "one", "fast-retain"));
    s.remove(kSnapshots, "one");
    s.until_gone(kSnapshots, "one");
    s.never(kSnapshotContents, content, "deleted", [](const Json& one) { return kube::deleting(one); });
}

CONTRACT("snapshots", "a content set to Retain outlives a snapshot of a class Delete") {
    make_source(s);
    const std::string content = content_of(taken(s, "one"));
    // What becomes of a content is decided from a cache (external-snapshotter common-controller/snapshot_controller.go,
    // processSnapshotWithDeletionTimestamp: getContentFromStore), which may be older than this. The finalizer is made
    // anew by syncContent alone, which has put the version that it saw into that cache before.
    s.merge(kSnapshotContents, content,
            {{"metadata", {{"finalizers", nullptr}}}, {"spec", {{"deletionPolicy", "Retain"}}}});
    s.until(kSnapshotContents, content, "seen by its controller",
            [](const Json& one) { return has(one, "/metadata/finalizers/0"); });
    s.remove(kSnapshots, "one");
    s.until_gone(kSnapshots, "one");
    s.never(kSnapshotContents, content, "deleted", [](const Json& one) { return kube::deleting(one); });
}

CONTRACT("snapshots", "deleting a content leaves it there while its snapshot is") {
    make_source(s);
    const std::string content = content_of(taken(s, "one"));
    s.remove(kSnapshotContents, content);
    s.never(
        kSnapshots, "one", "deleted", [](const Json& one) { return kube::deleting(one); }, milliseconds(1500));
    CHECK(kube::deleting(s.get(kSnapshotContents, content)));
    s.remove(kSnapshots, "one");
    s.until_gone(kSnapshotContents, content);
}

CONTRACT("snapshots", "a deleted claim leaves its snapshots") {
    make_source(s);
    taken(s, "one");
    s.remove(kClaims, "data");
    s.until_gone(kClaims, "data");
    CHECK(ready(s.get(kSnapshots, "one")));
}

CONTRACT("snapshots", "imported: a content by handle and a snapshot that names it bind, and it is ready") {
    make_source(s);
    const Json first = taken(s, "one");
    const std::string handle = text_at(s.get(kSnapshotContents, content_of(first)), "/status/snapshotHandle");
    s.make(pre_provisioned(s, "imported", handle, "two"));
    s.make(of_content(s, "two", s.own("imported")));
    const Json is = s.until(kSnapshots, "two", "ready", ready);
    SAME(content_of(is), s.own("imported"));
    SAME(text_at(s.get(kSnapshotContents, s.own("imported")), "/spec/volumeSnapshotRef/uid"), uid_of(is));
}

CONTRACT("snapshots", "imported: a content that is for another snapshot is refused") {
    make_source(s);
    const Json first = taken(s, "one");
    const std::string handle = text_at(s.get(kSnapshotContents, content_of(first)), "/status/snapshotHandle");
    s.make(pre_provisioned(s, "imported", handle, "somebody-else"));
    s.make(of_content(s, "two", s.own("imported")));
    const Json is = s.until(kSnapshots, "two", "in error", has_error);
    CHECK(!ready(is));
}

CONTRACT("snapshots", "imported: a snapshot waits for a content that is not there") {
    s.make(of_content(s, "two", s.own("imported")));
    const Json is = s.until(kSnapshots, "two", "in error", has_error);
    CHECK(!ready(is));
}

CONTRACT("snapshots", "a source is one of claim and content, and cannot be changed") {
    Json both = snapshot(s, "both", "data");
    both["spec"]["source"]["volumeSnapshotContentName"] = "other";
    FAILS(s.cluster.create(both), 422, "Invalid");
    Json none = snapshot(s, "none", "data");
    none["spec"]["source"] = Json::object();
    FAILS(s.cluster.create(none), 422, "Invalid");
    s.make(snapshot(s, "one", "data"));
    FAILS(s.cluster.patch(s.ref(kSnapshots, "one"), PatchType::kMerge,
                          {{"spec", {{"source", {{"persistentVolumeClaimName", "other"}}}}}}, {}),
          422, "Invalid");
}

CONTRACT("snapshots", "a snapshot's generation is 1, and labels can be changed while it is made") {
    const Json made = s.make(snapshot(s, "one", "data"));
    SAME(made["metadata"]["generation"], 1);
    CHECK(!has(made, "/status"));
    SAME(kube::label_of(s.merge(kSnapshots, "one", {{"metadata", {{"labels", {{"a", "b"}}}}}}), "a"), "b");
}

CONTRACT("snapshots", "restored: a claim with a snapshot as its source binds, and still says so") {
    make_source(s);
    taken(s, "one");
    const Json made = s.make(restored(claim(s, "copy", "fast"), "one"));
    SAME(text_at(made, "/spec/dataSourceRef/name"), "one");
    SAME(text_at(made, "/spec/dataSourceRef/kind"), "VolumeSnapshot");
    const Json is = s.until(kClaims, "copy", "Bound", bound);
    SAME(text_at(is, "/spec/dataSource/name"), "one");
    SAME(text_at(is, "/spec/volumeName"), "pvc-" + uid_of(is));
}

CONTRACT("snapshots", "restored: a source given as dataSourceRef is the dataSource too") {
    make_source(s);
    taken(s, "one");
    Json copy = claim(s, "copy", "fast");
    copy["spec"]["dataSourceRef"] = {
        {"apiGroup", "snapshot.storage.k8s.io"}, {"kind", "VolumeSnapshot"}, {"name", "one"}};
    SAME(text_at(s.make(copy), "/spec/dataSource/name"), "one");
    s.until(kClaims, "copy", "Bound", bound);
}

CONTRACT("snapshots", "restored: a dataSource of a wrong group is dropped, and an empty volume is bound") {
    make_source(s);
    taken(s, "one");
    Json copy = restored(claim(s, "copy", "fast"), "one");
    copy["spec"]["dataSource"]["apiGroup"] = "snapshots.example.org";
    const Json made = s.make(copy);
    CHECK(!has(made, "/spec/dataSource"));
    CHECK(!has(made, "/spec/dataSourceRef"));
    s.until(kClaims, "copy", "Bound", bound);
}

CONTRACT("snapshots", "restored: a dataSource of a kind that nobody knows is dropped too") {
    Json copy = restored(claim(s, "copy", "fast"), "one");
    copy["spec"]["dataSource"]["kind"] = "Snapshot";
    CHECK(!has(s.make(copy), "/spec/dataSource"));
}

CONTRACT("snapshots", "restored: a dataSourceRef of a kind that nobody fills stays, and the claim stays Pending") {
    Json copy = claim(s, "copy", "fast");
    copy["spec"]["dataSourceRef"] = {{"apiGroup", "fill.example.org"}, {"kind", "Filler"}, {"name", "one"}};
    SAME(text_at(s.make(copy), "/spec/dataSourceRef/kind"), "Filler");
    s.never(kClaims, "copy", "bound", bound);
}

CONTRACT("snapshots", "restored: a claim smaller than the snapshot stays Pending") {
    make_source(s);
    taken(s, "one");
    s.make(restored(claim(s, "copy", "fast", "32Mi"), "one"));
    s.never(kClaims, "copy", "bound", bound);
}

CONTRACT("snapshots", "restored: a larger claim gets its size") {
    make_source(s);
    taken(s, "one");
    s.make(restored(claim(s, "copy", "fast", "100Mi"), "one"));
    SAME(text_at(s.until(kClaims, "copy", "Bound", bound), "/status/capacity/storage"), "100Mi");
}

CONTRACT("snapshots", "restored: a claim waits for a snapshot that is not there, or not ready, then binds") {
    s.make(restored(claim(s, "copy", "fast"), "one"));
    s.never(kClaims, "copy", "bound", bound, milliseconds(1500));
    make_source(s);
    s.make(snapshot(s, "one", "data", "fast-delayed"));
    const Json is = s.until(kClaims, "copy", "Bound", bound);
    CHECK(ready(s.get(kSnapshots, "one")));
    SAME(text_at(is, "/spec/dataSource/name"), "one");
}

CONTRACT("snapshots", "restored: a snapshot stays while a claim that is made of it is Pending") {
    make_source(s);
    taken(s, "one");
    s.make(restored(claim(s, "copy", "fast-later"), "one"));
    // Whether a snapshot may go is decided from a cache of the claims: what the controller says of a snapshot of this
    // claim shows that it is in there.
    s.make(snapshot(s, "probe", "copy"));
    s.until(kSnapshots, "probe", "refused since its claim is not bound", error_says("not yet bound"));
    s.remove(kSnapshots, "probe");
    s.until_gone(kSnapshots, "probe");
    s.remove(kSnapshots, "one");
    s.never(kSnapshots, "one", "gone", [](const Json& one) { return !kube::deleting(one); });
    s.remove(kClaims, "copy");
    s.until_gone(kSnapshots, "one");
}

CONTRACT("snapshots", "restored: a class of another driver leaves the claim Pending") {
    make_source(s);
    taken(s, "one");
    s.make(restored(claim(s, "copy", "slow"), "one"));
    s.never(kClaims, "copy", "bound", bound);
}

CONTRACT("snapshots", "a claim as the source of a claim: the copy binds") {
    make_source(s);
    Json copy = claim(s, "copy", "fast");
    copy["spec"]["dataSource"] = {{"kind", "PersistentVolumeClaim"}, {"name", "data"}};
    SAME(text_at(s.make(copy), "/spec/dataSourceRef/kind"), "PersistentVolumeClaim");
    s.until(kClaims, "copy", "Bound", bound);
}

}  // namespace holdfast::contract
