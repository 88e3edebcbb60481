#!/bin/bash
# reference.sh [FOLDER] - the reference of the public headers, as web pages in FOLDER/html (build/reference/html);
# what is not documented, or wrongly, is shown and is a failure: by doxygen, and by reference_lacks.py.
set -u
cd "$(dirname "$0")/../.."
out=${1:-build/reference}
command -v doxygen >/dev/null || { echo "reference.sh: there is no doxygen; tools/setup --check installs it" >&2; exit 77; }
rm -rf "$out" && mkdir -p "$out" || exit 1
said=$({ cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $out"; } | doxygen - 2>&1) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "$said"; exit 1; }
tools/lib/reference_lacks.py include/cadmus "$out/xml" || exit 1
echo "$out/html/index.html"
