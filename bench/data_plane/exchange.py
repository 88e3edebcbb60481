"""Ping-pong and fan-out: every transport, round after round, so that what disturbs one disturbs all."""
import array
import os
import random
import statistics

from description import FAN_SIZES, SIZES
from nodes import No, Node
from transports import TRANSPORTS, environment, program

MODES = ('poll', 'block')


class Crew:
    """The processes of one transport."""

    def __init__(self, run, name, roles):
        exe, variant, _, _ = TRANSPORTS[name]
        self.nodes, env = {}, dict(run.machine.env, **environment(name))
        try:
            for role in roles:
                argv = [program(run.build, exe), run.folder(name), role] + ([variant] if variant else [])
                self.nodes[role] = Node(argv, env, os.path.join(run.work, 'nodes.log'))
        except No:
            self.end()
            raise

    def connect(self, writer, readers, channel, size):
        """One channel: its ends open, and every reader has heard its writer."""
        w = self.nodes[writer]
        w.ask(f'writer {channel} {size} {len(readers)}')
        for i, r in enumerate(readers):
            self.nodes[r].ask(f'reader {channel} {size} {len(readers)} {i}')
        w.tell(f'greet {channel} {size}')
        try:
            for r in readers:
                self.nodes[r].tell(f'greeted {channel} {size}')
            for r in readers:
                self.nodes[r].answer()
        finally:
            w.tell('')
            w.answer()

    def end(self):
        for n in self.nodes.values():
            n.end()


def open_pair(run, name, sizes):
    """A crew, and the sizes that it can do; what it cannot is noted in run.skipped.  The floor is the same for each."""
    crew, able = Crew(run, name, ('ping', 'pong')), []
    run.versions[name] = crew.nodes['ping'].version
    for size in sizes if name != 'floor' else ():
        try:
            crew.connect('ping', ['pong'], 'ping', size)
            crew.connect('pong', ['ping'], 'pong', size)
            able.append(size)
        except No as e:
            run.skip(f'{name}, {size} B', str(e))
    return crew, able if name != 'floor' else list(sizes)


def one_round(crew, size, mode, ms, most):
    ping, pong = crew.nodes['ping'], crew.nodes['pong']
    pong.tell(f'pong ping pong {size} {mode} 1')
    ping.tell(f'ping ping pong {size} {mode} {ms} {most} 0')
    samples = ping.answer()
    pong.answer()
    return samples


class Trips:
    """Round trips in ns: all of them, and the median of each round, by (transport, mode, size)."""

    def __init__(self):
        self.all, self.medians, self.copies = {}, {}, {}

    def add(self, key, number, samples):
        self.all.setdefault(key, array.array('d')).extend(samples)
        if samples:
            self.medians.setdefault(key, {})[number] = statistics.median(samples)

    def ratios(self, key, other):
        """Of the medians of two, of each round that both have."""
        ours, theirs = self.medians.get(key, {}), self.medians.get(other, {})
        return [ours[k] / theirs[k] for k in sorted(ours) if k in theirs]


def one_group(run, crews, trips, number, mode, size):
    """All transports at one size, the floor among them: what the host does to one, it does to all."""
    names = [n for n, (_, sizes) in crews.items() if size in sizes]
    random.Random(f'{number} {mode} {size}').shuffle(names)
    for name in names:
        run.progress(f'ping-pong, round {number + 1} of {run.rounds}: {mode}, {size} B, {name}')
        try:
            trips.add((name, mode, size), number, one_round(crews[name][0], size, mode, run.round_ms, 20000))
        except No as e:
            run.skip(f'{name}, {mode}, {size} B', str(e))
            crews.pop(name)[0].end()


def ping_pong(run):
    """Trips of every transport, every mode and every size."""
    crews, trips = {}, Trips()
    groups = [(m, s) for m in MODES for s in SIZES]
    try:
        for name in run.names:
            try:
                crews[name] = open_pair(run, name, SIZES)
            except No as e:
                run.skip(name, str(e))
        for k in range(run.rounds):
            random.Random(k).shuffle(groups)
            for mode, size in groups:
                one_group(run, crews, trips, k, mode, size)
            for size in SIZES if 'floor' in crews else ():
                trips.copies.setdefault(size, array.array('d')).extend(crews['floor'][0].nodes['ping'].ask(f'copy {size} 20 0'))
    finally:
        for crew, _ in crews.values():
            crew.end()
    return trips


def one_fan(run, name, size, readers, mode):
    """How long each sample was on its way to each reader."""
    heard = [f'reader{i}' for i in range(readers)]
    crew = Crew(run, name, ['fan'] + heard)
    try:
        crew.connect('fan', heard, 'fan', size)
        count, cores, found = run.fan_count, os.cpu_count() or 1, run.samples()
        how = 'yield' if mode == 'poll' and readers >= cores else mode
        for i, r in enumerate(heard):
            crew.nodes[r].tell(f'hear fan {size} {count} {how} {(i + 1) % cores}')
        crew.nodes['fan'].tell(f'fan fan {size} {count} {readers} 0')
        for r in heard:
            found.extend(crew.nodes[r].answer())
        crew.nodes['fan'].answer()
        return found
    finally:
        crew.end()


def fan_out(run):
    """{(transport, mode, size, readers): array of ns, one for each sample and reader}."""
    found = {}
    cells = [(n, m, s, r) for n in run.names if n != 'floor' for m in MODES for s in FAN_SIZES for r in run.readers]
    for k in range(run.fan_rounds):
        random.Random(k).shuffle(cells)
        for cell in list(cells):
            name, mode, size, readers = cell
            run.progress(f'fan-out, round {k + 1} of {run.fan_rounds}: {name}, {mode}, {size} B, {readers} readers')
            try:
                found.setdefault(cell, run.samples()).extend(one_fan(run, name, size, readers, mode))
            except No as e:
                run.skip(f'fan-out: {name}, {mode}, {size} B, {readers} readers', str(e))
                cells.remove(cell)
    return found
