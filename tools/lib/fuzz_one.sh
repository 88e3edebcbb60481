#!/bin/bash
# fuzz_one.sh TARGET SECONDS - run one libFuzzer target for that long and say in a line how it went.
#
# It begins with its seeds and with what earlier runs found, build-fuzz/corpus/NAME.  An input that breaks something
# stays in build-fuzz/crashes: put it among the seeds with the fix, and every build replays it.
set -u
target=$1 seconds=$2 name=$(basename "$1") root=$(cd "$(dirname "$0")/../.." && pwd) started=$SECONDS
corpus=$root/build-fuzz/corpus/${name#fuzz_} log=$root/build-fuzz/check-$name.log
seeds=("$root/test/fuzz/seeds/${name#fuzz_}")
[ "$name" = fuzz_cdl ] && seeds+=("$root/test/lang" "$root/examples")
[ "$name" = fuzz_scenario ] && seeds+=("$root/examples")
mkdir -p "$corpus" "$root/build-fuzz/crashes"
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix="$root/build-fuzz/crashes/$name-" "$corpus" "${seeds[@]}" >"$log" 2>&1
rc=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
if [ $rc -eq 0 ]; then
	printf '%-28s ok %4d s, %s inputs\n' "$name" $((SECONDS - started)) "${runs:-?}"
else
	printf '%-28s FAILED %4d s, see %s\n%s\n' "$name" $((SECONDS - started)) "${log#"$root"/}" "$(tail -n 40 "$log")"
fi
exit $rc
