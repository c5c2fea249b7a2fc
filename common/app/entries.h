// Entries of a plugin's table, as most of them look. Pure.
#pragma once

#include "common/app/command.h"

#include <string>
#include <vector>

namespace holdfast::app {

Option text_option(std::string name, std::string value_name, std::string help,
                   Completes completes = Completes::kNothing);
Option list_option(std::string name, std::string value_name, std::string help);
Option flag_option(std::string name, std::string help);
Option choice_option(std::string name, std::vector<std::string> choices, std::string default_value, std::string help);
Option short_named(Option option, char short_name);

// Permissions, always needed unless `when` names a flag.
Rule rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when = "");
Rule cluster_rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when = "");

}  // namespace holdfast::app
