#!/usr/bin/env python3
"""What whoever starts a machine is told: read at the parent's own pipe, between it and `cadmus run`.

usage: start_test.py CADMUS
"""
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, until  # noqa: E402

BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1]))))
# Stands in for cadmusd, notes what comes through the pipe, and becomes it.  `cadmus run` hears how it went.
BETWEEN = '''#!/bin/bash
unset CADMUS_LIBEXEC
exec 5>&4
exec 4> >(exec "{python}" "{relay}" "{said}" >&5)
exec 5>&-
exec "{real}" "$@"
'''
RELAY = '''
import os, sys
said = open(sys.argv[1], 'wb', buffering=0)
first = True
while data := os.read(0, 4096):
    said.write(data)
    if first:
        os.write(1, b'1' if data[:1] == b'1' else data)
    first = False
said.close()
os.rename(sys.argv[1], sys.argv[1] + '.all')
'''
MODEL = "{id: gone, consciousness_type: linguistic, backend: echo, file: no-such-model.gguf, memory_mb: 16}"
HTTP = '''
  communications:
    - {id: web, protocol: ollama_http, listen: 127.0.0.1:@TAKEN@, trust_vector: [0.8, 0.8, 0.8]}
    - {id: free, protocol: ollama_http, listen: 127.0.0.1:0, trust_vector: [0.8, 0.8, 0.8]}
'''
failures = 0


def expect(name, condition, seen=''):
    global failures
    print(('ok   ' if condition else 'FAIL ') + name)
    if not condition:
        failures += 1
        print('     ' + str(seen)[:2000])


def between(m):
    libexec = m.work + '/libexec'
    os.mkdir(libexec)
    with open(libexec + '/cadmusd', 'w', encoding='utf-8') as f:
        f.write(BETWEEN.format(python=sys.executable, relay=libexec + '/relay.py', said=m.work + '/said',
                               real=BUILD + '/bin/cadmusd/cadmusd'))
    with open(libexec + '/relay.py', 'w', encoding='utf-8') as f:
        f.write(RELAY)
    os.chmod(libexec + '/cadmusd', 0o700)
    m.env['CADMUS_LIBEXEC'] = libexec


def told(m):
    """All that is said until the pipe ends."""
    path = m.work + '/said.all'
    until('the start is told to its end', lambda: os.path.exists(path))
    with open(path, encoding='utf-8') as f:
        text = f.read()
    os.unlink(path)
    return text


def run(m):
    """Start it, whatever `cadmus run` makes of the answer."""
    between(m)
    m.run('run', '--detach', m.path)
    until('it is live', lambda: m.run('ps', '--json')[0] == 0)


def all_well(cadmus):
    m = Machine(cadmus)
    try:
        run(m)
        text = told(m)
        expect('a machine that is well: 1 and no more', text == '1', repr(text))
    finally:
        expect('it goes down in good order', m.stop())


def some_cannot(cadmus):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        http = HTTP.replace('@TAKEN@', str(taken.getsockname()[1]))

        def change(text):
            lines = text.splitlines()
            first = next(i for i, line in enumerate(lines) if 'id: parrot' in line)
            lines.insert(first, '    - ' + MODEL)  # the first one starts with the machine
            return '\n'.join(lines).replace('\n  actuators:\n', http + '  actuators:\n', 1) + '\n'
        m = Machine(cadmus, change)
        try:
            run(m)
            lines = told(m)[1:].splitlines()
            seen = dict(line.split(': ', 1) for line in lines)
            expect('each one that cannot start is named once', sorted(seen) == ['gone', 'web'] and len(lines) == 2, lines)
            expect('a model without a file', 'no-such-model.gguf' in seen.get('gone', ''), seen)
            expect('a port that is in use', 'port' in seen.get('web', '') or 'in use' in seen.get('web', ''), seen)
        finally:
            expect('it goes down in good order', m.stop())


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
        run(m)
        text = told(m)
        expect('a model that dies while it loads is named', text.startswith('1faint: ') and text.count('\n') == 1, repr(text))
    finally:
        expect('it goes down in good order', m.stop())


def cannot_be(cadmus):
    """Twice: the second one says why, and on another line what to do."""
    m = Machine(cadmus)
    try:
        run(m)
        told(m)
        m.run('run', '--detach', m.path)
        lines = told(m).splitlines()
        expect('a machine that did not start says why, and what to do', len(lines) == 2 and 'runs already' in lines[0] and
               'cadmus down' in lines[1], lines)
    finally:
        expect('it goes down in good order', m.stop())


all_well(sys.argv[1])
some_cannot(sys.argv[1])
dies(sys.argv[1])
cannot_be(sys.argv[1])
sys.exit(1 if failures else 0)
