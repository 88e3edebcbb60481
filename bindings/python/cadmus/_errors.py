"""Errors: all are OSError, with the errno that the C API gives and a text that says what to do."""
from __future__ import annotations

import errno
from typing import Any, NoReturn


class Error(OSError):
    """What Cadmus, or the machine, says no with.

    `errno` has the meaning that cadmus/client.h gives it, `strerror` the text for people.
    """


class NotFound(Error, FileNotFoundError):
    """ENOENT: no such machine, entity or field."""


class NotRunning(Error, ConnectionRefusedError):
    """ECONNREFUSED: the machine has ended, and who waits for news of it would wait for ever; attach again when it runs."""


class NotAllowed(Error, PermissionError):
    """EACCES: the machine is another user's, or its description does not let this program do that."""


class Busy(Error, BlockingIOError):
    """EBUSY: another program has that place, all places for clients are taken, or all leases of this program are out."""


class NoSample(Error, BlockingIOError):
    """EAGAIN: there is no (new) sample."""


class Dropped(Error, BlockingIOError):
    """EAGAIN: readers borrow all slots; the sample was not published, and that was counted."""


class TimedOut(Error, TimeoutError):
    """ETIMEDOUT: not within its time."""


class WriterGone(Error):
    """EOWNERDEAD: there is nothing new, and the writer of what is waited for has ended or died.  Said once of each."""


class Incoherent(Error):
    """ESTALE: no view under these terms; `reason` is "empty", "history", "skew", "age", "trust" or "broken", and `reader` whose field is to blame."""

    def __init__(self, code: int, text: str, reason: str, reader: Any) -> None:
        super().__init__(code, text)
        self.reason = reason
        self.reader = reader


class Canceled(Error):
    """ECANCELED: Machine.interrupt() was called."""


class Broken(Error):
    """EPROTO: the other side's memory or messages are not what they must be, or a field not what the program was written for."""


class HungUp(Error, BrokenPipeError):
    """EPIPE: the other side is gone."""


_KINDS: dict[int, type[Error]] = {
    errno.ENOENT: NotFound, errno.ECONNREFUSED: NotRunning, errno.EACCES: NotAllowed, errno.EBUSY: Busy,
    errno.EAGAIN: NoSample, errno.ETIMEDOUT: TimedOut, errno.ECANCELED: Canceled, errno.EPROTO: Broken, errno.EPIPE: HungUp,
    errno.EOWNERDEAD: WriterGone,
}


def fail(rc: int, text: str) -> NoReturn:
    """Raise what a negative return value of the C API means."""
    raise _KINDS.get(-rc, Error)(-rc, text)
