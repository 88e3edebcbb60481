"""P13: what a request costs beyond the model, with a model that answers at once."""
import os
import re

from keepers import FLOOR, open_keeper, program
from machine import Machine, until
from nodes import Node, percentiles

FACTS_A_TURN = 8
SIZE = 4096   # of the raw write beside it: a page, as the journal writes them
NUMBERS = ('whole', 'load', 'prompt', 'eval', 'commit')
QUESTION = 'what is the state of the door?'
TEXT = """machine: asked
version: 1.0
entities:
  people:
    - {id: operator, trust_vector: [0.99, 0.99, 0.99], trust_strength: 50}
  models:
    - {id: quick, consciousness_type: linguistic, backend: echo, file: asked.cdl.yaml, memory_mb: 16, options: {say: open}}
    - {id: parrot, consciousness_type: linguistic, backend: echo, file: asked.cdl.yaml, prompt: compact, memory_mb: 16}
  communications:
    - {id: ollama, protocol: ollama_http, listen: '127.0.0.1:0'}
trust_anchors: [operator]
grants:
  - {to: operator, rights: [say, actuate, set, control]}
  - {to: ollama, rights: [say]}
"""


def port_of(machine, pid):
    """Where the gateway listens: the kernel has chosen the port, and knows it by the socket that the process has."""
    inodes = set()
    for fd in os.listdir(f'/proc/{pid}/fd'):
        found = re.match(r'socket:\[(\d+)\]', os.readlink(f'/proc/{pid}/fd/{fd}'))
        if found:
            inodes.add(found.group(1))
    with open('/proc/net/tcp', encoding='ascii') as f:
        for row in list(f)[1:]:
            cells = row.split()
            if cells[3] == '0A' and cells[9] in inodes:
                return int(cells[1].split(':')[1], 16)
    return 0


def tell_facts(ask, known, count):
    """What the machine knows before it is asked; the parrot repeats it, and so it is a fact."""
    for i in range(known, count, FACTS_A_TURN):
        words = ' '.join(f'#thing{k} = shelf {k}' for k in range(i, min(i + FACTS_A_TURN, count)))
        ask.ask(f'say parrot 1 0 {words}')


class Asked:
    """All numbers of all requests of one way to ask."""

    def __init__(self):
        self.rows = []

    def add(self, samples):
        n = len(NUMBERS)
        self.rows += [dict(zip(NUMBERS, samples[i:i + n])) for i in range(0, len(samples), n)]

    def of(self, figure):
        return percentiles([figure(r) for r in self.rows])

    def summary(self):
        return {'whole': self.of(lambda r: r['whole']), 'commit': self.of(lambda r: r['commit']),
                'inference': self.of(lambda r: r['prompt'] + r['eval']),
                'without_inference': self.of(lambda r: r['whole'] - r['prompt'] - r['eval']),
                'overhead': self.of(lambda r: r['whole'] - r['prompt'] - r['eval'] - r['commit'])}


def rounds(run, ask, raw, port, facts):
    ways = {'blind': f'say quick {run.asks} 1 {QUESTION}', 'said': f'say quick {run.asks} 0 {QUESTION}',
            'http': f'http {port} quick {run.asks} {QUESTION}'}
    found, floor, pings = {w: Asked() for w in ways}, [], []
    for line in ways.values():
        ask.ask(line.replace(f' {run.asks} ', ' 3 '))  # the model is loaded, and the gateway connected
    for number in range(run.ask_rounds):
        run.progress(f'requests, {facts} facts, round {number + 1} of {run.ask_rounds}')
        floor.extend(raw.ask(f'round 1 {run.round_ms} 100000'))
        pings.extend(ask.ask(f'ping {run.asks}'))
        for way, line in ways.items():
            found[way].add(ask.ask(line))
    return {'facts': facts, **{w: a.summary() for w, a in found.items()}, 'raw': percentiles(floor), 'ping': percentiles(pings)}


def asked(run):
    state = os.path.join(run.on_disk('machines'), 'state')
    machine = Machine(run.build, run.work, 'asked', TEXT, state)
    nodes = []
    try:
        pid = machine.processes()['ollama']
        port = until('the gateway listens', lambda: port_of(machine, pid))
        nodes.append(ask := Node([program(run.build, 'ask'), 'asked'], machine.env, os.path.join(run.work, 'nodes.log')))
        nodes.append(raw := open_keeper(run, FLOOR, SIZE))
        found, known = [], 0
        for facts in run.facts_told:
            tell_facts(ask, known, facts)
            found.append(rounds(run, ask, raw, port, facts))
            known = facts
        return {'requests': found}
    finally:
        for n in nodes:
            n.end()
        machine.end()
