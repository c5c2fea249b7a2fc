// The commands of kubectl snap: each file makes its own entry of the table.
#pragma once

#include "common/app/command.h"

namespace holdfast::snap {

app::Command create_command();
app::Command list_command();
app::Command describe_command();
app::Command delete_command();
app::Command protect_command();

// Entries of option tables.
app::Option text_option(std::string name, std::string value_name, std::string help,
                        app::Completes completes = app::Completes::kNothing);
app::Option list_option(std::string name, std::string value_name, std::string help);
app::Option flag_option(std::string name, std::string help);
app::Option choice_option(std::string name, std::vector<std::string> choices, std::string default_value,
                          std::string help);
app::Option short_named(app::Option option, char short_name);

// Permissions, always needed unless `when` names a flag.
app::Rule rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when = "");
app::Rule cluster_rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when = "");

}  // namespace holdfast::snap
