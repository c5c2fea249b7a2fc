// What a database runs by itself when rows of it are changed: event triggers, triggers, rules, and what its
// materialized views are made of. Any of these may write to another database or fetch from one, or keep old values,
// while
// --sql masks (safety R24, R27). Tested with PostgreSQL 15. Pure: texts alone.
#pragma once

#include "plugins/clone/statements.h"

namespace holdfast::clone {

constexpr char kRefreshId[] = "refresh";

// Before anything else. Event triggers never fire; a table with triggers or rules is an error, which names one, unless
// options.disable_triggers. What enforces foreign keys goes on. What was enabled is kept in the schema holdfast_held.
std::vector<Statement> hold_back(const CloneOptions& options);

// A materialized view is made anew, and what cannot be, or reaches outside the database for all that can be seen, is
// left without data: one that reads a foreign table, or calls a function that is not PostgreSQL's own and not
// immutable, also through views. Its output names these.
Statement refresh_views();

// As it was; to come after the last statement that changes rows or definitions.
std::vector<Statement> let_go(const CloneOptions& options);

}  // namespace holdfast::clone
