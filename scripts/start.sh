#!/bin/sh
# `npm start`: installs what is missing, then becomes the server, so that a signal sent to npm arrives there.
set -eu
cd "$(dirname "$0")/.."
. scripts/ensure-installed.sh
# npm changes the working directory; what the user typed is relative to where the user stands.
export VELOCITY_CWD="${INIT_CWD:-$PWD}"
export NODE_COMPILE_CACHE="$PWD/node_modules/.cache/velocity/compile"
exec "$NODE" --disable-warning=ExperimentalWarning apps/server/src/main.ts "$@"
