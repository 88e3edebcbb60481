#!/bin/bash
# tidy.sh BUILD [CHECKS] - clang-tidy with .clang-tidy, and CHECKS added to it, over all our C files that BUILD compiles,
# one process a core.
#
# Tests are left to the sanitizers.  One file at a time and the longest first, so that no core waits for another.
set -u
cd "$(dirname "$0")/../.."
build=$1 checks=${2:-} list=$(mktemp) && trap 'rm -f "$list"' EXIT
git ls-files -co --exclude-standard '*.c' | grep -v -e '_test\.c$' -e '^test/' -e '^tools/' |
	grep -Fxf <(sed -n 's|^ *"file": "\.\./\(.*\)",\{0,1\}$|\1|p' "$build/compile_commands.json") |
	xargs -r wc -c | awk '$2 != "total"' | sort -rn | awk '{ print $2 }' >"$list"
[ -s "$list" ] || { echo "tidy.sh: $build compiles none of our files"; exit 1; }
xargs -P "$(nproc)" -n 1 clang-tidy -quiet -p "$build" --checks="$checks" --warnings-as-errors='*' <"$list" 2>&1 |
	grep -v -e '^[0-9]* warnings\{0,1\} generated' -e '^Suppressed '
rc=${PIPESTATUS[0]}
echo "$(wc -l <"$list") files"
exit "$rc"
