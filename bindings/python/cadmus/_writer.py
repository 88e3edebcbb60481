"""Writers: the one who says what a field is."""
from __future__ import annotations

import errno
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from . import _fields, _library
from ._errors import Dropped, Error, fail
from ._fields import Field, View
from ._handle import Handle
from ._reader import Reader
from ._samples import Status

if TYPE_CHECKING:
    from ._machine import Machine

_lib = _library.lib


def _meta(source_time: int | None, trust: float, degraded: bool) -> _library.Meta:
    if not 0.0 <= trust <= 1.0:  # NaN too
        raise ValueError(f'trust is from 0 to 1, not {trust}')
    if source_time is not None and source_time <= 0:
        raise ValueError('source_time is in ns of time.monotonic_ns(), and greater than 0')
    return _library.Meta(source_time or 0, trust, Status.DEGRADED if degraded else Status.OK)


class Loan:
    """The memory of the next sample, to be filled in place: `with writer.loan() as view: view[:] = ...`.

    `view` is a writable NumPy array, or a memoryview where there is no NumPy, with old contents: fill all of it.  The end of the
    `with` publishes it, an exception abandons it.  `source_time`, `trust` and `degraded` may be set until then;
    `version` is what it became.
    """

    def __init__(self, writer: Writer, source_time: int | None, trust: float, degraded: bool) -> None:
        _meta(source_time, trust, degraded)
        self.source_time, self.trust, self.degraded = source_time, trust, degraded
        self.version = 0  #: of the sample it became; 0: none
        self._writer = writer
        self._view: Any = None

    def __enter__(self) -> View:
        self._view = self._writer._borrow()
        return self._view

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        view, self._view = self._view, None
        if isinstance(view, memoryview):
            view.release()
        else:
            view.flags.writeable = False  # it is a sample now, and readers read it
        if kind is not None:
            self._writer._abandon()
            return
        try:
            self.version = self._writer._publish(_meta(self.source_time, self.trust, self.degraded))
        except BaseException:
            self._writer._abandon()
            raise


class Writer(Handle):
    """Writes one field; there is one at a time.  It belongs to one thread at a time."""

    def __init__(self, machine: Machine, field: Field, pointer: int) -> None:
        super().__init__(pointer, _lib.cdm_writer_close, field.name)
        self.machine = machine
        self.field = field
        self._loaned = False
        self._pin: Reader | None = None

    def _check(self, rc: int) -> int:
        if rc == -errno.EAGAIN:
            raise Dropped(errno.EAGAIN, f'{self.field.name}: readers borrow all there is; the sample was dropped, and counted')
        if rc == -errno.EINVAL:
            fail(rc, f'{self.field.name} is derived: name the readers it is made from with derive(), and read one of them first')
        if rc < 0:
            fail(rc, self.field.name)
        return rc

    def write(self, data: Any, *, source_time: int | None = None, trust: float = 1.0, degraded: bool = False) -> int:
        """Publish a sample: a copy of `data`.  Its version.

        data         an array or buffer with the type and the shape of the field, in C order or not; `bytes` of the right number;
                     for a scalar also a Python number, which is rounded to the type of the field.  A field of bytes of one
                     dimension may be given fewer.
        source_time  when the world was like this, in ns of time.monotonic_ns(); None, or later than now: now
        trust        0..1; never more than the description trusts the writer, or than the sources of a derived sample had
        degraded     it was made although something that it needs did not hold

        TypeError: another element type; ValueError: another shape, or number that does not fit.  Nothing is converted.
        Dropped: readers borrow all there is.  OSError with EINVAL: a derived field none of whose sources has given anything.
        """
        meta = _meta(source_time, trust, degraded)
        at, count, keep = _fields.value(self.field, data)
        rc = self._call(self._write, at, count, meta)
        del keep
        return self._check(rc)

    def loan(self, *, source_time: int | None = None, trust: float = 1.0, degraded: bool = False) -> Loan:
        """Fill the next sample in place: see Loan, and write() for what is said of it.  Nothing happens before the `with`.

        The `with` may raise Dropped at its start and, for a derived field, OSError with EINVAL at its end.  After it, the view
        is read-only (a memoryview: released), and what it shows is overwritten some samples later.
        """
        return Loan(self, source_time, trust, degraded)

    def derive(self, *readers: Reader) -> None:
        """Say that samples are made from what these readers take, by whatever call.

        From then on each sample carries the oldest source time, the lowest trust and the worst status of itself and of all that
        they took since the sample before it.  A field that a model writes needs this for at least one reader.  They and
        this writer belong to one thread from then on.

        ValueError: a reader of another machine.  OSError with E2BIG: 16 have been named.
        """
        for r in readers:
            if r.machine is not self.machine:
                raise ValueError(f'{r} is of another machine')
            rc = self._link(_lib.cdm_derive, r)
            if rc < 0:
                fail(rc, f'{self.field.name} cannot be derived from more readers')

    # ---- in its turn ----

    def _not_loaned(self) -> None:
        if self._loaned:
            raise Error(errno.EBUSY, f'{self.field.name}: a loan is being filled')

    def _write(self, pointer: int, at: Any, count: int, meta: _library.Meta) -> int:
        self._not_loaned()
        return int(_lib.cdm_write(pointer, at, count, meta))

    def _take(self, pointer: int) -> int | None:
        self._not_loaned()
        at: int | None = _lib.cdm_loan(pointer)
        self._loaned = at is not None
        return at

    def _give(self, pointer: int, meta: _library.Meta) -> int:
        rc = int(_lib.cdm_publish(pointer, self.field.bytes, meta))
        self._loaned = self._loaned and rc < 0
        return rc

    def _forget(self, pointer: int) -> None:
        if self._loaned:
            _lib.cdm_abandon(pointer)
        self._loaned = False

    # ---- what loans need ----

    def _borrow(self) -> View:
        if self._pin is None:  # a reader keeps the memory mapped, however long a view of it is kept
            self._pin = self.machine._pin(self.field)
        at = self._call(self._take)
        if at is None:
            self._check(-errno.EAGAIN)
        return cast(View, _fields.view(self.field, at, self.field.bytes, False, self._pin))

    def _publish(self, meta: _library.Meta) -> int:
        return self._check(self._call(self._give, meta))

    def _abandon(self) -> None:
        if not self.closed:
            self._call(self._forget)
