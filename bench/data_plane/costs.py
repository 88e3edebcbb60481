"""What a call costs the process that makes it, and that a publish nobody waits for makes no system call."""
import os

from nodes import Node, percentiles
from transports import program


def costs(run):
    n = 200 if run.smoke else 2000 if run.quick else 10000
    node = Node([program(run.build, 'cost'), '', 'costs'], run.machine.env, os.path.join(run.work, 'nodes.log'))
    found = []
    try:
        node.tell(f'costs {n}')
        while (what := node.answer()) != 'end':
            size, call = what.split(' ', 1)
            found.append({'call': call, 'bytes': int(size), 'ns': percentiles(node.answer())})
        publishes, calls, control = node.ask('quiet 100000').split()
    finally:
        node.end()
    return {'calls': found, 'batch': 128,
            'quiet': {'publishes': int(publishes), 'system_calls': int(calls), 'counted_on_purpose': int(control)}}
