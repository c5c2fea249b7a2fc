// The tables of kubectl pvc-expand.
#pragma once

#include "common/app/command.h"

namespace holdfast::expand {

app::Plugin make_plugin();

}  // namespace holdfast::expand
