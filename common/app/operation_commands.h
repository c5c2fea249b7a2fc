// status, resume, abort and gc: the same in all five plugins, since the journal is one.
#pragma once

#include "common/app/command.h"
#include "common/plan/journal.h"

namespace holdfast::app {

Command status_command();
Command resume_command();
Command abort_command();
Command gc_command();

// False: an abort of it would be refused, since it is past its point of no return. Whatever keeps us from knowing is no
// reason not to name it.
bool can_be_aborted(Session& session, kube::ClusterReader& reader, const plan::Journal& journal);

}  // namespace holdfast::app
