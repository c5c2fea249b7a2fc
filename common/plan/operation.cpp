#include "common/plan/operation.h"

namespace holdfast::plan {

Result<Plan> Operation::recover(kube::ClusterReader&, const Input& input, const Error&) {
    Plan nothing;
    nothing.operation = input.operation;
    nothing.round = input.round;
    return nothing;
}

Result<std::vector<kube::ObjectRef>> Operation::lock_targets(kube::ClusterReader&) {
    return std::vector<kube::ObjectRef>();
}

std::optional<std::string> Operation::only_less(const Plan&, const Plan&) const { return std::nullopt; }

Result<std::vector<kube::ObjectRef>> Operation::heed_targets(kube::ClusterReader&) {
    return std::vector<kube::ObjectRef>();
}

Result<std::optional<Plan>> Operation::take_back(kube::ClusterReader&, const Input&) { return std::optional<Plan>(); }

Result<std::vector<Journal>> Operation::rebuild(kube::ClusterReader&) { return std::vector<Journal>(); }

Status Operation::attend(const Input&, Attendant&) { return {}; }

}  // namespace holdfast::plan
