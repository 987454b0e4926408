#!/usr/bin/env bash
# PostgreSQL and Redis for tests: throw-away servers on loopback, in a folder
# of their own, durable in nothing.
#
#   scripts/services.sh run COMMAND…   start both, run COMMAND, stop both
#   scripts/services.sh start DIR      start both with their files in DIR
#   scripts/services.sh env DIR        print the two variables of a started DIR
#   scripts/services.sh stop DIR       stop both and remove DIR
#
# COMMAND finds TEST_DATABASE_URL and TEST_REDIS_URL in its environment.
# PG_PORT and REDIS_PORT fix the ports; without them free ones are taken.
# Variables that are already set are used as they are, nothing is started.
set -euo pipefail

say() { printf 'services: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# pg_bin prints the folder of the server's real programs: what lies in PATH may
# be a wrapper that wants a Debian cluster.
pg_bin() {
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$newest" ] && [ -x "$newest/initdb" ]; then
    printf '%s' "$newest"
  elif command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/initdb" ]; then
    pg_config --bindir
  else
    die 'PostgreSQL is not installed; run scripts/setup.sh test'
  fi
}

# free_port asks the kernel; the gap until the server binds is accepted, a
# start that loses the race is repeated.
free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s' "$port"
      return
    fi
  done
  die 'no free port between 20000 and 32000'
}

# as_owner runs a command as the user who owns the servers: PostgreSQL refuses
# to run as root.
as_owner() {
  if [ "$(id -u)" != 0 ]; then
    "$@"
  else
    setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups -- "$@"
  fi
}

owner=$(id -un)
if [ "$owner" = root ]; then
  owner=postgres
  id -u "$owner" >/dev/null 2>&1 || owner=nobody
fi

start_postgres() {
  local dir=$1 bin port attempt
  bin=$(pg_bin)
  as_owner "$bin/initdb" -D "$dir/pg" -U kinemesh --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$dir/initdb.log" 2>&1 || die "initdb: $(tail -n 3 "$dir/initdb.log")"
  cat >>"$dir/pg/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 128MB
timezone = 'UTC'
log_timezone = 'UTC'
CONF
  for attempt in 1 2 3; do
    port=${PG_PORT:-$(free_port)}
    if as_owner env LC_ALL=C.UTF-8 "$bin/pg_ctl" -D "$dir/pg" -l "$dir/postgres.log" -w -t 30 \
      -o "-p $port" start >/dev/null 2>&1; then
      as_owner "$bin/psql" -q -h 127.0.0.1 -p "$port" -U kinemesh -d postgres \
        -c 'CREATE DATABASE kinemesh' >/dev/null
      echo "TEST_DATABASE_URL=postgres://kinemesh@127.0.0.1:$port/kinemesh?sslmode=disable" >>"$dir/env"
      return
    fi
    [ -z "${PG_PORT:-}" ] || break
  done
  die "PostgreSQL does not start: $(tail -n 3 "$dir/postgres.log" 2>/dev/null)"
}

start_redis() {
  local dir=$1 port attempt
  command -v redis-server >/dev/null 2>&1 || die 'Redis is not installed; run scripts/setup.sh test'
  for attempt in 1 2 3; do
    port=${REDIS_PORT:-$(free_port)}
    rm -f "$dir/redis.pid"
    as_owner redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --daemonize yes \
      --dir "$dir" --pidfile "$dir/redis.pid" --logfile "$dir/redis.log" >/dev/null
    for _ in $(seq 100); do
      if [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" = PONG ] && [ -s "$dir/redis.pid" ]; then
        echo "TEST_REDIS_URL=redis://127.0.0.1:$port/0" >>"$dir/env"
        return
      fi
      sleep 0.05
    done
    [ -z "${REDIS_PORT:-}" ] || break
  done
  die "Redis does not start: $(tail -n 3 "$dir/redis.log" 2>/dev/null)"
}

start() {
  local dir=$1
  [ ! -s "$dir/env" ] || die "$dir is in use; stop it first"
  mkdir -p "$dir"
  chmod 755 "$dir"
  [ "$(id -u)" != 0 ] || chown "$owner" "$dir"
  : >"$dir/env"
  start_postgres "$dir"
  start_redis "$dir"
}

stop() {
  local dir=$1 pid
  if [ -s "$dir/pg/postmaster.pid" ]; then
    as_owner "$(pg_bin)/pg_ctl" -D "$dir/pg" -m immediate -w -t 20 stop >/dev/null 2>&1 || say 'PostgreSQL was gone already'
  fi
  if [ -s "$dir/redis.pid" ]; then
    pid=$(cat "$dir/redis.pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.05
    done
  fi
  rm -rf "$dir"
}

# run starts what the environment does not name yet.
run() {
  if [ -n "${TEST_DATABASE_URL:-}" ] && [ -n "${TEST_REDIS_URL:-}" ]; then
    exec "$@"
  fi
  local dir status=0 child
  dir=$(mktemp -d "${TMPDIR:-/tmp}/kinemesh-services.XXXXXX")
  # shellcheck disable=SC2064 # the folder of this run, not of a later one
  trap "stop '$dir'" EXIT
  trap 'exit 130' INT TERM
  start "$dir"
  set -a
  # shellcheck disable=SC1091 # written by start
  . "$dir/env"
  set +a
  "$@" &
  child=$!
  trap 'kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 130' INT TERM
  wait "$child" || status=$?
  exit "$status"
}

case "${1:-}" in
  run) shift; [ $# -gt 0 ] || die 'run what?'; run "$@" ;;
  start) start "${2:?folder missing}" ;;
  stop) stop "${2:?folder missing}" ;;
  env) cat "${2:?folder missing}/env" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
