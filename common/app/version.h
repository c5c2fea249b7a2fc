// Which Holdfast this is.
#pragma once

#include "common/app/command.h"

#include <string>

namespace holdfast::app {

std::string version_text();  // "v0.1.0"
Command version_command();

}  // namespace holdfast::app
