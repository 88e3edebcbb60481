"""How much the journal of the first flight grows: while it flies, and while it is left alone."""
import collections
import json
import os
import subprocess
import time

from machine import ROOT, settings
from nodes import No, NotHere

DAY_S = 86400
FLIGHT, NAME = os.path.join(ROOT, 'examples', 'first-flight.fly.yaml'), 'first_flight'


def size_of(folder):
    """Of the file, and of what belongs to it and has yet to be brought into it."""
    names = {n: os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder) if n.startswith(NAME + '.journal')}
    return names.get(NAME + '.journal', 0), sum(names.values())


def records(cadmus, env):
    """{kind: how many}."""
    done = subprocess.run([cadmus, 'log', '--machine', NAME, '--all', '--json'], env=env, capture_output=True, text=True,
                          check=False, timeout=60)
    kinds = collections.Counter()
    for line in done.stdout.splitlines():
        if line.strip():
            kinds[json.loads(line)['kind']] += 1
    return dict(kinds)


def flight(run):
    """The first flight; to see that it runs at all, its beginning will do."""
    if not run.smoke:
        return FLIGHT
    path = os.path.join(run.work, 'smoke.fly.yaml')
    with open(FLIGHT, encoding='utf-8') as f:
        text = f.read().replace('machine: ', f'machine: {os.path.dirname(FLIGHT)}/', 1)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text[:text.index('  - step: Switch')])
    return path


def growth(run):
    cadmus, state = os.path.join(run.build, 'bin', 'cadmus', 'cadmus'), os.path.join(run.on_disk('machines'), 'flight')
    env = dict(os.environ, CADMUS_RUN_DIR=os.path.join(run.work, 'run'), CADMUS_STATE_DIR=state, NO_COLOR='1')
    if not settings():
        raise NotHere('tools/setup has not run: there are no models for a flight')
    began = time.monotonic()
    run.progress('growth: the first flight')
    done = subprocess.run([cadmus, 'fly', flight(run), '--stay'], env=env, capture_output=True, text=True, check=False, timeout=300)
    flown = time.monotonic() - began
    if done.returncode:
        raise No('the first flight did not hold: ' + (done.stdout + done.stderr).strip().splitlines()[-1])
    try:
        kinds = records(cadmus, env)
        time.sleep(run.alone_s)
        then, (_, live) = records(cadmus, env), size_of(state)
    finally:
        subprocess.run([cadmus, 'down', '--machine', NAME], env=env, capture_output=True, check=False, timeout=60)
    return {'growth': {'flight_s': flown, 'records': kinds, 'alone_s': run.alone_s, 'live_bytes': live,
                       'alone_records': sum(then.values()) - sum(kinds.values()), 'bytes': size_of(state)[0]}}
