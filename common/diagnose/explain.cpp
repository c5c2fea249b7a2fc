// The explain_ functions: gather, judge, and say what could not be seen where that may hide the cause.
#include "common/diagnose/claim_facts.h"
#include "common/diagnose/pod_facts.h"
#include "common/diagnose/snapshot_facts.h"

namespace holdfast::diagnose {
namespace {

Findings explained(Gatherer& gatherer, Findings found) {
    append(found, blind_spots(gatherer.gaps()));
    settle(found);
    return found;
}

}  // namespace

Findings explain_claim(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_claim(gather_claim(gatherer, space, name)));
}

Findings explain_snapshot(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_snapshot(gather_snapshot(gatherer, space, name)));
}

Findings explain_pod(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Gatherer gatherer(reader);
    return explained(gatherer, judge_pod(gather_pod(gatherer, space, name)));
}

std::string why(kube::ClusterReader& reader, const kube::ObjectRef& ref) {
    if (ref.resource == kube::kClaims) return headline(explain_claim(reader, ref.space, ref.name));
    if (ref.resource == kube::kSnapshots) return headline(explain_snapshot(reader, ref.space, ref.name));
    if (ref.resource == kube::kPods) return headline(explain_pod(reader, ref.space, ref.name));
    return "";
}

}  // namespace holdfast::diagnose
