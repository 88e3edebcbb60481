#!/bin/sh
# one_object.sh CC OUT ARCHIVE...: all of the archives in one object whose only global names begin with cdm_.
set -eu
cc=$1 out=$2
shift 2
"$cc" -r -nostdlib -o "$out" -Wl,--whole-archive "$@" -Wl,--no-whole-archive
objcopy --wildcard --keep-global-symbol='cdm_*' "$out"
