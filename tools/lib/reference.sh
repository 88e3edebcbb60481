#!/bin/bash
# reference.sh [FOLDER] - the reference of the public headers, as web pages in FOLDER/html (build/reference/html);
# what is not documented, or wrongly, is shown and is a failure: things and their parts, of a function each parameter, what
# it returns, and which threads may call it.
set -u
cd "$(dirname "$0")/../.."
out=${1:-build/reference}
command -v doxygen >/dev/null || { echo "reference.sh: there is no doxygen; tools/setup --check installs it" >&2; exit 77; }
rm -rf "$out" && mkdir -p "$out" || exit 1
said=$({ cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $out"; } | doxygen - 2>&1) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "$said"; exit 1; }
python3 - "$out"/xml/*_8h.xml <<'END' || exit 1
import sys
import xml.etree.ElementTree as xml

functions = [f for file in sys.argv[1:] for f in xml.parse(file).iter('memberdef') if f.get('kind') == 'function']
without = [f for f in functions if 'Threads' not in [t.text for t in f.findall('detaileddescription//simplesect/title')]]
for f in without:
    print('{}:{}: {}() does not say which threads may call it (@threads)'.format(
        f.find('location').get('file'), f.find('location').get('line'), f.findtext('name')))
sys.exit('no functions are in the reference' if not functions else bool(without))
END
echo "$out/html/index.html"
