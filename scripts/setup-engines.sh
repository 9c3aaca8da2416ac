#!/usr/bin/env bash
# Prints where the engines are that `npm run test:engines` starts, each on a free port of this machine. Where one is missing it
# installs Debian's, if it may; with --check it installs nothing and says in one sentence what to do.
set -euo pipefail

find_engines() {
  command -v redis-server
}

give_up() {
  echo "$1" >&2
  exit 1
}

if find_engines; then exit 0; fi
if [ "${1:-}" = "--check" ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  give_up "There is no redis-server here: run scripts/setup-engines.sh as root on Debian or Ubuntu, or install Redis 6 or newer."
fi
# Debian would start it as a service; we want the program alone.
{ apt-get update -q && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server; } >&2
find_engines
