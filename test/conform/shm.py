"""Fields of a running machine, read from shared memory by spec/shm.md alone: no libcadmus, nothing compiled.

    with Memory('/run/user/1000/cadmus-1000/robot/attach.sock') as m:
        print(m.latest('battery.level'))

It is written to be compared with the page, not to be fast.  A word is loaded by a cast memoryview, which is one access of the
processor in CPython; the orders that the page asks for are those of x86 for loads, and barrier() makes the two that are not.
"""
import array
import collections
import ctypes
import fcntl
import hashlib
import mmap
import os
import socket
import struct
import time

LAYOUT, PLAN, SEAT = 3, 4, 5
MESSAGE, ATTACH = 0x74616573, 0x74746163
HELLO, PEER, READY, FAILED, LEAVE, ANOTHER, ALL = 1, 2, 6, 9, 11, 12, 16
SEGMENT, DIRECTORY = 0x316765736d6463, 0x317269646d6463
PARTS, INLINE, LARGE, SLOTS_AT, EVENTS, TRIES = 14, 88, 4096, 384, 1024, 1000
SEAL, SHRINK, GROW, FUTURE_WRITE = 1, 2, 4, 16
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
TYPES = [('u8', 'B'), ('i8', 'b'), ('u16', 'H'), ('i16', 'h'), ('u32', 'I'), ('i32', 'i'), ('u64', 'Q'), ('i64', 'q'), ('f16', 'e'),
         ('bf16', 'H'), ('f32', 'f'), ('f64', 'd'), ('bool', '?'), ('bytes', 'B')]
OK, STALE, DEGRADED, ORPHAN = range(4)
SYS_FUTEX, SYS_MEMBARRIER = {'x86_64': (202, 324), 'aarch64': (98, 283)}[os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)

Sample = collections.namedtuple('Sample', 'version source_time publish_time trust source status epoch data')
Event = collections.namedtuple('Event', 'number time kind source a b text')
Part = collections.namedtuple('Part', 'at bytes readers')
Tally = collections.namedtuple('Tally', 'doing index taken leased missed laps retries waits cursor')
Error = collections.namedtuple('Error', 'count first last text')


class Broken(Exception):
    """Memory that is not what the page says."""


def must(condition, what):
    if not condition:
        raise Broken(what)


def barrier():
    """Stores before it come before loads after it, for all threads of the machine."""
    must(libc.syscall(SYS_MEMBARRIER, 1, 0) == 0, 'membarrier(MEMBARRIER_CMD_GLOBAL)')


def text(raw):
    return raw.split(b'\0', 1)[0].decode()


class Field:
    def __init__(self, index, raw):
        self.index = index
        self.name, self.unit = text(raw[:48]), text(raw[48:64])
        self.type, self.code = TYPES[raw[65]]
        self.shape = struct.unpack_from('<8I', raw, 72)[:raw[66]]
        self.process, = struct.unpack_from('<H', raw, 68)
        self.bytes, self.slots, self.leases, self.group, self.part, self.offset, self.readers, self.layout = \
            struct.unpack_from('<IIIHHQQQ', raw, 104)
        self.half_life, self.max_age = struct.unpack_from('<qq', raw, 144)
        self.fades = raw[64] == 1

    def layout_hash(self):
        """FNV-1a over what the page names."""
        h = 0xcbf29ce484222325
        shape = self.shape + (0,) * (8 - len(self.shape))
        for byte in struct.pack('<BB8III', [t for t, _ in TYPES].index(self.type), len(self.shape), *shape, self.slots, self.bytes):
            h = (h ^ byte) * 0x100000001b3 & 0xffffffffffffffff
        return h

    def payload(self, slot):
        """Where that slot's payload is, from the beginning of the segment."""
        if self.bytes <= INLINE:
            return self.slot(slot) + 40
        to = 4096 if self.bytes > LARGE else 128
        first = self.offset + SLOTS_AT + 128 * self.slots
        if to == 4096:
            first = -(-first // to) * to
        return first + slot * (-(-self.bytes // to) * to)

    def slot(self, slot):
        return self.offset + SLOTS_AT + 128 * slot

    def values(self, data):
        return struct.unpack(f'<{len(data) // struct.calcsize(self.code)}{self.code}', data)


class Process:
    def __init__(self, raw):
        self.name = text(raw[:48])
        self.quota, self.bytes = struct.unpack_from('<HQ', raw, 54)
        self.events, self.desk, self.tally = struct.unpack_from('<QQQ', raw, 72)
        count, self.tallies, self.refuses = struct.unpack_from('<III', raw, 320)
        at = [struct.unpack_from('<QQ', raw, 96 + 16 * k) for k in range(count)] + [(self.bytes, 0)]
        self.parts = [Part(at[k][0], at[k + 1][0] - at[k][0], at[k][1]) for k in range(count)]


class Plan:
    def __init__(self, raw):
        magic, abi, size = struct.unpack_from('<8sII', raw)
        must(magic == b'cdmplan\0' and abi == PLAN and size == len(raw), 'not a plan of this version')
        self.hash = raw[16:48]
        whole = hashlib.blake2b(raw[:16] + bytes(32) + raw[48:], digest_size=32).digest()
        must(whole == self.hash, 'the hash of the plan')
        self.machine = text(raw[48:96])

        def table(at, size):
            first, count = struct.unpack_from('<II', raw, at)
            return [raw[first + i * size:first + (i + 1) * size] for i in range(count)]
        self.entities = [text(r[:48]) for r in table(96, 128)]
        self.fields = {f.name: f for f in (Field(i, r) for i, r in enumerate(table(104, 168)))}
        self.heads = [f for f in self.fields.values()]
        self.processes = [Process(r) for r in table(112, 336)]


class Words:
    """A mapped file: words by their offset, and bytes."""

    def __init__(self, fd, size, writable=False):
        seals = fcntl.fcntl(fd, F_GET_SEALS)
        must(os.fstat(fd).st_size == size and seals & GROW and seals & SHRINK, 'a file that is not of that size, for ever')
        must(writable or seals & FUTURE_WRITE, 'a file that somebody else could still write')
        self.map = mmap.mmap(fd, size, prot=mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0))
        self.bytes = memoryview(self.map)
        self.words, self.halves = self.bytes[:size // 8 * 8].cast('Q'), self.bytes[:size // 4 * 4].cast('I')

    def word(self, at):
        must(at % 8 == 0, 'a word stands at a multiple of 8')
        return self.words[at // 8]

    def half(self, at):
        return self.halves[at // 4]

    def address(self, at):
        """For the futex call; of a read-only mapping, too."""
        return _address(self.bytes) + at

    def close(self):
        for view in (self.words, self.halves, self.bytes):
            view.release()
        self.map.close()


def _address(view):
    """Where the memory of a buffer begins (PyObject_GetBuffer: the first member of Py_buffer)."""
    raw = (ctypes.c_char * 256)()
    ctypes.pythonapi.PyObject_GetBuffer.argtypes = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int]
    ctypes.pythonapi.PyBuffer_Release.argtypes = [ctypes.c_void_p]
    must(ctypes.pythonapi.PyObject_GetBuffer(view, ctypes.addressof(raw), 0) == 0, 'PyObject_GetBuffer')
    address = ctypes.c_void_p.from_buffer(raw).value
    ctypes.pythonapi.PyBuffer_Release(ctypes.addressof(raw))
    return address


class Segment:
    """Somebody's memory, as far as we may see it."""

    def __init__(self, plan, index, epoch, parts, fds, writable=False):
        self.plan, self.index, self.epoch = plan, index, epoch
        self.process = plan.processes[index]
        self.parts = {}
        for k in parts:
            self.parts[k] = Words(fds.pop(0), self.process.parts[k].bytes, writable)
        if not writable:
            self.check()

    def check(self):
        head = self.parts[0]
        must(head.word(0) == SEGMENT and head.half(8) == LAYOUT and head.half(12) == self.index and head.half(16) == self.epoch and
             head.word(24) == self.process.bytes and bytes(head.bytes[32:64]) == self.plan.hash, 'the head of a segment')
        for f in self.plan.fields.values():
            if f.process == self.index and f.part in self.parts:
                w, at = self.parts[f.part], f.offset - self.process.parts[f.part].at
                must((w.word(at), w.half(at + 8), w.half(at + 12), w.half(at + 16)) == (f.layout, f.index, f.slots, f.bytes),
                     f'the head of field {f.name}')

    def at(self, part, offset):
        return self.parts[part], offset - self.process.parts[part].at

    def format(self, fds):
        """Of our own: what makes it one."""
        head = self.parts[0]
        head.bytes[self.process.desk:self.process.desk + 4] = struct.pack('<I', self.process.quota)
        for f in self.plan.fields.values():
            if f.process == self.index:
                words, at = self.at(f.part, f.offset)
                words.bytes[at:at + 20] = struct.pack('<QIII', f.layout, f.index, f.slots, f.bytes)
        head.bytes[8:64] = struct.pack('<IIIiQ32s', LAYOUT, self.index, self.epoch, os.getpid(), self.process.bytes, self.plan.hash)
        head.bytes[64:72] = struct.pack('<q', time.monotonic_ns())
        barrier()
        head.words[0] = SEGMENT
        for fd in fds:
            fcntl.fcntl(fd, F_ADD_SEALS, FUTURE_WRITE | SEAL)

    def close(self):
        for w in self.parts.values():
            w.close()


class Memory:
    """A seat of a client.  One thread."""

    def __init__(self, door, entity=''):
        self.segments, self.taken, self.own, self.directory, self.told_all = {}, {}, None, None, False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(door)
        self.socket.settimeout(10)
        self.socket.send(struct.pack('<III48s', ATTACH, SEAT, 0, entity.encode()))
        self.hello(*self.receive())

    def receive(self):
        raw, control, _, _ = self.socket.recvmsg(128, socket.CMSG_SPACE(16 * 4))
        must(len(raw) == 128 and struct.unpack_from('<I', raw)[0] == MESSAGE, 'a message of the parent')
        fds = array.array('i')
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[:len(data) // 4 * 4])
        return raw, list(fds)

    def hello(self, raw, fds):
        _, kind, self.index, self.epoch, value = struct.unpack_from('<5I', raw)
        must(kind != FAILED, text(raw[20:]))
        must(kind == HELLO and value == SEAT and len(fds) >= 3, 'HELLO')
        self.plan = Plan(os.pread(fds[0], os.fstat(fds[0]).st_size, 0))
        self.take_directory(fds[1])
        own = fds[2:]
        self.own = Segment(self.plan, self.index, self.epoch, range(len(own)), list(own), writable=True)
        self.own.format(own)
        for fd in fds:
            os.close(fd)
        self.socket.send(struct.pack('<5I108s', MESSAGE, READY, self.index, self.epoch, 0, b''))

    def take_directory(self, fd):
        """The parent's, or that of the next one when it was killed."""
        if self.directory:
            self.directory.close()
        self.directory = Words(fd, os.fstat(fd).st_size)
        must(self.directory.word(0) == DIRECTORY and self.directory.half(8) == LAYOUT and
             bytes(self.directory.bytes[16:48]) == self.plan.hash, 'the directory')

    def hear(self, patience=0.0):
        """Take what the parent has sent; True when there was something."""
        self.socket.settimeout(patience or 1e-6)
        try:
            raw, fds = self.receive()
        except (BlockingIOError, TimeoutError):
            return False
        _, kind, process, epoch, value = struct.unpack_from('<5I', raw)
        if kind == PEER:
            parts = [k for k in range(PARTS) if value >> k & 1]
            rights = [k for k, p in enumerate(self.plan.processes[process].parts) if p.readers >> self.index & 1]
            must(parts == rights and len(fds) == len(parts), f'parts {parts} of process {process}, and our rights are {rights}')
            self.segments[process] = Segment(self.plan, process, epoch, parts, list(fds))
        elif kind == ANOTHER:
            self.take_directory(fds[0])
        elif kind == ALL:
            self.told_all = True
        for fd in fds:
            os.close(fd)
        return True

    def settle(self):
        """Until everybody is mapped who had memory when we came."""
        end = time.monotonic() + 10
        while not self.told_all:
            must(time.monotonic() < end, 'all peers')
            self.hear(0.1)
        return self

    def life(self, process):
        """(state, epoch)"""
        life = self.directory.word(128 + 64 * process)
        return life & 0xffffffff, life >> 32

    # ---- samples ---------------------------------------------------------------------------------

    def writer(self, f):
        """(segment, words of the field's part, where it begins in them); None: nobody wrote it yet."""
        s = self.segments.get(f.process)
        return s and (s, *s.at(f.part, f.offset))

    def head(self, f):
        group = self.plan.heads[f.group]
        _, words, at = self.writer(group)
        return words.word(at + 128)

    def stamp(self, f, slot):
        _, words, at = self.writer(f)
        return words.word(at + SLOTS_AT + 128 * slot)

    def find(self, f):
        """(slot, version) of the newest, as the head says; None: none yet."""
        for _ in range(TRIES):
            head = self.head(f)
            slot, low = head >> 32, head & 0xffffffff
            must(slot < f.slots, 'the head of a field')
            stamp = self.stamp(f, slot)
            if head == 0 and stamp <= 3:
                return None
            if not stamp & 1 and stamp >> 1 & 0xffffffff == low:
                return slot, stamp >> 1
        raise TimeoutError(f.name)

    def status(self, f, epoch, said, source_time):
        state, now = self.life(f.process)
        if now != epoch or state in (0, 3, 4):
            return ORPHAN
        stale = f.max_age and source_time < time.monotonic_ns() - f.max_age
        return max(said, STALE if stale else OK)

    def take(self, f, slot, version):
        """The sample; None: it was there no more."""
        segment, words, at = self.writer(f)
        header = at + SLOTS_AT + 128 * slot
        if words.word(header) != version << 1:
            return None
        source_time, publish_time, origin, extent = (words.word(header + 8 * i) for i in range(1, 5))
        must(extent <= f.bytes, 'valid bytes')
        must(source_time <= publish_time and origin >> 48 <= ORPHAN and (origin >> 32 & 0xffff) < len(self.plan.entities),
             'what is said of a sample')
        payload = f.payload(slot) - segment.process.parts[f.part].at
        data = bytes(words.bytes[payload:payload + extent])
        if words.word(header) != version << 1:
            return None
        trust, = struct.unpack('<f', struct.pack('<I', origin & 0xffffffff))
        must(0 <= trust <= 1, 'trust')
        return Sample(version, source_time, publish_time, trust, self.plan.entities[origin >> 32 & 0xffff],
                      self.status(f, segment.epoch, origin >> 48, source_time), segment.epoch, data)

    def latest(self, name):
        """The newest sample, or None."""
        f = self.plan.fields[name]
        for _ in range(TRIES):
            found = self.writer(f) and self.find(f)
            if not found:
                return None
            sample = self.take(f, *found)
            if sample:
                return sample
        raise TimeoutError(name)

    def group(self, *names):
        """The newest samples of fields under one head, of one commit."""
        fields = [self.plan.fields[n] for n in names]
        for _ in range(TRIES):
            found = self.find(fields[0])
            samples = [self.take(f, *found) for f in fields] if found else []
            if all(samples):
                return samples
        raise TimeoutError(names)

    def history(self, name):
        """What is there of it, from the oldest to the newest."""
        f = self.plan.fields[name]
        slots = ((self.stamp(f, i) >> 1, i) for i in range(f.slots) if not self.stamp(f, i) & 1)
        return [s for v, i in sorted(slots) if v and (s := self.take(f, i, v))]

    # ---- our desk --------------------------------------------------------------------------------

    def is_known(self, f):
        """Does its writer look at our desk?"""
        return self.writer(f)[0].parts[0].half(640 + 4 * self.index) == self.epoch

    def wait(self, name, timeout):
        """Sleep until there is a newer sample; False: it took too long."""
        f = self.plan.fields[name]
        group = self.plan.heads[f.group]
        _, words, at = self.writer(group)
        mine = self.own.process.desk + 128 + 4 * (f.group % 512)
        before = words.half(at + 128)
        self.own.parts[0].halves[mine // 4] += 1
        barrier()
        limit = struct.pack('<qq', int(timeout), int(timeout % 1 * 1e9))
        try:
            if words.half(at + 128) == before:
                libc.syscall(SYS_FUTEX, ctypes.c_void_p(words.address(at + 128)), 0, ctypes.c_uint32(before), limit, None, 0)
            return words.half(at + 128) != before
        finally:
            self.own.parts[0].halves[mine // 4] -= 1

    def lease(self, name):
        """(word of the lease, memory of the sample, version); None: nothing to borrow now."""
        f = self.plan.fields[name]
        must(f.leases and self.is_known(f), 'leases here')
        segment, words, _ = self.writer(f)
        found = self.find(f)
        if not found:
            return None
        slot, version = found
        first = (self.own.process.desk + 2176) // 8
        desk = self.own.parts[0].words
        free = next(i for i in range(first, first + self.own.process.quota) if desk[i] == 0)
        desk[free] = (version & 0xff) << 56 | slot << 32 | (segment.epoch & 0xffff) << 16 | f.index + 1
        barrier()
        if self.stamp(f, slot) != version << 1:
            desk[free] = 0
            return None
        payload = f.payload(slot) - segment.process.parts[f.part].at
        return free, words.bytes[payload:payload + f.bytes], version

    def give_back(self, word):
        self.own.parts[0].words[word] = 0

    # ---- events ----------------------------------------------------------------------------------

    def listen(self, process):
        """Be waited for by a process that refuses, from its newest record on: the tally that says so."""
        head = self.segments[process].parts[0]
        must(head.half(640 + 4 * self.index) == self.epoch, 'a process that knows our desk')
        first = self.own.process.tally // 8
        words = self.own.parts[0].words
        mine = next(i for i in range(first, first + 8 * self.own.process.tallies, 8) if words[i] == 0)
        words[mine + 7] = head.word(self.segments[process].process.events)
        barrier()
        words[mine] = process | 3 << 16 | 1 << 32 | (self.segments[process].epoch & 0xffff) << 48
        return mine

    def took(self, tally, number):
        self.own.parts[0].words[tally + 7] = number

    def listen_no_more(self, tally):
        self.own.parts[0].words[tally] &= ~(1 << 32)

    def events(self, process):
        """Those that are there, in order."""
        s = self.segments[process]
        words, at = s.at(0, s.process.events)
        newest = words.word(at)
        for n in range(max(1, newest - EVENTS + 2), newest + 1):
            record = at + 128 + 64 * (n % EVENTS)
            if words.word(record) == n << 1:
                raw = bytes(words.bytes[record + 8:record + 64])
                if words.word(record) == n << 1:
                    t, kind, source, _, a, b, name = struct.unpack('<qHHIQQ24s', raw)
                    yield Event(n, t, kind, source, a, b, text(name))

    # ---- what is counted -------------------------------------------------------------------------

    def tallies(self, process):
        s = self.segments[process]
        words, at = s.at(0, s.process.tally)
        for i in range(s.process.tallies):
            what, *counts = (words.word(at + 64 * i + 8 * k) for k in range(8))
            if what:
                yield Tally(what >> 16 & 0xffff, what & 0xffff, *counts)

    def errors(self, process):
        words = self.segments[process].parts[0]
        for at in range(1024, 1024 + 24 * 128, 128):
            if words.word(at + 16):
                yield Error(words.word(at + 8), words.word(at + 16), words.word(at + 24), text(bytes(words.bytes[at + 32:at + 128])))

    def counters(self, process):
        """What stands in the head."""
        words = self.segments[process].parts[0]
        return [words.word(128 + 8 * i) for i in range(64)]

    def leave(self):
        self.socket.send(struct.pack('<5I108s', MESSAGE, LEAVE, self.index, self.epoch, 0, b''))

    def close(self):
        for s in self.segments.values():
            s.close()
        if self.own:
            self.own.close()
        if self.directory:
            self.directory.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
