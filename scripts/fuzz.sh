#!/usr/bin/env bash
# Runs every fuzz target of the repository for the given number of seconds each (default 60), one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
targets=$(git grep -ho '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | wc -l)
done=0
for file in $(git grep -l '^func Fuzz' -- '*_test.go'); do
	for target in $(grep -o '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //'); do
		done=$((done + 1))
		echo "== fuzz $done of $targets: $target in $(dirname "$file")"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" "./$(dirname "$file")" </dev/null
	done
done
