"""Is a history of reads and writes one that a single copy could have given?  And does it keep what sessions are promised?

A history is a list of Op.  Every value is written once, so it is known which write a read saw.  Times are of one clock.
"""
from collections import namedtuple

# kind 'write' or 'read'; key; value (None: nothing was there); begun, ended: end None for what was never answered;
# client; at: the record after which the answer's state is, or that was written
Op = namedtuple('Op', 'kind key value begun ended client at')

FOREVER = float('inf')


def linearizable(history):
    """None, or why not.  Gibbons and Korach, Testing Shared Memories (1997): a register whose values are all different.

    All that is known of a value is its zone: from the first answer of the write and the reads of it, to the last question.
    Where the answer comes first the value was surely there between the two (a forward zone), and two values cannot be there at
    one time; where it comes last (a backward zone) the value may have been there for a moment only, at any time between, but
    not while another one was there all the time.
    """
    for key in sorted({op.key for op in history}):
        why = register([op for op in history if op.key == key])
        if why:
            return f'{key}: {why}'
    return None


def register(ops):
    writes = {op.value: op for op in ops if op.kind == 'write'}
    reads = [op for op in ops if op.kind == 'read' and op.ended is not None]
    nothing = Op('write', '', None, -FOREVER, -FOREVER, None, 0)  # what was there before the first write
    for op in reads:
        wrote = writes.get(op.value, nothing if op.value is None else None)
        if wrote is None:
            return f'{op.value} was read, and nobody wrote it'
        if wrote.begun > op.ended:
            return f'{op.value} was read before it was written'
    seen = {op.value for op in reads}
    zones = []
    for write in [nothing, *writes.values()]:
        if write.ended is None and write.value not in seen:
            continue  # it may never have happened
        ends = [write.ended if write.ended is not None else FOREVER]
        begins = [write.begun]
        for op in reads:
            if op.value == write.value:
                ends.append(op.ended)
                begins.append(op.begun)
        zones.append((min(ends), max(begins), write.value))
    forward = sorted((first, last, v) for first, last, v in zones if first < last)
    for (_, last, v), (first, _, w) in zip(forward, forward[1:]):
        if first < last:
            return f'{v} and {w} were there at the same time'
    for first, last, v in zones:
        for low, high, w in forward:
            if first >= last and low < last and first < high:
                return f'{v} can have been there only while {w} was'
    return None


def sessions(history):
    """None, or which client was told of an older state than it had seen, or read an older value than it had written."""
    for client in sorted({op.client for op in history}):
        newest, own = 0, {}
        for op in (op for op in history if op.client == client and op.ended is not None):
            if op.kind == 'read' and op.at < newest:
                return f'client {client} saw record {newest}, then a state after {op.at} only'
            if op.kind == 'read' and op.at < own.get(op.key, 0):
                return f'client {client} wrote record {own[op.key]}, then read a state after {op.at} only'
            newest = max(newest, op.at)
            if op.kind == 'write':
                own[op.key] = op.at
    return None


def log_order(history):
    """None, or which two writes, one answered before the other was asked, stand in the log the other way round."""
    writes = sorted((op for op in history if op.kind == 'write' and op.ended is not None), key=lambda op: op.at)
    latest = -FOREVER  # begin of those before in the log
    for op in writes:
        if op.ended < latest:
            return f'record {op.at} was answered before an earlier one was asked for'
        latest = max(latest, op.begun)
    return None
