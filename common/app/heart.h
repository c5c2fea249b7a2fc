// Renewing leases beside the work: a thread with a connection of its own, since the command's connection may be busy
// with a long answer, or its thread with a command in a pod.
#pragma once

#include "common/kube/connect.h"
#include "common/plan/executor.h"

namespace holdfast::app {

// connector must outlive every heart that is made.
plan::MakeHeart heart_maker(kube::Connector& connector);

}  // namespace holdfast::app
