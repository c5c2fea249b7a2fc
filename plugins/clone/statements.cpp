#include "plugins/clone/statements.h"

#include "plugins/clone/held.h"
#include "plugins/clone/leftovers.h"

namespace holdfast::clone {
namespace {

// No statement sees the rows of a transaction that is prepared, and whoever finishes it later brings them back.
constexpr char kNonePrepared[] = R"sql(do $holdfast$
declare open integer;
begin
    select count(*) into open from pg_catalog.pg_prepared_xacts where database = current_database();
    if open > 0 then
        raise exception 'of % prepared transaction(s) the rows cannot be masked: finish them in the source first', open;
    end if;
end $holdfast$)sql";

// Old rows must survive nowhere (safety R27): not in statistics, dead tuples or indexes, not in copies that were made
// of them, not in the log, not in what a crash has left.
std::vector<Statement> masking(const CloneOptions& options) {
    return {{"prepared", "see that no transaction is prepared", kNonePrepared},
            {"mask", "run the masking statements", options.sql},
            drop_dead_indexes(),
            refresh_views()};
}

// What is stored of how to get into other databases: the throwaway server would write to them, or fetch from them.
constexpr char kNoMappings[] = R"sql(do $holdfast$
declare one record;
begin
    for one in select s.srvname, coalesce(quote_ident(r.rolname), 'public') as who
               from pg_catalog.pg_user_mapping m join pg_catalog.pg_foreign_server s on s.oid = m.umserver
               left join pg_catalog.pg_roles r on r.oid = m.umuser loop
        execute format('drop user mapping if exists for %s server %I', one.who, one.srvname);
    end loop;
end $holdfast$)sql";

// Segments that the source has made ahead of time are old ones under new names, with old rows in them: each is used up,
// so that the checkpoint that follows gives it up (nothing is recycled in the throwaway server).
constexpr char kUseUpLog[] = R"sql(do $holdfast$
declare ahead integer;
begin
    select count(*) into ahead from pg_catalog.pg_ls_waldir()
    where name ~ '^[0-9A-F]{24}$'
      and name collate "C" > pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) collate "C";
    for i in 0..ahead loop
        perform pg_catalog.pg_logical_emit_message(false, 'holdfast', '');
        perform pg_catalog.pg_switch_wal();
    end loop;
end $holdfast$)sql";

}  // namespace

std::vector<Statement> isolation() {
    std::vector<Statement> all = {{"subscriptions", "take the subscriptions' connections away",
                                   "update pg_catalog.pg_subscription set subenabled = false, subslotname = null, "
                                   "subconninfo = 'host=/isolated'"}};
    const auto off = [&](const std::string& name, const std::string& value, int first = 0) {
        all.push_back({"set-" + name, "set " + name, "alter system set " + name + " = '" + value + "'", first});
    };
    off("archive_mode", "off");
    off("archive_command", "");
    off("archive_library", "", 15);
    off("archive_cleanup_command", "", 12);
    off("recovery_end_command", "", 12);
    off("restore_command", "", 12);
    off("primary_conninfo", "", 12);
    off("primary_slot_name", "", 12);
    off("synchronous_standby_names", "");
    return all;
}

// Slots would keep the log with the old rows in it, and are nobody's here.
std::vector<Statement> statements_for(const CloneOptions& options) {
    std::vector<Statement> all = hold_back(options);
    all.push_back({"slots", "drop the replication slots",
                   "select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots"});
    all.push_back({"mappings", "drop the user mappings of foreign servers", kNoMappings});
    // A row that is replaced stays on the disk, passwords of subscriptions too, until its table is rewritten.
    if (options.isolated) {
        for (Statement& one : isolation()) all.push_back(std::move(one));
    }
    if (!options.sql.empty()) {
        for (Statement& one : masking(options)) all.push_back(std::move(one));
    }
    for (Statement& one : let_go(options)) all.push_back(std::move(one));
    if (!options.sql.empty()) {
        // ANALYZE leaves the statistics of a table that has no rows any more as they were. What is deleted and replaced
        // here is gone from the disk with the rewrite after it, catalogs included.
        all.push_back(
            {"statistics", "delete the statistics, which hold old values", "delete from pg_catalog.pg_statistic"});
        all.push_back(
            {"statistics-ext", "delete the extended statistics", "delete from pg_catalog.pg_statistic_ext_data", 12});
        all.push_back({"analyze", "make statistics anew", "analyze"});
        all.push_back({"rewrite", "rewrite every table of the database without its old rows", "vacuum (full)"});
    }
    if (!options.sql.empty()) {
        all.push_back({"checkpoint", "write everything out", "checkpoint"});
        all.push_back({"switch", "use the log's old segments up", kUseUpLog});
        all.push_back({"checkpoint-again", "give the old segments up", "checkpoint"});
        all.push_back(remove_strays());
    }
    return all;
}

bool fits(const Statement& one, int major) {
    return (one.first_major == 0 || major >= one.first_major) && (one.last_major == 0 || major <= one.last_major);
}

}  // namespace holdfast::clone
