set -eu
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
: >"$data/postgresql.auto.conf"

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
set -- "$@" -c config_file=/holdfast/postgresql.conf
set -- "$@" -c hba_file=/holdfast/pg_hba.conf
set -- "$@" -c ident_file=/holdfast/pg_ident.conf
set -- "$@" -c external_pid_file=
set -- "$@" -c listen_addresses=127.0.0.1
set -- "$@" -c port=5432
set -- "$@" -c unix_socket_directories=/holdfast/run
set -- "$@" -c ssl=off
set -- "$@" -c archive_mode=off
set -- "$@" -c archive_command=
[ "$major" -lt 15 ] || set -- "$@" -c archive_library=
[ "$major" -lt 12 ] || set -- "$@" -c archive_cleanup_command=
[ "$major" -lt 12 ] || set -- "$@" -c recovery_end_command=
[ "$major" -lt 12 ] || set -- "$@" -c restore_command=
[ "$major" -lt 12 ] || set -- "$@" -c primary_conninfo=
[ "$major" -lt 12 ] || set -- "$@" -c primary_slot_name=
set -- "$@" -c synchronous_standby_names=
set -- "$@" -c max_wal_senders=0
set -- "$@" -c max_logical_replication_workers=0
set -- "$@" -c shared_preload_libraries=
set -- "$@" -c session_preload_libraries=
set -- "$@" -c local_preload_libraries=
[ "$major" -lt 17 ] || set -- "$@" -c event_triggers=off
set -- "$@" -c autovacuum=off
set -- "$@" -c default_transaction_read_only=on
set -- "$@" -c wal_level=logical
set -- "$@" -c max_replication_slots=1000
[ "$major" -lt 18 ] || set -- "$@" -c max_active_replication_origins=1000
set -- "$@" -c max_parallel_workers_per_gather=0
[ "$major" -lt 11 ] || set -- "$@" -c jit=off
set -- "$@" -c logging_collector=off
set -- "$@" -c log_destination=stderr

say "PostgreSQL $major on $data as uid $owner"
[ "$me" = 0 ] || exec "$@"
chown -R "$owner:$group" /holdfast
if command -v gosu >/dev/null 2>&1; then exec gosu "$owner:$group" "$@"; fi
if command -v su-exec >/dev/null 2>&1; then exec su-exec "$owner:$group" "$@"; fi
if setpriv --reuid "$owner" --regid "$group" --clear-groups true 2>/dev/null; then
    exec setpriv --reuid "$owner" --regid "$group" --clear-groups "$@"
fi
die 69 "the container runs as root and has no gosu, su-exec or setpriv to become uid $owner"
