#!/usr/bin/env python3
"""Several clients tell and read at once, while core and the daemon are killed; then what they saw is checked.

usage: history_test.py CADMUS      a machine of its own, in folders of its own; exit 0 when all holds
CADMUS_HISTORY_S=n: so many seconds (6)
"""
import os
import random
import signal
import sys
import threading
import time
from bisect import bisect_right
from collections import namedtuple

from check import Op, linearizable, log_order, sessions

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../scenario'))
from machine import Control, Gone, Machine, expect, until, verdict  # noqa: E402

CLIENTS = 6
KEYS = ('door', 'light', 'cat')

# A read: what it saw of a key, in the state after record `at`; not exact: nothing was there, and `at` was asked for
Saw = namedtuple('Saw', 'key value at exact')


class Client(threading.Thread):
    """One after the other: tells and reads.  A request that was not answered is asked again, with the same id."""

    def __init__(self, machine, number, end):
        super().__init__()
        self.machine, self.number, self.end = machine, number, end
        self.dice = random.Random(number)
        self.history, self.sessions, self.saw = [], [], []
        self.retries, self.stale, self.newest = 0, 0, 0
        self.control, self.failure = None, None

    def ask(self, **question):
        """The answer, however many cores it takes; None when the time is over."""
        while time.monotonic() < self.end + 20:
            try:
                if not self.control:
                    self.control = Control(self.machine, patience=5)
                return self.control.ask(**question)
            except (Gone, OSError):
                self.retries += 1
                if self.control:
                    self.control.close()
                self.control = None
                time.sleep(0.002)  # the door is there again in a moment
        return None

    def write(self, n):
        key, value = self.dice.choice(KEYS), f'{self.number}.{n}'
        begun = time.monotonic()
        reply = self.ask(op='tell', key=key, text=value, request=f'{self.number}-{n}')
        ended = time.monotonic()
        if not reply or reply['ev'] != 'done':
            self.failure = self.failure or reply
            self.history.append(Op('write', key, value, begun, None, self.number, 0))
            return
        self.newest = max(self.newest, reply['seq'])
        op = Op('write', key, value, begun, ended, self.number, reply['seq'])
        self.history.append(op)
        self.sessions.append(op)

    def read(self):
        """Of each level, with `after` and without: what a level does not promise is not checked of it."""
        level, key = self.dice.choice((0, 1, 2, 3, 3, 3)), self.dice.choice(KEYS)
        after = self.newest if level == 2 or self.dice.random() < 0.5 else 0
        what = {'keys': list(KEYS)} if level == 1 else {'key': key}
        begun = time.monotonic()
        reply = self.ask(op='read', level=level, **what, **({'after': after} if after or level == 2 else {}))
        ended = time.monotonic()
        if not reply:
            return
        code = reply.get('code')
        if code == 'ESTALE' and reply['ev'] == 'error':
            self.stale += 1
        elif code not in (None, 'ENOENT') and not (code == 'EINVAL' and level == 2 and after == 0):
            self.failure = self.failure or reply
        elif level == 1:
            self.saw += [Saw(b['key'], b.get('value'), reply['at'], True) for b in reply['beliefs']]
            self.newest = max(self.newest, reply['at'])
        elif code != 'EINVAL':
            at = reply.get('at', after)
            self.saw.append(Saw(key, reply.get('value'), at, 'at' in reply))
            op = Op('read', key, reply.get('value'), begun, ended, self.number, max(at, self.newest if code else 0))
            if level == 3:
                self.history.append(op)
            if after or level == 3:
                self.sessions.append(op)
            self.newest = max(self.newest, at)

    def run(self):
        n = 0
        try:
            while time.monotonic() < self.end and not self.failure:
                n += 1
                if self.dice.random() < 0.4:
                    self.write(n)
                else:
                    self.read()
        except Exception as e:  # a thread that ends early has seen too little
            self.failure = self.failure or repr(e)
            raise


def stop_for_a_while(machine, pid, dice):
    """As if the machine was busy elsewhere: answers are late, or core is taken for hung and replaced meanwhile."""
    machine.kill(pid, signal.SIGSTOP)
    time.sleep(dice.uniform(0.05, 0.4))
    machine.kill(pid, signal.SIGCONT)


def kill_all_the_time(machine, end):
    dice, killed = random.Random(1), [0, 0, 0]
    while time.monotonic() < end - 0.5:
        time.sleep(dice.uniform(0.1, 0.5))
        core = machine.live('core')['core']['pid']  # without both at once there is no machine
        what = dice.choice((0, 0, 1, 1, 2))
        killed[what] += 1
        if what == 0:
            machine.kill(core, signal.SIGKILL)
        elif what == 1:
            machine.kill_daemon()
        else:
            stop_for_a_while(machine, core, dice)
    return killed


def compare_with_the_log(machine, history, saw):
    """What was acknowledged stands in the log, where it was said to stand, once; each read saw what stands there."""
    log, of_key = {}, {key: [] for key in KEYS}
    for r in machine.log():
        if r['kind'] == 'fact':
            log.setdefault(r['body']['value'], []).append(r['seq'])
            of_key[r['body']['key']].append((r['seq'], r['body']['value']))
    answered = [op for op in history if op.kind == 'write' and op.ended is not None]
    wrong = [op for op in answered if log.get(op.value) != [op.at]]
    expect(f'{len(answered)} acknowledged writes are in the log, each once', answered and not wrong, wrong[:3])

    def then(key, at):
        n = bisect_right(of_key[key], at, key=lambda one: one[0])
        return of_key[key][n - 1][1] if n else None
    wrong = [(s, then(s.key, s.at)) for s in saw if then(s.key, s.at) != s.value]
    expect(f'{len(saw)} reads saw what the log says was so then', saw and not wrong, wrong[:3])


def main(cadmus):
    seconds = float(os.environ.get('CADMUS_HISTORY_S', '6'))
    machine = Machine(cadmus)
    try:
        machine.start()
        end = time.monotonic() + seconds
        clients = [Client(machine, n, end) for n in range(CLIENTS)]
        for c in clients:
            c.start()
        killed = kill_all_the_time(machine, end)
        for c in clients:
            c.join()
        history = [op for c in clients for op in c.history]
        reads = sum(op.kind == 'read' for op in history)
        print(f'     {len(history)} operations, {reads} of them reads; {killed[0]} cores and {killed[1]} daemons killed, {killed[2]} cores stopped,'
              f' {sum(c.retries for c in clients)} retries, {sum(c.stale for c in clients)} times ESTALE')
        expect('nobody was told of anything else', not any(c.failure for c in clients), [c.failure for c in clients])
        expect('some cores were killed, and some stopped', killed[0] > 0 and killed[2] > 0, killed)
        why = linearizable(history)
        expect('the history is linearizable', why is None, why)
        why = sessions([op for c in clients for op in c.sessions])
        expect('sessions keep what they are promised', why is None, why)
        why = log_order(history)
        expect('the log has the order of the answers', why is None, why)
        until('core answers', lambda: machine.live('core'))
        compare_with_the_log(machine, history, [s for c in clients for s in c.saw])
        expect('the chain is whole', machine.run('log', '--verify')[0] == 0)
    finally:
        expect('it goes down in good order', machine.stop())
    return verdict()


sys.exit(main(sys.argv[1]))
