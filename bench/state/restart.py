"""P11: a core is killed with SIGKILL, and the next one has the state back and serves."""
import array
import os
import shutil
import signal
import time

from keepers import program
from machine import Machine
from nodes import Node, percentiles

LIVES_S = 2.5
STEPS = ('own', 'recover', 'epoch')
TEXT = """machine: restart
version: 1.0
entities:
  people:
    - {id: operator}
trust_anchors: [operator]
grants: [{to: operator, rights: [say, actuate, set, control]}]
"""


def start(run, path):
    return Node([program(run.build, 'restart'), path], dict(os.environ), os.path.join(run.work, 'nodes.log'), patience=900.0)


def fill(run, path, size):
    node = start(run, path)
    try:
        return int(node.ask(f'fill {size}'))
    finally:
        node.end()


def killed(run, path):
    """One writes, and is killed in the middle of it."""
    node = start(run, path)
    node.ask('write')
    time.sleep(run.choose(0.05, 0.3, 0.3))
    node.process.kill()
    node.end()


def forget(path):
    """The kernel shall have nothing of the file in memory: it is on the disk, and asked for from there."""
    for name in (path, path + '-wal'):
        if os.path.exists(name):
            fd = os.open(name, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def opened(run, path):
    """ns of each step, and how many records there were.  It ends by SIGKILL as well."""
    node = start(run, path)
    try:
        *ns, records = (int(x) for x in node.ask('open').split())
        return dict(zip((*STEPS, 'hash'), ns), records=records)
    finally:
        node.process.kill()
        node.end()


def openings(run, path):
    for cold in (False, True):
        for number in range(run.restarts):
            run.progress(f'restart, {"cold" if cold else "warm"}, {number + 1} of {run.restarts}')
            killed(run, path)
            if cold:
                forget(path)
            yield dict(opened(run, path), cold=cold)


def whole(run, path):
    """
    The same of a machine: core is killed; ns until the next one has answered `state`.  One that dies again right after its
    start is begun later and later (children.h: CHILDREN_QUICK_NS), which is not what is asked here: so each lives longer.
    """
    state = os.path.join(run.on_disk('machines'), 'state')
    os.makedirs(state, exist_ok=True)
    shutil.move(path, os.path.join(state, 'restart.journal'))
    machine, found = Machine(run.build, run.work, 'restart', TEXT, state, patience=600), array.array('d')
    ask = Node([program(run.build, 'ask'), 'restart'], machine.env, os.path.join(run.work, 'nodes.log'), patience=900.0)
    try:
        _, epoch, seq = (int(x) for x in ask.ask('serves 0').split())
        for number in range(run.restarts):
            run.progress(f'restart of a machine, {number + 1} of {run.restarts}')
            time.sleep(LIVES_S)
            began = time.monotonic_ns()
            os.kill(machine.processes()['core'], signal.SIGKILL)
            at, epoch, now = (int(x) for x in ask.ask(f'serves {epoch}').split())
            if now < seq:
                raise RuntimeError(f'record {seq} was there, and now the last is {now}')
            found.append(at - began)
            seq = now
    finally:
        ask.end()
        machine.end()
    return found


def restart(run):
    path = os.path.join(run.on_disk('restart'), 'bench.journal')
    run.progress(f'restart: a journal of {run.journal_bytes >> 20} MiB is made')
    began = time.monotonic()
    records = fill(run, path, run.journal_bytes)
    made = time.monotonic() - began
    found = {'bytes': run.journal_bytes, 'records': records, 'made_s': made, 'opened': list(openings(run, path)),
             'file_bytes': os.path.getsize(path)}
    found['machine_ns'] = percentiles(whole(run, path))
    return {'restart': found}
