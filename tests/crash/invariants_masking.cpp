#include "common/core/text.h"
#include "common/kube/objects/claim.h"
#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/selectors.h"
#include "common/kube/objects/workload.h"
#include "tests/crash/invariants.h"
#include "tests/crash/mark.h"

namespace holdfast::crash {

// R27: what is not masked yet is mounted by throwaways alone, and no Service sends anything to these.
void Invariants::keep_masked(const sim::Sim& sim, const Json& pod) {
    if (put_there(pod)) return;  // by somebody, who may: it is none of ours
    const std::string space = kube::space_of(pod), what = "pod/" + space + "/" + kube::name_of(pod);
    for (const auto& [volume, name] : kube::claims_of_pod_spec(pod["spec"])) {
        const sim::ObjectPtr claim = sim.store.find(kube::kClaims, space, name);
        if (!claim || kube::label_of(*claim, labels::kClone).empty()) continue;
        const sim::Token* token = token_of(sim, claim.claim().volume);
        if (token == nullptr || token->writer.empty() || (token->masked && !token->old_below)) continue;
        // Its own: somebody deleted the copy under the clone, whose controller made an empty claim for its pod to fill.
        if (token->writer == space + "/" + name) continue;
        if (kube::label_of(pod, labels::kOperation).empty())
            violated("R27: " + what + " started on pvc/" + name + ", which is not masked");
        for (const sim::ObjectPtr& service : sim.store.list(kube::kServices, space)) {
            for (const kube::NamedSelector& one : kube::selectors_of(*service)) {
                if (!kube::selects_everything(one.selector) &&
                    kube::selector_matches(one.selector, kube::labels_of(pod)))
                    violated("R27: " + one.owner + " sends to " + what + ", whose data is not masked");
            }
        }
    }
}

namespace {

// A container of it can write to that claim.
bool can_write_to(const Json& pod, const std::string& claim) {
    for (const auto& [volume, name] : kube::claims_of_pod_spec(pod["spec"])) {
        if (name != claim) continue;
        for (const Json& container : pod["spec"]["containers"]) {
            for (const Json& mount : container.value("volumeMounts", Json::array())) {
                if (kube::text_at(mount, "/name") == volume && !kube::bool_at(mount, "/readOnly", false)) return true;
            }
        }
    }
    return false;
}

}  // namespace

// R27: what is marked was closed: no throwaway that could still write to it is there, also not on its way out.
void Invariants::keep_closed(const sim::Sim& sim, const Json& claim) {
    if (kube::annotation_of(claim, labels::kPrepared).empty()) return;
    const std::string space = kube::space_of(claim), name = kube::name_of(claim);
    for (const sim::ObjectPtr& pod : sim.store.list(kube::kPods, space)) {
        if (kube::label_of(*pod, labels::kOperation).empty() || put_there(*pod) || !can_write_to(*pod, name)) continue;
        violated("R27: pvc/" + space + "/" + name + " is marked as prepared while pod/" + kube::name_of(*pod) +
                 " has it open");
    }
}

// R27: the mark is on what is masked, down to its log, and below its files. A draft's says only that the statements
// ran.
void Invariants::keep_honest(const sim::Sim& sim, const Json& claim) {
    const std::string mark = kube::annotation_of(claim, labels::kPrepared);
    if (mark.empty()) return;
    const sim::Token* token = token_of(sim, kube::claim_of(claim).volume);
    if (token == nullptr || token->writer.empty()) return;
    const std::string what = "pvc/" + kube::space_of(claim) + "/" + kube::name_of(claim);
    if (!token->masked) violated("R27: " + what + " is marked as masked, and is not");
    if (token->old_below && !starts_with(mark, "draft:"))
        violated("R27: " + what + " is marked as masked, and what its source had freed lies below its files");
}

}  // namespace holdfast::crash
