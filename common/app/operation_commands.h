// status, resume, abort and gc: the same in all five plugins, since the journal is one.
#pragma once

#include "common/app/command.h"

namespace holdfast::app {

Command status_command();
Command resume_command();
Command abort_command();
Command gc_command();

}  // namespace holdfast::app
