#include "plugins/snap/protect_plan.h"

#include "common/core/refusal.h"
#include "common/kube/objects/labels.h"

#include <nlohmann/json.hpp>

namespace holdfast::snap {
namespace {

Status check(const std::string& space, const Subject& subject, const Link& link) {
    const std::string what = link_text(space, link);
    if (!link.snapshot)
        return refused(what + " of " + subject.text() +
                           " is gone: the set cannot be restored, so there is nothing whole to protect",
                       "protect the others one by one as vs/NAME");
    if (link.snapshot->deleting) return refused(what + " is being deleted", "");
    if (!link.content)
        return refused(what + " has no content yet",
                       "wait until it is cut; see: kubectl snap describe " + subject.text());
    if (!kube::bound_both_ways(*link.snapshot, *link.content))
        return refused(what + " and volumesnapshotcontent/" + link.content->name + " do not point at each other",
                       "see: kubectl snap describe " + subject.text());
    return {};
}

plan::Step protect(const Link& link, std::size_t number, const std::string& space) {
    Json body = {{"spec", {{"deletionPolicy", "Retain"}}}};
    for (const auto& [key, value] : link.annotations) body["metadata"]["annotations"][key] = value;
    if (!link.snapshot->set.empty()) body["metadata"]["labels"][labels::kSet] = link.snapshot->set;
    plan::Step step;
    step.id = "protect-" + std::to_string(number);
    step.title = "set deletionPolicy Retain on volumesnapshotcontent/" + link.content->name;
    step.reason = "of " + link_text(space, link) + (link.annotations.empty() ? "" : "; with the member's record");
    step.action = plan::Patch{{kube::kSnapshotContents, "", link.content->name},
                              kube::PatchType::kMerge,
                              std::move(body),
                              {link.content->uid, ""},
                              ""};
    return step;
}

}  // namespace

bool is_protected(const Link& link) {
    if (!link.content || link.content->deletion_policy != "Retain") return false;
    for (const auto& [key, value] : link.annotations) {
        const auto found = link.content_annotations.find(key);
        if (found == link.content_annotations.end() || found->second != value) return false;
    }
    return true;
}

Result<plan::Plan> plan_protect(const std::string& space, const std::vector<Subject>& subjects) {
    plan::Plan plan;
    std::size_t number = 0, policies = 0;
    for (const Subject& subject : subjects) {
        for (const Link& link : subject.links) {
            TRY(check(space, subject, link));
            if (link.content->deletion_policy != "Retain") ++policies;
            if (!is_protected(link)) plan.steps.push_back(protect(link, number++, space));
        }
    }
    plan.notes.push_back(
        plan.steps.empty() ? "all of it is protected already"
        : policies == 0
            ? "deletionPolicy is Retain already; only the record is added"
            : "from then on the storage keeps its copy when the snapshot or its namespace is deleted, and goes on to "
              "charge for it: `kubectl snap delete --storage` removes it");
    return plan;
}

}  // namespace holdfast::snap
