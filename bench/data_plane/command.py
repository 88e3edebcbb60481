"""`bench/run data-plane`: which parts there are, and what they share."""
import array
import os

import bench
import costs
import death
import exchange
import frames
import report
import rest
import steps
from description import SIZES, description
from machine import Machine
from nodes import No, percentiles
from transports import PUBLISHED, TRANSPORTS, helper, missing


class Run(bench.Run):
    """One machine, whose sensors are the processes that measure."""

    def __init__(self, options):
        super().__init__(options, PARTS, missing(os.path.abspath(options.build)))
        self.rounds, self.round_ms = self.choose((2, 10), (5, 40), (20, 60))
        self.fan_rounds, self.fan_count = self.choose((1, 20), (1, 100), (3, 200))
        self.readers = (1, 4) if self.smoke else (1, 4, 16)
        self.deaths = self.choose(5, 50, 200)
        self.stopped_s = self.choose(1, 3, 30)
        self.rest_s = self.choose(1, 5, 10)
        self.frames = self.choose(50, 500, 2000)
        wanted = options.against or (['unix'] if self.smoke else list(TRANSPORTS))
        self.names = [n for n in TRANSPORTS if n not in self.absent and
                      (n in wanted or n == 'floor' or n.startswith('cadmus'))]
        self.machine, self.helpers = None, []

    @staticmethod
    def samples():
        return array.array('d')

    def method(self):
        return {'rounds': self.rounds, 'round_ms': self.round_ms, 'fan_rounds': self.fan_rounds, 'fan_samples': self.fan_count,
                'quick': self.quick}

    def facts(self):
        return {'sizes': list(SIZES), 'published': PUBLISHED}

    def start(self):
        if len(os.sched_getaffinity(0)) < 2:
            raise RuntimeError('this needs two cores')
        self.machine = Machine(self.build, self.work, 'bench', description())
        for name in list(self.names):
            try:
                self.helpers += [h for h in (helper(name, self.work),) if h]
            except No as e:
                self.skip(name, str(e))
                self.names.remove(name)

    def end(self):
        for h in self.helpers:
            h.end()
        if self.machine:
            self.machine.end()
        super().end()


def trips(run):
    """The floor of all sizes together has size 0."""
    found, floors = exchange.ping_pong(run), {}
    for (name, mode, size), samples in found.all.items():
        if name != 'floor':
            yield {'transport': name, 'mode': mode, 'bytes': size, 'one_way_ns': percentiles(samples, 0.5),
                   'round_trip_ns': percentiles(samples), 'of_floor': found.ratios((name, mode, size), ('floor', mode, size)),
                   'of_64_bytes': found.ratios((name, mode, size), (name, mode, 64))}
        else:
            floors.setdefault(mode, array.array('d')).extend(samples)
    for mode, samples in floors.items():
        yield {'transport': 'floor', 'mode': mode, 'bytes': 0, 'one_way_ns': percentiles(samples, 0.5),
               'round_trip_ns': percentiles(samples)}
    for size, samples in found.copies.items():
        yield {'transport': 'memcpy', 'mode': '', 'bytes': size, 'ns': percentiles(samples)}


def ping_pong(run):
    found = list(trips(run))
    return {'ping_pong': [x for x in found if x['transport'] != 'memcpy'],
            'copies': [x for x in found if x['transport'] == 'memcpy']}


def fan_out(run):
    return {'fan_out': [{'transport': n, 'mode': m, 'bytes': s, 'readers': r, 'ns': percentiles(v)}
                        for (n, m, s, r), v in exchange.fan_out(run).items()]}


PARTS = {
    'ping-pong': ping_pong,
    'fan-out': fan_out,
    'costs': lambda run: {'costs': costs.costs(run)},
    'death': lambda run: {'death': death.death(run)},
    'rest': lambda run: {'rest': rest.rest(run)},
    'frames': lambda run: {'frames': frames.frames(run)},
    'steps': lambda run: {'steps': steps.steps(run)},
}

BENCH = bench.Bench('data-plane', 'Measure shared memory between processes beside its floors and its peers, all in one run, '
                    'round after round.', PARTS, TRANSPORTS, Run, report, 'docs/performance.md')
