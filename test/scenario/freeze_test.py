#!/usr/bin/env python3
"""A guard that is frozen in mid-walk, and a crowd that says nothing: neither passes for what it is not.

usage: freeze_test.py CADMUS
"""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import BUSY, Control, Machine, expect, until, verdict  # noqa: E402

WALK = '𐤌𐤟𐤖𐤖𐤖𐤖𐤖'
STEP = '𐤌𐤟𐤖'
MOVING, SAFE = 1, 2  # enum guard_phase


def phase(m):
    return m.json('get', 'legs.state')['value'][0]


def walk(c, symbols):
    """Until it is allowed: the legs want to be heard of first.  The id of the request that began it."""
    def begun():
        number = c.send(op='act', symbols=symbols)
        return number if c.hear_until(number, 'done', 'error').get('verdict') == 'started' else None
    return until('it walks', begun)


def moving(m, c, symbols):
    """The id of a walk that the guard obeys: a busy computer may end one before that."""
    def obeyed():
        number, end = walk(c, symbols), time.monotonic() + 2
        while time.monotonic() < end:
            if phase(m) == MOVING:
                return number
        return None
    return until('the guard says so', obeyed)


def written(m, kind):
    return [r['body'] for r in m.log() if r['kind'] == kind]


def frozen_guard(m, c):
    guard = m.processes()['guard']['pid']
    number = moving(m, c, WALK)
    m.kill(guard, signal.SIGSTOP)
    until('ps says that it does not run', lambda: m.processes()['guard']['state'] == 'suspect')
    r = c.hear_until(number, 'outcome')
    expect('what a frozen guard does not see is not done',
           r['what'] == 'aborted' and r['reason'] == 'the guard is silent', r)
    until('it is written down', lambda: written(m, 'outcome'))
    expect('and written down so, for and against nobody', [o['what'] for o in written(m, 'outcome')] == ['aborted'] and
           not written(m, 'evidence'), m.log()[-3:])
    r = c.ask(op='act', symbols=STEP)
    expect('nor does anything begin', r['verdict'] == 'refused' and
           r['reason'] in ('STALE_FEEDBACK', 'INCOHERENT'), r)
    m.kill(guard, signal.SIGCONT)
    until('it takes the legs to where they are safe', lambda: phase(m) == SAFE)
    p = m.processes()['guard']
    expect('it is the same one, and live', p['state'] == 'live' and p['pid'] == guard and p['restarts'] == 0, p)

    def walked():
        r = c.hear_until(walk(c, STEP), 'outcome')
        return r if r['reason'] not in BUSY else None
    r = until('they walk', walked)
    expect('when it goes on, so do they', r['what'] == 'done' and r['advance_m'] > 0.01, r)
    said = until('it is written down', lambda: [e for e in written(m, 'evidence') if e['p'] > 0])
    expect('and that is what is known of them', len(said) == 1 and said[0]['n'] == 0, said)


def silent_crowd(m, c):
    crowd = []

    def stopped():
        number = moving(m, c, WALK)
        for _ in range(40):
            crowd.append(Control(m))
            crowd[-1].ask(op='ping')  # it has a place, and says nothing more
        late = Control(m)
        r = late.ask(op='say', text='stop')
        expect('who comes after 40 that are silent can stop it', r['ev'] == 'done' and r['verdict'] == 'stopped', r)
        r = c.hear_until(number, 'outcome')
        return r if r['reason'] not in BUSY else None
    r = until('it is stopped', stopped)
    expect('and who waits for the walk has kept its place', r['what'] == 'aborted' and r['reason'] == 'stopped', r)
    for one in crowd:
        one.close()


def main():
    m = Machine(sys.argv[1])
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim')
        m.reports('legs.feedback')
        m.reports('legs.state')
        c = Control(m)
        frozen_guard(m, c)
        silent_crowd(m, c)
        expect('the chain is whole', 'whole' in ''.join(m.run('log', '--verify')[1:]))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())
    return verdict()


sys.exit(main())
