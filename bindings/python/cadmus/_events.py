"""Events: what happened, as small records of all processes."""
from __future__ import annotations

import ctypes
import errno
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _library
from ._errors import NotFound, fail
from ._handle import Handle
from ._reader import explain, sleep

if TYPE_CHECKING:
    from ._machine import Machine

_lib = _library.lib


def _kind_number(name: str) -> int:
    rc = int(_lib.cdm_event_kind(name.encode()))
    if rc < 0:
        raise NotFound(errno.ENOENT, f'there is no kind of event {name!r}; see `cadmus watch --events --json`')
    return rc


@dataclass(frozen=True)
class Event:
    """A record of what happened."""

    number: int   #: 1, 2, 3 ... within a life of the process
    time: int     #: ns of time.monotonic_ns()
    kind: str     #: "stop", "gate", "died", "noted" ...
    meaning: str  #: what the kind is, with %a and %b for the numbers
    process: str  #: in whose memory it stands
    source: str   #: entity it is of; "" for none
    a: int
    b: int
    text: str     #: the word of that process; what is not UTF-8 in it is replaced
    missed: int   #: of that process, just before this one
    epoch: int    #: of the process: grows each time it is started, and numbers begin anew

    @property
    def age(self) -> float:
        """Seconds since then, now."""
        return (time.monotonic_ns() - self.time) / 1e9


class Events(Handle):
    """Reads events, of one process in their order, of several by their times.  Belongs to one thread at a time.

    Iterating gives one after the other and sleeps for the next, for ever: `for e in m.events(kinds=['stop']): ...`.
    """

    def __init__(self, machine: Machine, pointer: int, names: list[str]) -> None:
        super().__init__(pointer, _lib.cdm_events_close, 'of ' + machine.name)
        self.machine = machine
        self._names = names

    def filter(self, kinds: Iterable[str] | None = None, source: str | None = None) -> None:
        """Take only those of these kinds, and of that entity, also of what is there already; None: any.

        NotFound: no such kind or entity.
        """
        wanted = sum(1 << _kind_number(k) for k in set(kinds)) if kinds is not None else (1 << 64) - 1
        if source is not None and source not in self.machine.entities:
            raise NotFound(errno.ENOENT, f'{self.machine.name} has no entity {source!r}')
        entity = self.machine.entities.index(source) if source is not None else 0xffff
        self._call(_lib.cdm_events_filter, wanted, entity)

    def skip(self) -> None:
        """Go on with what happens from now on."""
        self._call(_lib.cdm_events_skip)

    def next(self) -> Event | None:
        """The next one that is there, or None.  Broken: some process's memory is not what it must be."""
        e = _library.Event()
        rc = self._call(_lib.cdm_events_next, e)
        if rc == -errno.EAGAIN:
            return None
        if rc < 0:
            fail(rc, 'events: the memory of a process is broken, and was not followed')
        source = self.machine.entities[e.source] if e.source < len(self.machine.entities) else ''
        return Event(e.number, e.time, _lib.cdm_event_kind_name(e.kind).decode(), _lib.cdm_event_kind_text(e.kind).decode(),
                     self._names[e.process], source, e.a, e.b, e.text.decode(errors='replace'), rc, e.epoch)

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until there is one that the filter lets through.  False: not within `timeout` seconds.

        NotRunning: there is none, and the machine has ended.  Canceled: Machine.interrupt() was called.
        """
        rc = sleep(lambda ns: int(self._call(_lib.cdm_events_wait, ns)), timeout)
        if rc < 0 and rc != -errno.ETIMEDOUT:
            fail(rc, explain(rc, f'events of {self.machine.name}'))
        return rc == 0

    def fileno(self) -> int:
        """A descriptor for select and event loops: readable while there may be one, and for good when the machine has ended.

        Valid until close(); do not read from it: call next() until it says None.  wait() is cheaper.
        """
        rc = int(self._call(_lib.cdm_events_fd))
        if rc < 0:
            fail(rc, explain(rc, f'events of {self.machine.name}: no descriptor'))
        return rc

    @property
    def missed(self) -> int:
        """How many were missed, in all."""
        return int(self._call(_lib.cdm_events_missed))

    def follow(self, timeout: float | None = None) -> Iterator[Event]:
        """All that are there and that come, until none comes for `timeout` seconds (None: for ever)."""
        while True:
            e = self.next()
            if e is not None:
                yield e
            elif not self.wait(timeout):
                return

    def __iter__(self) -> Iterator[Event]:
        return self.follow()


def open_events(machine: Machine, process: str | None) -> Events:
    out = ctypes.c_void_p()
    names = list(machine.processes)
    rc = machine._call(_lib.cdm_events_open, process.encode() if process is not None else None, out)
    if rc == -errno.ENOENT:
        raise NotFound(errno.ENOENT, f'{machine.name} has no process {process!r}; it has {", ".join(names)}')
    if rc < 0 or out.value is None:
        fail(rc or -errno.ENOMEM, 'events')
    return Events(machine, out.value, names)
