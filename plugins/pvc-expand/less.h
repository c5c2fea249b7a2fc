// Between the plan that was shown and the one that is carried out claims may come to their size by themselves: whoever
// asked for that (an autoresizer, another person, the same person before) had not waited for it. Pure.
#pragma once

#include "plugins/pvc-expand/record.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::expand {

// The claims of `shown` that need not grow or not be asked any more, if that is all in which `fresh` differs; else
// none. claims: of the namespace, by name, as `fresh` was decided from.
std::vector<std::string> grown_meanwhile(const ExpandRecord& shown, const ExpandRecord& fresh,
                                         const std::map<std::string, Json>& claims);

}  // namespace holdfast::expand
