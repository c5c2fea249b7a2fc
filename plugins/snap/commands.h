// The commands of kubectl snap: each file makes its own entry of the table.
#pragma once

#include "common/app/command.h"
#include "common/app/entries.h"

namespace holdfast::snap {

app::Command create_command();
app::Command list_command();
app::Command describe_command();
app::Command delete_command();
app::Command protect_command();

using app::choice_option;
using app::cluster_rule;
using app::flag_option;
using app::list_option;
using app::rule;
using app::short_named;
using app::text_option;

}  // namespace holdfast::snap
