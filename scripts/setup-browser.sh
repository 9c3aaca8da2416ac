#!/usr/bin/env bash
# Prints where the browser is that `npm run test:browser` drives. Where there is none it installs Debian's Chromium, if it
# may; with --check it installs nothing and says in one sentence what to do.
set -euo pipefail

find_browser() {
  if [ -n "${CHROMIUM_PATH:-}" ]; then
    command -v "$CHROMIUM_PATH"
  else
    command -v chromium || command -v chromium-browser || command -v google-chrome
  fi
}

give_up() {
  echo "$1" >&2
  exit 1
}

if find_browser; then exit 0; fi
if [ -n "${CHROMIUM_PATH:-}" ]; then give_up "CHROMIUM_PATH is $CHROMIUM_PATH, which is no program: correct it or unset it."; fi
if [ "${1:-}" = "--check" ] || [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  give_up "There is no Chromium here: run scripts/setup-browser.sh as root on Debian or Ubuntu, or install it and set CHROMIUM_PATH to where it is."
fi
{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium; } >&2
find_browser
