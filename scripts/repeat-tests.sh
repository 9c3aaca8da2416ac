#!/usr/bin/env bash
# Runs the whole suite so many times in a row (default 10) and stops at the first failure, whose output it keeps.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

times="${1:-10}"
log="$(mktemp)"
for round in $(seq "$times"); do
  started=$SECONDS
  if ! npm test >"$log" 2>&1; then
    grep -E '^\(fail\)|^error:' "$log" | sort | uniq -c || true
    echo "round $round of $times failed; its output is in $log"
    exit 1
  fi
  echo "round $round of $times passed in $((SECONDS - started)) s: $(grep -E '^ *[0-9]+ pass$' "$log" | tr -s ' ')"
done
rm -f "$log"
