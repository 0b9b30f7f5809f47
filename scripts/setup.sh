#!/bin/sh
# Installs the packages that package-lock.json names, when it or package.json changed since the last time.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $1" >&2
  exit 1
}

fingerprint() {
  cat package.json package-lock.json | cksum
}

stamp=node_modules/.nexus-setup
installed() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]
}

if ! installed; then
  # npm must not run on the Node that it is about to replace: it takes the system's.
  tools=$PATH
  case "${PATH%%:*}" in */node_modules/.bin) PATH=${PATH#*:} ;; esac
  command -v npm >/dev/null || fail "Nexus needs Node.js 20 or later with npm on PATH (https://nodejs.org)"
  [ -w . ] || fail "$(pwd) can't be written by $(id -un); clone the repository to a folder of your own"
  # npm would follow the link and empty the folder that it points to.
  [ ! -L node_modules ] || fail "node_modules is a link to $(readlink node_modules); remove the link first"
  if [ ! -w "${HOME:-/}" ] && [ -z "${npm_config_cache:-}" ]; then
    npm_config_cache="${TMPDIR:-/tmp}/nexus-npm-cache-$(id -u)"
    export npm_config_cache
    echo "setup: the home folder ${HOME:-(HOME is not set)} can't be written; npm keeps its cache in $npm_config_cache" >&2
  fi

  # One installation at a time. The lock is a link whose target names its holder; that of a dead one is removed.
  lock=.setup-lock
  until ln -s "pid-$$" "$lock" 2>/dev/null; do
    holder=$(readlink "$lock" || true)
    if [ -n "$holder" ] && ! kill -0 "${holder#pid-}" 2>/dev/null; then
      rm -f "$lock"
    else
      sleep 0.5
    fi
  done
  trap 'rm -f "$lock"' EXIT
  trap 'exit 130' INT TERM

  if ! installed; then
    echo "setup: installing packages (npm ci)"
    # No package needs its install script. Complaints about the engines concern the system's Node, which is not used.
    npm ci --ignore-scripts --loglevel=error || fail "npm ci failed (see above)"
    fingerprint >"$stamp"
  fi
  PATH=$tools
fi

PATH=$PWD/node_modules/.bin:$PATH
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || fail "no Node.js was found on PATH"
[ "$major" -ge 22 ] || fail "Nexus needs Node.js 22 or later here (found $major); npm brings it on Linux (x64, arm64) only"
