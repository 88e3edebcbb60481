#!/bin/bash
# tidy.sh BUILD - clang-tidy with .clang-tidy over all our C files, two at a time.
set -u
build=$1
cd "$(dirname "$0")/../.."
git ls-files '*.c' | grep -v -e '_test\.c$' -e '^test/' -e '^tools/' |
	while read -r f; do grep -q "\"[^\"]*$f\"" "$build/compile_commands.json" && echo "$f"; done |
	xargs -r -P 2 -n 8 clang-tidy -quiet -p "$build" --warnings-as-errors='*'
