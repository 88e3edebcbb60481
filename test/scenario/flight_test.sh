#!/bin/bash
# flight_test.sh CADMUS SCENARIO - a flight with folders of its own.  Where tools/setup has never run it is skipped
# (77), unless CADMUS_REQUIRE_ENGINES=1; where it has run, an engine or model that is missing is a failure.
set -u
cadmus=$1 scenario=$2
[ -f "${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}/env" ] || {
	echo "skip: tools/setup has not run"
	[ "${CADMUS_REQUIRE_ENGINES:-0}" = 1 ] && exit 1
	exit 77
}
work=$(mktemp -d /tmp/cadmus-flight.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
export CADMUS_RUN_DIR=$work/run CADMUS_STATE_DIR=$work/state
"$cadmus" fly "$scenario"
