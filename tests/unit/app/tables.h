// What must hold of every plugin's table.
#pragma once

#include "common/app/command.h"

namespace holdfast::app::tables {

void check(const Plugin& plugin);

}  // namespace holdfast::app::tables
