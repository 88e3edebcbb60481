"""`bench/run data-plane`: what is asked for, in which order it is measured, what becomes of the figures."""
import argparse
import array
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import costs
import death
import exchange
import frames
import host
import report
import rest
import steps
from machine import ROOT, SIZES, Machine
from nodes import No, percentiles
from transports import PUBLISHED, TRANSPORTS, helper, missing

PARTS = ('ping-pong', 'fan-out', 'costs', 'death', 'rest', 'frames', 'steps')
EPILOG = """parts: """ + ', '.join(PARTS) + """
transports: """ + ', '.join(TRANSPORTS) + """

examples:
  bench/run data-plane                              all of it, a few minutes; the table
  bench/run data-plane --quick                      about a minute
  bench/run data-plane --json result.json           the same, and every figure with where it was measured
  bench/run data-plane --only ping-pong --against iceoryx --against unix
  bench/run data-plane --markdown >docs/performance.md
  bench/run data-plane --from result.json --markdown      show again what was measured before

exit: 0 it was measured, whatever the figures are; 1 it could not be; 2 wrong usage"""


class Run:
    """What all parts share: settings, folders, the machine, and what could not be done."""

    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.work = tempfile.mkdtemp(prefix='cadmus-bench-')
        self.parts = options.only or list(PARTS)
        self.quick, self.smoke = options.quick or options.smoke, options.smoke
        self.rounds, self.round_ms = (2, 10) if self.smoke else (5, 40) if self.quick else (20, 60)
        self.fan_rounds, self.fan_count = (1, 20 if self.smoke else 100) if self.quick else (3, 200)
        self.readers = (1, 4) if self.smoke else (1, 4, 16)
        self.deaths = 5 if self.smoke else 50 if self.quick else 200
        self.stopped_s = 1 if self.smoke else 3 if self.quick else 30
        self.rest_s = 1 if self.smoke else 5 if self.quick else 10
        self.frames = 50 if self.smoke else 500 if self.quick else 2000
        self.absent, self.skipped, self.versions, self.helpers = missing(self.build), [], {}, []
        wanted = options.against or (['unix'] if self.smoke else list(TRANSPORTS))
        self.names = [n for n in TRANSPORTS if n not in self.absent and
                      (n in wanted or n == 'floor' or n.startswith('cadmus'))]
        self.machine, self.line = None, sys.stderr.isatty()

    def progress(self, text):
        if self.line:
            print(f'\r\x1b[K{text}', end='', file=sys.stderr, flush=True)

    def skip(self, what, why):
        self.progress('')
        self.skipped.append({'what': what, 'why': why})

    @staticmethod
    def samples():
        return array.array('d')

    def folder(self, name):
        path = os.path.join(self.work, name.replace(' ', '-'))
        os.makedirs(path, exist_ok=True)
        return path

    def start(self):
        self.machine = Machine(self.build, self.work)
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
        shutil.rmtree(self.work, ignore_errors=True)


def ping_pongs(run):
    """The floor of all sizes together has size 0."""
    trips, floors = exchange.ping_pong(run), {}
    for (name, mode, size), samples in trips.all.items():
        if name != 'floor':
            yield {'transport': name, 'mode': mode, 'bytes': size, 'one_way_ns': percentiles(samples, 0.5),
                   'round_trip_ns': percentiles(samples), 'of_floor': trips.ratios((name, mode, size), ('floor', mode, size)),
                   'of_64_bytes': trips.ratios((name, mode, size), (name, mode, 64))}
        else:
            floors.setdefault(mode, array.array('d')).extend(samples)
    for mode, samples in floors.items():
        yield {'transport': 'floor', 'mode': mode, 'bytes': 0, 'one_way_ns': percentiles(samples, 0.5),
               'round_trip_ns': percentiles(samples)}
    for size, samples in trips.copies.items():
        yield {'transport': 'memcpy', 'mode': '', 'bytes': size, 'ns': percentiles(samples)}


def exchanges(run, result):
    if 'ping-pong' in run.parts:
        found = list(ping_pongs(run))
        result['ping_pong'] = [x for x in found if x['transport'] != 'memcpy']
        result['copies'] = [x for x in found if x['transport'] == 'memcpy']
    if 'fan-out' in run.parts:
        result['fan_out'] = [{'transport': n, 'mode': m, 'bytes': s, 'readers': r, 'ns': percentiles(v)}
                             for (n, m, s, r), v in exchange.fan_out(run).items()]


def measure(run):
    began = time.monotonic()
    result = {'what': 'data-plane', 'provenance': host.provenance(run.build), 'sizes': list(SIZES),
              'method': {'rounds': run.rounds, 'round_ms': run.round_ms, 'fan_rounds': run.fan_rounds,
                         'fan_samples': run.fan_count, 'quick': run.quick},
              'published': PUBLISHED, 'absent': {n: list(p) for n, p in run.absent.items()}}
    try:
        run.start()
        exchanges(run, result)
        for name, part in (('costs', costs.costs), ('death', death.death), ('frames', frames.frames), ('steps', steps.steps),
                           ('rest', rest.rest)):
            if name not in run.parts:
                continue
            run.progress(name)
            try:
                result[name] = part(run)
            except (No, RuntimeError) as e:
                run.skip(name, str(e))
    finally:
        run.progress('')
        run.end()
    result['skipped'], result['versions'] = run.skipped, run.versions
    result['provenance'].update(load_after=list(os.getloadavg()), seconds=round(time.monotonic() - began))
    result['goals'] = report.goals(result)
    return result


def build(folder):
    """Configure -Dbench=true, which a tree that `./run` has built is not, and build; False with what was said."""
    options = os.path.join(folder, 'meson-info', 'intro-buildoptions.json')
    if not os.path.exists(options):
        print(f'bench/run: {folder} is no build of this tree; `./run --build` makes one', file=sys.stderr)
        return False
    steps = [['ninja', '-C', folder]]
    if '"name": "bench", "value": true' not in host.read(options):
        steps.insert(0, ['meson', 'setup', '--reconfigure', folder, ROOT, '-Dbench=true'])
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout[-4000:] + done.stderr[-4000:], file=sys.stderr)
            return False
    return True


def options_of(argv):
    p = argparse.ArgumentParser(prog='bench/run data-plane', epilog=EPILOG, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter,
                                description='Measure shared memory between processes beside its floors and its peers, '
                                            'all in one run, round after round.')
    p.add_argument('--quick', action='store_true', help='about a minute, with fewer samples')
    p.add_argument('--smoke', action='store_true', help='seconds: does it run at all? its figures mean nothing')
    p.add_argument('--only', action='append', choices=PARTS, metavar='PART', help='this part; may be repeated')
    p.add_argument('--against', action='append', choices=list(TRANSPORTS), metavar='TRANSPORT',
                   help='this peer, beside the floor and us; may be repeated')
    p.add_argument('--json', metavar='FILE', help='write all figures there, and where they were measured')
    p.add_argument('--markdown', action='store_true', help='print a page instead of the table')
    p.add_argument('--from', dest='source', metavar='FILE', help='measure nothing: show what --json wrote')
    p.add_argument('--build', metavar='DIR', default=os.path.join(ROOT, 'build'), help='the build to measure (default: build)')
    return p.parse_args(argv)


def main(argv):
    options = options_of(argv)
    if options.source:
        with open(options.source, encoding='utf-8') as f:
            result = json.load(f)
    else:
        if not build(os.path.abspath(options.build)):
            return 1
        if len(os.sched_getaffinity(0)) < 2:
            print('bench/run: this needs two cores', file=sys.stderr)
            return 1
        result = measure(Run(options))
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as f:
            json.dump(result, f, indent='\t')
            f.write('\n')
    print(report.markdown(result) if options.markdown else report.table(result))
    return 0
