# Sourced by test.sh: on Debian or Ubuntu as root, installs the programs that the real-backend suites run against.
# Elsewhere the suites that miss one say so.

missing_packages=""
need() { # program, package
  command -v "$1" >/dev/null 2>&1 || missing_packages="$missing_packages $2"
}
need chromium chromium
need bwrap bubblewrap
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing_packages="$missing_packages postgresql"

if [ -n "$missing_packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing system packages for the tests:$missing_packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing_packages; } >/tmp/velocity-apt.log 2>&1 ||
    { tail -n 20 /tmp/velocity-apt.log >&2; echo "Some system packages could not be installed; their suites will be skipped." >&2; }
fi
