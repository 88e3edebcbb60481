"""A step of an ONNX model in another process, through shared memory, beside the same step in one's own."""
import array
import os

from machine import settings
from nodes import Node, NotHere, percentiles
from transports import program

FLOATS = 64


def number(field, value):
    return bytes([field << 3, value])


def part(field, data):
    return bytes([field << 3 | 2, len(data)]) + data


def port(name):
    """ValueInfoProto: f32[1, FLOATS]."""
    shape = part(1, number(1, 1)) + part(1, number(1, FLOATS))
    return part(1, name) + part(2, part(1, number(1, 1) + part(2, shape)))


def twice():
    """A ModelProto, written by hand: y = x + x."""
    node = part(1, b'x') + part(1, b'x') + part(2, b'y') + part(4, b'Add')
    graph = part(1, node) + part(2, b'g') + part(11, port(b'x')) + part(12, port(b'y'))
    return number(1, 8) + part(7, graph) + part(8, number(2, 13))


def steps(run):
    path, count, nodes = os.path.join(run.work, 'twice.onnx'), 200 if run.smoke else 5000 if run.quick else 20000, []
    with open(path, 'wb') as f:
        f.write(twice())
    exe, log, env = program(run.build, 'step'), os.path.join(run.work, 'nodes.log'), {**settings(), **run.machine.env}
    if not env.get('CADMUS_ORT_LIB'):
        raise NotHere('ONNX Runtime is not here: tools/setup brings it')
    alone, trips = array.array('d'), array.array('d')
    try:
        for role in ('work', 'ask'):
            nodes.append(Node([exe, run.work, role, path], env, log))
        work, ask = nodes
        for _ in range(2 if run.quick else 5):
            alone.extend(work.ask(f'alone {count} 1'))
            work.tell(f'serve {count} 1')
            trips.extend(ask.ask(f'trips {count} 0'))
            work.answer()
    finally:
        for n in nodes:
            n.end()
    return {'engine': f'ONNX Runtime {work.version}', 'floats': FLOATS, 'alone': percentiles(alone), 'trip': percentiles(trips)}
