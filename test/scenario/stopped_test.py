#!/usr/bin/env python3
"""Every process of a machine is stopped for a long time: suspect, and never dead; and then it goes on as if nothing had been.

usage: stopped_test.py CADMUS        CADMUS_STOPPED_S: for how many seconds (2)
"""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Machine, expect, until, verdict  # noqa: E402

SECONDS = float(os.environ.get('CADMUS_STOPPED_S', '2'))
ALL = ('core', 'guard', 'legs.sim', 'parrot')


def lives(machine):
    return {n: (p['pid'], p['epoch'], p['restarts']) for n, p in machine.processes().items() if n in ALL}


def own_memory(pids):
    """Inodes of the memory that these write."""
    found = set()
    for pid in pids:
        with open(f'/proc/{pid}/maps', encoding='utf-8') as f:
            found |= {line.split()[4] for line in f if '/memfd:cadmus' in line and ' rw-s ' in line}
    return found


def main():
    m = Machine(sys.argv[1])
    try:
        m.start()
        m.live(*ALL)
        m.reports('legs.state')
        before = lives(m)
        files = own_memory(pid for pid, _, _ in before.values())
        version = m.published('legs.state')['version']
        for pid, _, _ in before.values():
            m.kill(pid, signal.SIGSTOP)
        until('all are suspect', lambda: all(p['state'] == 'suspect' for n, p in m.processes().items() if n in ALL))
        end, looks, wrong = time.monotonic() + SECONDS, 0, []
        while time.monotonic() < end:
            now = {n: p['state'] for n, p in m.processes().items() if n in ALL}
            looks += 1
            if set(now.values()) != {'suspect'} or lives(m) != before:
                wrong.append((now, lives(m)))
        expect(f'nobody died in {SECONDS:g} s, in {looks} looks', looks > 1 and not wrong, wrong[:1])
        expect('what they said last can be read', m.published('legs.state')['version'] >= version, m.published('legs.state'))
        expect('nothing was given away', files and files <= m.memory_files(), (files, m.memory_files()))
        for pid, _, _ in before.values():
            m.kill(pid, signal.SIGCONT)
        until('all are live again', lambda: all(p['state'] == 'live' for n, p in m.processes().items() if n in ALL))
        expect('and are who they were', lives(m) == before, (before, lives(m)))
        until('the guard goes on', lambda: (m.published('legs.state') or {}).get('version', 0) > version + 3)
        c = Control(m)
        r = c.ask(op='say', text='hello', model='parrot')
        expect('and core answers', r['ev'] == 'done', r)
        c.close()
        expect('it goes down in good order', m.stop())
    finally:
        m.stop()
    return verdict()


sys.exit(main())
