#!/bin/bash
# mcap_test.sh CADMUS MCAP_PEER - npm's @mcap/core reads what we write, also a recording of a machine, and we read what it
# writes; skipped (77) without it, unless CADMUS_REQUIRE_ENGINES=1.
set -u
cadmus=$1 peer=$2 here=$(cd "$(dirname "$0")" && pwd)
cache=${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}
[ -f "$cache/env" ] && set -a && . "$cache/env" && set +a
modules=${CADMUS_NODE_MODULES:-$cache/node_modules}
skip() {
	echo "skip: $1"
	[ "${CADMUS_REQUIRE_ENGINES:-0}" = 1 ] && exit 1
	exit 77
}
command -v node >/dev/null || skip "there is no node"
for package in @mcap/core @foxglove/crc heap-js tslib fzstd @bokuweb/zstd-wasm protobufjs long; do
	[ -f "$modules/$package/package.json" ] || skip "$package is not in $modules; tools/setup --check fetches it"
done

work=$(mktemp -d /tmp/cadmus-mcap.XXXXXX) || exit 1
export CADMUS_RUN_DIR=$work/run CADMUS_STATE_DIR=$work/state CADMUS_SYMBOLS=$here/../../symbols
recorder=
finish() {
	local code=$?
	trap - EXIT
	[ -n "$recorder" ] && kill -9 "$recorder" 2>/dev/null
	[ -d "$work/run/small" ] && "$cadmus" --machine small down
	[ "$code" = 0 ] || tail -n 40 "$work"/state/*.log
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM

sed "s/@PORT@/$((RANDOM % 20000 + 20000))/" "$here/small.cdl.yaml" >"$work/small.cdl.yaml"
"$cadmus" run --detach "$work/small.cdl.yaml" || exit 1
"$cadmus" --machine small record --output "$work/recording.mcap" --seconds 3 &
recorder=$!
# It moves, so that there is something to see; a stop is an event.
"$cadmus" --machine small watch kinesthetic -n 20 >/dev/null || exit 1
"$cadmus" --machine small stop || exit 1
wait "$recorder" || { echo "the recording is not complete"; exit 1; }
recorder=

# Modules are looked for in folders above the script.
ln -s "$modules" "$work/node_modules" && cp "$here/mcap_test.mjs" "$work" || exit 1
node "$work/mcap_test.mjs" "$peer" "$work" "$work/recording.mcap" || exit 1
