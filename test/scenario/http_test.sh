#!/bin/bash
# http_test.sh CADMUS - a machine behind the API of Ollama, asked by Ollama's own client; skipped (77) without it,
# unless CADMUS_REQUIRE_ENGINES=1.
set -u
cadmus=$1 here=$(cd "$(dirname "$0")" && pwd)
cache=${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}
[ -f "$cache/env" ] && set -a && . "$cache/env" && set +a
modules=${CADMUS_NODE_MODULES:-$cache/node_modules}
skip() {
	echo "skip: $1"
	[ "${CADMUS_REQUIRE_ENGINES:-0}" = 1 ] && exit 1
	exit 77
}
command -v node >/dev/null || skip "there is no node"
[ -f "$modules/ollama/package.json" ] || skip "Ollama's client is not in $modules; tools/setup --check fetches it"

work=$(mktemp -d /tmp/cadmus-http.XXXXXX) || exit 1
export CADMUS_RUN_DIR=$work/run CADMUS_STATE_DIR=$work/state CADMUS_LOG=info

daemons=()
finish() {
	local code=$?
	trap - EXIT
	for d in "${daemons[@]}"; do # those that `down` has ended are not in it
		kill -CONT "$d"; kill "$d" && timeout 5 tail --pid="$d" -f /dev/null
	done
	[ "$code" = 0 ] || tail -n 40 "$work"/state/*.log
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start FILE: a machine that ends with this test at the latest.
start() {
	local said
	said=$("$cadmus" --json run --detach "$1") || exit 1
	daemons+=("$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' <<<"$said")")
}

# in_log MACHINE PATTERN: wait until a line of its log matches, and print what does.
in_log() {
	timeout 20 bash -c 'grep -o -m 1 -e "$2" <(tail -n +1 -F "$1" 2>/dev/null)' - "$work/state/$1.log" "$2"
}

start "$here/http.cdl.yaml"
url=$(in_log http_test 'http://127\.0\.0\.1:[0-9]*') || { echo "the gateway does not listen"; exit 1; }

# Modules are looked for in folders above the script.
ln -s "$modules" "$work/node_modules" && cp "$here/http_test.mjs" "$work" || exit 1
CADMUS=$cadmus node "$work/http_test.mjs" "$url" || exit 1

# A second machine that wants the same port says so, and goes on without it.
cat >"$work/second.cdl.yaml" <<END
machine: http_second
version: 1.0
entities:
  people:
    - {id: operator, trust_vector: [0.99, 0.99, 0.99], trust_strength: 50}
  communications:
    - {id: ollama, protocol: ollama_http, listen: "${url#http://}", trust_vector: [0.8, 0.8, 0.8]}
trust_anchors: [operator]
grants: [{to: operator, rights: [say, control]}]
END
start "$work/second.cdl.yaml"
in_log http_second "port ${url##*:} is in use; give \"listen:\" another one" ||
	{ echo "nobody said that the port is in use"; exit 1; }
in_log http_second 'ollama died [0-9]* times right after its start and is left alone' ||
	{ echo "it is tried for ever"; exit 1; }
"$cadmus" --machine http_second ps --json | grep -q '"core"' || exit 1

# What goes down goes down at once, with a connection still open, and leaves nothing behind.
exec 9<>"/dev/tcp/127.0.0.1/${url##*:}" || exit 1
for m in http_test http_second; do
	"$cadmus" --machine "$m" down || exit 1
	daemons=("${daemons[@]:1}")
	if grep -q 'did not end when asked' "$work/state/$m.log"; then echo "$m: a process had to be killed"; exit 1; fi
done
[ -z "$(ls -A "$work/run")" ] || { echo "left behind: $(ls "$work/run")"; exit 1; }
