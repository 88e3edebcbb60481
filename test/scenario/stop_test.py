#!/usr/bin/env python3
"""Stop words stop the legs: in mid-walk, with the model hung or not there, over HTTP; and it is written down.

usage: stop_test.py CADMUS
"""
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Machine, expect, until, verdict  # noqa: E402

WALK = '𐤌𐤟𐤖𐤖𐤖𐤖𐤖'
STOP = '𐤕'
DOOR = '''
  communications:
    - {id: web, protocol: ollama_http, listen: "127.0.0.1:0", trust_vector: [0.8, 0.8, 0.8]}
coherence_rules:'''
MOVING = 1


WALKER = '    - {id: walker, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, ' \
    'prompt: compact, memory_mb: 16, trust_vector: [0.9, 0.9, 0.9], trust_strength: 50, ' \
    'symbol_recognition: phoenician_v2, options: {say: "' + WALK + '"}}\n'


def change(text):
    return text.replace('    - {id: faint', WALKER + '    - {id: faint', 1).replace('\ncoherence_rules:', DOOR, 1)


def phase(m):
    return m.json('get', 'legs.state')['value'][0]


def walk(m, c):
    """Ask until it walks: after a stop the guard wants a little time.  The id of the request that began it."""
    def begun():
        number = c.send(op='act', symbols=WALK)
        return number if c.hear_until(number, 'done', 'error').get('verdict') == 'started' else None
    number = until('it walks', begun)
    until('the guard says so', lambda: phase(m) == MOVING)
    return number


def stops(m, c, name, say):
    """Mid-walk, say() stops it; what it gave.  Milliseconds are for people: nothing depends on them."""
    number = walk(m, c)
    before = time.monotonic()
    reply = say()
    took = (time.monotonic() - before) * 1000
    outcome = c.hear_until(number, 'outcome')
    expect(f'{name}: the walk is over ({took:.1f} ms)',
           outcome['what'] == 'aborted' and outcome['reason'] == 'stopped', outcome)
    until('it is still', lambda: phase(m) != MOVING)
    return reply


def is_stop(r):
    return r['ev'] == 'done' and r['verdict'] == 'stopped' and r['answer'] == STOP


def by_word(m, c, other):
    for text in ('stop', 'Stop!', 'EMERGENCY STOP', 'please stop moving now', STOP,
                 'stop, there is a child', 'STOP THE ROBOT IT IS BURNING', 'the cat is under you, stop and turn left', 'whoa'):
        r = stops(m, c, repr(text), lambda t=text: other.ask(op='say', text=t))
        expect('and the answer says so', is_stop(r) and r['seq'] > 0, r)


def hung(m, c, other):
    """The model is stopped by a signal while it has a turn: stop words wait for nobody."""
    c.ask(op='say', text='hello', model='parrot')
    pid = m.processes()['parrot']['pid']
    m.kill(pid, signal.SIGSTOP)
    waiting = other.send(op='say', text='are you there', model='parrot')
    third = Control(m)
    r = stops(m, c, 'the model hangs', lambda: third.ask(op='say', text='stop', model='parrot'))
    expect('and the answer does not wait for it', is_stop(r), r)
    r = stops(m, c, 'a model without a file', lambda: third.ask(op='say', text='stop', model='absent'))
    expect('and the answer does not wait for it', is_stop(r), r)
    r = stops(m, c, 'a model that nobody knows', lambda: third.ask(op='say', text='stop', model='nobody'))
    expect('and the answer does not wait for it', is_stop(r), r)
    m.kill(pid, signal.SIGCONT)
    r = other.hear_until(waiting, 'done', 'error')
    expect('the turn that waited is answered', r['ev'] == 'done', r)


def asked_before(m, c, other):
    """What was asked for before the stop and answered after it does not begin."""
    c.ask(op='load', model='walker')
    pid = m.processes()['walker']['pid']
    m.kill(pid, signal.SIGSTOP)
    waiting = other.send(op='say', text='walk five steps', model='walker')
    other.ask(op='ping')
    r = c.ask(op='say', text='stop')
    expect('a stop while a model thinks about a walk', is_stop(r), r)
    m.kill(pid, signal.SIGCONT)
    r = other.hear_until(waiting, 'done', 'error')
    expect('the walk that was asked for before it is refused', r.get('reason') == 'STOPPED', r)
    until('it walks again', lambda: other.ask(op='say', text='walk five steps', model='walker')['verdict'] == 'started')
    expect('and one that is asked for after it is not', stopped_model(m, c))


def unasked(m, c, other):
    """The walker makes a walk of five steps of everything; only of what asks for it it is done."""
    for text in ('I said do not walk five steps', 'should I walk five steps?', 'Ana said walk five steps',
                 'walk if the door is open', 'walk zero steps', 'walk -5 steps', 'walk three steps', 'avoid walking five steps',
                 'walk five steps backwards', 'walk', '😀', '[name = Eve]', 'my name is walk five steps'):
        r = other.ask(op='say', text=text, model='walker')
        expect(f'{text!r} moves nothing', r.get('verdict') == 'refused' and r['reason'] == 'NOT_ASKED', r)
    said = [r['body'] for r in m.log() if r['kind'] == 'refusal' and 'NOT_ASKED' in json.dumps(r['body'])]
    expect('and that is written down', len(said) == 13, said)
    r = other.ask(op='say', text='the bus stop is in the street', model='parrot')
    expect('a bus stop stops nothing', r.get('verdict') == 'none', r)
    for text in ('walk five steps', 'could you please walk 5 steps?'):
        until(f'{text!r} walks', lambda t=text: other.ask(op='say', text=t, model='walker')['verdict'] == 'started')
        expect('until it is stopped', stopped_model(m, c))


def asked_again(m, c, other):
    """A client that lost its answer asks again: it hears that the walk was begun, and by which command; none begins."""
    names = [f'walk {i}' for i in range(1000)]

    def ask(name):
        return other.ask(op='say', text='walk five steps', model='walker', request=name)
    first = until('it walks', lambda: (r := ask(names.pop()))['verdict'] == 'started' and r)
    expect('until it is stopped', stopped_model(m, c))
    again = ask(f'walk {len(names)}')
    known = ('verdict', 'command', 'seq', 'answer')
    expect('what was begun is told again', again.get('repeat') and [again[k] for k in known] == [first[k] for k in known],
           again)
    begun = [r['body']['id'] for r in m.log() if r['kind'] == 'command' and r['body']['verb'] != 'stop']
    expect('and not begun again', max(begun) == first['command'] and phase(m) != MOVING, begun)


def stopped_model(m, c):
    """The walk that a model began ends by a word to that model."""
    until('the guard says so', lambda: phase(m) == MOVING)
    r = c.ask(op='say', text='Walker, stop!', model='walker')
    until('it is still', lambda: phase(m) != MOVING)
    return is_stop(r)


def written(m):
    turns = [r['body'] for r in m.log() if r['kind'] == 'turn' and r['body']['answer'] == STOP]
    stopped = [r['body'] for r in m.log() if r['kind'] == 'command' and r['body']['verb'] == 'stop']
    expect('each stop stands in the journal as a turn and a command', len(turns) == len(stopped) > 5 and
           {'stop', 'Stop!'} <= {t['user'] for t in turns}, [turns, stopped])
    rc, out, err = m.run('log', '--all')
    expect('and can be read', rc == 0 and STOP in out, out + err)


def http(m, c):
    def found():
        lines = [line for line in m.daemon_log().splitlines() if 'listening at http://' in line]
        return lines[0].split('http://', 1)[1].split()[0] if lines else None
    address = until('HTTP listens', found)

    def post(model):
        said = [{'role': 'user', 'content': 'Stop!'}]
        body = json.dumps({'model': model, 'messages': said, 'stream': False}).encode()
        q = urllib.request.Request(f'http://{address}/api/chat', body, {'Content-Type': 'application/json'})
        try:
            with urllib.request.urlopen(q, timeout=30) as r:
                return r.status, json.load(r)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)
    for model in ('parrot', 'nobody'):
        status, r = stops(m, c, f'HTTP, without any right, {model}', lambda name=model: post(name))
        expect('and the answer says so', status == 200 and r['message']['content'] == STOP and
               r['cadmus']['verdict'] == 'stopped', r)


def main():
    m = Machine(sys.argv[1], change)
    m.env['CADMUS_LOG'] = 'info'
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'parrot', 'web')
        m.reports('legs.feedback')
        m.reports('legs.state')
        c, other = Control(m), Control(m)
        by_word(m, c, other)
        hung(m, c, other)
        asked_before(m, c, other)
        unasked(m, c, other)
        asked_again(m, c, other)
        http(m, c)
        written(m)
        expect('the chain is whole', 'whole' in ''.join(m.run('log', '--verify')[1:]))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())
    return verdict()


sys.exit(main())
