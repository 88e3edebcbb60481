"""A sample: what was read, what is known of it, and whose memory it stands in."""
from __future__ import annotations

import ctypes
import enum
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from . import _dlpack, _fields, _library
from ._fields import Field, View
from ._handle import when_gone


class Status(enum.IntEnum):
    """What a sample is worth before one looks at its trust."""

    OK = 0
    STALE = 1     #: older than its reader, or its rule, allows
    DEGRADED = 2  #: made although a declared condition did not hold
    ORPHAN = 3    #: its writer is gone; this is the last it said


@dataclass(frozen=True)
class Info:
    """What is known of a sample besides its bytes.  Times are ns of time.monotonic_ns(), which all processes share."""

    version: int       #: 1, 2, 3 ... within an epoch of the writer
    source_time: int   #: when the world was like this
    publish_time: int  #: when it was published
    trust: float       #: 0..1: lower bound of trust in all it was made from
    source: str        #: entity that says so
    status: Status     #: the worst of what the writer said, STALE and ORPHAN
    epoch: int         #: grows each time the writing process is started
    bytes: int         #: of payload that are valid

    @property
    def age(self) -> float:
        """Seconds since source_time, now."""
        return (time.monotonic_ns() - self.source_time) / 1e9


def info_of(i: _library.Info, entities: tuple[str, ...]) -> Info:
    return Info(i.version, i.source_time, i.publish_time, i.trust, entities[i.source], Status(i.status), i.epoch, i.bytes)


def _give_back(sample: _library.Sample) -> None:
    _library.lib.cdm_release(sample)
    _dlpack.sweep()  # a capsule of it may have been dropped


class Lease:
    """A sample that is borrowed: until nothing refers to this any more."""

    __slots__ = ('__weakref__', 'sample')

    def __init__(self, sample: _library.Sample) -> None:
        self.sample = sample
        when_gone(self, _give_back, sample)


class Copy:
    """A sample of our own."""

    __slots__ = ('memory', 'sample')

    def __init__(self, memory: ctypes.Array[Any], info: _library.Info) -> None:
        self.memory = memory
        self.sample = _library.Sample(ctypes.addressof(memory), info)


class Sample:
    """One value of a field: `array` has the bytes, the other attributes what is known of them.

    A sample that was read is a copy, and yours.  One that was leased is a read-only view of the memory of its writer, who
    does not touch it while anything refers to it: this sample, its array, a slice of that, a tensor made of it by DLPack.
    Hold it briefly: a writer whose slots are all borrowed drops samples.  close(), or the end of a `with`, lets go of what the
    sample itself holds; arrays that you kept stay good, and keep the lease.

    Any thread may use and close it.
    """

    def __init__(self, field: Field, holder: Lease | Copy, info: Info, missed: int) -> None:
        self.field = field   #: description of its field
        self.info = info     #: all that is known of it
        self.missed = missed  #: samples that were missed just before this one, by next() and lease_next()
        self._holder: Lease | Copy | None = holder
        self._array: Any = None

    # ---- what is known of it ----

    @property
    def version(self) -> int:
        """1, 2, 3 ... within an epoch of the writer."""
        return self.info.version

    @property
    def source_time(self) -> int:
        """When the world was like this: ns of time.monotonic_ns()."""
        return self.info.source_time

    @property
    def publish_time(self) -> int:
        """When it was published: ns of time.monotonic_ns()."""
        return self.info.publish_time

    @property
    def trust(self) -> float:
        """0..1."""
        return self.info.trust

    @property
    def source(self) -> str:
        """Name of the entity that says so."""
        return self.info.source

    @property
    def status(self) -> Status:
        """OK, STALE, DEGRADED or ORPHAN, when it was taken."""
        return self.info.status

    @property
    def epoch(self) -> int:
        """Grows each time the writing process is started."""
        return self.info.epoch

    @property
    def age(self) -> float:
        """Seconds since source_time, now."""
        return self.info.age

    @property
    def left(self) -> float:
        """What is left of it now, 0 to 1: values of awareness (`field.half_life`) fade, and are to be multiplied with this."""
        age = (time.monotonic_ns() - self.publish_time) / 1e9
        return 1.0 if self.field.half_life is None or age <= 0 else float(2.0 ** (-age / self.field.half_life))

    @property
    def leased(self) -> bool:
        """True when it stands in the memory of its writer."""
        return isinstance(self._holder, Lease)

    # ---- its bytes ----

    def _held(self) -> Lease | Copy:
        if self._holder is None:
            raise ValueError(f'this sample of {self.field.name} is closed')
        return self._holder

    @property
    def memory(self) -> memoryview:
        """Its elements as a memoryview with format and shape; bf16, and f16 before Python 3.12, as 16-bit words.

        ValueError: the sample is closed, or its bytes are not whole rows of the field's shape.
        """
        holder = self._held()
        return _fields.view_memory(self.field, holder.sample.data, self.info.bytes, isinstance(holder, Lease), holder)

    @property
    def array(self) -> View:
        """Its elements as a NumPy array, or as `memory` where there is no NumPy; always the same one.

        ValueError: as `memory`.
        """
        holder = self._held()
        if self._array is None:
            self._array = _fields.view(self.field, holder.sample.data, self.info.bytes, isinstance(holder, Lease), holder)
        return cast(View, self._array)

    def __dlpack__(self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
                   dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any:
        """Its elements for torch.from_dlpack() and the like, by DLPack 1.

        A leased sample is shared, read-only, and held as long as the tensor lives; one that was read is copied.

        BufferError: the consumer speaks an older DLPack, which cannot say that memory is read-only; or wants it elsewhere, or
        without a copy where there must be one.
        """
        if stream is not None:
            raise BufferError('this is memory of the processor: it has no streams')
        return _dlpack.capsule(self.field, self._held().sample, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """(kDLCPU, 0)."""
        return _dlpack.CPU

    def close(self) -> None:
        """Let go of it; closing twice is nothing."""
        self._holder = self._array = None

    def __enter__(self) -> Sample:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f'<cadmus.Sample {self.field} version {self.version}, trust {self.trust:.2f}, {self.status.name}>'
