#!/usr/bin/env bash
# Builds bin/kinemesh and shows how far the compiler is: the first build takes
# minutes, because the vocabulary of ActivityPub alone is half a million lines.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-bin/kinemesh}
version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
started=$SECONDS

go mod download # prints nothing when all is there

CGO_ENABLED=0 go build -v -trimpath -ldflags "-s -w -X main.version=$version" -o "$out" . >"$log" 2>&1 &
build=$!
trap 'kill "$build" 2>/dev/null; rm -f "$log"' INT TERM

# The total is known once, the packages that are cached already are not counted
# by the compiler: the figure is an upper bound.
total=$(go list -deps . 2>/dev/null | wc -l)
shown=0
while kill -0 "$build" 2>/dev/null; do
  sleep 0.5
  done_=$(grep -c -v '^#' "$log" || true)
  took=$((SECONDS - started))
  if [ -t 2 ]; then
    [ "$took" -lt 2 ] || printf '\r==> building: %d of at most %d packages, %d s ' "$done_" "$total" "$took" >&2
  elif [ $((took / 10)) -gt "$shown" ]; then
    shown=$((took / 10))
    printf '==> building: %d of at most %d packages, %d s\n' "$done_" "$total" "$took" >&2
  fi
done
[ ! -t 2 ] || printf '\r\033[K' >&2
if ! wait "$build"; then
  grep -v -E '^[a-z0-9./_-]+$' "$log" >&2 || cat "$log" >&2
  exit 1
fi
took=$((SECONDS - started))
[ "$took" -lt 3 ] || printf '==> built %s in %d s\n' "$out" "$took" >&2
