// What a crash, or a statement that was cut half-way, has left in a data directory with old rows in it, and no rewrite
// of tables reaches (safety R27). Pure: texts alone.
#pragma once

#include "plugins/clone/statements.h"

namespace holdfast::clone {

// Indexes that nobody keeps up any more (DROP INDEX CONCURRENTLY or REINDEX CONCURRENTLY was cut): VACUUM FULL leaves
// them, with their keys. While event triggers do not fire.
Statement drop_dead_indexes();

// Files that no catalog names: of relations and databases whose making or removal was cut, of another version's
// tablespaces, and segments of the log that are not of the server's timeline. After the last checkpoint, which has
// taken what was rewritten away and needs none of these; on a server that nobody else uses. Fails if one stays.
Statement remove_strays();

}  // namespace holdfast::clone
