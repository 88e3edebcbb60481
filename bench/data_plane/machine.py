"""A machine of the run's own, in a folder of its own, whose sensors are the processes that measure."""
import json
import os
import subprocess
import time

SIZES = (8, 64, 1024, 65536, 1 << 20, 8 << 20)
FAN_SIZES = (64, 65536)
READ_SIZES = (8, 16, 24, 32, 48, 64, 88, 1024)
FRAME = (1280, 720)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def writers(role, sizes, leases):
    """One that writes with copies, and one that lends."""
    copied = [f'{{field: {role}_copy_{size}, dtype: u8, shape: [{size}]}}' for size in sizes]
    lent = [f'{{field: {role}_lease_{size}, dtype: u8, shape: [{size}], leases: {leases}}}' for size in sizes]
    return sensor(role + '_copy', copied) + sensor(role + '_lease', lent)


def sensor(name, fields, rest=''):
    return (f'    - id: {name}\n      consciousness_type: temporal\n      driver: external\n{rest}'
            + ('      writes:\n' if fields else '') + ''.join(f'        - {f}\n' for f in fields))


def description():
    """The data plane and nothing else: no model, no gateway."""
    text = ['machine: bench\nversion: 1.0\nclients: 32\n',
            'entities:\n  people:\n    - {id: operator}\n  sensors:\n',
            writers('ping', SIZES, 2), writers('pong', SIZES, 2), writers('fan', FAN_SIZES, 20),
            writers('self', READ_SIZES, 2),
            sensor('once', ['{field: step_in, dtype: f32, shape: [64], leases: 4}']),
            sensor('twice', ['{field: step_out, dtype: f32, shape: [64], leases: 4}']),
            sensor('mortal', ['{field: beat, dtype: u64}']),
            sensor('camera', [], '      frame: {width: %d, height: %d}\n' % FRAME),
            'trust_anchors: [operator]\ngrants: [{to: operator, rights: [say, actuate, set, control]}]\n']
    return ''.join(text)


class Machine:
    def __init__(self, build, work, name='bench', text=None):
        self.cadmus, self.name, self.started = os.path.join(build, 'bin', 'cadmus', 'cadmus'), name, False
        self.env = dict(os.environ, CADMUS_RUN_DIR=os.path.join(work, 'run'), CADMUS_STATE_DIR=os.path.join(work, 'state'),
                        CADMUS_SYMBOLS=os.path.join(ROOT, 'symbols'), NO_COLOR='1')
        self.path = os.path.join(work, f'{name}.cdl.yaml')
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write(text or description())
        done = self.call('run', '--detach', self.path)
        if done.returncode:
            raise RuntimeError(f'cadmus run: {done.stdout}{done.stderr}')
        self.started = True

    def call(self, *args):
        return subprocess.run([self.cadmus, *args], env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def processes(self):
        """{name: pid} of all that the machine has started, its parent among them."""
        listed = json.loads(self.call('ps', '--machine', self.name, '--json').stdout)
        found = {p['name']: p['pid'] for p in listed if p['role'] != 'client' and p['pid'] > 0}
        with open(f'/proc/{found["core"]}/stat', encoding='utf-8') as f:
            found['cadmusd'] = int(f.read().rsplit(')', 1)[1].split()[1])
        return found

    def end(self):
        if self.started and self.call('down', '--machine', self.name).returncode:
            raise RuntimeError(f'{self.name} does not go down')
        self.started = False


def until(what, found, patience=30.0):
    """Call found() until it gives something true; that."""
    end = time.monotonic() + patience
    while not (got := found()):
        if time.monotonic() > end:
            raise RuntimeError(f'{what}: not within {patience:.0f} s')
        time.sleep(0.02)
    return got
