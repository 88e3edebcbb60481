"""The processes that measure: started, told what to do a line at a time, ended by their id."""
import array
import os
import select
import subprocess
import time


class No(Exception):
    """It cannot do that, and says why."""


class NotHere(No):
    """What it needs is not on this computer."""


class Node:
    """One process; see node.c for what it understands."""

    def __init__(self, argv, env=None, log=None, patience=60.0):
        self.patience, self.name = patience, os.path.basename(argv[0]) + ' ' + ' '.join(argv[2:])
        self.log = open(log or os.devnull, 'ab')
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=env, bufsize=0)
        self.buffer = bytearray()
        try:
            self.version = self.answer()
        except No:
            self.end()
            raise

    def tell(self, line):
        try:
            self.process.stdin.write(line.encode() + b'\n')
        except BrokenPipeError:
            pass  # the answer will say so

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def fill(self, deadline):
        out = self.process.stdout
        if not select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise No(f'{self.name} did not answer for {self.patience:.0f} s')
        data = os.read(out.fileno(), 1 << 20)
        if not data:
            raise No(f'{self.name} ended with {self.process.wait()}')
        self.buffer += data

    def take(self, count, deadline):
        while len(self.buffer) < count:
            self.fill(deadline)
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def answer(self):
        """What follows `ok`, or an array of samples; No with the reason otherwise."""
        deadline = time.monotonic() + self.patience
        while b'\n' not in self.buffer:
            self.fill(deadline)
        line = self.take(self.buffer.index(b'\n') + 1, deadline).decode(errors='replace').strip()
        word, _, rest = line.partition(' ')
        if word == 'samples':
            return array.array('d', self.take(8 * int(rest), deadline))
        if word != 'ok':
            raise No(rest or line)
        return rest

    def end(self, patience=5.0):
        """Its stdin closes, which tells it to end; killed if it does not."""
        self.process.stdin.close()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


def percentiles(samples, scale=1.0):
    """p50, p90, p99, p99.9, max and n of an array; nothing is removed.  {} of none."""
    if not samples:
        return {}
    s, n = sorted(samples), len(samples)
    found = {name: s[min(n - 1, int(n * part))] * scale
             for name, part in (('p50', .5), ('p90', .9), ('p99', .99), ('p99.9', .999))}
    return dict(found, max=s[-1] * scale, n=n)
