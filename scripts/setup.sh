#!/usr/bin/env bash
# Installs what is missing, and nothing else.
#
#   scripts/setup.sh run    what the server needs: ffmpeg
#   scripts/setup.sh test   and what the tests need: PostgreSQL, Redis, Chromium, aria2, yt-dlp, a C compiler
#
# By apt as root or with sudo that asks nothing; otherwise it says what to
# install and ends with status 1.
set -euo pipefail

say() { printf '==> %s\n' "$*" >&2; }

# "package: program, any of which will do", one a line.
run_needs='ffmpeg: ffmpeg
ffmpeg: ffprobe'
test_needs="$run_needs
redis-server: redis-server
redis-tools: redis-cli
postgresql: /usr/lib/postgresql/*/bin/initdb
chromium: chromium chromium-browser google-chrome
aria2: aria2c
yt-dlp: yt-dlp
gcc: gcc cc
libc6-dev: /usr/include/stdlib.h
iproute2: ip
curl: curl
util-linux: setpriv"

have() {
  local name
  for name in "$@"; do
    case "$name" in
      /*) compgen -G "$name" >/dev/null && return 0 ;;
      *) command -v "$name" >/dev/null 2>&1 && return 0 ;;
    esac
  done
  return 1
}

missing() {
  local line package
  while IFS= read -r line; do
    package=${line%%:*}
    # shellcheck disable=SC2086 # the words are the programs
    (set -f; have ${line#*: }) || printf '%s\n' "$package"
  done <<<"$1" | sort -u
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install() {
  local log
  log=$(mktemp)
  say "installing $* (apt-get; the first time takes a minute or two)"
  if ! { as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    say "apt-get could not install: $*. Install it by hand and run this again."
    exit 1
  fi
  rm -f "$log"
}

case "${1:-}" in
  run) needs=$run_needs ;;
  test) needs=$test_needs ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

have go || { say 'Go is missing: install Go 1.26 or newer from https://go.dev/dl/'; exit 1; }
mapfile -t packages < <(missing "$needs")
[ "${#packages[@]}" -gt 0 ] || exit 0

if have apt-get && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
  install "${packages[@]}"
  left=$(missing "$needs" | tr '\n' ' ')
  [ -z "$left" ] || { say "still missing after the installation: $left"; exit 1; }
elif have apt-get; then
  say "missing: ${packages[*]}. Install with: sudo apt-get install ${packages[*]}"
  exit 1
elif have brew; then
  say "missing: ${packages[*]}. Install with: brew install ffmpeg redis postgresql aria2 and, for tests, Chromium"
  exit 1
else
  say "missing (names of Debian's packages): ${packages[*]}. Install them with your system's package manager."
  exit 1
fi
