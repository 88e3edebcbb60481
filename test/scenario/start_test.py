#!/usr/bin/env python3
"""What whoever starts a machine is told.

usage: start_test.py CADMUS
"""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, expect, until, verdict  # noqa: E402

MODEL = "{id: gone, consciousness_type: linguistic, backend: echo, file: no-such-model.gguf, memory_mb: 16}"
HTTP = '''
  communications:
    - {id: web, protocol: ollama_http, listen: 127.0.0.1:@TAKEN@, trust_vector: [0.8, 0.8, 0.8]}
    - {id: free, protocol: ollama_http, listen: 127.0.0.1:0, trust_vector: [0.8, 0.8, 0.8]}
'''


def run(m):
    """What `cadmus run` says: its object with --json, or the object of its error."""
    code, out, err = m.run('run', '--detach', '--json', m.path)
    return json.loads(out if code == 0 else err.strip().splitlines()[-1])


def all_well(cadmus):
    m = Machine(cadmus)
    try:
        said = run(m)
        expect('a machine that is well has no buts', said['but'] == [] and said['pid'] > 1, said)
    finally:
        expect('it goes down in good order', m.stop())


def taken_port():
    """A port that is in use while the socket is open."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.bind(('127.0.0.1', 0))
    taken.listen()
    return taken


def with_http(text, taken):
    http = HTTP.replace('@TAKEN@', str(taken.getsockname()[1]))
    return text.replace('\n  actuators:\n', http + '  actuators:\n', 1)


def some_cannot(cadmus):
    with taken_port() as taken:
        def change(text):
            lines = text.splitlines()
            first = next(i for i, line in enumerate(lines) if 'id: parrot' in line)
            lines.insert(first, '    - ' + MODEL)  # the first one starts with the machine
            return with_http('\n'.join(lines) + '\n', taken)
        m = Machine(cadmus, change)
        try:
            lines = run(m)['but']
            seen = dict(line.split(': ', 1) for line in lines)
            expect('each one that cannot start is named once', sorted(seen) == ['gone', 'web'] and len(lines) == 2, lines)
            expect('a model without a file', 'no-such-model.gguf' in seen.get('gone', ''), seen)
            expect('a port that is in use', 'port' in seen.get('web', '') or 'in use' in seen.get('web', ''), seen)
        finally:
            expect('it goes down in good order', m.stop())


def flown(cadmus):
    """A flight that waits for what cannot start says why it does not come."""
    with taken_port() as taken:
        m = Machine(cadmus, lambda text: with_http(text, taken))
        try:
            path = m.work + '/web.fly.yaml'
            with open(path, 'w', encoding='utf-8') as f:
                f.write('machine: small.cdl.yaml\nsteps: [{step: a, do: [start: {}, expect_live: [free, web]]}]\n')
            code, out, err = m.run('fly', path)
            expect('a flight tells why a process does not live', code == 1 and 'web is dead: ' in out and 'in use' in out,
                   out + err)
        finally:
            m.stop()


def dies(cadmus):
    """A model that says that it is there, and then falls over its file."""
    def change(text):
        lines = text.splitlines()
        faint = next(line for line in lines if 'id: faint' in line)
        lines.remove(faint)
        lines.insert(next(i for i, line in enumerate(lines) if 'id: parrot' in line), faint)
        return '\n'.join(lines) + '\n'
    m = Machine(cadmus, change)
    try:
        said = run(m)['but']
        expect('a model that dies while it loads is named', len(said) == 1 and said[0].startswith('faint: '), said)
    finally:
        expect('it goes down in good order', m.stop())


def cannot_be(cadmus):
    """Twice: the second one says why, and on another line what to do."""
    m = Machine(cadmus)
    try:
        run(m)
        said = run(m)['error']
        expect('a machine that did not start says why, and what to do',
               'runs already' in said['text'] and 'cadmus down' in said['hint'], said)
    finally:
        expect('it goes down in good order', m.stop())


def child_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as f:
        return f.read().strip()


def ended_at_any_moment(cadmus):
    """Ctrl-C while the daemon begins: no door stays that nobody stands behind."""
    m = Machine(cadmus)
    left = []
    try:
        for moment in range(40):
            p = subprocess.Popen([m.cadmus, 'run', m.path], env=m.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            daemon = os.pidfd_open(int(until('a daemon', lambda pid=p.pid: child_of(pid), pause=0)))
            at = time.monotonic() + moment * 0.00025
            while time.monotonic() < at:
                pass
            p.send_signal(signal.SIGINT)
            p.wait()
            ended = select.select([daemon], [], [], 30)[0]
            os.close(daemon)
            if not ended or os.path.exists(m.door('control.sock')):
                left.append((moment, ended))
        expect('whenever a start is interrupted, nothing is left of it', not left, left)
    finally:
        m.stop()


all_well(sys.argv[1])
ended_at_any_moment(sys.argv[1])
some_cannot(sys.argv[1])
dies(sys.argv[1])
flown(sys.argv[1])
cannot_be(sys.argv[1])
sys.exit(verdict())
