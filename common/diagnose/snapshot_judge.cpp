#include "common/core/text.h"
#include "common/diagnose/remedies.h"
#include "common/diagnose/snapshot_facts.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

std::string object_of(const SnapshotFacts& facts) { return "vs/" + facts.space + "/" + facts.name; }

// What keeps the controller from making a content at all: source, volume, class. Empty if nothing of it does.
Findings judge_source(const SnapshotFacts& facts) {
    const std::string object = object_of(facts);
    const std::string& claim = facts.snapshot->claim;
    const std::string claim_object = "pvc/" + facts.space + "/" + claim;
    if (facts.claim.absent()) {
        return {
            error({"snapshot-claim-missing", object, "claim",
                   "its source claim " + claim + " does not exist in namespace " + facts.space,
                   "delete this snapshot; `kubectl get pvc -n " + facts.space + "` lists the claims that there are"})};
    }
    if (facts.claim.there() && facts.claim->volume.empty()) {
        return {
            error({"snapshot-claim-unbound", object, "claim",
                   "its source claim " + claim + " has no volume yet, so there is nothing to take a snapshot of",
                   "`kubectl snap doctor pvc/" + claim + " -n " + facts.space + "` says what the claim waits for"})};
    }
    if (facts.volume.there() && facts.volume->driver.empty()) return {volume_not_csi(claim_object, facts.volume.value)};
    return judge_snapshot_class(facts.classes, facts.snapshot->snapshot_class, facts.volume_driver, object);
}

// A snapshot that names a content (imported) instead of a claim.
Findings judge_import(const SnapshotFacts& facts) {
    const std::string object = object_of(facts), content = facts.snapshot->source_content;
    if (facts.content.absent()) {
        return {error({"content-missing", object, "content",
                       "it is to be bound to volumesnapshotcontent " + content + ", which does not exist",
                       "make that content (snapshotHandle, driver, volumeSnapshotRef " + facts.space + "/" +
                           facts.name + "), or delete this snapshot: no data hangs on it"})};
    }
    if (!facts.content.there()) return {};
    const kube::SnapshotContent& there = facts.content.value;
    const bool points_back = there.snapshot_space == facts.space && there.snapshot_name == facts.name &&
                             (there.snapshot_uid.empty() || there.snapshot_uid == facts.snapshot->uid);
    if (points_back) return {};
    return {
        error({"content-of-another", object, "content",
               "volumesnapshotcontent " + content + " belongs to " + there.snapshot_space + "/" + there.snapshot_name +
                   (there.snapshot_name == facts.name ? " of an earlier life (other uid)" : "") +
                   "; a content that was bound once never binds again",
               "make a new content on the same snapshotHandle with deletionPolicy Retain, and name that one"})};
}

// The controller has made no content and none of what it needs is missing as far as we see.
Finding judge_no_content(const SnapshotFacts& facts) {
    const std::string object = object_of(facts);
    const kube::Snapshot& snapshot = facts.snapshot.value;
    const auto worst = std::find_if(facts.events.begin(), facts.events.end(), [](const auto& e) { return e.warning; });
    if (!snapshot.error.empty() || worst != facts.events.end()) {
        const std::string text = snapshot.error.empty() ? worst->message : snapshot.error;
        return error({"snapshot-refused", object, "snapshot", "the snapshot controller says: " + driver_words(text),
                      "it tries again by itself, at most five minutes apart, once the cause is gone"});
    }
    if (!snapshot.answered && facts.events.empty()) {
        return error(
            {"snapshot-unanswered", object, "snapshot",
             "no controller has answered since " + snapshot.created +
                 ": no status, no event; the snapshot API is installed, but the snapshot controller is not, or it "
                 "does not run",
             remedy_no_controller()});
    }
    return info({"snapshot-begins", object, "snapshot",
                 "the snapshot controller has seen it and has made no content yet",
                 "wait; if this stays, read the snapshot controller's log"});
}

// The content is there: from here on it is the driver's sidecar and the storage behind it.
Finding judge_content(const SnapshotFacts& facts) {
    const std::string object = object_of(facts);
    const kube::SnapshotContent& content = facts.content.value;
    const std::string driver = content.driver;
    if (facts.content_driver == Sight::kAbsent) {
        return error({"driver-missing", object, "driver",
                      "its content " + content.name + " is for the driver " + driver + ", which is not installed here",
                      remedy_driver(driver)});
    }
    if (!content.error.empty()) {
        return error(
            {"driver-refused", object, "driver", "the driver " + driver + " says: " + driver_words(content.error),
             "it is asked again by itself, at most five minutes apart: mend the cause in the storage, or delete "
             "this snapshot; the volume and its data are untouched"});
    }
    if (!facts.snapshot->cut_at.empty() || !content.cut_at.empty()) {
        const std::string cut = facts.snapshot->cut_at.empty() ? content.cut_at : facts.snapshot->cut_at;
        return info({"snapshot-uploading", object, "driver",
                     "it was cut at " + cut +
                         " and the storage is still copying it: writes since then are not in it, and "
                         "it cannot be restored yet",
                     "wait; how long it takes depends on the storage (" + driver + ")"});
    }
    if (content.being_created) {
        return info({"snapshot-being-cut", object, "driver",
                     "the driver " + driver + " is being asked and has not answered",
                     "wait; if this stays, read the log of the driver's controller (container csi-snapshotter)"});
    }
    if (!content.answered) {
        return error(
            {"content-unanswered", object, "driver",
             "its content " + content.name + " waits for the driver " + driver +
                 ": nothing has taken it up; the csi-snapshotter next to that driver is not installed or does not run",
             remedy_no_sidecar(driver)});
    }
    return info(
        {"snapshot-not-ready", object, "driver", "the driver " + driver + " has not reported it as ready yet", "wait"});
}

Findings judge_deletion(const SnapshotFacts& facts) {
    if (facts.pending_claims.empty()) {
        return {
            info({"snapshot-deleting", object_of(facts), "snapshot", "it is being deleted", "wait until it is gone"})};
    }
    return {warning({"snapshot-deletion-held", object_of(facts), "claim",
                     "it is being deleted, and that waits for claims that are still to be filled from it: " +
                         named(facts.pending_claims),
                     "let these claims be bound (a WaitForFirstConsumer class needs a pod), or delete them"})};
}

}  // namespace

Findings judge_snapshot(const SnapshotFacts& facts) {
    const std::string object = object_of(facts);
    if (facts.served == Sight::kAbsent) return {snapshot_api_missing(object)};
    if (facts.snapshot.absent()) {
        return {error({"snapshot-missing", object, "snapshot", "there is no such snapshot",
                       "`kubectl snap list -n " + facts.space + "` lists those that there are"})};
    }
    if (!facts.snapshot.there()) return {};
    const kube::Snapshot& snapshot = facts.snapshot.value;
    if (snapshot.deleting) return judge_deletion(facts);
    if (snapshot.ready) return {};
    if (!snapshot.source_content.empty()) {
        Findings wrong = judge_import(facts);
        if (!wrong.empty()) return wrong;
    } else {
        Findings wrong = judge_source(facts);
        // A content of the right driver exists: the class may have gone since, which no longer matters.
        const bool past_it =
            facts.content.there() && (facts.volume_driver.empty() || facts.content->driver == facts.volume_driver);
        if (!wrong.empty() && !past_it) return wrong;
    }
    if (facts.content.there()) return {judge_content(facts)};
    if (facts.content.absent() || snapshot.content.empty()) return {judge_no_content(facts)};
    return {info({"snapshot-not-ready", object, "content",
                  "its content " + snapshot.content + " may not be read, so the storage's own words cannot be shown" +
                      (snapshot.error.empty() ? "" : "; the controller says: " + driver_words(snapshot.error)),
                  "ask for: get volumesnapshotcontents"})};
}

}  // namespace holdfast::diagnose
