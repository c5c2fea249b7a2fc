#include "plugins/clone/leftovers.h"

namespace holdfast::clone {
namespace {

// Indexes of TOAST tables have no values in them, and are made anew with the tables.
constexpr char kDropDeadIndexes[] = R"sql(do $holdfast$
declare one record;
begin
    for one in select i.indexrelid::regclass as name
               from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
               where not i.indislive and c.relnamespace <> 'pg_toast'::regnamespace loop
        execute format('drop index %s', one.name);
    end loop;
end $holdfast$)sql";

// Paths are relative to the data directory, in which the server runs the program. Of other databases no catalog can be
// seen from here: these are as they were. In pg_wal whatever fetches the log puts it under names of its own; rm follows
// no link. A segment that this server is about to make is called xlogtemp; it removed old ones when it started.
constexpr char kRemoveStrays[] = R"sql(copy (
    with version(folder) as (
        select 'PG_' || current_setting('server_version_num')::integer / 10000 || '_' || catalog_version_no
        from pg_catalog.pg_control_system()),
    places(folder, version) as (
        select 'pg_tblspc/' || space || '/' || one, one
        from pg_catalog.pg_ls_dir('pg_tblspc') space,
             pg_catalog.pg_ls_dir('pg_tblspc/' || space, true, false) one
        where one ~ '^PG_[0-9]'),
    trees(folder) as (
        select 'base' union all select p.folder from places p join version v on v.folder = p.version),
    databases(folder, oid) as (
        select folder || '/' || one, one from trees, pg_catalog.pg_ls_dir(folder) one where one ~ '^[0-9]+$'),
    own(folder) as (
        select 'global' union all
        select d.folder from databases d join pg_catalog.pg_database b on b.oid::text = d.oid
        where b.datname = current_database()),
    files(path, relation) as (
        select folder || '/' || one, folder || '/' || substring(one from '^(?:t[0-9]+_)?[0-9]+')
        from own, pg_catalog.pg_ls_dir(folder) one where one ~ '^(t[0-9]+_)?[0-9]+(_(fsm|vm|init))?(\.[0-9]+)?$'),
    known(path) as (
        select path from (select pg_catalog.pg_relation_filepath(oid) as path from pg_catalog.pg_class) all_paths
        where path is not null)
    select folder from places where version not in (select folder from version)
    union all
    select folder from databases where oid not in (select oid::text from pg_catalog.pg_database)
    union all
    select path from files where relation not in (select path from known)
    union all
    select 'pg_wal/' || one from pg_catalog.pg_ls_dir('pg_wal') one
    where not (one ~ '^[0-9A-F]{24}$'
               and left(one, 8) = left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))
      and one !~ '^([0-9A-F]{8}\.history|xlogtemp\..*)$'
      and one not in ('archive_status', 'summaries', 'lost+found')
) to program 'while IFS= read -r one; do rm -rf -- "$one" || exit 1; done')sql";

}  // namespace

Statement drop_dead_indexes() {
    return {"dead-indexes", "drop the indexes that are kept up no more", kDropDeadIndexes};
}

Statement remove_strays() { return {"strays", "remove the files that no catalog names", kRemoveStrays}; }

}  // namespace holdfast::clone
