"""Readers: one's place in the samples of a field."""
from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _dlpack, _library
from ._errors import NoSample, WriterGone, fail
from ._fields import Field
from ._handle import Handle, together
from ._samples import Copy, Info, Lease, Sample, info_of

if TYPE_CHECKING:
    from ._machine import Machine

_lib = _library.lib
_SLICE = 0.2  # seconds of a sleep in the library, after which Python looks for signals
_UNHEARD = 2.0  # seconds in which a writer that lives hears of a new client
_TEXTS = {
    errno.EAGAIN: 'no new sample',
    errno.ENOENT: 'that sample is not there any more',
    errno.EBUSY: 'all leases of this program are out: let go of samples, and of arrays that view them',
    errno.ENOTSUP: 'its samples cannot be borrowed, only copied (`leases:` in the description)',
    errno.EPROTO: 'the memory of its writer is broken, and was not followed',
    errno.ECANCELED: 'the wait was interrupted, by Machine.interrupt() or close()',
    errno.EOWNERDEAD: 'its writer has ended; wait again for the next one',
    errno.ECONNREFUSED: 'the machine has ended, and nothing new will come; what it said last can still be read. Start it again'
                        ' with `cadmus run`, and attach() anew',
}


def explain(rc: int, what: str) -> str:
    """What a person must know of a negative return value of a call that reads or waits."""
    return f'{what}: {_TEXTS.get(-rc) or os.strerror(-rc)}'


def sleep(call: Callable[[int], int], timeout: float | None) -> int:
    """Call with a number of ns, again and again, until it gives something other than -ETIMEDOUT or it is later than that."""
    if timeout is not None and timeout != timeout:
        raise ValueError('a timeout is in seconds, and not NaN')
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        left = _SLICE if until is None else min(_SLICE, max(0.0, until - time.monotonic()))
        _dlpack.sweep()
        rc = call(int(left * 1e9))
        if rc != -errno.ETIMEDOUT or (until is not None and time.monotonic() >= until):
            return rc


class Reader(Handle):
    """Reads one field; what it has taken is not new any more.

    It belongs to one thread at a time; open as many as you like.  Its calls give the interpreter to other threads.  Errors
    of all that read: NoSample (there is none, or no new one), Broken; ValueError when it is closed.
    """

    def __init__(self, machine: Machine, field: Field, pointer: int) -> None:
        super().__init__(pointer, _lib.cdm_close, field.name)
        self.machine = machine
        self.field = field
        self._gone = False  # that the writer has ended was heard, and not said yet

    def _check(self, rc: Any) -> int:
        if rc < 0:
            fail(rc, explain(rc, f'{self.field.name} of {self.machine.name}'))
        return int(rc)

    def _copy(self, call: Callable[..., int], *arguments: int) -> Sample:
        memory, info = (ctypes.c_ubyte * self.field.bytes)(), _library.Info()
        _dlpack.sweep()
        rc = self._check(self._call(call, *arguments, ctypes.addressof(memory), self.field.bytes, info))
        return Sample(self.field, Copy(memory, info), info_of(info, self.machine.entities), rc)

    def _borrow(self, call: Callable[..., int], news: Callable[[], bool]) -> Sample:
        sample, until = _library.Sample(), time.monotonic() + _UNHEARD
        _dlpack.sweep()
        while True:
            rc = self._call(call, sample)
            if rc != -errno.EAGAIN or not news() or time.monotonic() > until:
                break
            time.sleep(0.001)  # there is one, but its writer has not heard of us yet: nothing wakes for that
        self._check(rc)
        return Sample(self.field, Lease(sample), info_of(sample.info, self.machine.entities), rc)

    def _any(self) -> bool:
        return bool(self._call(_lib.cdm_peek, _library.Info()) == 0)

    def _look(self, pointer: int) -> bool:
        rc = _lib.cdm_wait(pointer, 0)
        self._gone |= rc == -errno.EOWNERDEAD
        return bool(rc == 0)

    def _news(self) -> bool:
        return bool(self._call(self._look))

    def _sleep(self, pointer: int, ns: int) -> int:
        if self._gone:
            self._gone = False
            return -errno.EOWNERDEAD
        return int(_lib.cdm_wait(pointer, ns))

    def read(self) -> Sample:
        """The latest sample, copied."""
        return self._copy(_lib.cdm_read)

    def next(self) -> Sample:
        """The next sample in order, copied; `missed` says how many were skipped before it, because we were slow.

        A new reader begins with sample 1, or half of the history behind the newest when that is gone; after a restart of the
        writer, with its first sample.
        """
        return self._copy(_lib.cdm_next)

    def read_at(self, moment: int) -> Sample:
        """The newest sample whose source time (ns of time.monotonic_ns()) is not after `moment`, copied.  Takes nothing.

        NoSample also when the history does not reach that far.
        """
        return self._copy(_lib.cdm_read_at, moment)

    def read_version(self, version: int) -> Sample:
        """That very sample of the present life of the writer, copied.  Takes nothing.

        NotFound: it is not there any more.  NoSample: it is not there yet.
        """
        return self._copy(_lib.cdm_read_version, version)

    def peek(self) -> Info:
        """What is known of the latest sample, without its bytes.  Takes nothing."""
        info = _library.Info()
        self._check(self._call(_lib.cdm_peek, info))
        return info_of(info, self.machine.entities)

    def lease(self) -> Sample:
        """The latest sample where it stands, without a copy.

        Busy: all leases of this program are out.  OSError with ENOTSUP: samples of this field can only be copied.
        """
        return self._borrow(_lib.cdm_lease, self._any)

    def lease_next(self) -> Sample:
        """The next sample in order, as next(), where it stands, as lease()."""
        return self._borrow(_lib.cdm_lease_next, self._news)

    def skip(self) -> None:
        """Count what is there as taken: next() and wait() go on with what comes after."""
        self._call(_lib.cdm_skip)

    @property
    def missed(self) -> int:
        """Samples that next() and lease_next() had to skip, in all."""
        return int(self._call(_lib.cdm_missed))

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until there is a sample that this reader has not taken.  False: not within `timeout` seconds.

        WriterGone: there is none, and the writer has ended or died; this is said once of each, so wait again for the next.
        NotRunning: there is none, and the machine has ended: attach again when it runs.
        Canceled: Machine.interrupt() was called.  Ctrl-C is heard within a fifth of a second.
        """
        rc = sleep(lambda ns: int(self._call(self._sleep, ns)), timeout)
        return rc != -errno.ETIMEDOUT and self._check(rc) == 0

    def fileno(self) -> int:
        """A descriptor for select and event loops: readable while there is news, or its writer has ended.

        Valid until close(); do not read from it: take samples, until NoSample.  wait() is cheaper.
        """
        return self._check(self._call(_lib.cdm_fd))

    def follow(self, timeout: float | None = None, *, lease: bool = False, latest: bool = False) -> Iterator[Sample]:
        """Samples that this reader has not taken, and those that come, until none comes for `timeout` seconds (None: for ever).

        In order, with `missed`, as next(): a new reader begins with what the history still holds, after skip() with what is to
        come.  With `latest`, always the newest that there is.  When the writer ends, it goes on with the first sample of
        the next one.  NotRunning: the machine has ended.

        With `lease`, borrowed instead of copied: the loop lets go of a sample when it goes on, but not of arrays that you keep.
        """
        take = (self.lease if latest else self.lease_next) if lease else (self.read if latest else self.next)
        while True:
            try:
                if not self.wait(timeout):
                    return
                sample = take()
            except (NoSample, WriterGone):
                continue  # the writer was faster than us many times in a row, or another one will come
            yield sample
            if lease:
                sample.close()
            del sample


def wait_any(readers: Sequence[Reader], timeout: float | None = None) -> Reader | None:
    """Sleep until one of up to 126 readers, all of one machine, has news: that one.  None: not within `timeout` seconds.

    WriterGone: nothing is new, and the writer of one has ended (its peek() says ORPHAN); said once of each.
    NotRunning: nothing is new, and the machine has ended.
    Canceled: Machine.interrupt() was called.  ValueError: no readers, of two machines, or too many.
    """
    if not 0 < len(readers) <= 126 or any(r.machine is not readers[0].machine for r in readers):
        raise ValueError('wait_any() takes 1 to 126 readers of one machine')

    def once(ns: int) -> int:
        return int(_lib.cdm_wait_any((ctypes.c_void_p * len(readers))(*[r.pointer for r in readers]), len(readers), ns))
    rc = sleep(lambda ns: int(together(readers, lambda: once(ns))), timeout)
    return None if rc == -errno.ETIMEDOUT else readers[readers[0]._check(rc)]
