#include "plugins/clone/held.h"

namespace holdfast::clone {
namespace {

// First they are disabled, then a schema is made, which they would fire at. A second run adds nothing to the first.
constexpr char kHoldEvents[] = R"sql(do $holdfast$
declare
    was jsonb;
    one record;
begin
    select jsonb_agg(jsonb_build_object('name', evtname, 'state', evtenabled)) into was
    from pg_catalog.pg_event_trigger where evtenabled <> 'D';
    for one in select evtname from pg_catalog.pg_event_trigger where evtenabled <> 'D' loop
        execute format('alter event trigger %I disable', one.evtname);
    end loop;
    create schema if not exists holdfast_held;
    create table if not exists holdfast_held.events (name name, state text);
    create table if not exists holdfast_held.triggers (relation oid, name name, state text);
    create table if not exists holdfast_held.rules (relation oid, name name, state text);
    insert into holdfast_held.events select e->>'name', e->>'state' from jsonb_array_elements(was) e;
end $holdfast$)sql";

// Before PostgreSQL 15 a partition's copy of a trigger counts as internal, too: what enforces keys is told by what it
// calls. Those of views act only if a statement is about the view.
constexpr char kTriggers[] = R"sql(select t.tgrelid as relation, t.tgname as name, t.tgenabled as state
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_proc p on p.oid = t.tgfoid
where c.relkind <> 'v' and t.tgenabled <> 'D'
  and not (p.pronamespace = 'pg_catalog'::regnamespace
           and (p.proname like 'RI\_FKey\_%' or p.proname = 'unique_key_recheck')))sql";
constexpr char kRules[] = R"sql(select r.ev_class as relation, r.rulename as name, r.ev_enabled as state
from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
where c.relkind in ('r', 'p') and c.oid >= 16384 and r.ev_enabled <> 'D' and r.rulename <> '_RETURN')sql";

std::string refuse_triggers() {
    return std::string(R"sql(do $holdfast$
declare one record;
begin
    for one in )sql") +
           kTriggers + " union all " + kRules + R"sql( limit 1 loop
        raise exception 'table % has the trigger or rule %: what it does to other rows and to other databases no '
                        'masking statement sees. --disable-triggers keeps all from acting; columns that they keep up '
                        'are for the statements to mask then', one.relation::regclass, one.name;
    end loop;
end $holdfast$)sql";
}

std::string hold_triggers() {
    return std::string(R"sql(do $holdfast$
declare one record;
begin
    insert into holdfast_held.triggers )sql") +
           kTriggers + ";\n    insert into holdfast_held.rules " + kRules + ";\n    for one in " + kTriggers +
           R"sql( loop
        execute format('alter table %s disable trigger %I', one.relation::regclass, one.name);
    end loop;
    for one in )sql" +
           kRules + R"sql( loop
        execute format('alter table %s disable rule %I', one.relation::regclass, one.name);
    end loop;
end $holdfast$)sql";
}

// Of a partitioned table before its partitions, which follow it and may have had a state of their own. What the
// statements have dropped stays so.
constexpr char kFreeTriggers[] = R"sql(do $holdfast$
declare one record;
begin
    for one in select h.* from holdfast_held.triggers h
               join pg_catalog.pg_trigger t on t.tgrelid = h.relation and t.tgname = h.name
               order by (select count(*) from pg_catalog.pg_partition_ancestors(h.relation)), h.relation, h.name loop
        execute format('alter table %s enable %s trigger %I', one.relation::regclass,
                       case one.state when 'R' then 'replica' when 'A' then 'always' else '' end, one.name);
    end loop;
    for one in select h.* from holdfast_held.rules h
               join pg_catalog.pg_rewrite r on r.ev_class = h.relation and r.rulename = h.name loop
        execute format('alter table %s enable %s rule %I', one.relation::regclass,
                       case one.state when 'R' then 'replica' when 'A' then 'always' else '' end, one.name);
    end loop;
end $holdfast$)sql";

// The schema goes while they still do not fire.
constexpr char kFreeEvents[] = R"sql(do $holdfast$
declare
    was jsonb;
    one record;
begin
    if to_regclass('holdfast_held.events') is null then return; end if;
    select jsonb_agg(jsonb_build_object('name', h.name, 'state', h.state)) into was
    from holdfast_held.events h join pg_catalog.pg_event_trigger t on t.evtname = h.name;
    set local client_min_messages = warning;
    drop schema holdfast_held cascade;
    for one in select e->>'name' as name, e->>'state' as state from jsonb_array_elements(was) e loop
        execute format('alter event trigger %I enable %s', one.name,
                       case one.state when 'R' then 'replica' when 'A' then 'always' else '' end);
    end loop;
end $holdfast$)sql";

// 16384: the first object that initdb did not make. What a function calls that is no immutable one nobody can see.
constexpr char kRefresh[] = R"sql(do $holdfast$
declare
    one record;
    emptied text := '';
begin
    for one in
        with recursive used(view, relation, kind) as (
            select c.oid, c.oid, c.relkind from pg_catalog.pg_class c where c.relkind = 'm' and c.relispopulated
          union
            select u.view, below.oid, below.relkind from used u join lateral (
                select c.oid, c.relkind from pg_catalog.pg_rewrite r
                join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
                join pg_catalog.pg_class c on d.refclassid = 'pg_catalog.pg_class'::regclass and c.oid = d.refobjid
                where r.ev_class = u.relation and u.kind in ('v', 'm')
              union all
                select c.oid, c.relkind from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
                where i.inhparent = u.relation) below on true),
        called(view, function) as (
            select u.view, coalesce(o.oprcode::oid, d.refobjid) from used u
            join pg_catalog.pg_rewrite r on r.ev_class = u.relation and u.kind in ('v', 'm')
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
            left join pg_catalog.pg_operator o
                on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
            where d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass))
        select c.oid::regclass as name,
               exists (select from used u where u.view = c.oid and u.kind = 'f')
               or exists (select from called f join pg_catalog.pg_proc p on p.oid = f.function
                          where f.view = c.oid and p.oid >= 16384 and p.provolatile <> 'i') as reaches_out
        from pg_catalog.pg_class c where c.relkind = 'm' and c.relispopulated order by c.oid
    loop
        begin
            if one.reaches_out then raise exception 'reaches out'; end if;
            execute format('refresh materialized view %s', one.name);
        exception when others then
            execute format('refresh materialized view %s with no data', one.name);
            emptied := emptied || case emptied when '' then '' else e'\n' end || one.name;
        end;
    end loop;
    perform set_config('holdfast.emptied', emptied, false);
end $holdfast$;
select current_setting('holdfast.emptied'))sql";

}  // namespace

std::vector<Statement> hold_back(const CloneOptions& options) {
    std::vector<Statement> all = {{"hold-events", "keep event triggers from firing", kHoldEvents}};
    if (options.sql.empty()) return all;
    if (options.disable_triggers)
        all.push_back({"hold-triggers", "keep triggers and rules from acting", hold_triggers()});
    else
        all.push_back({"see-triggers", "see that no trigger or rule acts", refuse_triggers()});
    return all;
}

Statement refresh_views() { return {kRefreshId, "refresh materialized views", kRefresh}; }

std::vector<Statement> let_go(const CloneOptions& options) {
    std::vector<Statement> all;
    if (options.disable_triggers) all.push_back({"free-triggers", "enable triggers and rules again", kFreeTriggers});
    all.push_back({"free-events", "enable event triggers again", kFreeEvents});
    return all;
}

}  // namespace holdfast::clone
