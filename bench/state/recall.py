"""Finding again what was said, of 10^5 turns: the memory, and SQLite's full text by itself with the same questions."""
import array
import os

from keepers import program
from nodes import Node, percentiles

KINDS = ('rare', 'common', 'mixed', 'slips', 'none')


def recall(run):
    node = Node([program(run.build, 'recall'), run.on_disk('recall')], dict(os.environ), os.path.join(run.work, 'nodes.log'), patience=300)
    asked = {way: {kind: array.array('d') for kind in KINDS} for way in ('ask', 'fts')}
    try:
        run.progress(f'retrieval: {run.turns} turns are said')
        node.ask(f'make {run.turns}')
        run.progress('retrieval: they are indexed')
        ns, passages, in_memory, journal_bytes, index_bytes = (int(x) for x in node.ask('index').split())
        for number in range(run.recall_rounds):
            run.progress(f'retrieval, {number + 1} of {run.recall_rounds}')
            for kind in KINDS:
                asked['ask'][kind].extend(node.ask(f'ask {kind} {run.questions}'))
                if kind != 'none':  # bm25() of common words takes a second of 10^5 turns: a tenth of the questions
                    asked['fts'][kind].extend(node.ask(f'fts {kind} {max(run.questions // 10, 2)}'))
    finally:
        node.end()
    kinds = {way: {kind: percentiles(took[kind]) for kind in KINDS if took[kind]} for way, took in asked.items()}
    every = {way: percentiles(array.array('d', [x for kind in KINDS for x in took[kind]])) for way, took in asked.items()}
    return {'recall': {'turns': run.turns, 'index_ns': ns, 'passages': passages, 'in_memory': in_memory, 'journal_bytes': journal_bytes,
                       'index_bytes': index_bytes, 'sqlite': node.version, 'memory': {**kinds['ask'], 'all': every['ask']},
                       'fts': {**kinds['fts'], 'all': every['fts']}}}
