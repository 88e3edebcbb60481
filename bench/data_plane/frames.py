"""Pictures filled in place and borrowed by two readers, who check every byte."""
import os

from machine import FRAME
from nodes import Node
from transports import program

READERS = 2


def frames(run):
    exe, log = program(run.build, 'frames'), os.path.join(run.work, 'nodes.log')
    readers = [Node([exe, run.folder('frames'), 'read', str(READERS)], run.machine.env, log) for _ in range(READERS)]
    writer = Node([exe, run.folder('frames'), 'write', str(READERS)], run.machine.env, log)
    nodes = readers + [writer]
    for n in nodes:
        n.tell(f'frames {run.frames}')
    count, ns = (int(x) for x in writer.answer().split())
    seen = [[int(x) for x in n.answer().split()] for n in readers]
    for n in nodes:
        n.end()
    return {'width': FRAME[0], 'height': FRAME[1], 'bytes': int(writer.version), 'readers': READERS, 'frames': count,
            'per_second': count / (ns / 1e9), 'checked': sum(s[0] for s in seen), 'wrong': sum(s[1] for s in seen),
            'missed': sum(s[2] for s in seen)}
