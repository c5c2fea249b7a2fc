// Contradictions in a selection. Pure. Source: client-go tools/clientcmd/validation.go; messages are kubectl's where it
// has one.
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/select.h"

namespace holdfast::kubeconfig {

// kInvalid with every contradiction found. A context that does not exist counts only if it is the current-context.
Status validate(const Selection& selection);

}  // namespace holdfast::kubeconfig
