#include "common/copies/database.h"

#include "common/core/text.h"

#include <charconv>

namespace holdfast::copies {
namespace {

// Kubernetes replaces $(NAME) in commands only where NAME is a variable of the container; $$ would become $. The script
// has command substitutions, whose text is no variable's name, and no $$.
constexpr char kFindData[] = R"sh(set -eu
say() { echo "holdfast: $*" >&2; }
die() { code=$1; shift; say "$*"; exit "$code"; }
# What fails here is not the database's fault. exec ends this shell without the trap.
trap 'code=$?; case $code in 6[5-9] | 70) ;; *) say "the copy could not be prepared (exit $code)"; exit 69 ;; esac' EXIT
is_data() { [ -f "$1/PG_VERSION" ] && [ -f "$1/global/pg_control" ]; }

data=$HOLDFAST_DATA
if [ -z "$data" ]; then
    IFS=:
    for root in $HOLDFAST_ROOTS; do
        for one in "$root" "$root"/* "$root"/*/* "$root"/*/*/*; do
            is_data "$one" || continue
            [ -z "$data" ] || die 65 "two PostgreSQL data directories, $data and $one: nothing says which is meant"
            data=$one
        done
    done
    unset IFS
    [ -n "$data" ] || die 65 "no PostgreSQL data directory can be seen on the restored volumes by uid $(id -u)"
fi
is_data "$data" || die 65 "$data is no PostgreSQL data directory, or uid $(id -u) cannot read it"
read -r major <"$data/PG_VERSION"
[ -z "$HOLDFAST_MAJOR" ] || [ "$HOLDFAST_MAJOR" = "$major" ] || die 66 "the data is of PostgreSQL $major, recorded was $HOLDFAST_MAJOR"
case $major in [1-9][0-9]) ;; *) die 68 "the data is of PostgreSQL $major; a throwaway database needs 10 or later" ;; esac

PATH="/usr/lib/postgresql/$major/bin:/usr/pgsql-$major/bin:/usr/libexec/postgresql$major:/opt/bitnami/postgresql/bin:/usr/local/pgsql/bin:/usr/local/bin:$PATH"
server=$(command -v postgres) || die 68 "the image has no program postgres; the data needs PostgreSQL $major"
set -- $("$server" --version)
case $3 in "$major" | "$major".* | "$major"[!0-9]*) ;; *) die 68 "the image has PostgreSQL $3, the data needs PostgreSQL $major" ;; esac

me=$(id -u)
owner=$(stat -c %u "$data")
group=$(stat -c %g "$data")
[ "$owner" != 0 ] || die 69 "$data belongs to root, and PostgreSQL never runs as root"
[ "$me" = 0 ] || [ "$me" = "$owner" ] || die 69 "$data belongs to uid $owner, and the container runs as uid $me"
)sh";

constexpr char kMakeHarmless[] = R"sh(
# This copy is nobody's standby and archives nothing: what would make it so is removed, from the copy.
rm -f "$data/standby.signal" "$data/recovery.signal" "$data/recovery.conf" "$data/postmaster.pid"
chmod 700 "$data"
mkdir -p /holdfast/run
: >/holdfast/postgresql.conf
: >/holdfast/pg_ident.conf
printf 'local all all trust\nhost all all 127.0.0.1/32 trust\n' >/holdfast/pg_hba.conf
ln -sfn "$data" /holdfast/data
# Recovery needs room for every transaction that was prepared when the copy was cut.
prepared=$(LC_ALL=C pg_controldata "$data" 2>/dev/null | sed -n 's/^max_prepared_xacts setting: *//p') || prepared=
[ "${prepared:-0}" -ge 100 ] || prepared=100

set -- "$server" -D "$data" -c "max_prepared_transactions=$prepared"
)sh";

constexpr char kForgetSettings[] = R"sh(: >"$data/postgresql.auto.conf"
)sh";

// The source's own log files and statement texts say what its rows said. They are where its configuration in the data
// directory says, under what names that says; where the running server wrote last (current_logfiles, whatever set it);
// and where Patroni's and Crunchy's images have them.
constexpr char kForgetLogs[] = R"sh(
forget() {
    [ -d "$1" ] || return 0
    short=${2%.log} owned=
    case $(readlink -f "$1") in
        "$whole" | "$whole"/base* | "$whole"/global* | "$whole"/pg_[!l]*) owned="PG_VERSION postgresql.conf pg_hba.conf
            pg_ident.conf postgresql.auto.conf postgresql.base.conf patroni.dynamic.json backup_label tablespace_map
            pg_control pg_filenode.map 1 16384 16384_fsm 0000 000000010000000000000001" ;;
    esac
    for name in $owned; do
        case $name in
            $2 | $2.* | $short.csv | $short.csv.* | $short.json | $short.json.*)
                [ "${HOLDFAST_MASKS:-}" = yes ] || return 0
                die 70 "the server logs in $1 ($2) cannot be told from the database's own files: they would not be masked" ;;
        esac
    done
    IFS=
    for one in "$1"/$2 "$1"/$2.* "$1"/$short.csv "$1"/$short.csv.* "$1"/$short.json "$1"/$short.json.*; do
        if [ -f "$one" ] || [ -L "$one" ]; then rm -f "$one"; fi
    done
    unset IFS
}
setting() { "$server" -C "$1" -D "$data" 2>/dev/null || :; }
beside() { case $1 in /*) echo "$1" ;; *) echo "$data/$1" ;; esac; }
whole=$(readlink -f "$data")
logs=$(setting log_directory)
[ -z "$logs" ] || logs=$(beside "$logs")
# What strftime makes of an escape may be anything, and the same file of another day has other digits.
names=$(setting log_filename | sed 's/[][?*\\]/?/g; s/%[-_0^#EO]*[0-9]*[A-Za-z+]/*/g; s/%%/%/g')
[ -z "$logs" ] || [ -z "$names" ] || forget "$logs" "$names"
if [ -f "$data/current_logfiles" ]; then
    while read -r line; do
        one=$(beside "${line#* }")
        forget "${one%/*}" "$(echo "${one##*/}" | sed 's/[][?*\\]/?/g; s/[0-9]/[0-9]/g')"
    done <"$data/current_logfiles"
fi
for folder in "$logs" "$data/../log" "$data/../logs" "$data/../pg_log"; do
    [ -n "$folder" ] && [ -d "$folder" ] && [ ! "$folder" -ef "$data" ] || continue
    rm -f "$folder"/*.log "$folder"/*.log.* "$folder"/*.csv "$folder"/*.json
done
rm -rf "$data/log" "$data/pg_log"
# Of extensions too that keep statements there; the server's own are counters.
rm -f "$data"/pg_stat/* "$data"/pg_stat_tmp/* "$data"/core "$data"/core.*
for history in "$data/.psql_history" "$data/../.psql_history"; do rm -f "$history" "$history"-*; done
)sh";

// A volume that the database has nothing on, dumps or an archive perhaps, no statement masks.
constexpr char kNothingElse[] = R"sh(if [ "${HOLDFAST_MASKS:-}" = yes ]; then
    IFS=:
    for root in $HOLDFAST_ROOTS; do
        used=
        for place in "$data" "$data/pg_wal" "$data"/pg_tblspc/*; do
            [ -e "$place" ] || continue
            case $(readlink -f "$place")/ in "$(readlink -f "$root")"/*) used=yes ;; esac
        done
        [ -n "$used" ] || die 70 "nothing of the database is on $root: what is there would not be masked"
    done
    unset IFS
fi
)sh";

constexpr char kBecomeServer[] = R"sh(
say "PostgreSQL $major on $data as uid $owner"
[ "$me" = 0 ] || exec "$@"
chown -R "$owner:$group" /holdfast
if command -v gosu >/dev/null 2>&1; then exec gosu "$owner:$group" "$@"; fi
if command -v su-exec >/dev/null 2>&1; then exec su-exec "$owner:$group" "$@"; fi
if setpriv --reuid "$owner" --regid "$group" --clear-groups true 2>/dev/null; then
    exec setpriv --reuid "$owner" --regid "$group" --clear-groups "$@"
fi
die 69 "the container runs as root and has no gosu, su-exec or setpriv to become uid $owner"
)sh";

// Software that is no PostgreSQL has nothing to be asked: that the volumes could be mounted is the proof.
constexpr char kLookFirst[] = R"sh(
if [ "$HOLDFAST_ANY" = yes ]; then
    found=
    for root in $(echo "$HOLDFAST_ROOTS" | tr : ' '); do
        for one in "$root" "$root"/* "$root"/*/*; do [ -f "$one/global/pg_control" ] && found=yes; done
    done
    [ -n "$found" ] || mounted
fi
)sh";

constexpr char kLook[] = R"sh(
system=$(LC_ALL=C pg_controldata "$data" | sed -n 's/^Database system identifier: *//p')
[ -n "$system" ] || die 65 "pg_controldata cannot read $data"
[ -z "$HOLDFAST_SYSTEM" ] || [ "$HOLDFAST_SYSTEM" = "$system" ] || die 67 "the data is of system $system, recorded was $HOLDFAST_SYSTEM"
say "PostgreSQL $major, system $system, in $data"
trap - EXIT
exit 0
)sh";

constexpr std::string_view kExitLine = "holdfast-exit ";

std::string bound_test(const Setting& setting) {
    std::string test;
    if (setting.first_major > 0) test += "[ \"$major\" -lt " + std::to_string(setting.first_major) + " ] || ";
    if (setting.last_major > 0) test += "[ \"$major\" -gt " + std::to_string(setting.last_major) + " ] || ";
    return test;
}

}  // namespace

std::vector<Setting> harmless_settings(bool lasting) {
    std::vector<Setting> settings = {
        // Our own files, wherever the image or the volume keep theirs.
        {"config_file", "/holdfast/postgresql.conf"},
        {"hba_file", "/holdfast/pg_hba.conf"},
        {"ident_file", "/holdfast/pg_ident.conf"},
        {"external_pid_file", ""},
        // Nobody but this pod.
        {"listen_addresses", "127.0.0.1"},
        {"port", std::to_string(kDatabasePort)},
        {"unix_socket_directories", "/holdfast/run"},
        {"ssl", "off"},
        // Nothing is sent anywhere, nothing is fetched.
        {"archive_mode", "off"},
        {"archive_command", ""},
        {"archive_library", "", 15},
        {"archive_cleanup_command", "", 12},
        {"recovery_end_command", "", 12},
        {"restore_command", "", 12},
        {"primary_conninfo", "", 12},
        {"primary_slot_name", "", 12},
        {"synchronous_standby_names", ""},
        {"max_wal_senders", "0"},
        {"max_logical_replication_workers", "0"},
        // No code of extensions and no jobs: pg_cron and its like are preloaded, login triggers run at every
        // connection.
        {"shared_preload_libraries", ""},
        {"session_preload_libraries", ""},
        {"local_preload_libraries", ""},
        {"event_triggers", "off", 17},
        {"autovacuum", "off"},
        {"default_transaction_read_only", "on"},
        // Slots and origins on the volume must find their place, or the server does not start.
        {"wal_level", "logical"},
        {"max_replication_slots", "1000"},
        {"max_active_replication_origins", "1000", 18},
        // A container's /dev/shm is small, and its log is read by kubectl logs.
        {"max_parallel_workers_per_gather", "0"},
        {"jit", "off", 11},
        {"logging_collector", "off"},
        {"log_destination", "stderr"},
    };
    if (!lasting) return settings;
    std::erase_if(settings, [](const Setting& one) { return one.name == "default_transaction_read_only"; });
    // Segments of the log are not kept for others nor used again: what they say of old rows goes with them.
    settings.push_back({"default_transaction_read_only", "off"});
    settings.push_back({"wal_recycle", "off", 12});
    // What a failing statement says of rows must not get into the container's log, which is collected and kept.
    settings.push_back({"log_min_messages", "fatal"});
    settings.push_back({"log_min_error_statement", "panic"});
    settings.push_back({"log_error_verbosity", "terse"});
    settings.push_back({"wal_keep_size", "0", 13});
    settings.push_back({"wal_keep_segments", "0", 0, 12});
    // VACUUM FULL copies dead rows that are younger than it says.
    settings.push_back({"vacuum_defer_cleanup_age", "0", 0, 15});
    return settings;
}

std::string look_script() {
    std::string script = R"sh(mounted() { trap - EXIT; echo "holdfast: mounted, no database looked for" >&2; exit 0; }
)sh";
    script += kLookFirst;
    script += kFindData;
    return script + kLook;
}

std::string start_script(bool lasting) {
    std::string script = kFindData;
    if (lasting) script += kNothingElse;
    script += lasting ? kForgetLogs : kForgetSettings;
    script += kMakeHarmless;
    for (const Setting& setting : harmless_settings(lasting)) {
        script += bound_test(setting) + "set -- \"$@\" -c " + shell_quote(setting.name + "=" + setting.value) + "\n";
    }
    return script + kBecomeServer;
}

// The eighth line of postmaster.pid is the server's own word on its state, from PostgreSQL 10 on.
std::string ready_script() { return "grep -qs '^ready' /holdfast/data/postmaster.pid"; }

std::string idle_script() { return "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done"; }

std::vector<std::string> check_words(const std::string& command) {
    const std::string script =
        "/bin/sh -c \"$1\" 2>/holdfast/stderr; code=$?; echo; [ $code = 0 ] || tail -c 1000 /holdfast/stderr; "
        "echo; echo \"holdfast-exit $code\"";
    return {"/bin/sh", "-c", script, "sh", command};
}

CheckOutput parse_check(const std::string& printed) {
    CheckOutput result;
    const std::size_t at = printed.rfind(kExitLine);
    if (at == std::string::npos || (at > 0 && printed[at - 1] != '\n')) return result;
    const std::string_view digits = trim(std::string_view(printed).substr(at + kExitLine.size()));
    int code = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code);
    if (error != std::errc() || end != digits.data() + digits.size()) return result;
    result.exit_code = code;
    result.out = printed.substr(0, at);
    while (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
    if (code != 0) result.out = std::string(trim(result.out));
    return result;
}

}  // namespace holdfast::copies
