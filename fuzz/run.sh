#!/usr/bin/env bash
# Fuzzes each target until a while reaches no new line of the gateway's own, and keeps the inputs that
# reach what no kept input reaches. Exit code 1: an input broke something; it lies in target/fuzz/artifacts.
#
#   fuzz/run.sh [--quiet MINUTES] [--most MINUTES] [TARGET...]
#
# --quiet: how long without anything new is the end of a target (10).
# --most: how long a target may take at most (60).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

quiet=10
most=60
# The smallest and those that anyone may reach first.
all=(authorization token target body jwks config)
# Longer inputs, in bytes, find little that shorter ones don't, and no corpus wants them.
longest=4096

fail() {
  echo "fuzz/run.sh: $*" >&2
  exit 2
}

targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --quiet) quiet="${2:?minutes}"; shift 2 ;;
    --most) most="${2:?minutes}"; shift 2 ;;
    -*) fail "there is no option $1" ;;
    *) [ -f "fuzz/fuzz_targets/$1.rs" ] || fail "there is no target $1"; targets+=("$1"); shift ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz

built="target/fuzz/build"
# With the lines that code comes from.
CARGO_PROFILE_RELEASE_DEBUG=line-tables-only RUSTC_WRAPPER="$PWD/fuzz/own_code.sh" \
  cargo fuzz build --sanitizer none --target-dir "$built"

# What libFuzzer last said it had covered, in edges, in lines of this kind.
covered() {
  grep -oP "$1.*\bcov: \K[0-9]+" "$2" | tail -n 1
}

# Where the code of edges stands that a run was the first to reach: the gateway's own, not what it makes of
# libraries' generics, which have more turns than anyone waits for.
own_code() {
  grep -oP 'NEW_PC: \K0x[0-9a-f]+' "$2" | addr2line -a -p -e "$1" | grep -F "$PWD/src/" | sort -u || true
}

fuzz() {
  local name="$1" started=$SECONDS kept="fuzz/corpus/$1" found="target/fuzz/found/$1" log edges new rounds=0
  local binary artifacts="target/fuzz/artifacts/$1/" reached="target/fuzz/$1-reached.txt"
  binary="$(echo "$built"/*/release/"$name")"
  log="target/fuzz/$name.log"
  mkdir -p "$found" "$artifacts"
  : >"$reached"
  # In rounds of a fifth of the quiet, each of which begins with all that was found before.
  while [ "$rounds" -lt 5 ]; do
    # The dictionary has words that chance would take long to spell. Inputs land in the first folder. A
    # slow one counts as broken; so does one that eats memory.
    "$binary" -dict="fuzz/dictionaries/$name.dict" -max_len="$longest" -print_pcs=1 \
      -max_total_time=$((quiet * 12)) -timeout=10 -rss_limit_mb=2048 \
      -artifact_prefix="$artifacts" -print_final_stats=1 "$found" "$kept" >"$log" 2>&1 ||
      { tail -n 30 "$log" >&2; echo "$name: BROKEN, see $artifacts" >&2; return 1; }
    edges="$(covered INITED "$log") → $(covered DONE "$log") edges"
    # What a target remembers from one input to the next can be reached in one round and not in another: it
    # is new once.
    new="$(own_code "$binary" "$log" | comm -13 "$reached" -)"
    printf '%s\n' "$new" | sort -u -o "$reached" - "$reached"
    rounds=$((rounds + 1))
    [ -z "$new" ] || rounds=0
    echo "$name: $((SECONDS - started)) s, $edges, $(grep -c . <<<"$new" || true) of the gateway's own new," \
      "$(awk '/number_of_executed_units/ { print $2 }' "$log") runs in this round, $rounds quiet ones"
    [ "$rounds" -eq 5 ] || [ $((SECONDS - started)) -le $((most * 60)) ] ||
      { echo "$name: still finding when its time was over"; return; }
  done
}

# Of what was found, what reaches an edge that no kept input reaches, as small as it gets.
keep() {
  local name="$1" kept="fuzz/corpus/$1" before binary
  binary="$(echo "$built"/*/release/"$name")"
  before="$(ls "$kept" | wc -l)"
  "$binary" -merge=1 -use_counters=0 -max_len="$longest" "$kept" "target/fuzz/found/$name" \
    >"target/fuzz/$name-merge.log" 2>&1
  echo "$name: $before → $(ls "$kept" | wc -l) inputs, $(du -sb "$kept" | cut -f 1) bytes"
}

broken=0
for name in "${targets[@]}"; do
  fuzz "$name" || broken=1
  keep "$name"
done
exit $broken
