// kubectl snap: sets of volume snapshots. The table of its commands.
#pragma once

#include "common/app/command.h"

namespace holdfast::snap {

app::Plugin make_plugin();

}  // namespace holdfast::snap
