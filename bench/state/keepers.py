"""Who keeps records, what each needs, and what others have published."""
import os
import shutil

from nodes import Node

# name: program, variant, what it is, Debian packages that its program is built from and runs with
KEEPERS = {
    'raw overwrite': ('raw', 'overwrite', 'floor: pwrite over what is there, fdatasync', ()),
    'raw append': ('raw', 'append', 'floor: pwrite at the end, fdatasync', ()),
    'cadmus': ('journal', '', 'turns of class D2, each acknowledged by itself, folded', ()),
    'cadmus batch': ('journal', 'batch', 'the same, one batch', ()),
    'sqlite': ('sqlite', '', 'WAL, synchronous=FULL, prepared insert; together: one transaction', ('libsqlite3-dev',)),
    'lmdb': ('lmdb', '', 'defaults, MDB_APPEND; together: one transaction', ('liblmdb-dev',)),
    'redis': ('redis', '', 'appendfsync always, RPUSH, Unix socket; together: pipelined', ('redis-server',)),
}
FLOOR = 'raw overwrite'

PUBLISHED = []


def program(build, name):
    return os.path.join(build, 'bench', 'state', 'bench-' + name)


def here(build, exe):
    if exe == 'redis' and not shutil.which(os.environ.get('REDIS_SERVER') or 'redis-server'):
        return False
    return os.path.exists(program(build, 'keep-' + exe))


def missing(build):
    """{keeper: packages that would make it measurable}."""
    return {name: needs for name, (exe, _, _, needs) in KEEPERS.items() if not here(build, exe)}


def open_keeper(run, name, size, before=()):
    """A process that keeps records of that size in a folder of its own on the disk; `before`: what is to run it."""
    exe, variant, _, _ = KEEPERS[name]
    argv = [*before, program(run.build, 'keep-' + exe), run.on_disk(f'{name} {size}{" traced" if before else ""}'), str(size)]
    node = Node(argv + ([variant] if variant else []), dict(os.environ), os.path.join(run.work, 'nodes.log'))
    run.versions[name] = node.version
    return node
