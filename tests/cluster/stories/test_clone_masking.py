"""A clone of a real PostgreSQL that is masked or isolated before anybody can reach it: a client that asks all the while never
sees an unmasked row, no file of the clone's volume has one, and neither archive nor replication of the source hears of the clone."""
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import world

SECRET = "unm4sked"  # stands in every value that must not survive
MASK = "update users set email = 'user' || id || '@masked.test', note = null;"
CONTENT = "select md5(string_agg(u::text, ',' order by id)) from users u"
AHEAD = "select count(*) from pg_ls_waldir() where name > pg_walfile_name(pg_current_wal_lsn())"


def fill(space, pod="postgres-0"):
    """Rows with the secret wherever a database may keep them: heap, index, TOAST, dead tuples, statistics, a materialized view, the log."""
    space.psql(pod, f"create table users as select i as id, '{SECRET}-' || i || '@example.com' as email, "
                    f"(select string_agg('{SECRET}' || random(), ' ') from generate_series(1, 300)) as note from generate_series(1, 500) i",
               "create index on users (email)", f"update users set email = '{SECRET}-again-' || id where id % 3 = 0",
               "delete from users where id % 7 = 0", "analyze users",
               # ANALYZE leaves what it knows of a table that has no rows.
               "create table sessions as select id % 2 as odd, email as token from users",
               "create statistics both_of (mcv) on odd, token from sessions", "analyze sessions",
               "create materialized view emails as select email from users", "alter table users replica identity full",
               "checkpoint", "select pg_switch_wal()",
               # Old segments of the log are kept under the names of later ones.
               *["update users set id = id", "select pg_switch_wal()", "checkpoint"] * 3)
    assert int(space.psql(pod, AHEAD)) > 0


def leave_behind(space, pod="postgres-0"):
    """What no table's rewrite reaches: files that no catalog names, as a crash leaves them, in a tablespace too, an index that a DROP CONCURRENTLY has given
    up, segments of another timeline, and server logs under names and in a place of their own."""
    settings = ("logging_collector = on", "log_destination = 'stderr,csvlog,jsonlog'", "log_directory = 'pg_said'", "log_filename = 'shop %a'")
    space.psql(pod, *(f"alter system set {setting}" for setting in settings))
    space.restart(pod)
    space.shell(pod, "mkdir /data/far").expect()
    oid, far = space.psql(
        pod, f"do $$begin raise log '{SECRET}-logged'; end$$", "create index given_up on users (email)",
        "update pg_index set indislive = false, indisready = false, indisvalid = false where indexrelid = 'given_up'::regclass", "checkpoint",
        "create tablespace far location '/data/far'",
        f"create table elsewhere tablespace far as select id, '{SECRET}-far'::text as email from users",
        "select oid from pg_database where datname = current_database()",
        "select regexp_replace(pg_relation_filepath('elsewhere'), '/[0-9]+$', '')").split()
    strays = [f"base/{oid}/99999", f"base/{oid}/99999.1", f"base/{oid}/99999_fsm", f"base/{oid}/99998_init", f"base/{oid}/t7_99997", "base/88888/1259",
              "global/99999", "pg_wal/0000000900000000000000AB", "pg_wal/0000000100000000000000FF.partial",
              "pg_wal/RECOVERYXLOG", "pg_wal/000000010000000000000001.00000028.backup",
              f"{far}/99999", f"{far}/../88888/1259", "../far/PG_14_202107181/5/1259", "pg_stat/pg_store_plans.stat", "../.psql_history"]
    space.shell(pod, f"cd /data/pgdata; mkdir -p base/88888 {far}/../88888 ../far/PG_14_202107181/5; " + "; ".join(f"yes {SECRET}-stray | head -c 100000 >{one}" for one in strays)).expect()
    logs = space.shell(pod, f"grep -l {SECRET}-logged /data/pgdata/pg_said/*").expect().out
    assert len(logs.splitlines()) == 3, logs
    return strays


class Polling:
    """A client in the namespace that asks every pod there is but the source's, by its address, for unmasked rows, as often as
    it can and from before the clone is made."""
    QUERY = (f"select (select count(*) from users), (select count(*) from users u where u::text like '%{SECRET}%'), "
             f"(select count(*) from emails e where e::text like '%{SECRET}%')")

    def __init__(self, space):
        self.space, self.answers, self.asked, self.unshielded, self.over = space, [], set(), set(), threading.Event()
        space.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"},
             "spec": {"terminationGracePeriodSeconds": 0, "securityContext": {"runAsUser": 999},
                      "containers": [{"name": "main", "image": world.POSTGRES_IMAGE, "command": ["sleep", "100000"]}]}})
        space.wait("condition=Ready", "pod/client")

    def ask(self):
        """One command in the client's pod for all questions: a kubectl for each would take many times what a psql takes."""
        script = 'while read -r pod address; do echo "$pod $(psql -qtAX -h "$address" -U postgres -d postgres -c "$0" </dev/null || echo failed)"; done'
        client = subprocess.Popen(["kubectl", "exec", "-i", "-n", self.space.name, "client", "--", "env", "PGCONNECT_TIMEOUT=2", "sh", "-c", script, self.QUERY],
                                  env=self.space.cluster.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while not self.over.wait(0.1):
            policies = self.shielded()
            pods = self.space.get("pods")["items"]
            policies |= self.shielded()  # one is there before its pods and after them
            for pod in pods:
                name, address = pod["metadata"]["name"], pod["status"].get("podIP")
                if not address or name in ("client", "postgres-0"):
                    continue
                self.asked.add(name)
                if ("-db-" in name or "-copy-" in name) and pod["metadata"]["labels"]["holdfast.dev/operation"] not in policies:
                    self.unshielded.add(name)
                client.stdin.write(f"{name} {address}\n")
                client.stdin.flush()
                asked, answer = client.stdout.readline().split()
                assert asked == name
                if answer != "failed":
                    self.answers.append((name, answer))
        client.communicate(timeout=30)

    def shielded(self):
        """Operations whose pods a NetworkPolicy denies all traffic."""
        return {one["spec"]["podSelector"]["matchLabels"].get("holdfast.dev/operation") for one in self.space.get("networkpolicies")["items"]
                if set(one["spec"]["policyTypes"]) == {"Ingress", "Egress"} and not one["spec"].get("egress") and not one["spec"].get("ingress")}

    def __enter__(self):
        self.pool = ThreadPoolExecutor(1)
        self.work = self.pool.submit(self.ask)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.work.result(60)


def on_storage(space, claim):
    """How many lines with the secret the storage itself has of a claim's volume: in files, in blocks that the filesystem has freed,
    in whatever lies between."""
    return int(subprocess.run(["grep", "-ac", SECRET, space.image_of(claim)], stdout=subprocess.PIPE, text=True, timeout=60).stdout)


# xfs, ext4, and volumes that wait for a pod and that nobody deletes by themselves
@pytest.mark.parametrize("storage_class", ["fast", "fast-offline", "slow-retain"])
def test_nobody_ever_sees_an_unmasked_row(space, tmp_path, storage_class):
    space.postgres(replicas=1, size="256Mi", storage_class=storage_class)
    fill(space)
    strays = leave_behind(space)
    space.shell("postgres-0", f"yes {SECRET}-deleted | head -c 30000000 >/data/gone; sync; rm /data/gone; sync").expect()
    isolated = []
    if storage_class == "fast-offline":  # what isolation replaces is in the rewritten catalog no more
        space.psql("postgres-0", f"create subscription news connection 'host=far password={SECRET}' publication news with (connect = false, slot_name = none)")
        isolated = ["--isolated"]
    volumes = {item["metadata"]["name"] for item, _ in space.storage()}
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK + " truncate sessions; update elsewhere set email = 'x';")
    rows = space.psql("postgres-0", CONTENT)
    before = space.objects()
    with Polling(space) as client:
        space.clone("sts/postgres", "staging", "--sql", mask, "--ordinals", "0=0,0=1", *isolated, timeout=300).expect()
        space.eventually(lambda: len({name for name, _ in client.answers}) == 2)
    assert all(answer.endswith("|0|0") for _, answer in client.answers), client.answers[:10]
    assert any("-db-" in name for name in client.asked), "the throwaway database was asked too, and did not answer"
    assert not client.unshielded, "who holds unmasked rows may speak with nobody, where the network heeds policies"
    assert {name for name, _ in client.answers} == {"staging-0", "staging-1"}
    for ordinal in (0, 1):
        pod = f"staging-{ordinal}"
        assert space.psql(pod, "select count(*) from users where email like '%@masked.test'") == space.psql("postgres-0", "select count(*) from users")
        found = space.shell(pod, f"sync; grep -rl {SECRET} /data; true").expect().out
        assert found == "", found
        assert on_storage(space, f"data-{pod}") == 0, "old bytes are there below the filesystem"
        assert space.psql(pod, "select count(*) from pg_class where relname = 'given_up'") == "0"
        assert space.psql(pod, "select count(*) from elsewhere where email = 'x'") == space.psql("postgres-0", "select count(*) from elsewhere")
    assert on_storage(space, "data-postgres-0") > 0, "the source's volume has what is looked for"
    space.shell("postgres-0", f"cd /data/pgdata; ls {' '.join(strays)}").expect()
    assert len({item["metadata"]["name"] for item, _ in space.storage()} - volumes) == 2, "no volume of a draft is left"
    assert space.shell("postgres-0", f"grep -rl {SECRET} /data").expect().out.count("pg_wal/") > 1, "the source has what is looked for"
    now = space.objects()
    assert {k: now.get(k) for k in before} == before and space.psql("postgres-0", CONTENT) == rows
    space.clone("delete", "staging", "--yes").expect()


def test_masking_that_fails_leaves_nothing_that_anybody_could_reach(space, tmp_path):
    space.postgres()
    fill(space)
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK + " select 1 / 0;")
    before = space.objects()
    failed = space.clone("sts/postgres", "staging", "--sql", mask, timeout=300).expect(6)
    assert "division by zero" in failed.err and "the source is intact" in failed.err
    space.comes_back_to(before)

    # A database that is not there: whose name was forgotten.
    failed = space.clone("sts/postgres", "staging", "--sql", mask, "--database", "shop", timeout=300).expect(6)
    assert 'database "shop" does not exist' in failed.err and "--database says which database the statements are for" in failed.err, failed.text
    space.comes_back_to(before)

    # What is undone when the connection ends masks nothing, whatever the server said of each statement.
    mask.write_text("begin; " + MASK)
    failed = space.clone("pvc/data-postgres-0", "copy", "--sql", mask, timeout=300).expect(6)
    assert "a transaction is left open" in failed.err, failed.text
    space.comes_back_to(before)

    # The connection is lost in the middle: how far the statements came nobody knows.
    mask.write_text(MASK + "select pg_terminate_backend(pg_backend_pid());")
    failed = space.clone("pvc/data-postgres-0", "copy", "--sql", mask, timeout=300).expect(6)
    assert "error: masking failed: " in failed.err and "all of the clone was removed, the source is intact" in failed.err, failed.text
    space.comes_back_to(before)

    # Rows that no statement sees, until somebody commits them in the clone.
    space.psql("postgres-0", "alter system set max_prepared_transactions = 5")
    space.restart("postgres-0")
    space.kubectl("exec", "postgres-0", "--", "psql", "-qX", "-c",
                  f"begin; insert into users values (100000, '{SECRET}-late'); prepare transaction 'late'").expect()
    mask.write_text(MASK)
    before = space.objects()
    failed = space.clone("sts/postgres", "staging", "--sql", mask, timeout=300).expect(6)
    assert "of 1 prepared transaction(s) the rows cannot be masked: finish them in the source first" in failed.err, failed.text
    space.comes_back_to(before)


def test_a_single_claim_is_masked_on_whichever_node_its_class_places_it(space, tmp_path):
    """Volumes of the class are bound at once, each to one node, by the claim's name; draft and fresh volume need the same one."""
    space.postgres()
    space.psql("postgres-0", f"create table users as select 1 as id, '{SECRET}'::text as email, ''::text as note")
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK)
    before = space.objects()
    node = ".spec.nodeAffinity.required.nodeSelectorTerms[*].matchExpressions[*].values[*]"
    places = set()
    for name in ("copy-a", "copy-b"):
        space.clone("pvc/data-postgres-0", name, "--sql", mask, timeout=300).expect()
        places.add(space.path(f"pv/{space.path(f'pvc/{name}', '.spec.volumeName')}", node))
        assert on_storage(space, name) == 0
    assert len(places) == 2, "they came to both nodes, so that it matters"
    for name in ("copy-a", "copy-b"):
        space.clone("delete", name, "--yes").expect()
    space.comes_back_to(before)


def test_a_copying_pod_that_no_node_can_take_is_explained_and_waited_for_no_longer_than_anything_else(space, tmp_path):
    """While it is masked the nodes lose the label that the source's pods, and so the throwaways, ask for."""
    label = f"hf.test/{space.name}"
    mask = tmp_path / "mask.sql"
    mask.write_text("select pg_sleep(8);" + MASK)
    try:
        space.cluster.kubectl("label", "node", "--all", f"{label}=yes").expect()
        service, database = world.postgres(nodeSelector={label: "yes"})
        space.apply(service, database)
        space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
        space.psql("postgres-0", f"create table users as select 1 as id, '{SECRET}'::text as email, ''::text as note")
        before = space.objects()
        with space.start("clone", "sts/postgres", "staging", "--sql", str(mask), "--timeout", "12s") as clone:
            space.eventually(lambda: [pod for pod in space.get("pods")["items"] if "-db-" in pod["metadata"]["name"] and
                                      any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))])
            space.cluster.kubectl("label", "node", "--all", f"{label}-").expect()
            code = clone.process.wait(180)
        assert code == 5, clone.text
        told = " ".join("".join(clone.err).split())
        assert f"-copy-0: no progress in 12.0s: not started yet; pod/{space.name}/" in told and "no node can take it:" in told and "node affinity/selector" in told, clone.text
        assert "all of the clone was removed, the source is intact" in told, clone.text
        space.comes_back_to(before)
    finally:
        space.cluster.kubectl("label", "node", "--all", f"{label}-")


def test_a_volume_that_no_statement_reaches_is_not_cloned_as_masked(space, tmp_path):
    service, database = world.postgres()
    claims = database["spec"]["volumeClaimTemplates"]
    claims.append({"metadata": {"name": "backups"}, "spec": {**claims[0]["spec"], "resources": {"requests": {"storage": "64Mi"}}}})
    database["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].append({"name": "backups", "mountPath": "/backups"})
    space.apply(service, database)
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    fill(space)
    space.shell("postgres-0", f"echo {SECRET} >/backups/dump.sql; sync").expect()
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK)
    before = space.objects()
    failed = space.clone("sts/postgres", "staging", "--sql", mask, timeout=300).expect(1)
    assert "nothing of the database is on /backups: what is there would not be masked" in failed.err, failed.text
    space.comes_back_to(before)


def test_a_claim_beside_the_database_s_own_is_not_cloned_as_masked(space, tmp_path):
    space.claim("backups")
    service, database = world.postgres()
    spec = database["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "backups", "persistentVolumeClaim": {"claimName": "backups"}}]
    spec["containers"][0]["volumeMounts"].append({"name": "backups", "mountPath": "/backups"})
    space.apply(service, database)
    space.wait("jsonpath={.status.readyReplicas}=1", "statefulset/postgres")
    fill(space)
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK)
    before = space.objects()
    failed = space.clone("sts/postgres", "staging", "--sql", mask, timeout=300).expect(1)
    assert "no PostgreSQL data directory" in failed.err, failed.text
    space.comes_back_to(before)


def reaching_out(space):
    """Whatever a database runs by itself when its rows are changed: all of it would write to `prod`, a database of the source's own
    server, fetch from it, or keep what was masked."""
    space.psql("postgres-0", "create database prod")
    space.psql("postgres-0", f"create table crm as select 1 as id, '{SECRET}-fresh'::text as email", database="prod")
    host = space.path("pod/postgres-0", ".status.podIP")
    prod = f"host={host} dbname=prod user=postgres"
    fetch = f"select email from dblink('{prod}', 'select email from crm') as t(email text)"
    push = f"perform dblink_exec('{prod}', $x$update crm set email = 'overwritten'$x$);"
    space.psql("postgres-0", "create extension dblink", "create extension postgres_fdw",
               f"create server prod foreign data wrapper postgres_fdw options (host '{host}', dbname 'prod')",
               "create user mapping for postgres server prod options (user 'postgres', password_required 'false')",
               "create foreign table crm (id int, email text) server prod", "create view seen as select * from crm",
               f"create function fetched() returns setof text stable language sql as $${fetch}$$",
               "create materialized view from_foreign as select * from seen", f"create materialized view from_dblink as {fetch}",
               "create materialized view from_function as select * from fetched()",
               "create table orders (id int primary key, email text)",
               "create table lines (id int references orders on delete cascade, who text)",
               f"insert into orders values (1, '{SECRET}-one'), (2, '{SECRET}-two')",
               "insert into lines values (1, 'kept'), (2, 'goes with its order')",
               "create table audit (old text)",
               "create function noting() returns trigger language plpgsql as "
               f"$$begin insert into audit values (old.email); {push} return new; end$$",
               f"create function telling() returns event_trigger language plpgsql as $$begin {push} end$$",
               "create trigger noting after update on orders for each row execute function noting()",
               "alter table orders enable always trigger noting",
               "create rule noting as on update to orders do also insert into audit values (old.email)",
               "create event trigger telling on ddl_command_end execute function telling()")
    space.psql("postgres-0", f"update crm set email = '{SECRET}-fresh'", database="prod")


def test_nothing_that_a_database_runs_by_itself_acts_while_it_is_masked(space, tmp_path):
    space.postgres()
    space.psql("postgres-0", f"create table users as select 1 as id, '{SECRET}'::text as email, ''::text as note",
               "create materialized view emails as select email from users")
    reaching_out(space)
    mask = tmp_path / "mask.sql"
    mask.write_text(MASK + "update orders set email = 'x' || id; delete from orders where id = 2;")
    before = space.objects()
    refused = space.clone("sts/postgres", "staging", "--sql", mask, timeout=300).expect(6)
    assert "table orders has the trigger or rule noting" in refused.err and "--disable-triggers" in refused.err, refused.text
    space.comes_back_to(before)

    made = space.clone("sts/postgres", "staging", "--sql", mask, "--disable-triggers", "-o", "json", timeout=300).expect().json()
    assert made["withoutData"] == ["from_foreign", "from_dblink", "from_function"]
    assert space.psql("postgres-0", "select email from crm", database="prod") == f"{SECRET}-fresh", "production was written to"
    assert space.psql("staging-0", "select email from orders") == "x1" and space.psql("staging-0", "select who from lines") == "kept"
    assert space.psql("staging-0", "select email from emails") == "user1@masked.test"
    assert space.psql("staging-0", "select count(*) from audit") == space.psql("staging-0", "select count(*) from pg_user_mapping") == "0"
    for query in ("select string_agg(tgname::text || tgenabled::text, ',') from pg_trigger where not tgisinternal",
                  "select string_agg(evtname::text || evtenabled::text, ',') from pg_event_trigger",
                  "select string_agg(ev_enabled::text, ',') from pg_rewrite where rulename = 'noting'",
                  "select string_agg(nspname, ',' order by nspname) from pg_namespace"):
        assert space.psql("staging-0", query) == space.psql("postgres-0", query), "what acts in the source acts in the clone"
    space.clone("delete", "staging", "--yes").expect()


def test_an_archive_a_publisher_and_a_slot_hear_nothing_of_an_isolated_clone(space):
    """The archive is a database of its own that writes down who archived what; the source also subscribes to a table of it."""
    space.postgres("archive")
    space.psql("archive-0", "create table archived (segment text, who inet)")
    space.psql("archive-0", "create table news (x int)")
    space.psql("archive-0", "create publication news for table news")
    space.psql("archive-0", "alter system set wal_level = logical")
    space.restart("archive-0")
    archive = space.path("pod/archive-0", ".status.podIP")
    space.postgres("postgres")
    space.psql("postgres-0", "alter system set archive_mode = on")
    command = f"psql -qX -h {archive} -U postgres -d postgres -c " + '"insert into archived values (\'%f\', inet_client_addr())"'
    space.psql("postgres-0", f"alter system set archive_command = $${command}$$")
    space.psql("postgres-0", "alter system set wal_level = logical")
    space.restart("postgres-0")
    space.psql("postgres-0", "create table news (x int)")
    space.psql("postgres-0", f"create subscription news connection 'host={archive} user=postgres dbname=postgres' publication news")
    # What a standby has on its disk, and what would be read at the next start.
    space.psql("postgres-0", f"alter system set primary_conninfo = 'host={archive} user=postgres'")
    space.shell("postgres-0", "touch /data/pgdata/standby.signal").expect()
    space.psql("postgres-0", "select pg_create_physical_replication_slot('standby', true), pg_create_logical_replication_slot('feed', 'pgoutput')")
    space.psql("postgres-0", "create table t as select 7 as x; select pg_switch_wal()")
    space.eventually(lambda: space.psql("archive-0", "select count(*) from archived") != "0")
    slot = space.psql("postgres-0", "select slot_name, restart_lsn from pg_replication_slots order by 1")

    refused = space.clone("sts/postgres", "staging").expect(3)
    for tie in ("archives its WAL", "2 replication slots", "1 subscription", "--isolated"):
        assert tie in refused.err, refused.text
    space.clone("sts/postgres", "staging", "--isolated", timeout=300).expect()

    assert space.psql("staging-0", "select x from t") == "7"
    assert space.psql("staging-0", "select count(*) from pg_replication_slots") == "0"
    assert space.psql("staging-0", "select current_setting('archive_mode'), current_setting('primary_conninfo'), pg_is_in_recovery()") == "off||f"
    assert space.psql("staging-0", "select subenabled, subconninfo, coalesce(subslotname, 'none') from pg_subscription") == "f|host=/isolated|none"
    assert space.shell("staging-0", "ls /data/pgdata/standby.signal").code != 0
    space.psql("archive-0", "insert into news values (1)")
    space.eventually(lambda: space.psql("postgres-0", "select count(*) from news") == "1")
    assert space.psql("staging-0", "select count(*) from news") == "0"
    space.psql("staging-0", "create table only_here as select 1; select pg_switch_wal(); checkpoint")
    source = space.path("pod/postgres-0", ".status.podIP")
    assert set(space.psql("archive-0", "select distinct host(who) from archived").split()) == {source}
    assert space.psql("postgres-0", "select slot_name, restart_lsn from pg_replication_slots order by 1") == slot
    assert set(space.psql("archive-0", "select host(client_addr) from pg_stat_replication").split()) == {source}
    assert space.shell("postgres-0", "ls /data/pgdata/standby.signal").code == 0, "the source was written to"
    assert space.path("networkpolicy/staging-isolated", ".spec.policyTypes[*]") == "Egress"
    space.clone("delete", "staging", "--yes").expect()
