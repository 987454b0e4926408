#!/usr/bin/env bash
# All checks and all tests, on SQLite and PostgreSQL,
# on the embedded broker and on Redis. Prints how long each step took.
set -euo pipefail
cd "$(dirname "$0")/.."

started=$SECONDS
step() {
  local name=$1 begun=$SECONDS
  shift
  printf '==> %s\n' "$name" >&2
  "$@"
  printf '    %s: %d s\n' "$name" "$((SECONDS - begun))" >&2
}

step 'modules' go mod download
step 'build' scripts/build.sh bin/kinemesh
step 'format' make --no-print-directory format
step 'vet' go vet ./...
step 'lint' make --no-print-directory lint
step 'client packages' npm --prefix web/ui ci --ignore-scripts --no-audit --no-fund --silent
if [ -f e2e/npm/package.json ]; then
  step 'npm packages' npm --prefix e2e/npm ci --no-audit --no-fund --silent
fi
step 'Fedify' npm --prefix e2e/fedify ci --ignore-scripts --no-audit --no-fund --silent
# With the race detector, which takes several times as long: the packages with
# goroutines of their own. `make race` has it watch all of them.
own='/(config|jobs|tracker|activitypub|web/(push|socketio|logbook)|video/(upload|transcode|serve|view|storage|listing|redundancy|torrent|hls|ffmpeg))(/|$)'
mapfile -t race < <(go list ./... | grep -E "$own")
mapfile -t plain < <(go list ./... | grep -vE "$own")
step 'tests' scripts/services.sh run go test -p 3 -shuffle=on -timeout 20m "${plain[@]}"
step 'tests with the race detector' scripts/services.sh run go test -race -p 3 -shuffle=on -timeout 20m "${race[@]}"
step 'plans of lists' scripts/services.sh run go test -count=1 -run '^TestPlans$' ./video/listing
step 'test lines' go test -count=1 -run '^TestEnoughTests$' -v .
printf '==> all green in %d s\n' "$((SECONDS - started))" >&2
