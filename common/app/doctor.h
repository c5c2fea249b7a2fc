// `doctor [TARGET]`: the diagnosis as a command. Written in doctor.cpp by means of common/diagnose.
#pragma once

#include "common/app/command.h"

namespace holdfast::app {

Command doctor_command();

}  // namespace holdfast::app
