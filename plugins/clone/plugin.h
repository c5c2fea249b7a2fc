// The table of kubectl clone's commands.
#pragma once

#include "common/app/command.h"

namespace holdfast::clone {

app::Plugin make_plugin();

}  // namespace holdfast::clone
