# Sourced by the scripts beside it, with the repository root as working directory: brings node_modules in line with the
# lock file, and says so while it works. Sets NODE to the runtime that the lock file brings.

lock_stamp=node_modules/.velocity-lock
NODE=node_modules/node/bin/node

if ! [ -x "$NODE" ] || ! cmp -s package-lock.json "$lock_stamp"; then
  if ! command -v npm >/dev/null 2>&1; then
    echo "Velocity needs Node 20 or newer with npm. Install it, then run this again." >&2
    exit 1
  fi
  echo "Installing what is missing (first time: about half a minute)" >&2
  install_log=$(mktemp)
  # stdin is closed so that nothing can wait for an answer nobody sees
  # `install`, not `ci`: a mirror that lacks the binaries of some other platform must not stop anyone
  npm install --no-audit --no-fund --loglevel=error </dev/null >"$install_log" 2>&1 &
  install_pid=$!
  trap 'kill "$install_pid" 2>/dev/null; rm -f "$install_log"; exit 130' INT TERM
  while kill -0 "$install_pid" 2>/dev/null; do
    printf '.' >&2
    sleep 1
  done
  trap - INT TERM
  echo >&2
  if ! wait "$install_pid"; then
    cat "$install_log" >&2
    rm -f "$install_log"
    echo "The installation failed; the lines above say why. Check the network and free disk space, then run this again." >&2
    exit 1
  fi
  rm -f "$install_log"
  cp package-lock.json "$lock_stamp"
fi
