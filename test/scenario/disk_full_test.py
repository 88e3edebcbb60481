#!/usr/bin/env python3
"""The disk that the state is on is full: the machine lives on, says so, loses nothing, and goes on by itself when there is room.

usage: disk_full_test.py CADMUS     77: no file system may be mounted here
"""
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from actuators_test import Phases  # noqa: E402
from machine import BUSY, Control, Gone, Machine, expect, until, verdict  # noqa: E402

WALK, STEP = '𐤌𐤟𐤖𐤖𐤖𐤖𐤖', '𐤌𐤟𐤖'
MOVING, SAFE, STOPPED = 1, 2, 3  # enum guard_phase
DOOR = '''
  communications:
    - {id: web, protocol: ollama_http, listen: "127.0.0.1:0", trust_vector: [0.8, 0.8, 0.8]}
coherence_rules:'''
GRANTS = 'trust_anchors: [operator]\n' \
    'grants: [{to: operator, rights: [say, actuate, set, control]}, {to: web, rights: [say]}]\n'
INSIDE = 'CADMUS_TEST_MAY_MOUNT'


def enter():
    """Begin anew where file systems may be mounted, seen by nobody else: as root, or as root of a space of our own."""
    if INSIDE in os.environ:
        return
    for how in (['-m'], ['-rm'], ['-m', '--propagation', 'unchanged']):  # the last: root in a chroot
        command = ['unshare', *how]
        probe = subprocess.run(command + ['sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt && umount /mnt'],
                               capture_output=True, check=False)
        if probe.returncode == 0:
            os.environ[INSIDE] = '1'
            os.execvp(command[0], command + [sys.executable] + sys.argv)
    print('skip: no file system may be mounted here, neither as root nor in a namespace: ' + probe.stderr.decode().strip())
    sys.exit(77)


class Disk:
    """A small file system for the state of a machine, that is filled by a file."""
    def __init__(self, path, megabytes):
        self.path, self.filler = path, path + '/filler'
        os.mkdir(path)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'tmpfs', path], check=True)

    def fill(self):
        try:
            with open(self.filler, 'ab', buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        except OSError:
            pass

    def make_room(self):
        os.unlink(self.filler)

    def close(self):
        subprocess.run(['umount', '-l', self.path], check=False)


class Test:
    def __init__(self, m, disk):
        self.m, self.disk = m, disk
        self.acknowledged = {}  # seq: what was told
        self.told = 0
        m.start()
        m.live('core', 'guard', 'legs.sim', 'web', 'parrot')
        m.reports('legs.feedback')
        m.reports('legs.state')
        self.port = int(until('it listens', lambda: re.search(r'listening at http://127\.0\.0\.1:(\d+)', m.daemon_log()))[1])
        self.c = Control(m)
        self.guard = m.processes()['guard']
        for _ in range(20):
            self.tell()

    def tell(self, c=None, text='x' * 400, request=None):
        """One fact; core's answer, which is kept when it is an acknowledgement."""
        self.told += 1
        key = f'key {self.told % 7}'
        r = (c or self.c).ask(op='tell', key=key, text=text, request=request or f'request {self.told}')
        if r['ev'] == 'done':
            self.acknowledged[r['seq']] = (key, text)
        return r

    def walk(self, symbols):
        """The id of a walk that the guard obeys."""
        def obeyed():
            number = self.c.send(op='act', symbols=symbols)
            if self.c.hear_until(number, 'done', 'error').get('verdict') != 'started':
                return None
            until('the guard says so', lambda: self.m.json('get', 'legs.state')['value'][0] == MOVING)
            return number
        return until('it walks', obeyed)

    def fill(self, c=None):
        """Fill it, and tell until that is refused; the refusal."""
        self.disk.fill()
        return until('the disk is full', lambda: (r := self.tell(c))['ev'] == 'error' and r, pause=0)

    def over_http(self):
        """The status that a client of Ollama's API gets, and the text."""
        body = json.dumps({'model': 'parrot', 'stream': False, 'messages': [{'role': 'user', 'content': 'hello'}]})
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/api/chat', body.encode(), 30) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def goes_on(self, name, c):
        """With room again: nobody starts or repairs anything, and what was refused is taken."""
        self.disk.make_room()
        r = until('it is taken', lambda: (r := self.tell(c, 'again', name))['ev'] == 'done' and r)
        expect(name, r['ev'] == 'done', r)

    def refuses(self, when):
        """What is answered, and to whom, while there is no room."""
        r = self.tell(text='more')
        expect(f'{when}: what is told is refused, and the words say what to do',
               r['ev'] == 'error' and r['code'] == 'ENOSPC' and 'make room' in r['text'], r)
        rc, out, err = self.m.run('tell', 'cat', 'Tom')
        expect(f'{when}: so does the command', rc == 1 and 'make room' in err, (rc, out, err))
        status, text = self.over_http()
        expect(f'{when}: a client of Ollama gets 507', status == 507 and 'make room' in text, (status, text))
        r = self.c.ask(op='act', symbols=STEP)
        expect(f'{when}: nothing begins to move', r['ev'] == 'error' and r['code'] == 'ENOSPC', r)
        key, text = self.acknowledged[max(self.acknowledged)]
        r = self.c.ask(op='read', key=key)
        expect(f'{when}: what is known is read', r['ev'] == 'done' and r['value'] == text, r)
        r = self.c.ask(op='state')
        expect(f'{when}: it is a crisis', r['lifecycle'] == 'CRISIS', r)

    def guard_is_untouched(self):
        now = self.m.processes()['guard']
        expect('the guard is the one that it was', all(now[k] == self.guard[k] for k in ('pid', 'epoch', 'restarts', 'state')), now)


def in_mid_walk(t):
    """The disk fills while it walks: the walk goes on to its end, and fields as they went."""
    number, outcome = None, None
    for _ in range(5):  # so busy a computer that a joint is not heard of in time ends a walk as well
        with Phases(t.m, 'legs') as legs:
            number = t.walk(WALK)
            r = t.fill()
            expect('a full disk is said', r['code'] == 'ENOSPC', r)
            before = t.m.published('legs.feedback')
            t.refuses('in mid-walk')
            outcome = t.c.hear_until(number, 'outcome')
            after = t.m.published('legs.feedback')
            seen = legs.seen()
        if outcome['reason'] not in BUSY:
            break
        t.disk.make_room()
    expect('the walk goes on to its end', outcome['what'] == 'done' and outcome['advance_m'] > 0.01, outcome)
    moved = seen[seen.index(MOVING):]
    expect('and the guard has moved all the way', SAFE not in moved and STOPPED not in moved, moved)
    expect('fields go on', after['status'] == 'OK' and after['version'] > before['version'] + 50, (before, after))
    t.goes_on('with room, and with no restart, the same is taken', t.c)
    expect('by Ollama\'s door as well', t.over_http()[0] == 200)
    until('it is no crisis any more', lambda: t.c.ask(op='state')['lifecycle'] != 'CRISIS')


def stops(t):
    """A stop needs no disk."""
    number, other = t.walk(WALK), Control(t.m)
    t.fill(other)
    r = other.ask(op='say', text='stop')
    expect('who stops it on a full disk hears that it is stopped', r['code'] == 'ENOSPC' and 'it is stopped' in r['text'], r)
    until('and so it is', lambda: t.m.json('get', 'legs.state')['value'][0] == STOPPED)
    r = t.c.hear_until(number, 'outcome')
    expect('as who walked hears', r['what'] == 'aborted', r)


def core_dies(t):
    """On the full disk: the next core comes up, reads, stops and refuses; and writes once there is room."""
    t.m.kill_daemon()  # neither does another parent need any
    was = t.m.processes()['core']
    t.m.kill(was['pid'])
    until('there is another core', lambda: (p := t.m.processes()['core'])['state'] == 'live' and p['pid'] != was['pid'])
    t.c = until('it opens', lambda: connected(t.m))
    t.refuses('the next core')
    r = t.c.ask(op='say', text='stop')
    expect('and it stops', r['code'] == 'ENOSPC' and 'it is stopped' in r['text'], r)
    rc, out, err = t.m.run('stop')
    expect('as the guard itself does', rc == 0, out + err)
    t.guard_is_untouched()
    epochs = [r for r in t.m.log() if r['kind'] == 'epoch']
    expect('it has written nothing', len(epochs) == 1, epochs)
    t.goes_on('with room it writes, and nobody started it anew', t.c)
    expect('its epoch before all else', [r['epoch'] for r in t.m.log() if r['kind'] == 'epoch'] == [1, 2], t.m.log()[-8:])

    def walked():
        r = t.c.hear_until(t.walk(STEP), 'outcome')
        return r if r['reason'] not in BUSY else None
    expect('and it walks', until('it walks', walked)['what'] == 'done')


def connected(m):
    try:
        c = Control(m)
        c.ask(op='ping')
        return c
    except Gone:
        return None


def nothing_is_lost(t):
    rc, out, err = t.m.run('state', 'verify')
    expect('the journal is whole', rc == 0 and 'whole' in out + err, out + err)
    log = t.m.log()
    have = {r['seq']: (r['body'].get('key'), r['body'].get('value')) for r in log if r['kind'] == 'fact'}
    lost = {s: f for s, f in t.acknowledged.items() if have.get(s) != f}
    expect(f'all {len(t.acknowledged)} that were acknowledged are in it', not lost, lost)
    expect('and nothing that was refused', len(have) == len(t.acknowledged), len(have))
    gaps = {}
    for r in log:
        if r['kind'] == 'gap':
            gaps.setdefault(r['body']['what'], []).append(r['body'])
    expect('what nobody waited for is counted', {'outcome', 'command', 'time'} <= gaps.keys(), gaps)
    expect('and for how long there was no room', any('no space' in g['reason'] for g in gaps['time']), gaps)


def first_of_all(m, disk):
    """Who starts a machine on a full disk is told why it does not live: somebody is there, and nothing moves yet."""
    disk.fill()
    rc, out, err = m.run('run', '--detach', m.path)
    expect('a machine that begins on a full disk says why it does not', rc == 1 and 'no space' in err, (rc, out, err))
    disk.make_room()
    rc, out, err = m.run('run', '--detach', m.path)
    expect('and does with room', rc == 0, (rc, out, err))


def main():
    enter()
    m = Machine(sys.argv[1], lambda text: text.replace('\ncoherence_rules:', DOOR, 1) + GRANTS)
    m.env['CADMUS_LOG'] = 'info'
    disk = Disk(m.work + '/state', 6)
    try:
        t = Test(m, disk)
        in_mid_walk(t)
        stops(t)
        core_dies(t)
        nothing_is_lost(t)
        t.guard_is_untouched()
        expect('it goes down in good order', m.run('down')[0] == 0)
        first_of_all(m, disk)
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        m.run('down')
        disk.close()
        m.stop()
    return verdict()


if __name__ == '__main__':
    sys.exit(main())
