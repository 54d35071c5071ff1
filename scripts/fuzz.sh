#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given number of seconds each (default 60).
set -euo pipefail
seconds=${1:-60}
go list -f '{{.Dir}}' ./... | while read -r dir; do
	grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null | sed 's/^func //' | while read -r target; do
		echo "== fuzz $target in ${dir#"$PWD"/}"
		(cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" . </dev/null)
	done
done
