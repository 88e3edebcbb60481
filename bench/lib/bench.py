"""What every bench does: options, the build, a folder of its own, one part after the other, what becomes of the figures."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import host
import page
from machine import ROOT
from nodes import No, NotHere

EPILOG = """examples:
  bench/run {name}                              all of it, a few minutes; the table
  bench/run {name} --quick                      about a minute
  bench/run {name} --json result.json           the same, and every figure with where it was measured
  bench/run {name} --only {part} --against {peer}
  bench/run {name} --markdown >{page}
  bench/run {name} --from result.json --markdown      show again what was measured before

exit: 0 it was measured, whatever the figures are; 1 it could not be (with --smoke: anything of it, but for what is not
on this computer); 2 wrong usage"""


class Run:
    """What all parts share: settings, folders, and what could not be done."""

    def __init__(self, options, parts, absent):
        self.build = os.path.abspath(options.build)
        self.work = tempfile.mkdtemp(prefix='cadmus-bench-')
        self.parts = options.only or list(parts)
        self.quick, self.smoke = options.quick or options.smoke, options.smoke
        self.absent, self.skipped, self.versions, self.failed = absent, [], {}, False
        self.line = sys.stderr.isatty()

    def choose(self, smoke, quick, full):
        return smoke if self.smoke else quick if self.quick else full

    def progress(self, text):
        if self.line:
            print(f'\r\x1b[K{text}', end='', file=sys.stderr, flush=True)

    def skip(self, what, why, here=True):
        """here: all that it needs is on this computer, and yet it could not be measured."""
        self.progress('')
        self.skipped.append({'what': what, 'why': why})
        self.failed = self.failed or here

    def folder(self, name):
        path = os.path.join(self.work, name.replace(' ', '-'))
        os.makedirs(path, exist_ok=True)
        return path

    def method(self):
        return {'quick': self.quick}

    def facts(self):
        """What the result says besides, for the bench's own tables."""
        return {}

    def start(self):
        pass

    def end(self):
        shutil.rmtree(self.work, ignore_errors=True)


class Bench:
    """parts: {name: function of the run, which gives a dict for the result}; peers: whom --against may name;
    more_options(parser) adds what only this one has."""

    def __init__(self, name, about, parts, peers, run, report, file, more_options=None):
        self.name, self.about, self.parts, self.peers, self.run, self.report, self.file, self.more_options = (
            name, about, parts, peers, run, report, file, more_options)


def measure(run, bench):
    began = time.monotonic()
    result = {'what': bench.name, 'provenance': host.provenance(run.build), 'method': run.method(),
              'absent': {n: list(p) for n, p in run.absent.items()}, **run.facts()}
    try:
        run.start()
        for name, part in bench.parts.items():
            if name not in run.parts:
                continue
            run.progress(name)
            try:
                result.update(part(run))
            except (No, RuntimeError) as e:
                run.skip(name, str(e), here=not isinstance(e, NotHere))
    finally:
        run.progress('')
        run.end()
    result['skipped'], result['versions'] = run.skipped, run.versions
    result['provenance'].update(load_after=list(os.getloadavg()), seconds=round(time.monotonic() - began))
    result['goals'] = sorted(bench.report.goals(result), key=lambda g: (g['goal'][0] != 'P', int(g['goal'][1:]) if g['goal'][0] == 'P' else 0))
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


def options_of(argv, bench):
    names = {'name': bench.name, 'part': list(bench.parts)[0], 'peer': list(bench.peers)[-1], 'page': bench.file}
    epilog = f'parts: {", ".join(bench.parts)}\npeers: {", ".join(bench.peers)}\n\n' + EPILOG.format(**names)
    p = argparse.ArgumentParser(prog=f'bench/run {bench.name}', epilog=epilog, allow_abbrev=False, description=bench.about,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--quick', action='store_true', help='about a minute, with fewer samples')
    p.add_argument('--smoke', action='store_true', help='seconds: does it run at all? its figures mean nothing')
    p.add_argument('--only', action='append', choices=list(bench.parts), metavar='PART', help='this part; may be repeated')
    p.add_argument('--against', action='append', choices=list(bench.peers), metavar='PEER',
                   help='this peer, beside the floor and us; may be repeated')
    p.add_argument('--json', metavar='FILE', help='write all figures there, and where they were measured')
    p.add_argument('--markdown', action='store_true', help='print a page instead of the table')
    p.add_argument('--from', dest='source', metavar='FILE', help='measure nothing: show what --json wrote')
    p.add_argument('--build', metavar='DIR', default=os.path.join(ROOT, 'build'), help='the build to measure (default: build)')
    if bench.more_options:
        bench.more_options(p)
    return p.parse_args(argv)


def main(argv, bench):
    options, failed = options_of(argv, bench), False
    if options.source:
        with open(options.source, encoding='utf-8') as f:
            result = json.load(f)
    else:
        if not build(os.path.abspath(options.build)):
            return 1
        try:
            run = bench.run(options)
            result = measure(run, bench)
            failed = options.smoke and run.failed
        except RuntimeError as e:
            print(f'bench/run: {e}', file=sys.stderr)
            return 1
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as f:
            json.dump(result, f, indent='\t')
            f.write('\n')
    print((page.markdown if options.markdown else page.table)(result, bench.report))
    return 1 if failed else 0
