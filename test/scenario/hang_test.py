#!/usr/bin/env python3
"""Models that hang and clients that go: nobody else waits for them.

usage: hang_test.py CADMUS
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Machine, expect, until, verdict  # noqa: E402

MODELS = '\n'.join(f'    - {{id: {name}, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, '
                   f'prompt: compact, memory_mb: 16, options: {{{options}}}}}' for name, options in (
                       ('sleeper', 'patience_s: 0.5'), ('deaf', 'hang: use, patience_s: 0.2'),
                       ('circler', 'hang: listening, patience_s: 0.1'), ('listener', 'hang: listening'),
                       ('loader', 'hang: load, patience_s: 0.02')))


def stopped_by_a_signal(m, c):
    c.ask(op='say', text='hello', model='sleeper')
    pid = m.processes()['sleeper']['pid']
    m.kill(pid, signal.SIGSTOP)
    r = c.ask(op='say', text='are you there', model='sleeper', request='asleep')
    expect('a model under SIGSTOP is killed, and the turn done by a new one', r['ev'] == 'done' and
           m.processes()['sleeper']['pid'] != pid and not os.path.exists(f'/proc/{pid}'), r)
    turns = [r for r in m.log() if r['kind'] == 'turn' and r['body']['request'] == 'asleep']
    expect('which stands in the journal once', len(turns) == 1, turns)
    log = m.daemon_log()
    expect('and the log says so', 'sleeper hangs' in log and
           'sleeper did not end when asked and is killed' in log, log[-1500:])


def each_time(c):
    first = c.send(op='say', text='hello', model='deaf')
    behind = c.send(op='say', text='hello', model='parrot')
    r = c.hear_until(first, 'done', 'error')
    expect('one that hangs each time is told of',
           r['ev'] == 'error' and r['code'] == 'ETIMEDOUT' and 'silent' in r['text'], r)
    r = c.hear_until(behind, 'done', 'error')
    expect('and who waited behind it is answered', r['ev'] == 'done', r)


def in_circles(c):
    r = c.ask(op='say', text='hello', model='circler')
    expect('one that only says that it lives is not waited for either',
           r['ev'] == 'error' and r['code'] == 'ETIMEDOUT', r)


def while_loading(c):
    r = c.ask(op='load', model='loader')
    expect('one that never loads', r['ev'] == 'error' and r['code'] == 'ETIMEDOUT' and 'load' in r['text'], r)
    r = c.ask(op='say', text='hello', model='parrot')
    expect('and then another answers', r['ev'] == 'done', r)


def nobody_listens(m, c):
    """Who asked hangs up; the model computes for ever, but listens."""
    gone = Control(m)
    gone.send(op='say', text='a story for nobody', model='listener')
    m.live('listener')
    until('it computes', lambda: gone.ask(op='ping')['ev'] == 'done')
    gone.close()
    r = c.ask(op='say', text='my turn', model='parrot')
    expect('a turn whose client hung up makes place for the next', r['ev'] == 'done', r)
    expect('its model heard that', 'listener did not end when asked' not in m.daemon_log())
    turns = [r for r in m.log() if r['kind'] == 'turn' and 'nobody' in r['body']['user']]
    expect('and nothing of it is written', not turns, turns)


def main():
    m = Machine(sys.argv[1], lambda text: text.replace('    - {id: faint', MODELS + '\n    - {id: faint', 1))
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'parrot')
        c = Control(m)
        stopped_by_a_signal(m, c)
        each_time(c)
        in_circles(c)
        while_loading(c)
        nobody_listens(m, c)
        expect('the chain is whole', 'whole' in ''.join(m.run('log', '--verify')[1:]))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())
    return verdict()


sys.exit(main())
