#!/bin/bash
# analyze.sh DIR - build with gcc -fanalyzer; a warning about our code fails.  Tests are built, but not judged: they
# use pointers unchecked that a test may count on.
set -u
cd "$(dirname "$0")/../.." && dir=$1
rm -rf "$dir" # objects that are there already would not be analysed again
CC=gcc meson setup "$dir" -Dwerror=false -Dc_args=-fanalyzer -Dllama_include="${CADMUS_LLAMA_INCLUDE:-}" || exit 1
ninja -C "$dir" >"$dir/check-analyzer.log" 2>&1 || { tail -n 40 "$dir/check-analyzer.log"; exit 1; }
# what is said of a header is said of the object that ninja named before
! awk '/^\[[0-9]+\/[0-9]+\]/ { ours = !/ test\/|_test\.p\// } ours && /warning: / && !/\.\.\/test\//' \
	"$dir/check-analyzer.log" | sort -u | grep .
