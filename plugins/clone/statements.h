// What is run in the throwaway PostgreSQL that prepares a clone's data. Pure.
#pragma once

#include "plugins/clone/clone_options.h"

#include <string>
#include <vector>

namespace holdfast::clone {

struct Statement {
    std::string id, title, text;
    int first_major = 0, last_major = 0;  // 0: no bound
};

// What ties the copy to its source is taken out (safety R26).
std::vector<Statement> isolation();
// Everything, in the order in which it is run: untied first, masked then, and what the log still has given up last.
std::vector<Statement> statements_for(const CloneOptions& options);
bool fits(const Statement& one, int major);

}  // namespace holdfast::clone
