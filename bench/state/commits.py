"""P10: records that are on the disk before anybody goes on; one at a time, and many asked for at once."""
import array
import os
import random
import re
import shutil

from keepers import FLOOR, KEEPERS, open_keeper
from nodes import No, percentiles

SIZES = (256, 4096)
TOGETHER = (1, 32)
MOST = 100000
FLUSHES = ('fsync', 'fdatasync', 'sync_file_range')
WRITES = ('write', 'pwrite64', 'writev', 'pwritev')


class Cell:
    """What one keeper did with so many records of one size at a time: ns of each keep(), and the sums of each round."""

    def __init__(self):
        self.all, self.rounds = array.array('d'), {}

    def add(self, number, samples, commits):
        self.all.extend(samples)
        if samples:
            self.rounds[number] = {'ns': sum(samples), 'keeps': len(samples), 'commits': commits}

    def sum(self, what):
        return sum(r[what] for r in self.rounds.values())

    def ratios(self, floor, what):
        """Its keeps, or commits, a second for each fdatasync a second of the floor, of each round that both have."""
        return [self.rounds[k][what] / self.rounds[k]['ns'] * floor.rounds[k]['ns'] / floor.rounds[k]['keeps']
                for k in sorted(self.rounds) if k in floor.rounds]


def one_round(node, cell, number, together, ms):
    before = int(node.ask('commits'))
    samples = node.ask(f'round {together} {ms} {MOST}')
    cell.add(number, samples, int(node.ask('commits')) - before)


def open_all(run, size):
    nodes = {}
    for name in run.names:
        try:
            nodes[name] = open_keeper(run, name, size)
        except No as e:
            run.skip(f'{name}, {size} B', str(e))
    return nodes


def rounds_of(run, size, cells):
    """All keepers in turns, in an order that is shuffled anew each time.  A batch of one is what the other of ours does."""
    nodes = open_all(run, size)
    try:
        for number in range(run.rounds):
            turns = [(n, t) for n in nodes for t in TOGETHER if t > 1 or KEEPERS[n][1] != 'batch']
            random.Random(f'{number} {size}').shuffle(turns)
            for name, together in turns:
                if name not in nodes:
                    continue
                run.progress(f'commits, round {number + 1} of {run.rounds}: {size} B, {name}, {together} at a time')
                try:
                    one_round(nodes[name], cells.setdefault((name, size, together), Cell()), number, together, run.round_ms)
                except No as e:
                    run.skip(f'{name}, {size} B, {together} at a time', str(e))
                    nodes.pop(name).end()
    finally:
        for node in nodes.values():
            node.end()


# ---- system calls ---------------------------------------------------------------------------------

CALL = re.compile(r'^(\d+) +(\w+)\((?:AT_FDCWD, )?(?:(\d+)<([^>]*)>)?')
SYNC = re.compile(r'^(\d+) +openat\(.*O_D?SYNC.* = (\d+)<')


def calls_of(path, folder):
    """What strace has seen of the files in a folder: flushes (a write to what is open with O_DSYNC is one, too), and writes."""
    found, synced = {'flushes': 0, 'writes': 0}, set()
    with open(path, encoding='utf-8', errors='replace') as f:
        for line in f:
            if opened := SYNC.match(line):
                synced.add(opened.groups())
                continue
            call = CALL.match(line)
            if not call or not (call[4] or '').startswith(folder):
                continue
            writes = call[2] in WRITES
            found['writes'] += writes
            found['flushes'] += call[2] in FLUSHES or (writes and (call[1], call[3]) in synced)
    return found


def traced(run, strace, name, size, together, count):
    """Of a process that keeps so often, from its beginning to its end."""
    path, folder = os.path.join(run.work, 'strace'), run.on_disk(f'{name} {size} traced')
    node = open_keeper(run, name, size, [strace, '-f', '-y', '-s', '0', '-e', f'trace=openat,{",".join(FLUSHES + WRITES)}', '-o', path])
    try:
        node.ask(f'keep {together} {count}')
    finally:
        node.end()
        shutil.rmtree(folder)
    return calls_of(path, folder)


def count_calls(run, found):
    """Flushes and writes of one keep(): of a process that does many of them, less those of one that does none."""
    strace, count, bare = shutil.which('strace'), run.choose(20, 50, 200), {}
    if not strace:
        run.skip('counts of fsync', 'strace is not here; apt-get install strace', here=False)
        return
    for x in found:
        name, size, together = x['keeper'], x['bytes'], x['together']
        run.progress(f'system calls: {name}, {size} B, {together} at a time')
        try:
            if (name, size) not in bare:
                bare[name, size] = traced(run, strace, name, size, 1, 0)
            done = traced(run, strace, name, size, together, count)
            x['calls'] = {what: (done[what] - bare[name, size][what]) / count for what in done}
        except No as e:
            run.skip(f'system calls of {name}', str(e))


def summary(name, size, together, cells):
    c, ns = cells[name, size, together], cells[name, size, together].sum('ns')
    found = {'keeper': name, 'bytes': size, 'together': together, 'ns': percentiles(c.all),
             'records_per_second': c.sum('keeps') * together * 1e9 / ns, 'commits_per_second': c.sum('commits') * 1e9 / ns}
    if (FLOOR, size, 1) in cells and (FLOOR, size, together) in cells:
        found['of_floor'] = c.ratios(cells[FLOOR, size, together], 'keeps')
        found['commits_of_floor'] = c.ratios(cells[FLOOR, size, 1], 'commits')
    return found


def commits(run):
    cells = {}
    for size in SIZES[:1] if run.smoke else SIZES:
        rounds_of(run, size, cells)
    found = [summary(*key, cells) for key, c in cells.items() if c.all]
    found.sort(key=lambda x: (x['bytes'], x['together'], list(KEEPERS).index(x['keeper'])))
    count_calls(run, found)
    return {'commits': found}
