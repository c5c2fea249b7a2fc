// kubectl clone list: the clones of a namespace, or of all.
#pragma once

#include "common/app/command.h"

namespace holdfast::clone {

int run_list(app::Context& context, const app::Arguments& arguments);

}  // namespace holdfast::clone
