#!/usr/bin/env python3
"""spec/shm.md: a reader written from that page alone sees what a program of libcadmus wrote.

usage: shm_test.py CADMUS LIBCADMUS
"""
import array
import os
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '../scenario')]
sys.dont_write_bytecode = True
from library import BINDINGS, begin  # noqa: E402

begin(sys.argv[2])
from machine import Machine, expect, until, verdict  # noqa: E402
import cadmus  # noqa: E402
import shm  # noqa: E402

DESCRIPTION = '''machine: small
version: 1.0
entities:
  people:
    - {id: operator, trust_vector: [0.99, 0.99, 0.99], trust_strength: 50}
  models:
    - id: finder
      consciousness_type: visual
      backend: external
      reads: [frame, of_f32]
  sensors:
    - id: camera
      consciousness_type: visual
      driver: external
      event_overflow: refuse
      writes:
        - {field: frame, dtype: u8, shape: [48, 64, 3], leases: 4}
        - {field: old, dtype: u32, max_age_ms: 1}
        - {field: deep, dtype: u64, history: 100}
        - {field: middle, dtype: u16, shape: [300]}
        - {field: notes, dtype: bytes, shape: [50]}
        - {field: left, dtype: f64, group: pair}
        - {field: right, dtype: f64, shape: [20], group: pair}
@TYPES@
'''
WRITER = '''
import sys
import cadmus
with cadmus.attach('small', as_='camera') as m:
    w = m.writer('deep')
    for n in range(int(sys.argv[1])):
        w.write(n)
    print('written', flush=True)
    sys.stdin.read()
'''
NUMBERS = {'bool': [1, 0, 1, 1, 0, 1], 'f16': [0.5, -2, 1, 0, 3, 4], 'f32': [0.25, -1e30, 1, 2, 3, 4], 'f64': [0.1, -1e300, 1, 2, 3, 4]}


def numbers(code):
    return NUMBERS.get(code) or ([1, 2, 3, 4, 5, 127] if code in ('bytes', 'bf16') or code[0] == 'u' else [-1, 2, -3, 4, -5, 127])


def raw(code, values):
    return struct.pack(f'<{len(values)}{dict(shm.TYPES)[code]}', *values)


def every_type(m, memory):
    for code, _ in shm.TYPES:
        data = raw(code, numbers(code))
        before = time.monotonic_ns()
        m.writer('of_' + code).write(data)
        s = memory.latest('of_' + code)
        f = memory.plan.fields['of_' + code]
        expect(f'a sample of {code}', s.data == data and f.type == code and f.shape == (2, 3), s)
        expect('and what is known of it', s.version == 1 and before <= s.source_time <= s.publish_time <= time.monotonic_ns() and
               s.status == shm.OK and s.source == 'camera', s)


def each_place(m, memory):
    """Inside the header, behind the slots, on pages."""
    for name, size in (('deep', 8), ('middle', 600), ('frame', 9216)):
        w = m.writer(name)
        for n in range(20):
            data = bytes((n * 7 + i) & 255 for i in range(size))
            w.write(data)
            s = memory.latest(name)
            if s.data != data or s.version != n + 1:
                expect(f'{name}, sample {n + 1}', False, (s.version, s.data[:20], data[:20]))
        expect(f'{size} bytes, 20 times around', s.version == 20 and s.data == data, s.version)
    m.writer('notes').write(b'short')
    expect('a sample may be shorter than the field', memory.latest('notes').data == b'short', memory.latest('notes'))
    lib = m.reader('deep').read()
    ours = memory.latest('deep')
    expect('as libcadmus says it', (lib.version, lib.source_time, lib.trust, lib.epoch) ==
           (ours.version, ours.source_time, ours.trust, ours.epoch), (lib, ours))


def history(m, memory):
    w = m.writer('deep')
    first = memory.latest('deep').version
    for n in range(250):
        w.write(n)
    h = memory.history('deep')
    expect('100 samples back, each one', [s.version for s in h] == list(range(first + 151, first + 251)), [s.version for s in h][:5])
    expect('and each its own', [struct.unpack('<Q', s.data)[0] for s in h] == list(range(150, 250)), h[:2])


def ages(m, memory):
    m.writer('old').write(7)
    until('it grows old', lambda: memory.latest('old').status == shm.STALE)
    expect('old samples are STALE', memory.latest('old').data == struct.pack('<I', 7))


def borrowed(m, memory):
    w = m.writer('frame')
    f = memory.plan.fields['frame']
    until('the writer knows our desk', lambda: memory.is_known(f))
    w.write(bytes([1]) * f.bytes)
    word, view, version = memory.lease('frame')
    for n in range(3 * f.slots):
        w.write(bytes([2 + n]) * f.bytes)
    expect('what is borrowed is not overwritten', bytes(view) == bytes([1]) * f.bytes, bytes(view[:8]))
    expect('while others go on', memory.latest('frame').version == version + 3 * f.slots, memory.latest('frame').version)
    memory.give_back(word)
    for n in range(f.slots):
        w.write(bytes([9]) * f.bytes)
    expect('and is used again when it was given back', bytes(view) == bytes([9]) * f.bytes, bytes(view[:8]))
    view.release()


def asleep(m, memory):
    w = m.writer('old')
    f = memory.plan.fields['old']
    _, words, at = memory.writer(f)
    expect('nobody is woken who does not wait', words.word(at + 264) == 0, words.word(at + 264))
    expect('a sleep ends in its time', not memory.wait('old', 0.05))
    threading.Timer(0.2, w.write, [1]).start()
    expect('a sample wakes us', memory.wait('old', 30) and memory.latest('old').data == struct.pack('<I', 1))
    until('the writer has counted that', lambda: words.word(at + 264) == 1)
    w.write(2)
    expect('and nobody again', words.word(at + 264) == 1, words.word(at + 264))


def never_torn(m, memory):
    """A reader that has time to copy while the writer goes around: whole samples, or it begins anew."""
    w, over, seen = m.writer('middle'), threading.Event(), set()

    def write():
        n = 0
        while not over.is_set():
            n += 1
            w.write(struct.pack('<300H', *[n & 0xffff] * 300))
    w.write(bytes(600))
    t = threading.Thread(target=write)
    t.start()
    try:
        for _ in range(3000):
            s = memory.latest('middle')
            values = struct.unpack('<300H', s.data)
            seen.add(s.version)
            if len(set(values)) != 1:
                expect('a sample is whole', False, values)
                break
    finally:
        over.set()
        t.join()
    expect('many samples, none torn', len(seen) > 3, len(seen))


def groups(m, memory):
    """Fields of one head: a commit moves it once, and each has the sample of that version."""
    left, right = memory.plan.fields['left'], memory.plan.fields['right']
    expect('a group has one head', left.group == right.group == left.index and right.part == left.part, (left.group, right.group))
    expect('and the same slots', left.slots == right.slots)
    with m.group('left') as g:
        for n in range(12):
            g.write({'left': float(n), 'right': array.array('d', [n] * 20)})
    a, b = memory.latest('left'), memory.latest('right')
    expect('and are read together', memory.group('left', 'right') == [a, b])
    expect('both are of one commit', a.version == b.version == 12 and a.data * 20 == b.data == struct.pack('<20d', *[11] * 20), (a, b))


def table(title):
    """First and second column of a table of the page, as they are numbered."""
    with open(os.path.join(HERE, '../../spec/shm.md'), encoding='utf-8') as f:
        rows = f.read().split(f'## {title}', 1)[1].split('\n## ', 1)[0].split('\n|---', 1)[1].split('\n')[1:]
    return [(int(n), name.strip('` '), rest) for n, name, rest in (r.strip('| ').split(' | ', 2) for r in rows if r.startswith('|'))]


def lists(m, memory):
    """What the page says of counters and events is what the library knows, by number."""
    counters, kinds = table('8. Counters'), table('9. Kinds of events')
    expect('counters of the page', [n for _, n, _ in counters] == list(m.counters('camera')), [n for _, n, _ in counters])
    names = [cadmus._library.lib.cdm_event_kind_name(k).decode() for k in range(len(kinds) + 1)]
    expect('kinds of events of the page', [n for _, n, _ in kinds] == names[:-1] and names[-1] == '?', (kinds, names))
    said, camera = m.counters('camera'), memory.plan.fields['deep'].process
    head, tallies = memory.counters(camera), list(memory.tallies(camera))
    for number, name, rest in counters:
        where = rest.split(' | ', 1)[0].split()
        ours = head[number] if where[0] == 'head' else sum(t[1 + int(where[1])] for t in tallies if t.doing == int(where[-1]))
        if name not in ('waits', 'timeouts'):
            expect(f'counter {name}', ours == said[name], (ours, said[name]))


def layouts(m, memory):
    for name, f in memory.plan.fields.items():
        if f.layout_hash() != f.layout or f.fades or f.half_life:
            expect(f'layout of {name}', False, (f.layout_hash(), f.layout, f.fades, f.half_life))
    expect('layout hashes are made as the page says', len(memory.plan.fields) > 20)


def rights(memory):
    """Nobody has the memory of what he may not read."""
    plan = memory.plan
    camera = next(p for p, q in enumerate(plan.processes) if q.name == 'camera')
    frame, deep = plan.fields['frame'], plan.fields['deep']
    finder = next(p for p, q in enumerate(plan.processes) if q.name == 'finder')
    expect('fields of other readers lie in other parts', frame.part != deep.part and frame.readers >> finder & 1 and
           not deep.readers >> finder & 1, (frame.part, deep.part))
    with shm.Memory(memory.door, 'finder') as other:
        until('the model has the camera', lambda: other.hear(0.1) and camera in other.segments)
        s = other.segments[camera]
        expect('a model gets the parts that it reads', sorted(s.parts) == [0, frame.part], sorted(s.parts))
        expect('and reads them', other.latest('frame').data == memory.latest('frame').data)


def counts(m, memory):
    """Tallies and errors, beside what the library says."""
    f = memory.plan.fields['deep']
    r = m.reader('deep')
    before = r.read().version
    w = m.writer('deep')
    for n in range(3):
        w.write(n)
        r.next()
    mine = [t for t in memory.tallies(f.process) if t.index == f.index]
    writes = [t for t in mine if t.doing == 2]
    reads = [t for t in mine if t.doing == 1]
    expect('writers count', sum(t.taken for t in writes) == max(t.cursor for t in writes) == before + 3, writes)
    expect('readers count', any(t.cursor == before + 3 for t in reads), reads)
    expect('errors: none', not list(memory.errors(f.process)), list(memory.errors(f.process)))


def events(m, memory):
    camera = memory.plan.fields['deep'].process
    before = [e.number for e in memory.events(camera)]
    for n in range(3):
        m.note(n, 1 << 60, f'note {n}')
    seen = [e for e in memory.events(camera) if e.number not in before]
    theirs = list(m.events('camera', kinds=['noted']).follow(0))
    expect('events are those that the library reads', len(seen) == 3 and [(e.number, e.time, e.a, e.b, e.text) for e in seen] ==
           [(e.number, e.time, e.a, e.b, e.text) for e in theirs], (seen, theirs))
    expect('of the right source', all(memory.plan.entities[e.source] == 'camera' for e in seen), seen)


def fills(m):
    """Tell until it is refused: how many were told."""
    for n in range(5000):
        try:
            m.note(n)
        except cadmus.Dropped:
            return n
    return None


def refusals(m, memory):
    """A process that refuses waits for who listens by the page."""
    camera = memory.plan.fields['deep'].process
    expect('the plan says that it refuses', memory.plan.processes[camera].refuses == 1 and
           not any(p.refuses for i, p in enumerate(memory.plan.processes) if i != camera))
    tally = memory.listen(camera)
    newest = max(e.number for e in memory.events(camera))
    expect('a ring of what we have not taken, and no more', fills(m) == shm.EVENTS)
    memory.took(tally, newest + 10)
    expect('and as many more as we then took', fills(m) == 10)
    memory.listen_no_more(tally)
    expect('and nobody is waited for who listens no more', fills(m) is None)


def lives(machine, memory, writer):
    """The writer is killed: what it said last is an ORPHAN; and a new life begins anew."""
    f = memory.plan.fields['deep']
    until('the second life is mapped', lambda: memory.hear(0.1) and memory.segments[f.process].epoch == 2)
    s = memory.latest('deep')
    expect('a sample of its second life', s.version == 5 and s.status == shm.OK and s.epoch == 2, s)
    writer.kill()
    writer.wait()
    until('its death is known', lambda: memory.latest('deep').status == shm.ORPHAN)
    expect('what it said last is there', memory.latest('deep').data == struct.pack('<Q', 4), memory.latest('deep'))
    third = start_writer(machine, 3)
    until('the third life is mapped', lambda: memory.hear(0.1) and memory.segments[f.process].epoch == 3)
    s = memory.latest('deep')
    expect('and has its own samples', s.version == 3 and s.data == struct.pack('<Q', 2) and s.status == shm.OK, s)
    third.stdin.close()
    third.wait()


def start_writer(machine, count):
    p = subprocess.Popen([sys.executable, '-c', WRITER, str(count)], env=dict(machine.env, PYTHONPATH=BINDINGS), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == 'written\n'
    return p


def main():
    types = '\n'.join(f'        - {{field: of_{t}, dtype: {t}, shape: [2, 3]}}' for t, _ in shm.TYPES)
    machine = Machine(sys.argv[1], lambda _text: DESCRIPTION.replace('@TYPES@', types))
    os.environ.update({k: v for k, v in machine.env.items() if k.startswith('CADMUS_')})
    try:
        machine.start()
        door = machine.door('attach.sock')
        with shm.Memory(door) as memory:
            memory.door = door
            memory.settle()
            expect('the plan says its name', memory.plan.machine == 'small')
            with cadmus.attach('small', as_='camera') as m:
                until('the camera is mapped', lambda: memory.hear(0.1) and memory.settle())
                every_type(m, memory)
                each_place(m, memory)
                history(m, memory)
                ages(m, memory)
                borrowed(m, memory)
                asleep(m, memory)
                never_torn(m, memory)
                groups(m, memory)
                counts(m, memory)
                events(m, memory)
                refusals(m, memory)
                layouts(m, memory)
                lists(m, memory)
                rights(memory)
            with shm.Memory(door) as late:
                old = late.settle().latest('deep')
                expect('who comes when the writer has gone finds what it said last', old and old.status == shm.ORPHAN, old)
                late.leave()
            lives(machine, memory, start_writer(machine, 5))
        try:
            shm.Memory(door, 'nobody')
            expect('a name that is none is refused', False)
        except shm.Broken as e:
            expect('a name that is none is refused', 'no entity of that name' in str(e), e)
    finally:
        machine.stop()
    return verdict()


sys.exit(main())
