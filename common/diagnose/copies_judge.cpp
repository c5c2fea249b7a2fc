// Can the data be snapped, when was it last, would that survive, and has anyone ever restored it.
#include "common/core/text.h"
#include "common/diagnose/practice_facts.h"
#include "common/diagnose/remedies.h"
#include "common/diagnose/snapshot_facts.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace holdfast::diagnose {
namespace {

using std::chrono::hours;

constexpr auto kSetIsOld = hours(24 * 7);
constexpr auto kDrillIsOld = hours(24 * 31);  // "restores tested monthly"

long long seconds_since(const std::string& time, SystemTime now) {
    const auto parsed = parse_time(time);
    if (!parsed.ok()) return -1;
    return std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(now - *parsed).count());
}

bool older(const std::string& time, SystemTime now, hours limit) {
    const auto parsed = parse_time(time);
    return parsed.ok() && now - *parsed > limit;
}

std::string ago(const std::string& time, SystemTime now) {
    const long long seconds = seconds_since(time, now);
    return seconds < 0 ? "at an unknown time" : human_age(seconds) + " ago";
}

// One finding a driver, not one a claim.
Findings judge_ability(const PracticeFacts& facts) {
    if (facts.snapshots_served == Sight::kAbsent) return {snapshot_api_missing(facts.object)};
    Findings found;
    std::set<std::string> drivers;
    for (const HeldClaim& held : facts.claims) {
        if (held.volume.there() && held.volume->driver.empty()) {
            found.push_back(volume_not_csi("pvc/" + facts.space + "/" + held.claim.name, held.volume.value));
        }
        if (!held.driver.empty() && !(held.volume.there() && held.volume->driver.empty())) drivers.insert(held.driver);
    }
    for (const std::string& driver : drivers) {
        for (Finding& one : judge_planned_class(facts.snapshot_classes, driver, facts.object))
            found.push_back(std::move(one));
    }
    return found;
}

const kube::SnapshotSet* newest_complete(const PracticeFacts& facts) {
    for (const kube::SnapshotSet& set : facts.sets) {
        if (set.complete) return &set;
    }
    return nullptr;
}

Findings judge_age(const PracticeFacts& facts, SystemTime now) {
    const std::string create = "`kubectl snap create " + facts.target + " -n " + facts.space + "`";
    const kube::SnapshotSet* last = newest_complete(facts);
    if (last == nullptr) {
        const auto foreign = std::find_if(facts.snapshots.begin(), facts.snapshots.end(),
                                          [](const KeptSnapshot& one) { return one.snapshot.ready; });
        if (foreign == facts.snapshots.end()) {
            return {warning({"never-snapped", facts.object, "snapshot", "there is no snapshot of it", create})};
        }
        return {
            info({"no-set", facts.object, "snapshot",
                  "its newest snapshot " + foreign->snapshot.name + " is of " + ago(foreign->snapshot.created, now) +
                      " and in no set: nothing records which workload, image and version it belongs to",
                  create})};
    }
    if (!older(last->created_at, now, kSetIsOld)) return {};
    return {warning({"snapshot-old", facts.object, "snapshot",
                     "its newest set " + last->name + " is of " + ago(last->created_at, now), create})};
}

Findings judge_records(const PracticeFacts& facts) {
    Findings found;
    for (const std::string& damage : facts.damaged_sets) {
        found.push_back(warning({"set-damaged", "namespace/" + facts.space, "snapshot", damage,
                                 "its snapshots are untouched and carry what the record said: `kubectl snap list -n " +
                                     facts.space + "`"}));
    }
    for (const kube::SnapshotSet& set : facts.sets) {
        if (set.complete) continue;
        found.push_back(
            info({"set-incomplete", "set/" + facts.space + "/" + set.name, "snapshot",
                  "it was never completed and cannot be restored as a whole" +
                      (set.operation.empty() ? std::string() : " (operation " + set.operation + ")"),
                  "`kubectl snap status -n " + facts.space + "`, then resume that operation, or delete the set"}));
    }
    return found;
}

Findings judge_drills(const PracticeFacts& facts, SystemTime now) {
    const kube::SnapshotSet* last = newest_complete(facts);
    if (last == nullptr) return {};
    const std::string drill =
        "`kubectl restore drill " + last->name + " -n " + facts.space + " --query SQL --expect VALUE`";
    const kube::SnapshotSet* checked = nullptr;
    const kube::SnapshotSet* failed = nullptr;
    for (const kube::SnapshotSet& set : facts.sets) {
        if (set.verified_level == "checked" && (checked == nullptr || set.verified_at > checked->verified_at))
            checked = &set;
        if (set.verified_level == "failed" && (failed == nullptr || set.verified_at > failed->verified_at))
            failed = &set;
    }
    if (failed != nullptr && (checked == nullptr || failed->verified_at > checked->verified_at)) {
        return {error({"drill-failed", facts.object, "snapshot",
                       "its last rehearsal, of set " + failed->name + " " + ago(failed->verified_at, now) + ", failed" +
                           (failed->verified_detail.empty() ? "" : ": " + failed->verified_detail),
                       "do not rely on that set; look at the data, then " + drill})};
    }
    if (checked == nullptr) {
        return {warning(
            {"never-drilled", facts.object, "snapshot",
             "no restore of it has ever been tried and checked: a snapshot is worth what its last restore proved",
             drill})};
    }
    if (!older(checked->verified_at, now, kDrillIsOld)) return {};
    return {warning({"drill-old", facts.object, "snapshot",
                     "the last restore that was tried and checked, of set " + checked->name + ", was " +
                         ago(checked->verified_at, now),
                     drill})};
}

// safety R21: with their namespace the snapshots go, and under Delete what the storage holds as well.
Findings judge_survival(const PracticeFacts& facts) {
    std::vector<std::string> sets, singles;
    for (const KeptSnapshot& one : facts.snapshots) {
        if (one.deletion_policy != "Delete") continue;
        std::vector<std::string>& names = one.snapshot.set.empty() ? singles : sets;
        const std::string name = one.snapshot.set.empty() ? "vs/" + one.snapshot.name : "set/" + one.snapshot.set;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    std::vector<std::string> all = sets;
    all.insert(all.end(), singles.begin(), singles.end());
    if (all.empty()) return {};
    const std::string first = all.front().substr(all.front().find('/') + 1);
    return {
        warning({"snapshots-die-with-namespace", facts.object, "policy",
                 "deletionPolicy Delete: these are destroyed with namespace " + facts.space + ": " + named(all),
                 sets.empty() ? "use a snapshot class with deletionPolicy Retain for those that matter"
                              : "`kubectl snap protect " + first + " -n " + facts.space + "` for those that matter"})};
}

Findings judge_backup(const PracticeFacts& facts) {
    if (!facts.backup_tools.there() || !facts.backup_tools->empty() || facts.claims.empty()) return {};
    return {info({"no-backup-seen", "cluster", "policy",
                  "no tool that copies data out of the cluster was seen: snapshots lie on the same storage as the "
                  "data, and keep a dropped table as "
                  "faithfully as a good one",
                  "keep a second copy elsewhere (a dump, pgBackRest, Velero, VolSync, ...); if there is one, this hint "
                  "does not concern you"})};
}

}  // namespace

Findings judge_copies(const PracticeFacts& facts, SystemTime now) {
    if (facts.claims.empty()) return {};
    Findings found = judge_ability(facts);
    const bool possible = found.empty() || std::none_of(found.begin(), found.end(), [](const Finding& one) {
                              return one.code == "snapshot-api-missing" || one.code == "volume-not-csi" ||
                                     one.code == "snapshot-class-none";
                          });
    if (possible) {
        append(found, judge_age(facts, now));
        append(found, judge_records(facts));
        append(found, judge_drills(facts, now));
        append(found, judge_survival(facts));
    }
    append(found, judge_backup(facts));
    return found;
}

}  // namespace holdfast::diagnose
