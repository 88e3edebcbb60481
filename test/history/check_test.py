#!/usr/bin/env python3
"""The checker finds what is wrong, and nothing in what is right: by hand, and against trying all orders."""
import itertools
import random
import sys

from check import Op, linearizable, log_order, sessions


def write(value, begun, ended, client=1, at=0, key='x'):
    return Op('write', key, value, begun, ended, client, at)


def read(value, begun, ended, client=1, at=0, key='x'):
    return Op('read', key, value, begun, ended, client, at)


GOOD = [
    [],
    [read(None, 0, 1)],
    [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('b', 6, 7)],
    [write('a', 0, 10), read(None, 1, 2), read('a', 3, 4)],  # it takes effect between the two
    [write('a', 0, 10), write('b', 0, 10), read('b', 1, 2), read('a', 3, 4)],
    [write('a', 0, None), read(None, 5, 6)],  # never answered, and never happened
    [write('a', 0, None), read('a', 5, 6)],   # or it did
    [write('a', 0, 1), write('b', 2, 9), read('a', 3, 8), read('b', 4, 7)],
]
BAD = [
    [read('a', 0, 1)],
    [write('a', 0, 1), read(None, 2, 3)],
    [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)],
    [write('a', 0, 10), read('a', 1, 2), read(None, 3, 4)],
    [write('a', 0, 10), write('b', 0, 10), read('a', 1, 2), read('b', 3, 4), read('a', 5, 6)],
    [read('a', 0, 1), write('a', 2, 3)],
    [write('a', 0, None), read('a', 1, 2), read(None, 3, 4)],
]


def possible(history):
    """Try every order that keeps the times."""
    answered = [op for op in history if op.ended is not None]
    open_ones = [op for op in history if op.ended is None and op.kind == 'write']
    for n in range(len(open_ones) + 1):
        for some in itertools.combinations(open_ones, n):
            ops = answered + list(some)
            for order in itertools.permutations(ops):
                ok = all(not (b.ended is not None and b.ended < a.begun)
                         for i, a in enumerate(order) for b in order[i + 1:])
                value = None
                for op in order if ok else []:
                    if op.kind == 'write':
                        value = op.value
                    elif op.value != value:
                        ok = False
                        break
                if ok:
                    return True
    return False


def drawn(dice):
    """Some small history, right or wrong."""
    times = iter(dice.sample(range(100), 14))
    history = []
    for i in range(dice.randint(2, 6)):
        begun, ended = sorted((next(times), next(times)))
        if dice.random() < 0.5:
            history.append(write(str(i), begun, ended if dice.random() < 0.9 else None))
        else:
            history.append(read(dice.choice([None] + [str(k) for k in range(6)]), begun, ended))
    known = {op.value for op in history if op.kind == 'write'}
    return [op for op in history if op.kind == 'write' or op.value is None or op.value in known]


def main():
    for history in GOOD:
        assert linearizable(history) is None, (history, linearizable(history))
    for history in BAD:
        assert linearizable(history), history
    assert linearizable([write('a', 0, 1), read('a', 2, 3), write('b', 0, 1, key='y'), read('b', 2, 3, key='y')]) is None
    dice, counts = random.Random(7), [0, 0]
    for _ in range(4000):
        history = drawn(dice)
        good = possible(history)
        counts[good] += 1
        assert (linearizable(history) is None) == good, (history, linearizable(history), good)
    assert sessions([write('a', 0, 1, at=5), read('a', 2, 3, at=5), read('a', 4, 5, at=6)]) is None
    assert sessions([read('a', 2, 3, at=6), read('a', 4, 5, at=5)])
    assert sessions([write('a', 0, 1, at=5), read('a', 2, 3, at=4)])
    assert sessions([read('a', 2, 3, client=1, at=6), read('a', 4, 5, client=2, at=5)]) is None
    assert log_order([write('a', 0, 1, at=5), write('b', 2, 3, at=6)]) is None
    assert log_order([write('a', 0, 1, at=6), write('b', 2, 3, at=5)])
    assert log_order([write('a', 0, 5, at=6), write('b', 2, 3, at=5)]) is None
    print(f'check_test: ok, {counts[1]} histories that can be, {counts[0]} that cannot')
    return 0


sys.exit(main())
