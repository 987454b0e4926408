#!/usr/bin/env bash
# scripts/fuzz.sh TIME: runs every fuzzer of the project for TIME, one by one.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-30s}
failed=0
while IFS=: read -r file _ line; do
  name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/' <<<"$line")
  printf '==> %s in %s\n' "$name" "$(dirname "$file")"
  go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x | tail -n 2 || failed=1
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -n '^func Fuzz')
exit "$failed"
