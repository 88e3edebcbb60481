#!/usr/bin/env python3
"""rest_test.py CADMUS - a machine with nothing to do sleeps: no timer of the guard's without actuators, and nobody wakes up."""
import os
import sys
import time

from machine import Control, Machine, expect, until, verdict


def without_actuators(text):
    """small.cdl.yaml from its actuators on, and what is made of them, left out."""
    return text[:text.index('  actuators:')] + 'settings:\n  - {id: goal_bearing, unit: deg, min: -180, max: 180}\n'


def timers(pid):
    found = 0
    for fd in os.listdir(f'/proc/{pid}/fd'):
        found += os.readlink(f'/proc/{pid}/fd/{fd}') == 'anon_inode:[timerfd]'
    return found


def sleeps(pids):
    """How often all their threads went to sleep by themselves."""
    found = 0
    for pid in pids:
        for task in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{task}/status', encoding='utf-8') as f:
                found += int(next(line for line in f if line.startswith('voluntary_ctxt_switches')).split()[1])
    return found


REST = '''machine: small
version: 1.0
entities:
  people: [{id: operator}]
  models: [{id: parrot, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, memory_mb: 16}]
trust_anchors: [operator]
grants: [{to: operator, rights: [say, actuate, set, control]}]
'''


REST_S = 7  # a timer of half of that is seen, whenever it began


def wake_ups(cadmus):
    """Of the parent, core and the guard in REST_S, which begin when they have come to rest: with the first quiet second."""
    m = Machine(cadmus, lambda _: REST)
    try:
        m.start()
        said = Control(m).ask(op='say', text='the key of the shed hangs behind the stove', model='parrot')
        expect('it has something to remember', said['ev'] == 'done', said)
        live = m.live('core', 'guard')
        pids = [m.daemon, live['core']['pid'], live['guard']['pid']]

        def count(seconds):
            before = sleeps(pids)
            time.sleep(seconds)  # nothing tells that nothing happens
            return sleeps(pids) - before
        until('it comes to rest', lambda: count(1) == 0)
        return count(REST_S)
    finally:
        expect('it goes down in good order', m.stop())


def guard_timers(cadmus, change):
    m = Machine(cadmus, change)
    try:
        m.start()
        return timers(m.live('core', 'guard')['guard']['pid'])
    finally:
        expect('it goes down in good order', m.stop())


def main():
    moving, still = guard_timers(sys.argv[1], None), guard_timers(sys.argv[1], without_actuators)
    expect('a guard with something to look after looks in time', moving == 1, moving)
    expect('a guard with nothing to look after sleeps', still == 0, still)
    found = wake_ups(sys.argv[1])
    expect(f'{REST_S} seconds in which nobody of an idle machine wakes up', found == 0, found)
    return verdict()


if __name__ == '__main__':
    sys.exit(main())
