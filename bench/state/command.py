"""`bench/run state`: which parts there are, and what they share."""
import os
import shutil
import tempfile

import asking
import bench
import commits
import disk
import evidence
import growth
import recall
import report
import restart
import view
from keepers import KEEPERS, PUBLISHED, missing


class Run(bench.Run):
    """Two folders: one for sockets and logs, whose path is short; one on the disk that is measured."""

    def __init__(self, options):
        super().__init__(options, PARTS, missing(os.path.abspath(options.build)))
        self.disk = tempfile.mkdtemp(prefix='bench-state-', dir=os.path.abspath(options.disk or options.build))
        self.rounds, self.round_ms = self.choose((1, 20), (5, 100), (20, 250))
        self.evidence_rounds, self.evidence_ms = self.choose((1, 100), (2, 2000), (5, 5000))
        self.journal_bytes = self.choose(4, 128, 1024) << 20
        self.restarts = self.choose(1, 2, 3)
        self.ask_rounds, self.asks = self.choose((1, 10), (5, 100), (10, 250))
        self.facts_told = (8, 16) if self.smoke else (8, 400)  # in turn
        self.turns = self.choose(1000, 20000, 100000)
        self.recall_rounds, self.questions = self.choose((1, 5), (3, 30), (5, 100))
        self.views = self.choose(10, 1000, 10000)
        self.alone_s = self.choose(0.5, 5, 30)
        wanted = options.against or list(KEEPERS)
        self.names = [n for n in KEEPERS if n not in self.absent and (n in wanted or n.startswith(('raw', 'cadmus')))]

    def on_disk(self, name):
        path = os.path.join(self.disk, name.replace(' ', '-'))
        os.makedirs(path, exist_ok=True)
        return path

    def method(self):
        return {'quick': self.quick, 'rounds': self.rounds, 'round_ms': self.round_ms, 'restarts': self.restarts,
                'ask_rounds': self.ask_rounds, 'asks': self.asks, 'evidence_ms': self.evidence_ms}

    def facts(self):
        return {'disk': disk.describe(self.disk), 'published': PUBLISHED}

    def end(self):
        shutil.rmtree(self.disk, ignore_errors=True)
        super().end()


PARTS = {
    'commits': commits.commits,
    'evidence': evidence.evidence,
    'restart': restart.restart,
    'requests': asking.asked,
    'recall': recall.recall,
    'view': view.view,
    'growth': growth.growth,
}


def more_options(parser):
    parser.add_argument('--disk', metavar='DIR', help='where to make the files that are measured (default: the build folder)')


BENCH = bench.Bench('state', 'Measure the journal and what stands on it beside the disk and its peers, all in one run, round '
                    'after round, on one disk.', PARTS, KEEPERS, Run, report, 'docs/performance-state.md', more_options)
