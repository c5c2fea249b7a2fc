#include "common/app/entries.h"

#include <utility>

namespace holdfast::app {

Option text_option(std::string name, std::string value_name, std::string help, Completes completes) {
    Option option;
    option.name = std::move(name);
    option.value_name = std::move(value_name);
    option.help = std::move(help);
    option.completes = completes;
    return option;
}

Option list_option(std::string name, std::string value_name, std::string help) {
    Option option = text_option(std::move(name), std::move(value_name), std::move(help));
    option.kind = Option::Kind::kList;
    return option;
}

Option flag_option(std::string name, std::string help) {
    Option option = text_option(std::move(name), "", std::move(help));
    option.kind = Option::Kind::kFlag;
    return option;
}

Option choice_option(std::string name, std::vector<std::string> choices, std::string default_value, std::string help) {
    Option option = text_option(std::move(name), "", std::move(help), Completes::kChoices);
    for (const std::string& choice : choices) option.value_name += (option.value_name.empty() ? "" : "|") + choice;
    option.choices = std::move(choices);
    option.default_value = std::move(default_value);
    return option;
}

Option short_named(Option option, char short_name) {
    option.short_name = short_name;
    return option;
}

Rule rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when) {
    Rule made;
    made.verbs = std::move(verbs);
    made.resource = resource;
    made.when = std::move(when);
    return made;
}

Rule cluster_rule(std::vector<std::string> verbs, const kube::Resource& resource, std::string when) {
    Rule made = rule(std::move(verbs), resource, std::move(when));
    made.cluster_scope = true;
    return made;
}

}  // namespace holdfast::app
