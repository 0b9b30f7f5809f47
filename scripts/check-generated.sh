#!/bin/sh
# Fails when gen/ is not exactly what proto/ generates.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
buf generate --output "$fresh"
# gen/ is a workspace, too: its package.json is written by hand.
if ! diff -r -q -x package.json -x node_modules gen "$fresh/gen"; then
  echo "gen/ is stale: run 'make generate' and commit the result" >&2
  exit 1
fi
