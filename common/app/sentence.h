// Errors as kubectl words them (kubectl, pkg/cmd/util/helpers.go), so that scripts that read them keep working. Pure.
#pragma once

#include "common/core/error.h"

#include <string>

namespace holdfast::app {

// One or more whole lines, for stderr: the sentence, then the hint.
std::string error_text(const Error& error);

}  // namespace holdfast::app
