"""A machine of the run's own, in a folder of its own."""
import json
import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def settings():
    """What `tools/setup` left behind: where engines, models and photographs are; {} where it has never run."""
    cache = os.environ.get('CADMUS_CACHE') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'cadmus')
    try:
        with open(os.path.join(cache, 'env'), encoding='utf-8') as f:
            return dict(line.strip().split('=', 1) for line in f if '=' in line)
    except OSError:
        return {}


class Machine:
    """state: where its journal is to be; patience: seconds that it may take to begin."""

    def __init__(self, build, work, name, text, state=None, patience=60):
        self.cadmus, self.name, self.started = os.path.join(build, 'bin', 'cadmus', 'cadmus'), name, False
        self.env = dict(os.environ, CADMUS_RUN_DIR=os.path.join(work, 'run'),
                        CADMUS_STATE_DIR=state or os.path.join(work, 'state'), CADMUS_SYMBOLS=os.path.join(ROOT, 'symbols'), NO_COLOR='1')
        self.path = os.path.join(work, f'{name}.cdl.yaml')
        with open(self.path, 'w', encoding='utf-8') as f:
            f.write(text)
        done = self.call('run', '--detach', self.path, patience=patience)
        if done.returncode:
            raise RuntimeError(f'cadmus run: {done.stdout}{done.stderr}')
        self.started = True

    def call(self, *args, patience=60):
        try:
            return subprocess.run([self.cadmus, *args], env=self.env, capture_output=True, text=True, timeout=patience, check=False)
        except subprocess.TimeoutExpired as e:
            raise RuntimeError(f'cadmus {args[0]}: not within {patience} s') from e

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
