#!/usr/bin/env python3
"""What core and its parent do when things meet: rights, order, stops, models that go, processes that cannot live.

usage: supervise_test.py CADMUS
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Gone, Machine, expect, until, verdict  # noqa: E402

WALK = '𐤌𐤟𐤖'
PEOPLE = '''
    - {id: friend, trust_vector: [0.9, 0.9, 0.9], trust_strength: 50}
    - {id: visitor, trust_vector: [0.9, 0.9, 0.9], trust_strength: 50}
    - {id: stranger, trust_vector: [0.9, 0.9, 0.9], trust_strength: 50}
  models:
@PARROT@
    - {id: finch, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, prompt: compact, memory_mb: 16}
    - {id: talker, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, prompt: compact, memory_mb: 16, options: {repeat: 2000}}
'''
GRANTS = '''
trust_anchors: [operator]
grants:
  - {to: operator, rights: [say, actuate, set, control]}
  - {to: friend, rights: [say]}
  - {to: visitor, rights: [say, set]}
'''


def change(text):
    parrot = next(line for line in text.splitlines() if 'id: parrot' in line)  # stays the first
    text = text.replace(parrot + '\n', '', 1)
    return text.replace('\n  models:\n', PEOPLE.replace('@PARROT@', parrot), 1) + GRANTS


def rights(c):
    r = c.ask(op='say', text='hello', **{'as': 'stranger'})
    expect('as a stranger: who may nothing says nothing', r['ev'] == 'error' and r['code'] == 'EACCES', r)
    r = c.ask(op='say', text='hello', **{'as': 'friend'})
    expect('as a friend: who may say is answered', r['ev'] == 'done', r)
    r = c.ask(op='act', symbols=WALK, **{'as': 'friend'})
    expect('as a friend: the operator\'s right to move is not lent', r.get('reason') == 'NO_GRANT', r)
    r = c.ask(op='load', model='parrot', **{'as': 'friend'})
    expect('nor the right to control', r['ev'] == 'error' and r['code'] == 'EACCES', r)
    r = c.ask(op='say', text='hello', **{'as': 'nobody'})
    expect('as nobody', r['ev'] == 'error' and r['code'] == 'ENOENT', r)


def heard(m, c):
    """What is said is evidence for the awareness of language, and fades."""
    c.ask(op='say', text='hello')
    now = m.json('get', 'linguistic_consciousness')
    expect('an answer is evidence for the awareness of language', 0 < now['value'] <= 1 and now['status'] == 'OK' and
           now['source'] == 'parrot', now)


def privacy(c):
    c.ask(op='say', text='#door = locked')
    c.ask(op='say', text='#pin = 1234', **{'as': 'friend'})
    r = c.ask(op='say', text='what is door and pin', **{'as': 'visitor'})
    expect('a visitor is shown what the machine knows', 'locked' in r['view'], r)
    expect('and not what a friend said', '1234' not in r['view'], r)


def whose_name(m, c):
    """What is said as another is that one's: the operator's name stays what it was."""
    c.ask(op='say', text='#name = Ana')
    c.ask(op='say', text='#name = Mallory', request='mine', **{'as': 'friend'})
    mine, friends = c.ask(op='say', text='what is my name'), c.ask(op='say', text='what is my name', **{'as': 'friend'})
    others = c.ask(op='say', text='what is my name', **{'as': 'visitor'})
    expect('the operator is who the operator said', 'Ana' in mine['view'] and 'Mallory' not in mine['view'], mine)
    expect('a friend who said so as well', 'Mallory' in friends['view'] and 'Ana' not in friends['view'], friends)
    expect('of another\'s name nobody hears', 'Mallory' not in others['view'], others)
    names = {f['principal']: f['value'] for f in m.json('state')['facts'] if f['key'] == 'name'}
    expect('and the state says who said what', names == {'operator': 'Ana', 'friend': 'Mallory'}, names)
    turn = next(r for r in m.log() if r['kind'] == 'turn' and r['body']['request'] == 'mine')
    expect('and the log', turn['principal'] == 'friend' and turn['body']['speaker'] == 'friend', turn)
    again = c.ask(op='say', text='#name = Mallory', request='mine', **{'as': 'friend'})
    other = c.ask(op='say', text='hello', request='mine')
    expect('a request is remembered for who asked', again.get('repeat') and again['seq'] == turn['seq'] and
           not other.get('repeat') and other['seq'] > turn['seq'], [again, other])


def one_request_twice(m):
    a, b = Control(m), Control(m)
    one, two = a.send(op='say', text='once', request='twin'), b.send(op='say', text='once', request='twin')
    replies = [a.hear_until(one, 'done', 'error'), b.hear_until(two, 'done', 'error')]
    expect('one request asked twice at once has one answer', replies[0]['seq'] == replies[1]['seq'] and
           sum(bool(r.get('repeat')) for r in replies) == 1, replies)
    turns = [r for r in m.log() if r['kind'] == 'turn' and r['body']['request'] == 'twin']
    expect('and one turn', len(turns) == 1, turns)
    a.close()
    b.close()


def still(m):
    """Wait until the guard says that nothing moves."""
    until('it is still', lambda: m.json('get', 'legs.state')['value'][0] != 1)


def a_stop_on_the_way(m, c):
    """The stop comes after the verdict and, as a rule, before it is on the disk."""
    m.reports('legs.feedback')
    for _ in range(10):
        act, stop = c.send(op='act', symbols=WALK), c.send(op='stop')
        verdict, stopped, outcome = None, None, None
        while not (outcome and stopped):
            r = c.hear()
            if r['id'] == stop:
                stopped = r
            elif r['ev'] == 'outcome':
                outcome = r
            else:
                verdict = r
                if r.get('verdict') != 'started':
                    break
        ok = verdict['verdict'] == 'started' and outcome['what'] == 'aborted' and outcome['reason'].startswith('stop')
        if not ok or abs(outcome['advance_m']) > 0.01:
            break
    expect('a stop on the heels of a motion ends it before it begins', ok, [verdict, outcome])
    still(m)
    number = c.send(op='act', symbols=WALK)
    r = c.hear_until(number, 'done')
    outcome = c.hear_until(number, 'outcome') if r['verdict'] == 'started' else r
    expect('and what is asked after it moves', outcome.get('what') == 'done', outcome)
    blame = [r for r in m.log() if r['kind'] == 'evidence' and r['body'].get('n', r['body'].get('n_ppm'))]
    expect('nobody holds a stop against the legs', not blame, blame)


def two_at_once(c):
    first, second = c.send(op='act', symbols=WALK), c.send(op='act', symbols=WALK)
    replies = {}
    while first not in replies or second not in replies:
        r = c.hear()
        if r['ev'] in ('done', 'error'):
            replies[r['id']] = r
    expect('of two motions asked for at once one has the lease', replies[first].get('verdict') == 'started' and
           replies[second].get('reason') == 'LEASE', replies)
    outcome = c.hear_until(first, 'outcome')
    expect('and is carried out', outcome['what'] == 'done', outcome)


def models_in_turn(m, c):
    words = 'one two three four five six seven eight'
    asked = [c.send(op='say', text=words, model='talker', max=4000), c.send(op='load', model='finch'),
             c.send(op='say', text='b', model='finch'), c.send(op='unload', model='finch'),
             c.send(op='say', text='c', model='parrot')]
    replies = {}
    order = []
    while len(replies) < len(asked):
        r = c.hear()
        if r['ev'] in ('done', 'error'):
            replies[r['id']] = r
            order.append(r['id'])
    expect('nobody\'s model is taken away while it answers', order == asked and
           all(r['ev'] == 'done' for r in replies.values()), replies)
    r = replies[asked[0]]
    expect('an answer that is too long is cut, and says so', r['finish'] == 'length' and 8000 < len(r['answer'].encode()) < 8192,
           (r['finish'], len(r['answer'].encode())))
    c.ask(op='unload', model='parrot')
    parrot = m.processes()['parrot']
    expect('unloaded is: its process is gone', parrot['state'] == 'stopped' and parrot['pid'] == 0, parrot)
    row = next(line for line in m.run('ps')[1].splitlines() if line.startswith('parrot '))
    expect('and nobody is shown a number of it', row.split()[3] == '-', row)
    c.send(op='load', model='faint')
    number = c.send(op='say', text='d', model='parrot')
    r = c.hear_until(number, 'done', 'error')
    expect('after one that dies while it loads, another answers', r['ev'] == 'done', r)


def one_that_is_left_alone(m, c):
    """Killed right after each start, until the parent gives up: then it starts when it is asked for."""
    killed = set()

    def given_up():
        p = m.processes()['parrot']
        if p['state'] in ('live', 'starting') and p['pid'] not in killed and p['pid'] > 0:
            killed.add(p['pid'])
            m.kill(p['pid'])
        return 'parrot died 6 times' in m.daemon_log()
    until('the parent gives up', given_up)
    r = c.ask(op='say', text='there again', model='parrot')
    expect('a model that was left alone is started when it is asked for', r['ev'] == 'done', r)


def the_active_model(m, c):
    c.ask(op='say', text='x', model='finch')
    m.kill(m.processes()['core']['pid'])
    c.close()

    def again():
        try:
            return Control(m).ask(op='say', text='y')
        except Gone:
            return None
    r = until('core is back', again)
    expect('a new core goes on with the model that answered last', r.get('model') == 'finch', r)


def dies_in_mid_walk(m):
    """The next core says what became of the command; the one after that has nothing to add."""
    c = Control(m)

    def begun():
        r = c.ask(op='act', symbols=WALK + '𐤖𐤖𐤖𐤖')
        return r if r.get('verdict') == 'started' else None
    command = until('it walks', begun)['command']
    for _ in range(2):
        pid = m.processes()['core']['pid']
        m.kill(pid)
        until('a new core', lambda: m.live('core')['core']['pid'] != pid)
        until('it answers', lambda: m.run('state')[0] == 0)
    c.close()

    def outcomes_of():
        return [r['body'] for r in m.log() if r['kind'] == 'outcome' and r['body']['id'] == command]
    said = until('an outcome', outcomes_of)
    expect('a command that was open when core died has an outcome', len(said) == 1 and said[0]['what'] == 'interrupted', said)
    log = m.log()
    commands = {r['body']['id'] for r in log if r['kind'] == 'command' and r['body']['verb'] != 'stop'}
    outcomes = [r['body']['id'] for r in log if r['kind'] == 'outcome']
    expect('and each command has just one', sorted(outcomes) == sorted(commands), [commands, outcomes])


def what_happens(m):
    """The events of a process go on in the segment of the next one."""
    watcher = subprocess.Popen([m.cadmus, 'watch', '--events', '--json'], env=m.env, stdout=subprocess.PIPE)

    def of_core():
        e = json.loads(watcher.stdout.readline())
        return e if e['process'] == 'core' else None

    def of_the_next():
        e = of_core()
        return e if e and e['epoch'] > before['epoch'] else None
    try:
        before = until('an event of core', of_core)
        pid = m.processes()['core']['pid']
        m.kill(pid)
        until('a new core', lambda: m.live('core')['core']['pid'] != pid)
        after = until('an event of the next core', of_the_next)
        expect('events are followed into the next core', after['number'] == 1 and after['missed'] == 0, after)
    finally:
        watcher.kill()
        watcher.wait()


def knock_and_run(m):
    """Clients that hang up right after their attach record."""
    before = len(m.descriptors())
    for _ in range(200):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(m.door('attach.sock'))
            s.send(struct.pack('<III48x', 0x74746163, 5, 0))
    rc, _, err = m.run('ps', '--json')
    expect('who knocks and runs takes no seat with him', rc == 0, err)
    until('nothing stays open', lambda: len(m.descriptors()) <= before + 8)  # a seat's memory stays until its next use


def goes_down_in_mid_walk(cadmus):
    """A model that hangs holds up the end of the machine, and the legs do not walk on meanwhile."""
    m = Machine(cadmus, change)
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'parrot')
        c = Control(m)
        c.ask(op='say', text='hello')
        parrot = m.processes()['parrot']['pid']
        until('the legs are there', lambda: c.ask(op='act', symbols=WALK + '𐤖' * 4).get('verdict') == 'started')
        m.reports('legs.feedback')
        m.kill(parrot, signal.SIGSTOP)
        waits = c.send(op='say', text='are you there')
        c.send(op='down')
        r = c.hear_until(waits, 'error', 'done')
        expect('who waits for an answer is told', r.get('code') == 'ESHUTDOWN', r)
        r = c.ask(op='act', symbols=WALK)
        expect('nothing begins', r.get('verdict') == 'refused', r)
        r = c.ask(op='say', text='stop')
        expect('and stop is heard', r.get('verdict') == 'stopped', r)
        expect('while the model holds it up', os.path.exists(f'/proc/{parrot}'))
        until('it is down', lambda: not m.daemon)
        c.close()
        log = m.daemon_log()
        safe, killed = log.find('legs goes to its safe state'), log.find('parrot did not end when asked and is killed')
        expect('what moves is safe before that', 0 <= safe < killed, log)
        records = [json.loads(r) for r in m.run('log', '--machine', 'small', '--all', '--json')[1].splitlines()]
        outcomes = [r['body'] for r in records if r['kind'] == 'outcome']
        expect('and its outcome is written', [(o['what'], o['reason']) for o in outcomes] ==
               [('aborted', 'the machine goes down')], outcomes)
    finally:
        m.stop()


def cannot_live(cadmus, name):
    """One without which there is no machine dies again and again: the machine ends, and says why."""
    m = Machine(cadmus)
    log = ''
    try:
        m.start()
        killed = set()

        def ended():
            nonlocal log
            log = m.daemon_log()
            if 'without it there is no machine' in log and not m.daemon:
                return True
            rc, out, _ = m.run('ps', '--json')
            for p in json.loads(out) if rc == 0 else []:
                if p['name'] == name and p['pid'] > 0 and p['pid'] not in killed and p['state'] in ('live', 'starting'):
                    killed.add(p['pid'])
                    m.kill(p['pid'])
            return False
        until(f'a machine whose {name} cannot live ends', ended)
        expect(f'a machine whose {name} cannot live ends, and says why', f'{name} died 6 times' in log, log)
        expect('and leaves no door behind', not os.path.exists(m.door('control.sock')))
    finally:
        m.stop()


def main():
    m = Machine(sys.argv[1], change)
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'parrot')
        c = Control(m)
        rights(c)
        heard(m, c)
        privacy(c)
        whose_name(m, c)
        one_request_twice(m)
        a_stop_on_the_way(m, c)
        two_at_once(c)
        models_in_turn(m, c)
        one_that_is_left_alone(m, c)
        the_active_model(m, c)
        dies_in_mid_walk(m)
        what_happens(m)
        knock_and_run(m)
        expect('and the chain is whole', 'whole' in ''.join(m.run('log', '--verify')[1:]))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())
    goes_down_in_mid_walk(sys.argv[1])
    for name in ('guard', 'core'):
        cannot_live(sys.argv[1], name)
    return verdict()


sys.exit(main())
