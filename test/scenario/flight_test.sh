#!/bin/bash
# flight_test.sh CADMUS SCENARIO - a flight with folders of its own; skipped (77) without engines.
set -u
cadmus=$1 scenario=$2
[ -f "${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}/env" ] || { echo "skip: tools/setup has not run"; exit 77; }
work=$(mktemp -d /tmp/cadmus-flight.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
export CADMUS_RUN_DIR=$work/run CADMUS_STATE_DIR=$work/state
"$cadmus" fly "$scenario"
