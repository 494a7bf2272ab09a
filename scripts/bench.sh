#!/bin/sh
# `npm run bench`: measures Velocity beside the bare tools, on this machine.
set -eu
cd "$(dirname "$0")/.."
. scripts/ensure-installed.sh
exec "$NODE" --disable-warning=ExperimentalWarning bench/run.ts "$@"
