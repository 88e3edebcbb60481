#!/usr/bin/env python3
"""The daemon is killed, and nobody notices: another one takes its place, with all that it had.

usage: daemon_test.py CADMUS
"""
import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import BUSY, Control, Machine, expect, until, verdict  # noqa: E402

WALK = '𐤌𐤟𐤖'


def lives(m):
    """What of the processes must not change: pid, epoch, restarts, state."""
    return {n: (p['pid'], p['epoch'], p['restarts'], p['state']) for n, p in m.processes().items()}


def nobody_notices(m):
    before = lives(m)
    control = Control(m)
    watcher = subprocess.Popen([m.cadmus, 'watch', 'legs.feedback', '-n', '200'], env=m.env,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until('somebody watches', lambda: 'watch' in str(m.json('ps')))

    def walked():
        walk = control.send(op='act', symbols=WALK * 3)
        if control.hear_until(walk, 'done')['verdict'] != 'started':
            return None
        for _ in range(3):
            m.kill_daemon()
            rc, out, err = m.run('ps')  # at once
            expect('who comes is let in', rc == 0, out + err)
        r = control.hear_until(walk, 'outcome')
        return r if r['reason'] not in BUSY else None
    r = until('it walks', walked)
    expect('it walks on to the end', r['what'] == 'done', r)
    expect('and all live on', lives(m) == before, (before, lives(m)))
    out, err = watcher.communicate(timeout=60)
    expect('who watched has missed nothing', watcher.returncode == 0 and len(out.splitlines()) >= 200 and not err,
           (watcher.returncode, len(out.splitlines()), err))
    expect('a model answers, over the channel that it had',
           control.ask(op='say', text='hello', model='parrot')['ev'] == 'done')
    expect('the machine knows why', m.daemon_log().count('the daemon was killed: another one goes on') >= 3, m.daemon_log())
    control.close()


def rests(m):
    """The daemon sleeps: nothing that was closed keeps it busy, though core has copies of all."""
    def state():
        with open(f'/proc/{m.daemon}/stat', encoding='utf-8') as f:
            return f.read().rsplit(')', 1)[1].split()[0]
    m.run('get')
    m.run('watch', 'legs.feedback', '-n', '2')
    until('the daemon sleeps', lambda: all(state() == 'S' for _ in range(20)))


def leaves_nothing(m):
    files, open_before = len(m.memory_files()), len(m.descriptors())
    core = f"/proc/{m.processes()['core']['pid']}/fd"
    open_in_core = len(os.listdir(core))
    for _ in range(3):
        m.kill_daemon()
        until('nothing is left behind', lambda: len(m.memory_files()) <= files and len(m.descriptors()) <= open_before and
              len(os.listdir(core)) <= open_in_core)


def goes_on_as_before(m):
    """What a daemon is there for, the next one does as well."""
    for name in ('parrot', 'guard', 'legs.sim', 'core'):
        was = m.processes()[name]
        m.kill(was['pid'])
        now = until(f'{name} lives again', lambda: (p := m.processes()[name])['state'] == 'live' and p['pid'] != was['pid'] and p)
        expect(f'it starts {name} again', (now['epoch'], now['restarts']) == (was['epoch'] + 1, was['restarts'] + 1), (was, now))
    m.kill_daemon()
    expect('and core, which is another one, has all of it, too', m.live('core', 'guard', 'legs.sim', 'parrot'))
    pid = m.processes()['legs.sim']['pid']
    m.kill(pid, signal.SIGSTOP)
    until('it sees who is stopped', lambda: m.processes()['legs.sim']['state'] == 'suspect')
    m.kill_daemon()
    expect('so does the next one', m.processes()['legs.sim']['state'] == 'suspect', m.processes())
    m.kill(pid, signal.SIGCONT)
    until('and that it runs again', lambda: m.processes()['legs.sim']['state'] == 'live')


def dies_meanwhile(m):
    """Nobody is there to see a death; whoever comes sees it."""
    was = m.processes()['legs.sim']
    daemon, core = m.daemon, m.processes()['core']['pid']
    m.kill(core, signal.SIGSTOP)  # so that no other one comes yet
    m.kill(daemon)
    m.kill(was['pid'])
    waits = []
    t = threading.Thread(target=lambda: waits.append(m.run('ps')))
    t.start()  # at a door that nobody opens yet
    m.kill(core, signal.SIGCONT)
    t.join(60)
    expect('who waited at the door is let in', waits and waits[0][0] == 0, waits)
    now = until('it lives again', lambda: (p := m.processes()['legs.sim'])['state'] == 'live' and p['pid'] != was['pid'] and p)
    expect('in its next life', now['epoch'] == was['epoch'] + 1, (was, now))


def is_asked_again(m):
    """What core had asked of the one that was killed is done by the next one."""
    control = Control(m)
    daemon = m.daemon
    m.kill(daemon, signal.SIGSTOP)
    unload = control.send(op='unload', model='parrot')
    control.ask(op='state')  # core has heard the one before
    m.kill(daemon)
    reply = control.hear_until(unload, 'done', 'error')
    expect('a model that was to end does', reply['ev'] == 'done', reply)
    until('and is gone', lambda: m.processes()['parrot']['state'] == 'stopped')
    daemon = m.daemon
    m.kill(daemon, signal.SIGSTOP)
    load = control.send(op='load', model='parrot')
    control.ask(op='state')
    m.kill(daemon)
    reply = control.hear_until(load, 'done', 'error')
    expect('one that was to start does', reply['ev'] == 'done', reply)
    daemon = m.daemon
    m.kill(daemon, signal.SIGSTOP)
    control.send(op='down')
    control.ask(op='state')
    m.kill(daemon)
    until('and the machine ends in good order', lambda: not m.daemon and not os.path.exists(m.door('control.sock')))
    control.close()


def gives_up(m):
    """Daemons that die one after the other are not started for ever."""
    m.start()
    m.live('core', 'guard', 'legs.sim', 'parrot')
    pids = [p['pid'] for p in m.processes().values() if p['pid'] > 0]
    daemons = [m.kill_daemon() for _ in range(6)]
    m.kill(daemons[-1])
    until('the machine ends', lambda: not any(is_there(p) for p in pids))
    expect('when one after the other dies', 'without a parent there is no machine' in m.daemon_log(), m.daemon_log())


def is_there(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def lives_with_its_starter(m):
    """A machine that ends with the program that started it does so with another daemon, too."""
    for how in (signal.SIGINT, signal.SIGKILL):
        run = subprocess.Popen([m.cadmus, 'run', m.path], env=m.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until('it runs', lambda: m.daemon)
        m.live('core', 'guard', 'legs.sim')
        m.kill_daemon()
        expect('who started it stays', run.poll() is None)
        until('and knows the next one', lambda: how != signal.SIGINT or 'another one goes on' in run.stderr.readline())
        m.kill(run.pid, how)
        run.communicate(timeout=60)
        expect(f'the machine ends with it ({how.name})', run.returncode == (0 if how == signal.SIGINT else -9), run.returncode)
        until('in good order', lambda: not os.path.exists(m.door('control.sock')))


def main():
    m = Machine(sys.argv[1])
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim', 'parrot')
        m.reports('legs.feedback')
        rests(m)
        nobody_notices(m)
        rests(m)
        leaves_nothing(m)
        goes_on_as_before(m)
        dies_meanwhile(m)
        is_asked_again(m)
        gives_up(m)
        lives_with_its_starter(m)
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        m.stop()
    return verdict()


sys.exit(main())
