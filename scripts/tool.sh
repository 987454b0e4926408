#!/usr/bin/env bash
# scripts/tool.sh PACKAGE VERSION FILE: builds a Go program of exactly that
# version, apart from the module of this folder.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
(cd "$dir" && GOBIN="$dir" GOFLAGS= go install "$1@$2" 2>"$dir/log") || { cat "$dir/log" >&2; exit 1; }
mkdir -p "$(dirname "$3")"
mv "$dir/$(basename "$1")" "$3"
