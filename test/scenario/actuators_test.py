#!/usr/bin/env python3
"""A machine with two actuators that can do the same: which one moves is the plan's word, and a stop stops both.

usage: actuators_test.py CADMUS
"""
import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import BUSY, Control, Machine, expect, until, verdict  # noqa: E402

WALK = '𐤌𐤟𐤖'
RULE = '  - {source: linguistic_consciousness, target: legs, operation: symbol_to_motion}\n'
MOVING, STOPPED = 1, 3  # enum guard_phase


def two(text, targets):
    """small.cdl.yaml with a second hexapod on a bus of its own, and rules for `targets`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    begin, end = text.index('    - id: legs'), text.index('coherence_rules:')
    lines = text[begin:end].replace('id: legs', 'id: crab').splitlines()
    lines = [f'      bus: udp:239.74.163.2:{port}' if 'bus:' in line else line for line in lines]
    text = text[:end] + '\n'.join(lines) + '\n' + text[end:]
    return text.replace(RULE, ''.join(RULE.replace('legs', t) for t in targets), 1)


def started(c):
    """Until the feedback of both has come, a motion is refused."""
    def asked():
        r = c.ask(op='act', symbols=WALK)
        return None if r.get('reason') in ('STALE_FEEDBACK', 'INCOHERENT') else r
    return until('it is decided', asked)


def phase(m, name):
    return m.json('get', f'{name}.state')['value'][0]


def machine(targets, test):
    m = Machine(sys.argv[1], lambda text: two(text, targets))
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'crab.sim')
        m.reports('legs.state')
        m.reports('crab.state')
        test(m, Control(m))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())


def nobody_says_which(m, c):
    r = started(c)
    expect('two that could: it is refused, and both are named', r.get('reason') == 'WHICH_ACTUATOR' and
           'legs, crab' in r['detail'], r)
    expect('and nothing moves', phase(m, 'legs') != MOVING and phase(m, 'crab') != MOVING)
    r = c.ask(op='say', text='stop')
    expect('a stop needs no choice', r['verdict'] == 'stopped', r)
    until('both are stopped', lambda: phase(m, 'legs') == phase(m, 'crab') == STOPPED)
    expect('both are stopped', True)


class Phases:
    """All phases that an actuator is seen in from now on."""
    def __init__(self, m, name):
        self.path = f'{m.work}/{name}.phases'
        with open(self.path, 'wb') as f:
            self.p = subprocess.Popen([m.cadmus, 'watch', f'{name}.state', '--json'], env=m.env, stdout=f)
        until(f'{name} is watched', self.seen)

    def seen(self):
        with open(self.path, encoding='utf-8') as f:
            return [json.loads(line)['value'][0] for line in f.read().split('\n')[:-1]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait()


def the_rule_says_which(m, c):
    def walked():
        number = c.send(op='act', symbols=WALK)
        if c.hear_until(number, 'done', 'error').get('verdict') != 'started':
            return None
        r = c.hear_until(number, 'outcome')
        return r if r['reason'] not in BUSY else None
    with Phases(m, 'crab') as crab, Phases(m, 'legs') as legs:
        outcome = until('it walks', walked)
        until('the one that the rule names moves', lambda: MOVING in crab.seen())
        expect('and not the other', MOVING not in legs.seen())
    expect('and its odometry is what is told', outcome['what'] == 'done' and outcome['advance_m'] > 0.01, outcome)
    blame = until('evidence is written', lambda: [r['body'] for r in m.log() if r['kind'] == 'evidence'])
    expect('and the evidence is about it', all(b['subject'] == 'crab' for b in blame), blame)


def a_walk_that_is_asked_for_again(m, c):
    """Once is walked, also when core was killed before the client asked again."""
    names = [f'walk {i}' for i in range(1000)]

    def walked():
        number = c.send(op='act', symbols=WALK, request=names.pop())
        r = c.hear_until(number, 'done', 'error')
        return (r, c.hear_until(number, 'outcome')) if r.get('verdict') == 'started' else None
    first = until('it walks', walked)[0]
    last = {'op': 'act', 'symbols': WALK, 'request': f'walk {len(names)}'}
    known = ('verdict', 'command', 'seq')

    def same(r):
        return r.get('repeat') and [r[k] for k in known] == [first[k] for k in known]
    expect('the same request has the same answer', same(r := c.ask(**last)), r)
    expect('with other words it is refused', (r := c.ask(**{**last, 'symbols': WALK + '𐤖'})).get('code') == 'EEXIST', r)
    core = m.processes()['core']['pid']
    m.kill(core)
    until('another core is there', lambda: m.live('core')['core']['pid'] != core)
    again = Control(m)
    expect('so it is after core was killed', same(r := again.ask(**last)), r)
    again.close()
    walks = [r['body']['id'] for r in m.log() if r['kind'] == 'command']
    expect('and it was walked once', walks.count(first['command']) == 1 and max(walks) == first['command'], walks)


def main():
    machine(('legs', 'crab'), nobody_says_which)
    machine(('crab',), the_rule_says_which)
    machine(('crab',), a_walk_that_is_asked_for_again)
    return verdict()


if __name__ == '__main__':
    sys.exit(main())
