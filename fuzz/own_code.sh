#!/usr/bin/env bash
# What cargo calls in rustc's place while the fuzzers are built: code that is not the gateway's own is
# built as ever, without the counters that tell libFuzzer of new code. Libraries have fuzzers of their own.
rustc="$1"
shift
case " $* " in
  *" --crate-name scoregate "*) exec "$rustc" "$@" ;;
  # Addresses at run time are those of the file, so that what is reached can be looked up there.
  *" fuzz_targets/"*) set -- "$@" -Crelocation-model=static ;;
esac
arguments=()
for argument in "$@"; do
  case "$argument" in
    -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
    *) arguments+=("$argument") ;;
  esac
done
exec "$rustc" "${arguments[@]}"
