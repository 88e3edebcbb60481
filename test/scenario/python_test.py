#!/usr/bin/env python3
"""Package `cadmus` against a whole machine whose sensor and model are programs in Python.

usage: python_test.py CADMUS LIBCADMUS DETECT
"""
import ctypes
import errno
import gc
import importlib.metadata
import importlib.util
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '../..')
BINDINGS, EXAMPLE = os.path.join(ROOT, 'bindings/python'), os.path.join(ROOT, 'examples/python')
sys.path.insert(0, HERE)
from library import begin  # noqa: E402

begin(sys.argv[2])
from machine import Machine, expect, until, verdict  # noqa: E402
import cadmus  # noqa: E402
from cadmus import Status, _library  # noqa: E402
from python_together import events, groups, leased, local, turns, views  # noqa: E402
from python_values import (DEEP, LEASES, TYPES, bytes_of_any_length, deep_without_numpy, dlpack, lifetimes, loans,  # noqa: E402
                           news, np, quota, says_no, scalars, values_with_numpy, values_without_numpy)

DESCRIPTION = '''machine: small
version: 1.0
entities:
  people:
    - {id: operator, trust_vector: [0.99, 0.99, 0.99], trust_strength: 50}
  models:
    - id: finder
      consciousness_type: visual
      trust_vector: [0.7, 0.8, 0.9]
      backend: external
      event_overflow: refuse
      reads: [camera]
      writes:
        - {field: faces, dtype: f32, shape: [8, 6]}
        - {field: notes, dtype: bytes, shape: [100], leases: 2}
  sensors:
    - id: camera
      consciousness_type: visual
      trust_vector: [0.9, 0.9, 0.9]
      driver: external
      frame: {width: 64, height: 48, leases: 12}
      writes:
        - {field: level, dtype: f32, unit: V, max_age_ms: 60000}
        - {field: ticks, dtype: u64}
        - {field: left, dtype: f64, group: pair}
        - {field: right, dtype: f64, shape: [3], group: pair}
        - {field: deep, dtype: i16, shape: [2, 1, 3, 1, 2, 1, 2, 2], leases: 2}
@TYPES@
coherence_rules:
  - {source: [faces], target: visual, operation: max, half_life_ms: 500}
'''


def change(_text):
    lines = [f'        - {{field: of_{t}, dtype: {t}, shape: [2, 3], leases: 2}}' for t in TYPES]
    return DESCRIPTION.replace('@TYPES@', '\n'.join(lines))


# ---- what is there -------------------------------------------------------------------------------

def library(work):
    sizes = {_library.Info: 40, _library.Sample: 64, _library.Meta: 16, _library.Field: 272, _library.Process: 176,
             _library.Message: 664, _library.Event: 72, _library.ViewPart: 128, _library.ViewTerms: 32, _library.ViewRefusal: 24}
    for s, bytes_ in sizes.items():
        expect(f'struct {s.__name__} is as client.c has it', ctypes.sizeof(s) == bytes_, ctypes.sizeof(s))
    expect('and struct Diag', _library.Diag.at.offset == 12, _library.Diag.at.offset)

    def load(path, **env):
        return subprocess.run([sys.executable, '-c', 'import cadmus; print(cadmus._library.lib._name)'], capture_output=True, text=True,
                              cwd=BINDINGS, env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1', 'CADMUS_LIB': path, **env})
    got = load('/no/such/lib.so')
    expect('CADMUS_LIB that is none is an error', got.returncode and 'CADMUS_LIB names a library that cannot be loaded' in got.stderr,
           got.stderr)
    got = load('libc.so.6')
    expect('another library is refused', got.returncode and 'is no libcadmus' in got.stderr, got.stderr)
    if shutil.which('gcc'):
        for source, words in (('unsigned cdm_abi_version(void) { return 7; }', 'has ABI version 7, and this package speaks 1'),
                              ('unsigned cdm_abi_version(void) { return 1; }', 'it is older than this package')):
            subprocess.run(['gcc', '-shared', '-x', 'c', '-o', work + '/other.so', '-'], input=source.encode(), check=True)
            got = load(work + '/other.so')
            expect(f'a library that {words}', got.returncode and words in got.stderr, got.stderr)
    else:
        print('skip a library of another version: there is no gcc')
    folder = os.path.dirname(os.environ['CADMUS_LIB'])
    got = load('', LD_LIBRARY_PATH=folder)
    expect('one that is installed is found by its soname', got.stdout.strip() == _library.SONAME, got.stdout + got.stderr)


def no_machine():
    for k in ({}, {'as_': 'camera'}, {'as_': 'camera', 'wait': 1.0}):
        says_no(f'a machine that does not run, {k}', FileNotFoundError, lambda k=k: cadmus.attach('robot', **k), 'robot',
                'no machine of that name runs', 'cadmus run', code=errno.ENOENT)
    says_no('no name at all', OSError, lambda: cadmus.attach('../robot'), code=errno.EINVAL)
    says_no('a time before now', ValueError, lambda: cadmus.attach('robot', as_='camera', wait=-1))


def descriptions(m):
    f = m.fields['deep']
    expect('a field is described', (f.dtype, f.shape, f.kind, f.entity, f.bytes, f.readable) ==
           ('i16', DEEP, 'samples', 'camera', 96, True), f)
    f = m.fields['level']
    expect('with unit and age', (f.shape, f.unit, f.max_age, f.half_life, str(f)) == ((), 'V', 60.0, None, 'level: f32 V'), f)
    expect('an awareness decays', m.fields['visual'].kind == 'awareness' and m.fields['visual'].half_life == 0.5, m.fields['visual'])
    expect('a frame is a picture', m.fields['camera.frame'].shape == (48, 64, 3), m.fields['camera.frame'])
    expect('names of entities', 'camera' in m.entities and 'finder' in m.entities, m.entities)
    p = m.processes
    expect('processes', p['core'].state == 'live' and p['core'].essential and p['core'].pid > 0, p)
    expect('their counters', m.counters('core')['broken'] == 0, m.counters('core'))
    says_no('counters of nobody', FileNotFoundError, lambda: m.counters('nobody'))
    says_no('events of nobody', FileNotFoundError, lambda: m.events('nobody'), code=errno.ENOENT)
    says_no('a field that is none', FileNotFoundError, lambda: m.reader('nothing'), 'no field', 'level', code=errno.ENOENT)
    says_no('a client writes nothing', PermissionError, lambda: m.writer('level'), 'attaches as', code=errno.EACCES)
    expect('it is alive and has a name', m.alive and m.name == 'small' and m.entity is None)
    expect('an option', m.option('camera', 'nothing') is None)


def interrupted():
    """Ctrl-C is heard by one that stands by, and leaves no trace of it."""
    def press():
        until('it stands by', lambda: any(t.name == 'cadmus-attach' for t in threading.enumerate()))
        os.kill(os.getpid(), signal.SIGINT)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    t = threading.Thread(target=press)
    with cadmus.attach('small', as_='finder'):
        try:
            t.start()
            says_no('Ctrl-C is heard by one that stands by', KeyboardInterrupt, lambda: cadmus.attach('small', as_='finder', wait=None))
        finally:
            t.join()
            signal.signal(signal.SIGINT, previous)
    with cadmus.attach('small', as_='finder', wait=60) as m:
        expect('and its place is free', m.alive)


def expectations(c):
    c.expect('camera.frame', 'u8[48,64,3]')
    c.expect('level', c.fields['level'].dtype)
    says_no('another shape', cadmus.Broken, lambda: c.expect('camera.frame', 'u8[64,48,3]'), 'u8[48,64,3]', code=errno.EPROTO)
    says_no('which is shown, too', cadmus.Broken, lambda: c.expect('camera.frame', 'u8[64,48,3]'), 'written for u8[64,48,3]')
    says_no('what is no layout', OSError, lambda: c.expect('camera.frame', 'byte'), 'no layout', code=errno.EINVAL)
    says_no('a field that is not there', cadmus.NotFound, lambda: c.expect('camera.farme', 'u8'), 'camera.farme')


def rights(c):
    says_no('who is not external', PermissionError, lambda: cadmus.attach('small', as_='operator'), 'external', code=errno.EACCES)
    says_no('nobody', FileNotFoundError, lambda: cadmus.attach('small', as_='nobody'), code=errno.ENOENT)
    says_no('an empty name', FileNotFoundError, lambda: cadmus.attach('small', as_=''), code=errno.ENOENT)
    with cadmus.attach('small', as_='finder') as f:
        expect('who it is', f.entity == 'finder')
        says_no('a second one', BlockingIOError, lambda: cadmus.attach('small', as_='finder'), str(os.getpid()), code=errno.EBUSY)
        says_no('one that waits in vain', TimeoutError, lambda: cadmus.attach('small', as_='finder', wait=0.05), code=errno.ETIMEDOUT)
        says_no('a model reads what it declares', PermissionError, lambda: f.reader('visual'), 'reads:', code=errno.EACCES)
        says_no('and writes its own', PermissionError, lambda: f.writer('level'), 'attaches as', code=errno.EACCES)
        w = f.writer('faces')
        says_no('one writer at a time', BlockingIOError, lambda: f.writer('faces'), code=errno.EBUSY)
        w.close()
        f.writer('faces').close()
        expect('closed is closed', w.closed and 'closed' in repr(w))
        says_no('a closed one writes nothing', ValueError, lambda: w.write(bytes(192)), 'closed')
    interrupted()
    r = c.reader('level')
    says_no('nothing yet', BlockingIOError, r.read, code=errno.EAGAIN)
    says_no('nor in order', cadmus.NoSample, r.next, code=errno.EAGAIN)
    says_no('nor on loan', cadmus.NoSample, c.reader('camera.frame').lease, code=errno.EAGAIN)
    says_no('nor to peek at', cadmus.NoSample, r.peek, code=errno.EAGAIN)
    expect('nor to wait for', r.wait(0) is False and r.wait(0.01) is False and cadmus.wait_any([r], 0) is None)


# ---- order ---------------------------------------------------------------------------------------

def in_order(camera, c):
    w, r = camera.writer('ticks'), c.reader('ticks')
    for i in range(1, 5):
        w.write(i)
    got = [r.next() for _ in range(4)]
    expect('in order', [(s.memory.tolist(), s.version, s.missed) for s in got] == [(i, i, 0) for i in range(1, 5)], got)
    says_no('and then nothing', cadmus.NoSample, r.next)
    for i in range(5, 41):
        w.write(i)
    s = r.next()
    expect('who is slow is told what he missed', s.missed > 20 and s.missed == s.version - 5 == r.missed and
           s.memory.tolist() == s.version, s.info)
    rest = []
    while r.wait(0):
        rest.append(r.next().version)
    expect('and goes on in order', rest == list(range(s.version + 1, 41)), rest)
    expect('no news for select', select.select([r], [], [], 0)[0] == [])
    w.write(41)
    expect('there is news', r.wait() is True and select.select([r], [], [], 60)[0] == [r])
    r.skip()
    expect('that can be skipped', r.wait(0) is False and r.read().version == 41)
    return w, r


def follows(c, w, r):
    seen = []
    for s in r.follow(timeout=0.0):
        seen.append(s)
    expect('an iterator ends when nothing comes', seen == [])

    def write():
        for i in range(100, 300):
            w.write(i)
            time.sleep(0)
    t = threading.Thread(target=write)
    t.start()
    for s in r.follow():
        seen.append((s.memory.tolist(), s.missed))
        if seen[-1][0] == 299:
            break
    t.join()
    expect('all that came, or was missed', len(seen) + sum(m for _, m in seen) == 200 and seen == sorted(seen), seen)
    w.write(7)
    w.write(8)
    expect('or only the latest', [s.memory.tolist() for s in r.follow(timeout=0.05, latest=True)] == [8])
    new, late = c.reader('ticks'), c.reader('ticks')
    late.skip()
    expect('a new reader begins with the history', [s.memory.tolist() for s in new.follow(timeout=0.0)][-2:] == [7, 8])
    expect('or with what is to come', not list(late.follow(timeout=0.0)) and w.write(9) and
           [s.memory.tolist() for s in late.follow(timeout=0.0)] == [9])
    r.skip()


def waits(c, w, r):
    other = c.reader('level')
    other.skip()
    r.skip()

    def later(what):
        t = threading.Thread(target=lambda: (until('a waiter', lambda: c.counters(me)['waits'] > before), what()))
        before = c.counters(me)['waits']
        t.start()
        return t
    me = next(p.name for p in c.processes.values() if p.pid == os.getpid() and p.role == 'client')
    t = later(lambda: w.write(1))
    expect('one of two has news', cadmus.wait_any([other, r]) is r)
    t.join()
    r.skip()
    t = later(c.interrupt)
    says_no('a wait is interrupted', cadmus.Canceled, r.wait, code=errno.ECANCELED)
    t.join()
    for many in ([], [r] * 127):
        says_no(f'a wait for {len(many)}', ValueError, lambda many=many: cadmus.wait_any(many, 0))
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        t = later(lambda: os.kill(os.getpid(), signal.SIGINT))
        says_no('Ctrl-C is heard in a wait', KeyboardInterrupt, r.wait)
        t.join()
    finally:
        signal.signal(signal.SIGINT, previous)
    r2 = c.reader('ticks')
    r2.skip()
    t = later(r2.close)
    says_no('a reader that is closed under a waiter', (ValueError, cadmus.Canceled), r2.wait)
    t.join()


# ---- who makes what of it ------------------------------------------------------------------------

def level_of(r):
    return struct.unpack_from('f', r.read().memory.cast('B'))[0]


def derives(camera, finder, c):
    level, frame, w, r = (camera.writer('level'), camera.writer('camera.frame'), finder.writer('faces'), c.reader('faces'))
    faces = struct.pack('<48f', *([0.0] * 4 + [0.75, 0.0] + [0.0] * 42))
    says_no('a model names what its samples are made from', OSError, lambda: w.write(faces), 'derive', code=errno.EINVAL)
    eye = finder.reader('camera.frame')
    eye.skip()
    w.derive(eye)
    says_no('and takes some of it first', OSError, lambda: w.write(faces), 'derive', code=errno.EINVAL)
    view = w.loan()
    says_no('on loan as well', OSError, lambda: view.__enter__() is None or view.__exit__(None, None, None), 'derive', code=errno.EINVAL)
    says_no('of its own machine', ValueError, lambda: w.derive(c.reader('level')), 'another machine')
    old = time.monotonic_ns()
    frame.write(bytes(9216), source_time=old, trust=0.625)
    until('the frame', lambda: news(eye))
    with eye.lease() as s:
        expect('the source', s.trust == 0.625 and s.source_time == old)
        w.write(faces)
    got = r.read()
    expect('a derived sample is as old and as trusted as its source', got.trust == 0.625 and got.source_time == old and
           got.source == 'finder', got.info)
    frame.write(bytes(9216), degraded=True)
    eye.read()
    w.write(faces)
    got = r.read()
    expect('not more trusted than its writer', abs(got.trust - 0.7) < 1e-6 and got.status == Status.DEGRADED, got.info)
    frame.write(bytes(9216), source_time=old, trust=0.5)
    eye.read()
    frame.write(bytes(9216))
    eye.read()
    with w.loan(trust=1.0) as view:
        view[0, 4] = 0.75
    got = r.read()
    expect('and as the worst of all that was taken', got.trust == 0.5 and got.source_time == old, got.info)
    w.write(faces, trust=0.125)
    expect('it may say less of itself', r.read().trust == 0.125)
    visual = c.reader('visual')
    until('a rule makes awareness of it', lambda: news(visual) and level_of(visual) > 0)
    for x in (level, frame, w):
        x.close()
    expect('closed in any order', eye.closed is False and eye.read().version > 0)


# ---- life and death ------------------------------------------------------------------------------

WRITER = '''
import cadmus, os, signal, sys, threading
with cadmus.attach('small', as_='camera', wait=float(sys.argv[1]) or 0) as m:
    w = m.writer('ticks')
    w.write(int(sys.argv[2]))
    print('ready', flush=True)
    if sys.argv[3] == 'fork':
        begun, over = threading.Event(), threading.Event()
        t = threading.Thread(target=lambda: w._call(lambda pointer: begun.set() or over.wait()))
        t.start()
        begun.wait()
        child = os.fork()
        if child == 0:  # without the thread whose turn it is
            signal.alarm(20)
            try:
                w.write(99)
            except RuntimeError as e:
                print('child:', e, flush=True)
            if os.fork() == 0:
                sys.exit(0)  # with all that is open
            os.wait()
            del w, m
            sys.exit(0)
        print('its end:', os.waitpid(child, 0)[1], flush=True)
        over.set()
        t.join()
    if sys.argv[3] == 'leave':
        sys.exit(0)  # in the middle of everything
    sys.stdin.read()
'''


def says(r, raw):
    """Is that its latest sample, by a writer that lives?  In the beginning of a life there is none."""
    try:
        s = r.read()
    except cadmus.NoSample:
        return False
    return s.status == Status.OK and s.memory.tobytes() == raw


class Program:
    """A program of its own that is the camera, and has written one number."""

    all = []

    def __init__(self, number, wait=0, how='stay'):
        self.all.append(self)
        self.p = subprocess.Popen([sys.executable, '-W', 'ignore', '-c', WRITER, str(wait), str(number), how], cwd=BINDINGS, text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'})

    def line(self):
        return self.p.stdout.readline().strip()

    def end(self, how=None):
        if how:
            self.p.send_signal(how)
        out, err = self.p.communicate(timeout=60)
        return out + err


def dies(c):
    r = c.reader('ticks')
    until('its last life is over', lambda: r.read().status == Status.ORPHAN)
    r.skip()
    says_no('that it left is news', cadmus.WriterGone, lambda: r.wait(60), code=errno.EOWNERDEAD)
    one = Program(11)
    expect('a program is the camera', one.line() == 'ready')
    until('its sample', lambda: says(r, struct.pack('Q', 11)))
    s = r.read()
    expect('and says so', s.memory.tolist() == 11 and s.status == Status.OK, s)
    says_no('no other one is', BlockingIOError, lambda: cadmus.attach('small', as_='camera'), str(one.p.pid), code=errno.EBUSY)
    two = Program(22, wait=60)
    alive = c.processes['camera'].pid
    one.end(signal.SIGKILL)
    expect('one that stands by takes over', two.line() == 'ready' and alive == one.p.pid and
           c.processes['camera'].pid == two.p.pid, c.processes['camera'])
    until('its sample', lambda: says(r, struct.pack('Q', 22)))
    got = r.read()
    expect('as the next life of the field', got.memory.tolist() == 22 and got.epoch > s.epoch and got.version == 1, got)
    expect('which is no ORPHAN', r.read().status == Status.OK)
    r.skip()
    two.p.send_signal(signal.SIGKILL)
    says_no('who waits is told of a death', cadmus.WriterGone, lambda: r.wait(60), code=errno.EOWNERDEAD)
    expect('once', r.wait(0) is False)
    two.end()
    until('an ORPHAN', lambda: r.read().status == Status.ORPHAN)
    expect('the last it said stays', r.read().memory.tolist() == 22 and c.processes['camera'].state == 'dead')
    three = Program(33, how='leave')
    expect('the next one', three.line() == 'ready')
    said = three.end()
    until('it left in good order', lambda: c.processes['camera'].state == 'stopped')
    expect('although it was not told to close anything', said == '', said)
    if 'LD_PRELOAD' in os.environ:
        print('skip a program that forks: the heap of AddressSanitizer may be locked in the child')
        return
    four = Program(44, how='fork')
    expect('one that forks', four.line() == 'ready')
    said = four.line()
    expect('its child may not write', said.startswith('child:') and 'fork' in said, said)
    said = four.line() if said.startswith('child:') else said
    expect('and ends, whatever others were doing and is open', said == 'its end: 0', said)
    until('its sample', lambda: says(r, struct.pack('Q', 44)))
    expect('and takes nothing away when it ends', c.processes['camera'].state == 'live')
    expect('a program ends', four.end() == '')


def core_dies(m, c):
    """A new core does without those whom it cannot start."""
    with cadmus.attach('small', as_='finder') as finder, cadmus.attach('small', as_='camera') as camera:
        epoch = c.processes['core'].epoch
        m.kill(c.processes['core'].pid)
        until('a new core', lambda: c.processes['core'].epoch > epoch and c.processes['core'].state == 'live')
        eye, frame, w = finder.reader('camera.frame'), camera.writer('camera.frame'), finder.writer('faces')
        w.derive(eye)
        frame.write(bytes(9216))
        until('the camera is seen', lambda: says(eye, bytes(9216)))
        visual, before = c.reader('visual'), time.monotonic_ns()

        def seen():
            frame.write(bytes(9216))
            eye.read()
            w.write(struct.pack('<48f', *[0.5] * 48))
            try:
                return visual.wait(0.05) and visual.read().source_time > before and level_of(visual) > 0
            except cadmus.WriterGone:  # the core before this one, of which we may still hold the memory
                return False
        until('a new core hears programs that were there before it', seen)
        now = c.processes
        expect('who are alive and the same', finder.alive and camera.alive and now['finder'].state == 'live' and
               now['finder'].pid == os.getpid() and now['core'].epoch == epoch + 1, now)


def daemon_dies(m, c):
    """Daemons are killed while samples are written, read in order and held: nobody misses one, nobody is hung up on."""
    with cadmus.attach('small', as_='camera') as camera:
        w, r = camera.writer('deep'), c.reader('deep')
        r.skip()
        w.write(bytes(96))
        until('its writer has heard of us', lambda: leased(r))
        held = r.lease()
        before, wrong = bytes(held.memory.cast('B')), []
        for n in range(300):
            w.write(bytes([n % 256]) * 96)
            s = r.next()
            wrong += [n] if bytes(s.memory.cast('B')) != bytes([n % 256]) * 96 or s.status != Status.OK else []
            if n % 100 == 50:
                daemon = m.kill_daemon()
        expect('samples are read in order while daemons die', not wrong and r.missed == 0, (wrong, r.missed))
        expect('what is held stays', bytes(held.memory.cast('B')) == before)
        expect('nobody is hung up on', c.alive and camera.alive and c.processes['camera'].state == 'live', c.processes['camera'])
        with cadmus.attach('small') as late:
            q = late.reader('deep')
            expect('who comes later reads', bytes(q.read().memory.cast('B')) == bytes([299 % 256]) * 96)
            until('and borrows', lambda: leased(q))
        expect('of the last one', m.daemon == daemon)
        held.close()
        w.close()


def in_threads(camera, c):
    """Threads that use, share and close everything at once: exceptions, and nothing worse."""
    w, wrong, stop = camera.writer('ticks'), [], threading.Event()
    allowed = (cadmus.NoSample, cadmus.Canceled, cadmus.Busy, cadmus.Dropped, ValueError)
    shared = [c.reader('camera.frame') for _ in range(3)]
    frame = camera.writer('camera.frame')

    def work(number):
        while not stop.is_set():
            r = shared[number % 3]
            try:
                if number % 4 == 0:
                    frame.write(bytes(9216))
                elif number % 4 == 1:
                    r.lease().memory.cast('B')[5:6].tolist()
                elif number % 4 == 2:
                    r.wait(0.01)
                    r.close()
                    shared[number % 3] = c.reader('camera.frame')
                else:
                    w.write(number)
                    r.next()
            except allowed:
                pass
            except BaseException as e:
                wrong.append(e)
                raise
    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    before = c.counters('camera')['publishes']
    until('a thousand samples', lambda: c.counters('camera')['publishes'] > before + 1000 or wrong)
    stop.set()
    for t in threads:
        t.join()
    gc.collect()
    expect('threads do no harm', not wrong and quota(c.reader('camera.frame')) == LEASES, wrong)
    w.close()
    frame.close()


def after_its_writer(wait):
    """What a wait says when that has been said."""
    while True:
        try:
            return wait()
        except cadmus.WriterGone:
            pass


def ends(m, c):
    """The end of the machine is news for those who stand by, and none for those who hold samples."""
    said = []

    def stand_by():
        try:
            said.append(cadmus.attach('small', as_='camera', wait=None))
        except OSError as e:
            said.append(e)
    with cadmus.attach('small', as_='camera') as camera:
        w, r = camera.writer('deep'), c.reader('deep')
        w.write(bytes(range(96)))
        until('its sample', lambda: says(r, bytes(range(96))))
        sample = r.lease()
        links = len(os.listdir(f'/proc/{m.daemon}/fd'))
        t = threading.Thread(target=stand_by)
        t.start()
        until('somebody stands by', lambda: len(os.listdir(f'/proc/{m.daemon}/fd')) > links)
        expect('the machine ends', m.run('down')[0] == 0)
        t.join(60)
        expect('who stands by is told', len(said) == 1 and isinstance(said[0], (cadmus.NotRunning, cadmus.Busy)), said)
        until('and all the others', lambda: not c.alive and not camera.alive)
        expect('what is mapped stays good', bytes(sample.memory.cast('B')) == bytes(range(96)) and
               bytes(r.read().memory.cast('B')) == bytes(range(96)))
        q = c.reader('deep')
        for x in (r, q):
            x.skip()
        for what, wait in (('a reader', lambda: after_its_writer(lambda: r.wait(60))), ('a loop', lambda: list(r.follow(60))),
                           ('several', lambda: after_its_writer(lambda: cadmus.wait_any([r, q], 60))),
                           ('events', lambda: list(c.events().follow(60)))):
            says_no(f'{what}: who waits for what has ended is told', cadmus.NotRunning, wait, 'small: the machine has ended',
                    '`cadmus run`', 'attach()', code=errno.ECONNREFUSED)
        says_no('nobody comes any more', OSError, lambda: cadmus.attach('small'), 'cadmus run')
        w.write(bytes(96))


def png(path, width, height, box):
    """A dark picture with a bright box of pixels: x, y, w, h."""
    x, y, w, h = box
    dark, light = b'\x10\x10\x20' * width, b'\x10\x10\x20' * x + b'\xff\xff\xe0' * w + b'\x10\x10\x20' * (width - x - w)
    rows = b''.join(b'\0' + (light if y <= i < y + h else dark) for i in range(height))

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
                chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


class Eye(Machine):
    """examples/python, with a picture whose bright part is known."""

    def __init__(self, command):
        with open(EXAMPLE + '/eye.cdl.yaml', encoding='utf-8') as f:
            text = f.read()
        super().__init__(command, lambda _: text)
        os.mkdir(self.work + '/photos')
        png(self.work + '/photos/one.png', 512, 512, (128, 256, 64, 32))
        self.env['CADMUS_PHOTOS'] = self.work + '/photos'

    def door(self, name):
        return f'{self.work}/run/eye/{name}'

    def daemon_log(self):
        with open(self.work + '/state/eye.log', encoding='utf-8', errors='replace') as f:
            return f.read()


def example(command, name, program):
    m, programs = Eye(command), []

    def detect():
        programs.append(subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                         env={**m.env, 'PYTHONPATH': BINDINGS, 'PYTHONDONTWRITEBYTECODE': '1'}))
        return programs[-1]

    def found():
        s = m.published('lights')
        return s if s and s['status'] == 'OK' else None
    try:
        rc, out, err = m.run('check', m.path)
        expect('the example\'s description is without a word', rc == 0 and 'warning' not in out + err, out + err)
        m.start()
        one = detect()
        s = until('detections', found)
        at = [x for row in s['value'] for x in (row if isinstance(row, list) else [row])][:4]
        expect(f'{name} finds what is bright', all(abs(a - b) < 0.02 for a, b in zip(at, (0.25, 0.5, 0.125, 0.0625))), s)
        expect('and is trusted as its description says', abs(s['trust'] - 0.6) < 1e-6 and s['source'] == 'finder', s)
        until('a rule makes awareness of it', lambda: (v := m.published('visual')) and v['status'] == 'OK')
        detect()
        one.kill()
        until('the second takes over', lambda: (n := found()) and n['epoch'] > s['epoch'])
        expect(f'{name} has no complaint', programs[1].poll() is None)
    finally:
        for p in programs:
            p.kill()
            p.communicate()
        expect('the example goes down in good order', m.stop())


def installed(work):
    """pip install, as the README says, of a copy: the tree stays clean."""
    missing = [name for name in ('pip', 'setuptools', 'wheel') if not importlib.util.find_spec(name)]
    if missing == ['wheel'] and int(importlib.metadata.version('setuptools').split('.')[0]) > 70:
        missing = []  # it makes wheels itself
    if missing:
        print(f'skip an installation: this Python has no {" and no ".join(missing)}')
        return
    shutil.copytree(BINDINGS, work + '/python', ignore=shutil.ignore_patterns('__pycache__', 'build', '*.egg-info'))
    done = subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-build-isolation', '--no-index', '--no-deps',
                           '--disable-pip-version-check', '--target', work + '/site', '.'], cwd=work + '/python',
                          capture_output=True, text=True, env={**os.environ, 'PIP_ROOT_USER_ACTION': 'ignore'})
    expect('pip installs it', done.returncode == 0, done.stdout + done.stderr)
    done = subprocess.run([sys.executable, '-c', 'import cadmus; print(cadmus.__file__, cadmus.attach)'], cwd='/', capture_output=True,
                          text=True, env={**os.environ, 'PYTHONPATH': work + '/site'})
    expect('and it is found there', work + '/site' in done.stdout, done.stdout + done.stderr)
    expect('with its types', os.path.exists(work + '/site/cadmus/py.typed'))


def main():
    print(f'Python {sys.version.split()[0]}, ' + (f'NumPy {np.__version__}' if np else 'skip what needs NumPy: there is none'))
    if os.environ.get('CADMUS_REQUIRE_ENGINES') and not sys.flags.no_site:
        expect('NumPy is there, as after tools/setup --check', np is not None)
    m = Machine(sys.argv[1], change)
    os.environ.update({k: m.env[k] for k in ('CADMUS_RUN_DIR', 'CADMUS_STATE_DIR')})
    try:
        library(m.work)
        installed(m.work)
        no_machine()
        local(m, m.work)
        turns(m.work)
        rc, out, err = m.run('check', m.path)
        expect('what is left to programs is not looked for on the disk', rc == 0 and 'D0101' not in out + err, out + err)
        m.start()
        m.live('core', 'guard')
        with cadmus.attach('small') as c:
            descriptions(c)
            expectations(c)
            rights(c)
            with cadmus.attach('small', as_='camera') as camera, cadmus.attach('small', as_='finder') as finder:
                with camera.writer('level') as w, c.reader('level') as r:
                    w.write(0.0)
                    until('its memory is known', lambda: news(r))
                values_without_numpy(camera, c)
                deep_without_numpy(camera, c)
                scalars(camera, c)
                if np:
                    values_with_numpy(camera, c)
                bytes_of_any_length(finder, camera, c)
                w, r = in_order(camera, c)
                follows(c, w, r)
                waits(c, w, r)
                w.close()
                lifetimes(camera, c)
                loans(camera, c)
                dlpack(camera, c)
                derives(camera, finder, c)
                in_threads(camera, c)
                views(camera, c)
                groups(camera, c)
                finder.close()
                events(m, camera, c)
            dies(c)
            core_dies(m, c)
            daemon_dies(m, c)
            ends(m, c)
    except BaseException:
        try:
            print(m.daemon_log()[-4000:])
        except OSError:
            pass
        raise
    finally:
        for p in Program.all:
            p.p.kill()  # no-op for those that have ended
            p.p.communicate()
        m.stop()
    if np:
        example(sys.argv[1], 'detect.py', [sys.executable, EXAMPLE + '/detect.py'])
    else:
        print('skip examples/python/detect.py: there is no NumPy')
    example(sys.argv[1], 'detect in C', [sys.argv[3]])
    return verdict()


if __name__ == '__main__':
    sys.exit(main())
