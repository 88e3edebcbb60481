"""P10: records that may wait for company (D1), and those that are only counted (D0)."""
import array
import os

from keepers import program
from nodes import Node, percentiles

MOST = 8000000


def evidence(run):
    node = Node([program(run.build, 'evidence'), run.on_disk('evidence')], dict(os.environ), os.path.join(run.work, 'nodes.log'))
    submits, runs = array.array('d'), []
    try:
        for number in range(run.evidence_rounds):
            run.progress(f'evidence, {number + 1} of {run.evidence_rounds}')
            submits.extend(node.ask(f'd1 {run.evidence_ms} {MOST}'))
            records, ns, full, commits, slowest = (int(x) for x in node.ask('sum').split())
            runs.append({'records': records, 'ns': ns, 'full': full, 'commits': commits, 'slowest_commit_ns': slowest})
        counted = node.ask(f'd0 {run.choose(1000, 10000, 100000)}')
    finally:
        node.end()
    return {'evidence': {'submit_ns': percentiles(submits), 'counted_ns': percentiles(counted), 'runs': runs}}
