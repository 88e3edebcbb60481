"""What a view of the machine costs: briefing_render() by itself.  What a turn has besides is in `requests`."""
import os

from keepers import program
from nodes import Node, percentiles


def view(run):
    node = Node([program(run.build, 'view'), run.work], dict(os.environ), os.path.join(run.work, 'nodes.log'))
    seen = {}
    try:
        for kind in ('whole', 'delta'):
            run.progress(f'view: {kind}')
            took = node.ask(f'{kind} {run.views}')
            items, size, tokens = (int(x) for x in node.ask('last').split())
            seen[kind] = {'ns': percentiles(took), 'items': items, 'bytes': size, 'tokens': tokens}
    finally:
        node.end()
    return {'view': seen}
