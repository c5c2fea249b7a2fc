// The moment before an operation acts: the plan is shown, and where it deletes, stops or cannot take back something, a
// person has to say yes.
#pragma once

#include "common/app/session.h"
#include "common/plan/step.h"

namespace holdfast::app {

// kRefused (exit 3, nothing was changed): no yes; no terminal to ask on and no --yes; a plan that asks over a
// connection whose kubeconfig switches certificate checks off, unless the flag says so too.
Status approve(Session& session, const plan::Plan& plan, bool resuming);

}  // namespace holdfast::app
