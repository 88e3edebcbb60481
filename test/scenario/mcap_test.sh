#!/bin/bash
# mcap_test.sh CADMUS MCAP_PEER LIBCADMUS - npm's @mcap/core reads what we write, also recordings of machines, whole and not, and
# what `cadmus replay` makes of them, and we read what it writes; skipped (77) without it, unless CADMUS_REQUIRE_ENGINES=1.
set -u
cadmus=$1 peer=$2 library=$3
here=$(cd "$(dirname "$0")" && pwd)
cache=${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}
[ -f "$cache/env" ] && set -a && . "$cache/env" && set +a
modules=${CADMUS_NODE_MODULES:-$cache/node_modules}
skip() {
	echo "skip: $1"
	[ "${CADMUS_REQUIRE_ENGINES:-0}" = 1 ] && exit 1
	exit 77
}
command -v node >/dev/null || skip "there is no node"
for package in @mcap/core @foxglove/crc heap-js tslib fzstd @bokuweb/zstd-wasm protobufjs long; do
	[ -f "$modules/$package/package.json" ] || skip "$package is not in $modules; tools/setup --check fetches it"
done

work=$(mktemp -d /tmp/cadmus-mcap.XXXXXX) || exit 1
export CADMUS_RUN_DIR=$work/run CADMUS_STATE_DIR=$work/state CADMUS_SYMBOLS=$here/../../symbols
recorder=
finish() {
	local code=$?
	trap - EXIT
	[ -n "$recorder" ] && kill -9 "$recorder" 2>/dev/null
	[ -d "$work/run/small" ] && "$cadmus" --machine small down
	[ "$code" = 0 ] || tail -n 40 "$work"/state/*.log
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM

sed "s/@PORT@/$((RANDOM % 20000 + 20000))/" "$here/small.cdl.yaml" >"$work/small.cdl.yaml"
"$cadmus" run --detach "$work/small.cdl.yaml" || exit 1
"$cadmus" --machine small record --output "$work/recording.mcap" --seconds 3 &
recorder=$!
# It moves, so that there is something to see; a stop is an event.
"$cadmus" --machine small watch kinesthetic -n 20 >/dev/null || exit 1
"$cadmus" --machine small stop || exit 1

# Meanwhile another one, with fields of all types and forms, is recorded: by one that packs nothing, one that is killed
# while fields go on, and one that stands still until they have gone too far. What was published goes beside that.
cat >"$work/recordings.py" <<'EOF'
import json, os, random, shutil, signal, sys
import record_test as record
from record_test import Machine, Recorder, Recording, cadmus, open_all, publish, until

RULE = 'coherence_rules:\n  - {source: [level], target: spatial, operation: max, half_life_ms: 300}\n'
ROUNDS, REST, GAP = 8, 3, 80  # samples of each field; a history has 64, that of the rule's target 16


def follow(m, folder, recorders):
    camera, client = cadmus.attach('small', as_='camera', wait=20), cadmus.attach('small')
    handles, rng = open_all(camera, client), random.Random(int(os.environ.get('CADMUS_SEED', '1')))
    seen, notes = {}, [(7, 2 ** 63 + 5, 'begin \u00e9'), (8, 9, '')]

    def go_on(rounds):
        for name, samples in publish(handles, client, rounds, rng).items():
            seen.setdefault(name, []).extend((known['version'], data.hex()) for known, data in samples)
    for name, how in (('plain', ['--compression', 'none']), ('killed', []), ('stopped', [])):
        recorders.append(Recorder(m, name, *how).begun())
    plain, killed, stopped = recorders
    for note in notes:
        camera.note(*note)
    go_on(ROUNDS)
    until('the rule made something of each', lambda: (m.published('spatial') or {'version': 0})['version'] >= ROUNDS)
    assert plain.end() == 0, plain.out + plain.err
    until('it is in the file', lambda: len(Recording(killed.path).messages['spatial']) >= ROUNDS)
    go_on(REST)
    killed.end(signal.SIGKILL)
    stopped.p.send_signal(signal.SIGSTOP)
    until('it stands', lambda: ') T ' in open(f'/proc/{stopped.p.pid}/stat', encoding='utf-8').read())
    go_on(GAP)
    stopped.p.send_signal(signal.SIGCONT)
    assert stopped.end() == 1, stopped.out + stopped.err
    for r in recorders:
        shutil.move(r.path, folder)
    with open(folder + '/published.json', 'w', encoding='utf-8') as f:
        json.dump({'rounds': ROUNDS, 'fields': seen, 'notes': [[str(a), str(b), text] for a, b, text in notes]}, f)
    client.close()


m, recorders = Machine(sys.argv[1], lambda _: record.DESCRIPTION.replace('clients: 4', 'clients: 8') + RULE), []
try:
    m.start()
    os.environ.update({k: m.env[k] for k in ('CADMUS_RUN_DIR', 'CADMUS_STATE_DIR')})
    follow(m, sys.argv[4], recorders)
finally:
    for r in recorders:
        if r.p.poll() is None:
            r.p.kill()  # it may stand still
    m.stop()
EOF
python=/usr/bin/python3
[ -x "$python" ] || python=python3
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
"$python" "$work/recordings.py" "$cadmus" "$library" "$peer" "$work" || exit 1
wait "$recorder" || { echo "the recording is not complete"; exit 1; }
recorder=

# Modules are looked for in folders above the script.
ln -s "$modules" "$work/node_modules" && cp "$here/mcap_test.mjs" "$work" || exit 1
node "$work/mcap_test.mjs" "$peer" "$work" "$cadmus" || exit 1
