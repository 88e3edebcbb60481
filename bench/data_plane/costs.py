"""What a call costs the process that makes it, and that a publish nobody waits for makes no system call."""
import array
import os

from nodes import Node, percentiles
from transports import program


def add_round(node, count, found):
    """Some samples of each call at each size."""
    node.tell(f'costs {count}')
    while (what := node.answer()) != 'end':
        size, call = what.split(' ', 1)
        found.setdefault((call, int(size)), array.array('d')).extend(node.answer())


def costs(run):
    """In rounds: a virtual computer has fast and slow minutes, and each call shall have its share of both."""
    rounds, n = (1, 200) if run.smoke else (4, 500) if run.quick else (20, 500)
    node = Node([program(run.build, 'cost'), '', 'costs'], run.machine.env, os.path.join(run.work, 'nodes.log'))
    found = {}
    try:
        for _ in range(rounds):
            add_round(node, n, found)
        publishes, calls, control = node.ask('quiet 100000').split()
    finally:
        node.end()
    table = [{'call': call, 'bytes': size, 'ns': percentiles(samples)} for (call, size), samples in found.items()]
    return {'calls': table, 'batch': 128, 'rounds': rounds,
            'quiet': {'publishes': int(publishes), 'system_calls': int(calls), 'counted_on_purpose': int(control)}}
