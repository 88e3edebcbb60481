"""A machine of a test's own, in folders of its own: start, ask, watch, kill.  No fixed sleeps: all waiting has a deadline."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Gone(Exception):
    """The connection was hung up: core went away."""


def pack(pairs):
    """A MessagePack map of texts, small numbers, booleans, and short lists of them."""
    def one(x):
        if isinstance(x, bool):
            return b'\xc3' if x else b'\xc2'
        if isinstance(x, int):
            return b'\xce' + x.to_bytes(4, 'big')
        if isinstance(x, list):
            return bytes([0x90 | len(x)]) + b''.join(map(one, x))
        b = x.encode()
        return b'\xda' + len(b).to_bytes(2, 'big') + b
    return bytes([0x80 | len(pairs)]) + b''.join(one(k) + one(v) for k, v in pairs.items())


def unpack(data):
    """What core sends: maps, arrays, texts, numbers, booleans."""
    at = 0

    def take(n):
        nonlocal at
        at += n
        return data[at - n:at]

    def number(n):
        return int.from_bytes(take(n), 'big')

    def one():
        b = number(1)
        if b < 0x80:
            return b
        if b >= 0xe0:
            return b - 256
        if b < 0x90:
            return {one(): one() for _ in range(b & 15)}
        if b < 0xa0:
            return [one() for _ in range(b & 15)]
        if b < 0xc0:
            return take(b & 31).decode(errors='replace')
        if b in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[b]
        if b in (0xca, 0xcb):
            return struct.unpack('>f' if b == 0xca else '>d', take(4 if b == 0xca else 8))[0]
        if 0xcc <= b <= 0xcf:
            return number(1 << (b - 0xcc))
        if 0xd0 <= b <= 0xd3:
            return int.from_bytes(take(1 << (b - 0xd0)), 'big', signed=True)
        if 0xd9 <= b <= 0xdb:
            return take(number(1 << (b - 0xd9))).decode(errors='replace')
        if 0xdc <= b <= 0xdd:
            return [one() for _ in range(number(2 if b == 0xdc else 4))]
        if 0xde <= b <= 0xdf:
            return {one(): one() for _ in range(number(2 if b == 0xde else 4))}
        raise ValueError(hex(b))
    return one()


failures = 0


def expect(name, condition, seen=''):
    """One line for each thing that must be so; what was seen instead when it is not."""
    global failures
    print(('ok   ' if condition else 'FAIL ') + name)
    if not condition:
        failures += 1
        print('     ' + str(seen).strip().replace('\n', '\n     ')[:2000])


# Why a motion is begun once more: so busy a computer that a joint, or core, was not heard for a tenth of a second or two.
BUSY = ('feedback', 'lease')


def verdict():
    """The exit status of a test: 1 when anything that was expected was not so."""
    return 1 if failures else 0


def until(what, found, patience=30.0, pause=0.02):
    """Call found() until it gives something true; that.  An AssertionError after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        got = found()
        if got:
            return got
        assert time.monotonic() < end, f'{what}: not within {patience} s'
        time.sleep(pause)


class Control:
    """One connection to the control door."""

    def __init__(self, machine, patience=30.0):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(patience)
        self.id = 0
        try:
            self.s.connect(machine.door('control.sock'))
        except OSError as e:
            raise Gone(str(e)) from e

    def send(self, **pairs):
        self.id += 1
        try:
            self.s.send(pack(dict(pairs, id=self.id)))
        except OSError as e:
            raise Gone(str(e)) from e
        return self.id

    def hear(self):
        try:
            data = self.s.recv(65536)
        except (ConnectionResetError, BrokenPipeError) as e:
            raise Gone(str(e)) from e
        if not data:
            raise Gone('hung up')
        return unpack(data)

    def hear_until(self, number, *kinds):
        while True:
            reply = self.hear()
            if reply['id'] == number and reply['ev'] in kinds:
                return reply

    def ask(self, **pairs):
        return self.hear_until(self.send(**pairs), 'done', 'error')

    def close(self):
        self.s.close()


class Machine:
    def __init__(self, cadmus, change=None, port=None):
        self.cadmus = os.path.abspath(cadmus)
        self.work = tempfile.mkdtemp(prefix='cadmus-test-')
        self.env = dict(os.environ, CADMUS_RUN_DIR=self.work + '/run', CADMUS_STATE_DIR=self.work + '/state',
                        CADMUS_SYMBOLS=os.path.join(HERE, '../../symbols'), NO_COLOR='1')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(('127.0.0.1', 0))
            self.port = port or s.getsockname()[1]
        with open(HERE + '/small.cdl.yaml', encoding='utf-8') as f:
            text = f.read().replace('@PORT@', str(self.port))
        self.path = self.work + '/small.cdl.yaml'
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write(change(text) if change else text)
        self.listened = None

    def run(self, *args, env=None, patience=60):
        done = subprocess.run([self.cadmus, *args], env=env or self.env, capture_output=True, timeout=patience)
        return done.returncode, done.stdout.decode(errors='replace'), done.stderr.decode(errors='replace')

    def json(self, *args):
        rc, out, err = self.run(*args, '--json')
        assert rc == 0, f'{args}: {err}'
        return json.loads(out)

    def published(self, field):
        """The newest sample of a field as JSON; None while there is none."""
        rc, out, _ = self.run('get', field, '--json')
        return json.loads(out) if rc == 0 else None

    def reports(self, field):
        """Wait until its samples are there and good."""
        until(f'{field} is published', lambda: (self.published(field) or {}).get('status') == 'OK')

    def start(self):
        rc, out, err = self.run('run', '--detach', self.path)
        assert rc == 0, out + err

    @property
    def daemon(self):
        """The process that listens at the doors (after it was killed: the next one, once it does); None: nobody."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as s:
            try:
                s.connect(self.door('attach.sock'))
            except BlockingIOError:
                return self.listened  # somebody listens, and too many ask
            except OSError:
                return None
            self.listened = struct.unpack('iII', s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            return self.listened

    def kill_daemon(self):
        """And wait until another one has taken its place; its process."""
        before = self.daemon
        self.kill(before)
        return until('another daemon listens', lambda: (now := self.daemon) != before and now, pause=0.001)

    def door(self, name):
        return f'{self.work}/run/small/{name}'

    def processes(self):
        return {p['name']: p for p in self.json('ps') if p['role'] != 'client'}

    def live(self, *names):
        """The processes, once those of `names` are all live."""
        now = {}

        def found():
            now.update(self.processes())
            return now if all(n in now and now[n]['state'] == 'live' for n in names) else None
        try:
            return until(f'{names} live', found)
        except AssertionError as e:
            raise AssertionError(f'{e}; they are {now}') from None

    def log(self):
        rc, out, err = self.run('log', '--all', '--json')
        assert rc == 0, err
        return [json.loads(line) for line in out.splitlines()]

    def daemon_log(self):
        with open(self.work + '/state/small.log', encoding='utf-8', errors='replace') as f:
            return f.read()

    def descriptors(self):
        """What the parent has open: {descriptor: where it points}."""
        found, folder = {}, f'/proc/{self.daemon or self.listened}/fd'
        for fd in os.listdir(folder):
            try:
                found[fd] = os.readlink(f'{folder}/{fd}')
            except OSError:
                pass
        return found

    def memory_files(self):
        """Inodes of all memory files that anybody of the machine has mapped or open."""
        found = set()
        for pid in [self.daemon] + [p['pid'] for p in self.processes().values() if p['state'] == 'live']:
            try:
                with open(f'/proc/{pid}/maps', encoding='utf-8') as f:
                    found |= {line.split()[4] for line in f if '/memfd:cadmus' in line}
                for fd in os.listdir(f'/proc/{pid}/fd'):
                    path = f'/proc/{pid}/fd/{fd}'
                    if os.readlink(path).startswith('/memfd:cadmus'):
                        found.add(str(os.stat(path).st_ino))
            except OSError:
                pass
        return found

    @staticmethod
    def kill(pid, how=signal.SIGKILL):
        if pid <= 0:
            return  # it is being started and has no process yet; 0 would mean ourselves
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass

    @staticmethod
    def is_daemon(pid):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as f:
                return b'cadmusd' in f.read()
        except OSError:
            return False

    def stop(self):
        """Down, and nothing left; True when it went in good order."""
        rc = self.run('down')[0]
        if rc and self.is_daemon(self.listened):
            self.kill(self.listened, signal.SIGTERM)  # it cannot be reached: that is what the test failed for
        shutil.rmtree(self.work, ignore_errors=True)
        return rc == 0
