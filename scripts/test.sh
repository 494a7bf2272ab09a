#!/bin/sh
# `npm test`: installs what is missing, also the system packages that the real-backend suites need where it may, and
# runs every suite that this machine can run. `npm test -- unit` runs the stages named.
set -eu
cd "$(dirname "$0")/.."
. scripts/ensure-installed.sh
. scripts/ensure-system-packages.sh
exec "$NODE" scripts/test.ts "$@"
