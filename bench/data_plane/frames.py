"""Pictures filled in place and borrowed by two readers, who check every byte."""
import os

from description import FRAME
from nodes import Node
from transports import program

READERS = 2


def frames(run):
    exe, log = program(run.build, 'frames'), os.path.join(run.work, 'nodes.log')
    nodes = []
    try:
        for role in ['read'] * READERS + ['write']:
            nodes.append(Node([exe, run.folder('frames'), role, str(READERS)], run.machine.env, log))
        for n in nodes:
            n.tell(f'frames {run.frames}')
        count, ns = (int(x) for x in nodes[-1].answer().split())
        seen = [[int(x) for x in n.answer().split()] for n in nodes[:-1]]
    finally:
        for n in nodes:
            n.end()
    return {'width': FRAME[0], 'height': FRAME[1], 'bytes': int(nodes[-1].version), 'readers': READERS, 'frames': count,
            'per_second': count / (ns / 1e9), 'checked': sum(s[0] for s in seen), 'wrong': sum(s[1] for s in seen),
            'missed': sum(s[2] for s in seen)}
