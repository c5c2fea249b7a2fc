// The table of kubectl restore's commands.
#pragma once

#include "common/app/command.h"

namespace holdfast::restore {

app::Plugin make_plugin();

}  // namespace holdfast::restore
