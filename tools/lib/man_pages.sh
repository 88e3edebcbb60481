#!/bin/bash
# man_pages.sh CADMUS - every verb that the command has is in man/cadmus.1.scd.
set -u
cadmus=$1 bad=0 page=$(dirname "$0")/../../man/cadmus.1.scd
for v in $("$cadmus" help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do
	grep -q "^\*$v\*" "$page" || { echo "man/cadmus.1.scd says nothing of '$v'"; bad=1; }
done
exit $bad
