"""Values and memory of package `cadmus`, for python_test.py: what is written is read, and who holds what."""
import array
import ctypes
import errno
import gc
import struct
import time

import cadmus
from cadmus import Status, _dlpack
from machine import expect, until

try:
    import numpy as np
except ImportError:
    np = None

TYPES = {'u8': 'B', 'i8': 'b', 'u16': 'H', 'i16': 'h', 'u32': 'I', 'i32': 'i', 'u64': 'Q', 'i64': 'q', 'f16': 'e', 'bf16': 'H',
         'f32': 'f', 'f64': 'd', 'bool': '?', 'bytes': 'B'}
DEEP = (2, 1, 3, 1, 2, 1, 2, 2)
LEASES = 8  # of a client and of a model


def says_no(name, kind, call, *words, code=None):
    """Is that exception raised, with that errno, and with these words in its text?"""
    try:
        got = call()
    except kind as e:
        text = str(e)
        expect(name, (code is None or e.errno == code) and all(w in text for w in words), text)
    except Exception as e:
        expect(name, False, repr(e))
    else:
        expect(name, False, f'no exception, but {got!r}')


# ---- values --------------------------------------------------------------------------------------

def values_without_numpy(camera, c):
    for t, code in TYPES.items():
        w, r, f = camera.writer('of_' + t), c.reader('of_' + t), c.fields['of_' + t]
        numbers = [True, False, True, True, False, False] if t == 'bool' else [1.5, -2, 0.25, 3, 4, 100] if code in 'efd' else \
            [0, 1, 2, 3, 100, 2 ** (8 * f.bytes // 6 - (t[0] == 'i')) - 1]
        raw = struct.pack('<6' + code, *numbers)
        version = w.write(raw)
        s = r.read()
        code = s.memory.format
        expect(f'{t}: raw bytes', (s.version, bytes(s.memory)) == (version, raw), s)
        expect(f'{t}: with format and shape', s.memory.shape == (2, 3) and (code == TYPES[t] or t == 'f16'), s.memory)
        if code == TYPES[t]:
            expect(f'{t}: elements', [x for row in s.memory.tolist() for x in row] == numbers, s.memory.tolist())
        view = memoryview(raw).cast(code, (2, 3))
        w.write(view)
        w.write(memoryview(bytearray(raw)).cast(code, (2, 3)))
        with r.lease() as s:
            expect(f'{t}: on loan', s.version == version + 2 and s.leased and bytes(s.memory) == raw and s.memory.readonly, s)
        other = memoryview(bytes(48)).cast('d' if t != 'f64' else 'q', (2, 3))
        says_no(f'{t}: another type', TypeError, lambda w=w, other=other: w.write(other), f'of_{t}: {t}[2, 3]')
        says_no(f'{t}: another shape', ValueError, lambda w=w, v=view: w.write(v.cast('B').cast(v.format, (3, 2))), '(3, 2)')
        says_no(f'{t}: too few bytes', ValueError, lambda w=w, raw=raw: w.write(raw[1:]))
        says_no(f'{t}: a list', TypeError, lambda w=w: w.write([1, 2, 3]), 'list')
        says_no(f'{t}: a number', TypeError, lambda w=w: w.write(1), 'not a scalar')
        w.close()
        r.close()


def scalars(camera, c):
    w, r = camera.writer('level'), c.reader('level')
    before = time.monotonic_ns()
    w.write(1.5, source_time=before, trust=0.5, degraded=True)
    s = r.read()
    expect('a number for a scalar', s.memory.shape == () and s.memory.tolist() == 1.5 and s.memory.ndim == 0, s)
    expect('and what is known of it', (s.source_time, s.trust, s.status, s.source, s.epoch, s.info.bytes, s.missed) ==
           (before, 0.5, Status.DEGRADED, 'camera', camera.processes['camera'].epoch, 4, 0), s.info)
    expect('published after it was so', s.publish_time >= before and 0 < s.age < 3600, s.info)
    w.write(2)
    expect('said without more: now, trusted as its writer is', abs(r.read().trust - 0.9) < 1e-6 and
           r.read().status == Status.OK and r.read().source_time > before)
    w.write(2.5, source_time=time.monotonic_ns() + 10 ** 12)
    expect('nothing comes from the future', r.read().source_time <= time.monotonic_ns())
    w.write(3.0, source_time=max(1, before - 61 * 10 ** 9))
    if before > 61 * 10 ** 9:
        expect('what is old is STALE', r.read().status == Status.STALE, r.read())
    for bad in ('x', None, True, [1.0], b'123', b'12345', 1e60):
        says_no(f'{bad!r} is no level', (TypeError, ValueError), lambda bad=bad: w.write(bad))
    for trust in (-0.1, 1.1, float('nan')):
        says_no(f'trust {trust}', ValueError, lambda trust=trust: w.write(1.0, trust=trust), 'trust')
    says_no('a time before all', ValueError, lambda: w.write(1.0, source_time=0), 'source_time')
    expect('peek takes nothing', r.peek().version == r.read().version and r.wait(0) is False)
    last = r.peek().version
    expect('that very one', r.read_version(last).version == last)
    says_no('one that is not there yet', cadmus.NoSample, lambda: r.read_version(last + 1))
    says_no('or never was', cadmus.NotFound, lambda: r.read_version(0))
    expect('as of a moment', r.read_at(before).memory.tolist() in (1.5, 3.0) and r.read_at(time.monotonic_ns()).version >= 4)
    w.close()


def values_with_numpy(camera, c):
    for t in TYPES:
        w, r, f = camera.writer('of_' + t), c.reader('of_' + t), c.fields['of_' + t]
        a = np.arange(6).reshape(2, 3).astype(f.numpy_dtype)
        for x in (a, np.asfortranarray(a), np.ascontiguousarray(a[::-1])[::-1]):
            w.write(x)
            got = r.read().array
            expect(f'{t}: an array is what it was', got.dtype == f.numpy_dtype and got.shape == (2, 3) and (got == a).all(), got)
        s = r.lease()
        expect(f'{t}: where it stands, not to be written', (s.array == a).all() and not s.array.flags.writeable and s.array is s.array)
        says_no(f'{t}: whatever one tries', ValueError, lambda s=s: s.array.setflags(write=True))
        says_no(f'{t}: another type', TypeError, lambda w=w, t=t: w.write(np.zeros((2, 3), 'f8' if t != 'f64' else 'f4')), 'convert')
        says_no(f'{t}: big-endian' if f.numpy_dtype.itemsize > 1 else f'{t}: complex', TypeError, lambda w=w, f=f: w.write(
            np.zeros((2, 3), f.numpy_dtype.newbyteorder('>') if f.numpy_dtype.itemsize > 1 else 'c8')))
        says_no(f'{t}: another shape', ValueError, lambda w=w, f=f: w.write(np.zeros((3, 2), f.numpy_dtype)), '(3, 2)')
        says_no(f'{t}: one dimension more', ValueError, lambda w=w, f=f: w.write(np.zeros((1, 2, 3), f.numpy_dtype)))
        w.close()
    w, r = camera.writer('deep'), c.reader('deep')
    a = np.arange(48, dtype='i2').reshape(DEEP)
    w.write(a)
    expect('eight dimensions', r.read().array.shape == DEEP and (r.read().array == a).all() and (r.lease().array == a).all())
    w.close()
    w = camera.writer('level')
    w.write(np.float32(0.1))
    expect('a scalar of NumPy', c.reader('level').read().array == np.float32(0.1) and c.reader('level').read().array.shape == ())
    says_no('not one of another type', TypeError, lambda: w.write(np.float64(0.1)))
    w.close()
    mine = c.reader('level').read().array
    mine[...] = 3
    expect('what was read is mine', mine == 3)


def deep_without_numpy(camera, c):
    raw = array.array('h', range(48)).tobytes()
    camera_writer = camera.writer('deep')
    camera_writer.write(memoryview(raw).cast('h', DEEP))
    s = c.reader('deep').lease()
    expect('eight dimensions, without NumPy', s.memory.shape == DEEP and s.memory.tolist()[1][0][2][0][1][0][1][1] == 47, s.memory)
    camera_writer.close()


def news(reader):
    """Is there a sample, within a second?  That the writer of before has ended may be said first."""
    try:
        return reader.wait(1)
    except cadmus.WriterGone:
        return False


def bytes_of_any_length(finder, camera, c):
    w, frame = finder.writer('notes'), camera.writer('camera.frame')
    frame.write(bytes(48 * 64 * 3))
    r = finder.reader('camera.frame')
    w.derive(r)
    until('the frame', lambda: news(r))
    r.read()
    n = c.reader('notes')
    w.write(b'')
    until('the first note', lambda: news(n))
    for text in (b'hello', b'', b'x' * 100):
        w.write(text)
        s = n.read()
        expect(f'{len(text)} bytes of text', bytes(s.memory) == text and s.info.bytes == len(text), s)
        if np:
            expect('as an array', s.array.shape == (len(text),) and s.array.tobytes() == text, s.array)
            expect('and on loan', n.lease().array.tobytes() == text)
    says_no('101 are too many', ValueError, lambda: w.write(b'x' * 101))
    w.close()
    frame.close()


# ---- whose memory --------------------------------------------------------------------------------

def quota(r):
    """Samples that this program can still borrow."""
    held = []
    try:
        while True:
            held.append(r.lease())
    except cadmus.Busy as e:
        assert isinstance(e, BlockingIOError) and e.errno == errno.EBUSY, e
    return len(held)


def lifetimes(camera, c):
    w, r = camera.writer('camera.frame'), c.reader('camera.frame')
    w.write(bytes(range(256)) * 36)
    until('the frame', lambda: news(r))
    expect('all leases of a client', quota(r) == LEASES, quota(r))
    samples = [r.lease() for _ in range(LEASES)]
    says_no('one more', BlockingIOError, r.lease, 'leases', code=errno.EBUSY)
    samples.pop().close()
    expect('one that is closed is given back', quota(r) == 1)
    samples.pop()
    gc.collect()
    expect('one that is dropped is given back', quota(r) == 2)
    with samples.pop() as s:
        expect('it is a picture', s.memory.shape == (48, 64, 3) and s.field is c.fields['camera.frame'])
    expect('one whose `with` ends is given back', quota(r) == 3)
    says_no('and has no memory any more', ValueError, lambda: s.memory, 'closed')
    samples.clear()
    sample = r.lease()
    view = sample.memory.cast('B')[10:20]
    del sample
    gc.collect()
    expect('a slice of memory keeps the lease', quota(r) == LEASES - 1 and bytes(view) == bytes(range(10, 20)))
    again = view[2:4]
    del view
    gc.collect()
    expect('and a slice of a slice', quota(r) == LEASES - 1 and bytes(again) == bytes((12, 13)))
    for i in range(40):
        w.write(bytes([i]) * 9216)
    expect('which the writer does not touch', bytes(again) == bytes((12, 13)))
    del again
    expect('the last one gives it back', quota(r) == LEASES)
    w.write(bytes(range(256)) * 36)
    if np:
        a = r.lease().array[10:20]
        gc.collect()
        b = a.reshape(-1)[::2][1:]
        del a
        gc.collect()
        first = 10 * 64 * 3 + 2
        expect('an array of an array keeps the lease', quota(r) == LEASES - 1 and b[0] == first % 256 and not b.flags.owndata, b)
        says_no('and is not written to', ValueError, lambda: b.__setitem__(0, 1), 'read-only')
        del b
        gc.collect()
        expect('and gives it back', quota(r) == LEASES)
    with c.reader('camera.frame') as other:
        kept = other.lease()
    expect('a sample outlives its reader', bytes(kept.memory.cast('B')[:4]) == bytes(range(4)))
    with cadmus.attach('small') as d:
        kept = d.reader('camera.frame').lease()
        view = kept.memory
    del kept
    expect('and its machine', bytes(view.cast('B')[:4]) == bytes(range(4)))
    says_no('a machine that is left', ValueError, lambda: d.reader('level'), 'closed')
    one = c.reader('camera.frame')
    seen = []
    w.write(bytes(9216))
    for s in one.follow(timeout=0.0, lease=True, latest=True):
        seen.append(s.leased)
    expect('a loop borrows', seen == [True] and quota(r) == LEASES, seen)
    w.close()


def loans(camera, c):
    w, r = camera.writer('deep'), c.reader('deep')
    w.write(bytes(96))
    before = r.read().version
    with w.loan(trust=0.25, source_time=1) as view:
        flat = view.reshape(-1) if np else view.cast('B').cast('h')
        for i in range(48):
            flat[i] = i
        says_no('while it is filled, nothing else', OSError, lambda: w.write(bytes(96)), 'loan', code=errno.EBUSY)
        expect('nothing is seen of it', r.read().version == before)
    s = r.read()
    expect('a loan is published', s.version == before + 1 and abs(s.trust - 0.25) < 1e-6 and s.source_time == 1 and
           s.memory.tolist()[1][0][2][0][1][0][1][1] == 47, s)
    if np:
        says_no('and is not written to any more', ValueError, lambda: view.__setitem__(Ellipsis, 0), 'read-only')
    try:
        with w.loan() as view:
            raise KeyError('x')
    except KeyError:
        pass
    expect('or abandoned', r.read().version == before + 1)
    loan = w.loan()
    with loan as view:
        loan.degraded = True
    expect('what is said of it is said at its end', loan.version == before + 2 == r.read().version and
           r.read().status == Status.DEGRADED)
    says_no('trust is looked at before', ValueError, lambda: w.loan(trust=2))
    try:
        with w.loan() as view:
            w.close()
    except ValueError as e:
        expect('a writer that is closed meanwhile', 'closed' in str(e), e)
    expect('publishes nothing', r.read().version == before + 2)
    w2 = camera.writer('deep')
    with w2.loan() as view:
        expect('and there can be another one', view.shape == DEEP)
    w2.close()
    full = c.reader('camera.frame')
    w = camera.writer('camera.frame')
    held = []
    for i in range(LEASES):
        w.write(bytes(9216))
        held.append(full.lease())
    with cadmus.attach('small') as d:
        other, dropped = d.reader('camera.frame'), None
        for i in range(LEASES):
            try:
                w.write(bytes(9216))
                held.append(other.lease())
            except cadmus.Dropped as e:
                dropped = e
                break
        expect('when readers borrow all there is, samples are dropped', dropped is not None and dropped.errno == errno.EAGAIN, dropped)
        says_no('also on loan', cadmus.Dropped, lambda: w.loan().__enter__())
        expect('and counted', c.counters('camera')['drops'] == 2, c.counters('camera'))
        held.clear()
        expect('until one is given back', w.write(bytes(9216)) > 0)
    w.close()


class Tensor(ctypes.Structure):
    """DLManagedTensorVersioned, as a stranger has it."""
    _fields_ = [('major', ctypes.c_uint32), ('minor', ctypes.c_uint32), ('context', ctypes.c_void_p),
                ('deleter', ctypes.CFUNCTYPE(None, ctypes.c_void_p)), ('flags', ctypes.c_uint64), ('data', ctypes.c_void_p),
                ('device_type', ctypes.c_int32), ('device', ctypes.c_int32), ('dims', ctypes.c_int32), ('code', ctypes.c_uint8),
                ('bits', ctypes.c_uint8), ('lanes', ctypes.c_uint16), ('shape', ctypes.POINTER(ctypes.c_int64)),
                ('strides', ctypes.POINTER(ctypes.c_int64)), ('offset', ctypes.c_uint64)]


def consume(capsule):
    """What from_dlpack() does: take the tensor out, and rename the capsule."""
    api, name = ctypes.pythonapi, ctypes.create_string_buffer(b'used_dltensor_versioned')
    api.PyCapsule_GetPointer.restype, api.PyCapsule_GetPointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
    at = api.PyCapsule_GetPointer(capsule, b'dltensor_versioned')
    consume.names.append(name)
    api.PyCapsule_SetName(capsule, name)
    return Tensor.from_address(at)


consume.names = []


def dropped_capsules(r):
    """Nobody waits for the collector to have their leases back."""
    gc.collect()
    gc.disable()
    s = r.lease()
    capsule = s.__dlpack__(max_version=(1, 0))
    del capsule
    s.close()
    expect('a capsule that is dropped holds nothing when its sample is closed', not _dlpack._out, _dlpack._out)
    s = r.lease()
    view = s.memory
    capsule = s.__dlpack__(max_version=(1, 0))
    del capsule, s, view
    expect('nor when it is dropped', not _dlpack._out, _dlpack._out)
    capsule = r.lease().__dlpack__(max_version=(1, 0))
    expect('one that outlives its sample holds it', quota(r) == LEASES - 1)
    del capsule
    expect('but is in nobody\'s way afterwards', quota(r) == LEASES)
    capsule = r.lease().__dlpack__(max_version=(1, 0))
    del capsule
    expect('also not in a view\'s', len(cadmus.view([r], lease=True)) == 1 and not _dlpack._out, _dlpack._out)
    for how in (lambda: r.wait(0), r.read):
        capsule = r.lease().__dlpack__(max_version=(1, 0))
        del capsule
        how()
        expect('nor while one waits or reads', not _dlpack._out, _dlpack._out)
    gc.enable()


def dlpack(camera, c):
    w, r = camera.writer('deep'), c.reader('deep')
    w.write(array.array('h', range(48)).tobytes())
    for version in (None, (0, 8)):
        says_no(f'DLPack {version} cannot say read-only', BufferError, lambda v=version: r.lease().__dlpack__(max_version=v), 'array')
    expect('memory of the processor', r.lease().__dlpack_device__() == (1, 0))
    says_no('not of another device', BufferError, lambda: r.lease().__dlpack__(max_version=(1, 0), dl_device=(2, 0)))
    says_no('without streams', BufferError, lambda: r.lease().__dlpack__(max_version=(1, 0), stream=1))
    gc.collect()
    expect('a refusal holds nothing', quota(r) == LEASES)
    capsule = r.lease().__dlpack__(max_version=(1, 1))
    t = consume(capsule)
    expect('a tensor', (t.major, t.flags, t.device_type, t.dims, t.code, t.bits, t.lanes, t.offset) == (1, 1, 1, 8, 0, 16, 1, 0))
    expect('with its shape', tuple(t.shape[:8]) == DEEP and tuple(t.strides[:8]) == (24, 24, 8, 8, 4, 4, 2, 1), t.strides[:8])
    expect('and its elements', list((ctypes.c_int16 * 48).from_address(t.data)) == list(range(48)))
    del capsule
    gc.collect()
    expect('holds its lease', quota(r) == LEASES - 1)
    for i in range(40):
        w.write(bytes(96))
    expect('and its memory', (ctypes.c_int16 * 48).from_address(t.data)[47] == 47)
    t.deleter(ctypes.addressof(t))
    expect('until its deleter comes', quota(r) == LEASES)
    capsule = r.lease().__dlpack__(max_version=(1, 0))
    gc.collect()
    expect('a capsule holds it too', quota(r) == LEASES - 1)
    del capsule
    gc.collect()
    expect('until it is dropped', quota(r) == LEASES and not _dlpack._out)
    dropped_capsules(r)
    sample = r.lease()
    tensors = [consume(sample.__dlpack__(max_version=(1, 0))) for _ in range(100)]
    sample.close()
    expect('a hundred tensors have one lease', quota(r) == LEASES - 1)
    for t in tensors:
        t.deleter(ctypes.addressof(t))
    expect('and the last one gives it back', quota(r) == LEASES)
    t = consume(r.lease().__dlpack__(max_version=(1, 0), copy=True))
    expect('a copy is a copy', t.flags == 2 and quota(r) == LEASES)
    t.deleter(ctypes.addressof(t))
    t = consume(r.read().__dlpack__(max_version=(1, 0)))
    expect('what was read goes out as one', t.flags == 2 and t.dims == 8)
    t.deleter(ctypes.addressof(t))
    says_no('if it may', BufferError, lambda: r.read().__dlpack__(max_version=(1, 0), copy=False))
    w.close()
    if np is None:
        print('skip NumPy takes a tensor: there is no NumPy')
        return
    if tuple(int(x) for x in np.__version__.split('.')[:2]) < (2, 1):
        says_no(f'NumPy {np.__version__} speaks an older DLPack', BufferError, lambda: np.from_dlpack(r.lease()), 'array')
    else:
        a = np.from_dlpack(r.lease())
        expect(f'NumPy {np.__version__} takes it', a.shape == DEEP and not a.flags.writeable and quota(r) == LEASES - 1)
        says_no('an error with a tensor in hand is that error', TypeError, lambda: np.from_dlpack(r.lease()) + object())
        del a
        gc.collect()
        expect('and gives it back', quota(r) == LEASES)
