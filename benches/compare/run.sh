#!/usr/bin/env bash
# Compares scoregate with its peers on this machine and prints the table of docs/performance.md.
# Installs nginx, HAProxy and their Lua from the system's packages, and Node's from npm. Options go
# to the comparison: --only NAME, --rounds N, --stretch MILLISECONDS, --workers N, --pace RATE, --gateway PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo --non-interactive "$@"; fi
}

# A contender that can't be installed is left out of the table, with a message.
missing=()
command -v nginx >/dev/null || missing+=(nginx)
[ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ] || missing+=(libnginx-mod-http-lua)
command -v haproxy >/dev/null || missing+=(haproxy)
compgen -G '/usr/lib/*/lua/5.*/cjson.so' >/dev/null || missing+=(lua-cjson)
command -v npm >/dev/null || missing+=(nodejs npm)
if [ "${#missing[@]}" -gt 0 ] && command -v apt-get >/dev/null; then
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}" >&2 ||
    echo "compare: apt-get could not install ${missing[*]}" >&2
fi
npm ci --silent --prefix benches/compare/peers/node >&2 || echo "compare: npm could not install the Node peer" >&2

# A thousand connections at both ends of the load and of the contender.
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -Hn)"

cargo build --release --bin scoregate
cargo build --release --locked --manifest-path benches/compare/peers/hyper/Cargo.toml --target-dir target/peers
# Not as `bench` builds by default: that would replace the release binary, and take as long.
exec cargo bench --profile dev --config profile.dev.opt-level=2 --bench compare -- "$@"
