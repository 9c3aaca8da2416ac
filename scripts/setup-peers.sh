#!/usr/bin/env bash
# Installs what the bench runs beside ours: the packages of bench/peers, and Debian's redis-server, if it may. Safe to run
# again. With --check it installs nothing and says in a sentence each what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

is_checking=false
if [ "${1:-}" = "--check" ]; then is_checking=true; fi
is_missing=false

missing() {
  echo "$1" >&2
  is_missing=true
}

if ! [ -d bench/peers/node_modules ]; then
  if $is_checking; then missing "The packages of bench/peers are not installed: run scripts/setup-peers.sh."
  else npm ci --prefix bench/peers --no-audit --no-fund --ignore-scripts >&2; fi
elif ! $is_checking && [ bench/peers/package-lock.json -nt bench/peers/node_modules ]; then
  npm ci --prefix bench/peers --no-audit --no-fund --ignore-scripts >&2
fi

if ! command -v redis-server >/dev/null; then
  if $is_checking || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    missing "There is no redis-server: run scripts/setup-peers.sh as root on Debian or Ubuntu, or install it; without it BullMQ is left out."
  else
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server; } >&2
    # The bench starts one of its own.
    if command -v systemctl >/dev/null; then systemctl disable --now redis-server >/dev/null 2>&1 || true; fi
  fi
fi

if $is_missing; then exit 1; fi
echo "The peers are there."
