#!/usr/bin/env python3
"""Bad input to a whole machine: a clear error each time, and nothing is lost.

usage: bad_input_test.py CADMUS         a machine of its own, in folders of its own; exit 0 when all holds
"""
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile

from machine import expect, verdict

CADMUS = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
WORK = tempfile.mkdtemp(prefix='cadmus-bad-')
ENV = dict(os.environ, CADMUS_RUN_DIR=WORK + '/run', CADMUS_STATE_DIR=WORK + '/state',
           CADMUS_SYMBOLS=os.path.join(HERE, '../../symbols'), NO_COLOR='1')


def cadmus(*args, env=ENV, timeout=60):
    done = subprocess.run([CADMUS, *args], env=env, capture_output=True, timeout=timeout)
    return done.returncode, (done.stdout + done.stderr).decode(errors='replace')


def refused(name, args, *words, env=ENV, code=1):
    rc, text = cadmus(*args, env=env)
    expect(name, rc == code and all(w in text for w in words), f'exit {rc}: {text}')


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def descriptions(small):
    refused('wrong YAML', ['check', write('a.cdl.yaml', 'version: 1.0\nentities: {models: [\n')], 'error C', '^')
    refused('unknown key', ['check', write('b.cdl.yaml', small.replace('limits:', 'limitz:'))], 'limitz',
            "did you mean 'limits'")
    refused('wrong type', ['check', write('c.cdl.yaml', small.replace('memory_mb: 16', 'memory_mb: lots', 1))],
            'memory_mb', '^')
    refused('more memory than there is', ['check', write('d.cdl.yaml',
            small.replace('memory_mb: 16', 'memory_mb: 9999999', 1))], 'MiB')
    refused('no such file', ['check', WORK + '/none.cdl.yaml'], 'cannot read')
    refused('an alias bomb', ['check', write('e.cdl.yaml', 'a: &a [x, x]\nb: &b [*a, *a]\n')], 'error C')


def conversation():
    rc, text = cadmus('say', 'hello')
    expect('it answers', rc == 0, text)
    refused('a model without a file', ['say', '--model', 'absent', 'hello'], 'no-such-model.gguf')
    refused('a model that dies while it loads', ['say', '--model', 'faint', 'hello'], 'dies while it loads')
    refused('a model that is not there', ['say', '--model', 'nobody', 'hello'], "no language model 'nobody'")
    rc, text = cadmus('say', '--model', 'parrot', 'hello again')
    expect('and answers again', rc == 0, text)
    refused('a setting that is not there', ['set', 'nothing', '1'], "no setting 'nothing'")
    refused('a value outside', ['set', 'goal_bearing', '9999'], 'outside')
    refused('not a number', ['set', 'goal_bearing', 'north'], 'not a number', code=2)
    rc, text = cadmus('set', 'goal_bearing', '45')
    expect('a value inside', rc == 0, text)
    rc, text = cadmus('say', b'\xff\xfe not UTF-8'.decode('utf-8', 'surrogateescape'))
    expect('not UTF-8', rc == 1 and 'not valid UTF-8' in text, text)
    refused('nothing but blanks', ['say', '  '], 'nothing in it but blanks')


def machine_twice(path):
    refused('a second machine of that name', ['run', '--detach', path], 'runs already')
    other = dict(ENV, CADMUS_RUN_DIR=WORK + '/other')
    owner = next(p['pid'] for p in json.loads(cadmus('ps', '--json')[1]) if p['name'] == 'core')
    refused('a second runtime on one state file', ['run', '--detach', path], f'in use by process {owner}', env=other)


def control(name='control.sock'):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(f'{WORK}/run/small/{name}')
    return s


def garbage_at_the_doors():
    rng = random.Random(7)
    for door in ('control.sock', 'attach.sock', 'stop.sock'):
        for _ in range(100):
            with control(door) as s:
                try:
                    for _ in range(3):
                        s.send(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))))
                except (BrokenPipeError, ConnectionResetError):
                    pass
    rc, text = cadmus('ps', '--json')
    epochs = {p['name']: p['epoch'] for p in json.loads(text)}
    expect('garbage at the control, attach and stop doors', rc == 0 and epochs['core'] == 1
            and epochs['guard'] == 1, text)


def garbage_on_the_bus(port):
    rng = random.Random(8)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        for _ in range(3000):
            s.sendto(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 120))), ('239.74.163.2', port))
    rc, text = cadmus('ps', '--json')
    live = {p['name']: p['state'] for p in json.loads(text)}
    expect('garbage on the bus', rc == 0 and live['guard'] == 'live' and live['legs.sim'] == 'live', text)
    with control() as s:
        s.settimeout(30)
        s.send(message(op='act', id=1, symbols='𐤌𐤟𐤖'))
        replies = [s.recv(65536), s.recv(65536)]
    expect('and it still walks', b'started' in replies[0] and b'outcome' in replies[1]
            and b'done' in replies[1], repr(replies))


def message(**pairs):
    """A MessagePack map of short texts and small numbers."""
    def text(x):
        b = x.encode()
        return bytes([0xa0 | len(b)]) + b
    return bytes([0x80 | len(pairs)]) + b''.join(
        text(k) + (bytes([v]) if isinstance(v, int) else text(v)) for k, v in pairs.items())


def full_disk(path):
    """A state on a file system of 2 MiB that we fill: refused in words, and it goes on when there is room."""
    disk = WORK + '/disk'
    os.mkdir(disk)
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], capture_output=True).returncode:
        print('skip a full disk: no right to mount here (the journal has its own test of it)')
        return
    try:
        env = dict(ENV, CADMUS_STATE_DIR=disk)
        rc, text = cadmus('run', '--detach', path, env=env)
        expect('a machine on a small disk', rc == 0, text)
        cadmus('say', 'before', env=env)
        try:
            with open(disk + '/filler', 'wb') as f:
                while True:
                    f.write(bytes(4096))
                    f.flush()
        except OSError:
            pass
        words = ''
        for _ in range(40):
            rc, text = cadmus('say', 'x' * 4000, env=env)
            words += text if rc else ''
            if rc:
                break
        expect('a full disk is said, and the answer does not count', 'could not be written down' in words, words)
        os.unlink(disk + '/filler')
        rc, text = cadmus('say', 'after', env=env)
        expect('with space it goes on', rc == 0, text)
        rc, text = cadmus('log', '--verify', env=env)
        expect('and nothing acknowledged was lost', rc == 0 and 'chain is whole' in text, text)
        cadmus('down', env=env)
    finally:
        subprocess.run(['umount', disk], check=False)


def removed_journal(path):
    """`rm` of the journal under a live machine: nothing more is acknowledged, and whoever asks is told what to do."""
    rc, text = cadmus('run', '--detach', path)
    expect('a machine whose journal will go', rc == 0, text)
    cadmus('say', 'before')
    core = next(p for p in json.loads(cadmus('ps', '--json')[1]) if p['name'] == 'core')
    away = WORK + '/away'
    os.rename(WORK + '/state/small.journal', away)
    refused('an answer that nobody could find again does not count', ['say', 'meanwhile'], 'could not be written down',
            'put it back')
    os.rename(away, WORK + '/state/small.journal')
    rc, text = cadmus('say', 'after')
    expect('moved back, it goes on', rc == 0, text)
    rc, text = cadmus('log', '--verify')
    expect('and is whole', rc == 0 and 'chain is whole' in text, text)
    for name in os.listdir(WORK + '/state'):
        if name.startswith('small.journal'):
            os.unlink(os.path.join(WORK, 'state', name))
    refused('nor does one into a file that is deleted', ['say', 'lost'], 'could not be written down', 'put it back')
    rc, text = cadmus('stop')
    expect('stop stops', rc == 0, text)
    now = next(p for p in json.loads(cadmus('ps', '--json')[1]) if p['name'] == 'core')
    expect('core lives on', (now['pid'], now['epoch']) == (core['pid'], core['epoch']), f'{core} {now}')
    with open(WORK + '/state/small.log', encoding='utf-8', errors='replace') as f:
        log = f.read()
    expect('and the log names the file', 'small.journal is gone' in log, log)
    rc, text = cadmus('down')
    expect('down it goes', rc == 0, text)


def main():
    port = free_udp_port()
    with open(HERE + '/small.cdl.yaml', encoding='utf-8') as f:
        small = f.read().replace('@PORT@', str(port))
    path = write('small.cdl.yaml', small)
    descriptions(small)
    refused('nothing runs', ['say', 'hello'], 'no machine is running')
    rc, text = cadmus('run', '--detach', path)
    expect('it starts', rc == 0, text)
    try:
        conversation()
        machine_twice(path)
        garbage_at_the_doors()
        garbage_on_the_bus(port)
    finally:
        rc, text = cadmus('down')
        expect('it goes down', rc == 0, text)
    removed_journal(path)
    full_disk(path)
    return verdict()


try:
    code = main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(code)
