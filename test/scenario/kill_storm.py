#!/usr/bin/env python3
"""Any process dies at any moment, again and again, while somebody talks and walks, writes and reads; and nothing is lost, nor torn.

usage: kill_storm.py CADMUS STORM_CLIENT        CADMUS_KILLS rounds (40); CADMUS_SEED to do the same again
"""
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Gone, Machine, until  # noqa: E402

ROUNDS = int(os.environ.get('CADMUS_KILLS', '40'))
SEED = int(os.environ.get('CADMUS_SEED', str(random.randrange(1 << 30))))
PROCESSES = ('core', 'guard', 'legs.sim', 'parrot')
VICTIMS = PROCESSES + ('daemon', 'pulse', 'reader')
QUICK_S, QUICK_MAX = 2.5, 3  # the parent gives up one that dies six times within 2 s of its start, core after three parents
WALK = '𐤌𐤟𐤖'

# What storm_client.c writes and reads: in the slot, on pages, two in one commit, and what can only be copied.
PULSE = '''
  sensors:
    - id: pulse
      consciousness_type: visual
      trust_vector: [0.9, 0.9, 0.9]
      driver: external
      writes:
        - {field: beat, dtype: u64, shape: [8], leases: 2}
        - {field: wave, dtype: u64, shape: [2048], leases: 4}
        - {field: left, dtype: u64, shape: [1], group: pair, leases: 2}
        - {field: right, dtype: u64, shape: [600], group: pair, leases: 2}
        - {field: swell, dtype: u64, shape: [2048], leases: 0}
'''


def with_pulse(text):
    return text.replace('\ncoherence_rules:', PULSE + 'coherence_rules:')


class Clients:
    """A writer and a reader of samples that are computed from their versions: killed like the others, and started again."""

    def __init__(self, machine, program):
        self.machine, self.program, self.running = machine, program, {}
        self.killed = set()
        self.whole = open(machine.work + '/whole', 'a+', encoding='utf-8')  # what all readers have to say

    def tend(self):
        """Who was killed is started again; who ended by himself has seen what must not be."""
        for name in ('pulse', 'reader'):
            p = self.running.get(name)
            if p and p.poll() is None:
                continue
            assert not p or p.returncode == -signal.SIGKILL and name in self.killed, f'{name} ended with {p.returncode}: it says why'
            self.killed.discard(name)
            who = ['pulse'] if name == 'pulse' else []
            self.running[name] = subprocess.Popen([self.program, 'small', *who], env=self.machine.env, stdout=self.whole)

    def kill(self, name):
        self.killed.add(name)
        self.running[name].kill()
        self.running[name].wait()  # so that whoever tends sees it

    def counts(self):
        """Samples that were whole: copied, borrowed, viewed."""
        self.whole.seek(0)
        rows = [[int(word) for word in line.split()[::2]] for line in self.whole]
        return [sum(column) for column in zip(*rows)] if rows else [0, 0, 0]

    def end(self):
        """How they end with their machine."""
        return {name: p.wait(30) for name, p in self.running.items()}

    def close(self):
        for p in self.running.values():
            p.kill()
            p.wait()
        self.whole.close()


class Talker(threading.Thread):
    """Says things with request ids, and says them again until they are acknowledged; walks between."""

    def __init__(self, machine, rng):
        super().__init__()
        self.machine, self.rng = machine, rng
        self.over = threading.Event()
        self.feet = threading.Lock()  # held while it walks, or by whoever wants nobody to
        self.acknowledged = {}        # request -> record
        self.repeats = self.walks = self.hangups = self.number = 0
        self.motion = 0               # the last one that began: motions are numbered upwards
        self.failure = None
        self.control = None

    def connected(self):
        def found():
            try:
                return Control(self.machine)
            except Gone:
                return None
        if not self.control:
            self.control = until('core listens', found)
        return self.control

    def hung_up(self):
        self.hangups += 1
        if self.control:
            self.control.close()
        self.control = None

    def say(self):
        self.number += 1
        request = f'storm-{self.number}'
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                reply = self.connected().ask(op='say', text=f'message {self.number}', model='parrot', request=request)
            except Gone:
                self.hung_up()
                continue
            if reply['ev'] == 'done':
                self.acknowledged[request] = reply['seq']
                self.repeats += bool(reply.get('repeat'))
                return
            assert reply['code'] in ('EIO', 'EPIPE'), reply  # it died each time it was asked: asked once more
        raise AssertionError(f'{request} was not answered within 60 s')

    def walk(self):
        with self.feet:
            try:
                control = self.connected()
                number = control.send(op='act', symbols=WALK)
                reply = control.hear_until(number, 'done', 'error')
                if reply['ev'] == 'done' and reply['verdict'] == 'started':
                    self.motion = reply['command']
                    control.hear_until(number, 'outcome')
                    self.walks += 1
            except Gone:
                self.hung_up()

    def run(self):
        try:
            while not self.over.is_set():
                self.say()
                if self.rng.random() < 0.2:
                    self.walk()
        except BaseException as e:  # told by the main thread
            self.failure = repr(e)


class Storm:
    def __init__(self, machine, talker, clients, rng):
        self.machine, self.talker, self.clients, self.rng = machine, talker, clients, rng
        self.last, self.quick = {}, {}
        self.deaths = dict.fromkeys(VICTIMS, 0)
        self.unborn = dict.fromkeys(VICTIMS, 0)  # perhaps: they were being started when their parent was killed, and end with it
        self.killed = set()  # pids
        self.replayed = 0
        self.awaited = set() # who did not live when the victims were chosen

    def may_die(self, name):
        now = time.monotonic()
        if now - self.last.get(name, 0) >= QUICK_S:
            self.quick[name] = 0
        return self.quick.get(name, 0) < QUICK_MAX

    def kill(self, name, pid):
        if name in self.clients.running:
            self.clients.kill(name)
        else:
            self.machine.kill(pid)
        self.killed.add(pid)
        self.last[name] = time.monotonic()
        self.quick[name] = self.quick.get(name, 0) + 1
        self.deaths[name] += 1

    def choose(self):
        """One that lives, sometimes two."""
        def found():
            now = self.machine.processes()
            live = {n: p['pid'] for n, p in now.items() if p['state'] == 'live' and p['pid'] not in self.killed}
            who = [(n, live[n]) for n in (*PROCESSES, 'pulse') if n in live and self.may_die(n)]
            if 'core' in live and self.may_die('daemon'):  # core knows the next one
                who.append(('daemon', self.machine.daemon))
            self.awaited = set(VICTIMS) - set(live)
            return who
        who = until('somebody to kill', found)
        chosen = self.rng.sample(who, 2 if len(who) > 1 and self.rng.random() < 0.25 else 1)
        both = {'core', 'daemon'} == {name for name, _ in chosen}  # without both nobody is left to go on
        return chosen[:1] if both else chosen

    def round(self):
        time.sleep(self.rng.random() * 0.3)  # any moment: nothing depends on which
        self.clients.tend()
        who = self.choose()
        if self.rng.random() < 0.2:
            self.kill('reader', 0)  # beside the others, with what it has borrowed
        motion = self.talker.motion
        for name, pid in who:
            self.kill(name, pid)
        if 'daemon' in dict(who):
            for name in self.awaited | set(dict(who)):
                self.unborn[name] += 1
        if 'guard' in dict(who):
            self.goes_on_with_nothing(motion)
        if 'core' in dict(who):
            until('core knows what its journal says', lambda: replay_is_live(self.machine))
            self.replayed += 1

    def goes_on_with_nothing(self, motion):
        """After the guard's death: the next one obeys what is asked of it, and no motion that began before."""
        with self.talker.feet:
            def others_live():  # a parent that is busy has not seen yet who was killed
                now = self.machine.processes()
                return all(now[n]['state'] == 'live' and now[n]['pid'] not in self.killed for n in ('guard', 'core'))
            until('another guard lives', others_live)

            def state():
                rc, _, _ = self.machine.run('get', 'legs.state', '--json')
                return self.machine.json('get', 'legs.state') if rc == 0 else None
            first = until('the guard tells its state', state)
            later = until('and tells it again', lambda: (s := state()) and s['version'] > first['version'] + 3 and s)
            for s in (first, later):
                obeyed = s['named']['command']
                assert obeyed == 0 or obeyed > motion, f'it goes on with motion {motion} of before its birth: {s}'


def whole(machine):
    machine.live(*PROCESSES, 'pulse')


def journal_holds(machine, talker):
    turns = [r['body'].get('request') for r in machine.log() if r['kind'] == 'turn']
    seqs = {r['body'].get('request'): r['seq'] for r in machine.log() if r['kind'] == 'turn'}
    for request, seq in talker.acknowledged.items():
        assert turns.count(request) == 1, f'{request} stands {turns.count(request)} times in the journal'
        assert seqs[request] == seq, f'{request} was acknowledged as record {seq} and is {seqs[request]}'
    rc, out, err = machine.run('log', '--verify')
    assert rc == 0 and 'whole' in out + err, out + err


def replay_is_live(machine):
    """True, or False while no core answers."""
    try:
        control = Control(machine)
        live = control.ask(op='state')
        control.close()
    except Gone:
        return False
    file = machine.json('state', '--at', str(live['seq']))
    assert file['hash'] == live['hash'], f'live {live}, from the file {file["hash"]}'
    return True


def held(machine):
    """Descriptors of the parent, and memory files of all, but for those of clients' places: they stay until their next use."""
    descriptors = machine.descriptors().values()
    places = sum('memfd:cadmus:client_' in d for d in descriptors)
    return len(descriptors) - places, len(machine.memory_files()) - places


def nothing_is_left(machine, before):
    try:
        until('all is let go', lambda: all(now <= was for now, was in zip(held(machine), before)))
    except AssertionError:
        print(sorted(machine.descriptors().values()))
        raise
    print('{} descriptors in the parent and {} memory files before, {} and {} after'.format(*before, *held(machine)))


def main():
    print(f'seed {SEED}, {ROUNDS} rounds')
    machine = Machine(sys.argv[1], with_pulse)
    clients = Clients(machine, sys.argv[2])
    talker = None
    try:
        machine.start()
        clients.tend()
        whole(machine)
        until('samples are read', lambda: clients.tend() or all(clients.counts()))
        before = held(machine)
        talker = Talker(machine, random.Random(SEED + 1))
        storm = Storm(machine, talker, clients, random.Random(SEED))
        talker.start()
        for _ in range(ROUNDS):
            storm.round()
            assert not talker.failure, talker.failure
        talker.over.set()
        talker.join(120)
        assert not talker.is_alive() and not talker.failure, talker.failure
        clients.tend()
        whole(machine)
        before_the_last = clients.counts()
        until('samples are read', lambda: clients.tend() or all(now > was for now, was in zip(clients.counts(), before_the_last)))
        print(f'deaths {storm.deaths}; {len(talker.acknowledged)} turns acknowledged, {talker.repeats} of them again, '
              f'{talker.walks} walks, {talker.hangups} hang-ups; {storm.replayed} new cores were the replay of their journal')
        print('{} samples copied, {} borrowed, {} views: none torn'.format(*clients.counts()))
        assert talker.acknowledged and sum(storm.deaths.values()) >= ROUNDS
        for name, p in machine.processes().items():
            dealt = storm.deaths.get(name, 0) + storm.unborn.get(name, 0)
            assert p['restarts'] <= dealt, f'{name} died {p["restarts"]} times, and was killed {dealt} times: a false death'
        journal_holds(machine, talker)
        assert replay_is_live(machine) and storm.replayed
        talker.hung_up()

        nothing_is_left(machine, before)
        assert machine.stop(), 'it did not go down in good order'
        machine = None
        ends = clients.end()
        assert set(ends.values()) == {0}, f'how those who wrote and read ended: {ends}'
        return 0
    finally:
        clients.close()
        if talker:
            talker.over.set()
        if machine:
            print(machine.daemon_log()[-4000:])
            machine.stop()


sys.exit(main())
