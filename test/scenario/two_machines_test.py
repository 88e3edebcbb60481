#!/usr/bin/env python3
"""Two machines on one bus by mistake: each says so, and neither does when they are apart.

usage: two_machines_test.py CADMUS
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, expect, until, verdict  # noqa: E402

FOREIGN = 8  # of legs.state
WORDS = 'another machine drives udp:239.74.163.2:'


def state(m):
    """All of legs.state, once the guard has told it some heartbeats long."""
    return until('the guard tells its state', lambda: (s := m.json('get', 'legs.state')) and s['version'] > 20 and s)['value']


def counter(m):
    top = m.json('top', '--once')
    return next(p for p in top['processes'] if p['name'] == 'guard')['counters']['foreign']


def main():
    one, two, apart = Machine(sys.argv[1]), None, None
    try:
        one.start()
        one.live('guard', 'legs.sim')
        apart = Machine(sys.argv[1])
        apart.start()
        apart.live('guard', 'legs.sim')
        expect('machines on buses of their own hear nobody', state(one)[FOREIGN] == 0 and state(apart)[FOREIGN] == 0)
        two = Machine(sys.argv[1], port=one.port)
        two.start()
        for name, m in (('first', one), ('second', two)):
            until(f'the {name} says that another one drives its bus', lambda m=m: WORDS + str(one.port) in m.daemon_log())
            until(f'and the {name} counts', lambda m=m: state(m)[FOREIGN] > 10)
            expect(f'the {name} says it once, and counts on', m.daemon_log().count(WORDS) == 1 and counter(m) > 10)
        expect('the one apart says nothing', WORDS not in apart.daemon_log() and counter(apart) == 0)
        two.stop()
        before = until('the second is gone', lambda: (a := state(one)[FOREIGN]) == state(one)[FOREIGN] and a)
        guard = one.processes()['guard']
        one.kill(guard['pid'])
        until('a new guard', lambda: one.live('guard')['guard']['epoch'] > guard['epoch'])
        expect('a new guard does not take the last one for a machine', before > 0 and state(one)[FOREIGN] < 3, state(one))
    finally:
        for m in (one, two, apart):
            if m:
                m.stop()
    return verdict()


sys.exit(main())
