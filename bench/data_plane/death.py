"""A writer is killed, or stopped: what its readers know, and when."""
import os

from nodes import Node, No, percentiles
from transports import program


def death(run):
    node = Node([program(run.build, 'death')], run.machine.env, os.path.join(run.work, 'nodes.log'), patience=600.0)
    found = {}
    try:
        for what in ('kernel', 'orphan', 'woken', 'takeover', 'asleep'):
            run.progress(f'{run.deaths} writers are killed: {what}')
            found[what] = percentiles(node.ask(f'{what} {run.deaths}'))
        run.progress(f'a writer is stopped for {run.stopped_s} s')
        looks, orphans = node.ask(f'stop {run.stopped_s * 1000}').split()
        found['stopped'] = {'seconds': run.stopped_s, 'looks': int(looks), 'false_deaths': int(orphans)}
    except No as e:
        run.skip('death', str(e))
    finally:
        node.end()
    return found
