#include "plugins/snap/delete_plan.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "plugins/snap/set_view.h"

#include <algorithm>
#include <set>

namespace holdfast::snap {
namespace {

Error will_not_delete(std::string message, std::string hint) {
    return {ErrorKind::kRefused, "refusing to delete " + message + "; nothing was changed", std::move(hint)};
}

// Goes with the subject: it itself, or the set of which it is a member.
bool goes_with(const Subject& subject, const Standing& standing) {
    if (subject.name.is_set == standing.is_set) return subject.name.name == standing.name;
    return standing.is_set && std::find(standing.snapshots.begin(), standing.snapshots.end(), subject.name.name) !=
                                  standing.snapshots.end();
}

bool goes(const DeleteFacts& facts, const Standing& standing) {
    return std::any_of(facts.subjects.begin(), facts.subjects.end(),
                       [&](const Subject& subject) { return goes_with(subject, standing); });
}

bool shares_claim(const Standing& a, const Standing& b) {
    return std::any_of(a.claims.begin(), a.claims.end(), [&](const std::string& claim) {
        return !claim.empty() && std::find(b.claims.begin(), b.claims.end(), claim) != b.claims.end();
    });
}

// Whether something that can be restored stays: of a set's workload another set, of a single snapshot's claim anything
// ready.
Status check_last_of(const DeleteFacts& facts, const Subject& subject, const Standing& own) {
    bool ready_left = false, checked_left = false;
    for (const Standing& other : facts.standings) {
        if (goes(facts, other)) continue;
        const bool counts = own.is_set ? other.is_set && other.workload == own.workload : shares_claim(own, other);
        ready_left = ready_left || (counts && other.ready);
        checked_left = checked_left || (counts && other.checked && other.ready);
    }
    const std::string of = own.is_set ? own.workload : own.workload.substr(4).empty() ? "its claim" : own.workload;
    const std::string what =
        subject.text() + (own.is_set == subject.name.is_set ? ": it" : ": set/" + own.name + " needs it, which");
    const bool of_nothing =
        !own.is_set && own.claims.front().empty();  // pre-provisioned: of no claim of this namespace
    if (own.ready && !ready_left && !of_nothing)
        return will_not_delete(what + " is the last one of " + escape_line(of) + " that can be restored",
                               "make a new one first, or delete it all the same with --force");
    if (own.checked && !checked_left)
        return will_not_delete(
            what + " is the last one of " + escape_line(of) + " whose restore was checked",
            "check another one first (kubectl restore drill), or delete it all the same with --force");
    return {};
}

Status check_last(const DeleteFacts& facts, const Subject& subject) {
    for (const Standing& own : facts.standings) {
        if (goes_with(subject, own) && (own.ready || own.checked)) TRY(check_last_of(facts, subject, own));
    }
    return {};
}

Status check_needed(const Subject& subject) {
    for (const Link& link : subject.links) {
        if (link.pending.empty()) continue;
        return will_not_delete(
            subject.text() + ": pvc/" + link.pending.front() + " is not bound yet and is made of vs/" +
                link.snapshot_name,
            "the snapshot would not go before that claim is bound or deleted; --force begins all the same");
    }
    return {};
}

Status check_making(const DeleteFacts& facts, const Subject& subject) {
    if (!subject.set || subject.set->complete || subject.set->operation.empty()) return {};
    const std::string& operation = subject.set->operation;
    if (std::find(facts.open_journals.begin(), facts.open_journals.end(), operation) == facts.open_journals.end())
        return {};
    return Error{ErrorKind::kLocked,
                 subject.text() + " is being made by operation " + escape_line(operation) + "; nothing was changed",
                 "take that back with `kubectl snap abort " + escape_line(operation) + "`, or finish it with resume"};
}

class Steps {
  public:
    Steps(const DeleteFacts& facts, const DeleteOptions& options) : facts_(facts), options_(options) {}

    plan::Plan build() {
        for (const Subject& subject : facts_.subjects) add_subject(subject);
        add_wait();
        for (const Subject& subject : facts_.subjects) remove_contents(subject);
        for (const Subject& subject : facts_.subjects) add_record(subject);
        plan_.asks = !plan_.steps.empty();
        add_notes();
        return std::move(plan_);
    }

  private:
    void add_subject(const Subject& subject) {
        for (const Link& link : subject.links) {
            if (!link.snapshot) continue;
            std::vector<std::string> after;
            const bool retained = link.content && link.content->deletion_policy != "Delete";
            if (retained && options_.storage) after.push_back(release_content(link));
            if (retained && !options_.storage) kept_.push_back(link.content->name);
            plan::Step step;
            step.id = "delete-vs-" + std::to_string(number_++);
            step.title = "delete " + link_text(facts_.space, link);
            step.reason = reason_of(subject, link, retained && !options_.storage);
            step.action = plan::Delete{{kube::kSnapshots, facts_.space, link.snapshot_name},
                                       {link.snapshot->uid, ""},
                                       kube::Propagation::kBackground,
                                       false};
            step.after = std::move(after);
            step.risk = plan::Risk::kFinal;
            if (retained && !options_.storage) {
                step.risk = plan::Risk::kNone;
                step.risk_text = "the storage keeps its copy";
            }
            names_.push_back(link.snapshot_name);
            deletes_.push_back(step.id);
            plan_.steps.push_back(std::move(step));
        }
    }

    // Under Delete the controllers remove the storage's copy together with the snapshot; so that is what it becomes.
    std::string release_content(const Link& link) {
        plan::Step step;
        step.id = "release-content-" + std::to_string(number_);
        step.title = "set deletionPolicy Delete on volumesnapshotcontent/" + link.content->name;
        step.reason = "--storage: the storage's copy goes with the snapshot";
        step.action = plan::Patch{{kube::kSnapshotContents, "", link.content->name},
                                  kube::PatchType::kMerge,
                                  {{"spec", {{"deletionPolicy", "Delete"}}}},
                                  {link.content->uid, ""},
                                  ""};
        step.risk = plan::Risk::kFinal;
        std::string id = step.id;
        plan_.steps.push_back(std::move(step));
        return id;
    }

    static std::string reason_of(const Subject& subject, const Link& link, bool kept) {
        std::vector<std::string> parts;
        if (subject.set) parts.push_back("of " + subject.text());
        if (!link.snapshot->cut_at.empty()) parts.push_back("cut " + link.snapshot->cut_at);
        if (link.snapshot->restore_size) parts.push_back(human_bytes(*link.snapshot->restore_size));
        if (kept) parts.emplace_back("deletionPolicy Retain");
        return join(parts, ", ");
    }

    void add_wait() {
        if (names_.empty()) return;
        plan::Step step;
        step.id = "gone";
        step.title = "wait until " +
                     std::string(names_.size() == 1 ? "it is" : "all " + std::to_string(names_.size()) + " are") +
                     " gone";
        plan::WaitFor wait{kube::kSnapshots, facts_.space, names_, plan::Condition::kGone, ""};
        if (facts_.subjects.size() == 1 && facts_.subjects.front().set)
            wait.selector = std::string(labels::kSet) + "=" + facts_.subjects.front().name.name;
        step.action = std::move(wait);
        step.after = deletes_;
        plan_.steps.push_back(std::move(step));
    }

    // A controller that had not yet seen the new policy when the snapshot went leaves the content standing: nobody
    // would look at it again. Mostly it is gone by now, which is as good.
    void remove_contents(const Subject& subject) {
        for (const Link& link : subject.links) {
            if (!options_.storage || !link.snapshot || !link.content || link.content->deletion_policy == "Delete")
                continue;
            plan::Step step;
            step.id = "delete-content-" + std::to_string(number_++);
            step.title = "see that volumesnapshotcontent/" + link.content->name + " goes, too";
            step.reason = "with it the storage's copy";
            step.action = plan::Delete{{kube::kSnapshotContents, "", link.content->name},
                                       {link.content->uid, ""},
                                       kube::Propagation::kBackground,
                                       true};
            step.after = {"gone"};
            step.risk = plan::Risk::kFinal;
            contents_.push_back(step.id);
            plan_.steps.push_back(std::move(step));
        }
    }

    // Last, so that what is left of a set after a crash can still be found and deleted.
    void add_record(const Subject& subject) {
        if (!subject.set || subject.set->uid.empty()) return;
        plan::Step step;
        step.id = "delete-set-" + subject.name.name;
        step.title = "delete configmap/" + facts_.space + "/" + kube::set_config_map_name(subject.name.name);
        step.reason = "the set's record, after its snapshots";
        step.action = plan::Delete{{kube::kConfigMaps, facts_.space, kube::set_config_map_name(subject.name.name)},
                                   {subject.set->uid, ""},
                                   kube::Propagation::kBackground,
                                   true};
        if (!names_.empty()) step.after = {"gone"};
        step.after.insert(step.after.end(), contents_.begin(), contents_.end());
        step.risk = plan::Risk::kFinal;
        plan_.steps.push_back(std::move(step));
    }

    void add_notes() {
        if (!kept_.empty())
            plan_.notes.push_back("the storage keeps " + std::to_string(kept_.size()) +
                                  (kept_.size() == 1 ? " copy" : " copies") +
                                  ", under deletionPolicy Retain: volumesnapshotcontent/" + some_of(kept_) +
                                  "; --storage removes them too");
        for (const Subject& subject : facts_.subjects) {
            for (const Link& link : subject.links) {
                if (!link.pending.empty())
                    plan_.notes.push_back("pvc/" + link.pending.front() + " still needs " +
                                          link_text(facts_.space, link) +
                                          ": it goes once that claim is bound or deleted");
            }
        }
    }

    const DeleteFacts& facts_;
    const DeleteOptions& options_;
    plan::Plan plan_;
    std::vector<std::string> names_, deletes_, kept_, contents_;
    int number_ = 0;
};

}  // namespace

Result<plan::Plan> plan_delete(const DeleteFacts& facts, const DeleteOptions& options, bool resuming) {
    for (const Subject& subject : facts.subjects) {
        if (resuming) break;
        TRY(check_making(facts, subject));
        if (options.force) continue;
        TRY(check_needed(subject));
        TRY(check_last(facts, subject));
    }
    return Steps(facts, options).build();
}

}  // namespace holdfast::snap
