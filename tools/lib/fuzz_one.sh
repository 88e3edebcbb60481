#!/bin/bash
# fuzz_one.sh TARGET SECONDS - run one libFuzzer target from its seeds; a crash keeps its input and fails.
set -u
target=$1 seconds=$2 name=$(basename "$1") root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
seeds=$root/test/fuzz/seeds/${name#fuzz_}
mkdir -p "$work/corpus" "$root/build-fuzz/crashes"
[ -d "$seeds" ] || seeds=
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix="$root/build-fuzz/crashes/$name-" "$work/corpus" $seeds
