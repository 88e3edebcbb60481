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

from check import Op, linearizable, log_order, sessions

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../scenario'))
from machine import Control, Gone, Machine, expect, until, verdict  # noqa: E402

CLIENTS = 6
KEYS = ('door', 'light', 'cat')


class Client(threading.Thread):
    """One after the other: tells and reads.  A request that was not answered is asked again, with the same id."""

    def __init__(self, machine, number, end):
        super().__init__()
        self.machine, self.number, self.end = machine, number, end
        self.dice = random.Random(number)
        self.history, self.retries, self.stale, self.newest = [], 0, 0, 0
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
        self.history.append(Op('write', key, value, begun, ended, self.number, reply['seq']))

    def read(self):
        key = self.dice.choice(KEYS)
        begun = time.monotonic()
        reply = self.ask(op='read', key=key, level=3, after=self.newest)
        ended = time.monotonic()
        if not reply:
            return
        if reply['ev'] == 'error':
            if reply['code'] == 'ENOENT':
                self.history.append(Op('read', key, None, begun, ended, self.number, self.newest))
            elif reply['code'] == 'ESTALE':
                self.stale += 1
            else:
                self.failure = self.failure or reply
            return
        self.newest = max(self.newest, reply['at'])
        self.history.append(Op('read', key, reply['value'], begun, ended, self.number, reply['at']))

    def run(self):
        n = 0
        while time.monotonic() < self.end and not self.failure:
            n += 1
            if self.dice.random() < 0.4:
                self.write(n)
            else:
                self.read()


def kill_all_the_time(machine, end):
    dice, killed = random.Random(1), [0, 0]
    while time.monotonic() < end - 0.5:
        time.sleep(dice.uniform(0.1, 0.5))
        core = machine.live('core')['core']['pid']  # without both at once there is no machine
        if dice.random() < 0.25:
            machine.kill_daemon()
            killed[1] += 1
        else:
            machine.kill(core, signal.SIGKILL)
            killed[0] += 1
    return killed


def compare_with_the_log(machine, history):
    """What was acknowledged stands in the log, where it was said to stand, once."""
    log = {}
    for r in machine.log():
        if r['kind'] == 'fact':
            log.setdefault(r['body']['value'], []).append(r['seq'])
    answered = [op for op in history if op.kind == 'write' and op.ended is not None]
    wrong = [op for op in answered if log.get(op.value) != [op.at]]
    expect(f'{len(answered)} acknowledged writes are in the log, each once', answered and not wrong, wrong[:3])


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
        print(f'     {len(history)} operations, {reads} of them reads; {killed[0]} cores and {killed[1]} daemons killed,'
              f' {sum(c.retries for c in clients)} retries, {sum(c.stale for c in clients)} times ESTALE')
        expect('nobody was told of anything else', not any(c.failure for c in clients), [c.failure for c in clients])
        expect('some cores were killed', killed[0] > 0)
        why = linearizable(history)
        expect('the history is linearizable', why is None, why)
        why = sessions(history)
        expect('sessions keep what they are promised', why is None, why)
        why = log_order(history)
        expect('the log has the order of the answers', why is None, why)
        until('core answers', lambda: machine.live('core'))
        compare_with_the_log(machine, history)
        expect('the chain is whole', machine.run('log', '--verify')[0] == 0)
    finally:
        expect('it goes down in good order', machine.stop())
    return verdict()


sys.exit(main(sys.argv[1]))
