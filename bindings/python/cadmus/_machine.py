"""Attach to a machine: its fields, processes, readers and writers."""
from __future__ import annotations

import ctypes
import errno
import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from . import _fields, _library
from ._errors import Dropped, NotAllowed, NotFound, fail
from ._events import Events, open_events
from ._fields import Field
from ._group import Group
from ._handle import Handle
from ._reader import Reader
from ._writer import Writer

_lib = _library.lib


@dataclass(frozen=True)
class Process:
    """A process of the machine as it is now."""

    name: str
    entity: str    #: whom it runs; "" for none
    role: str      #: "core", "guard", "host", "worker", "gateway" or "client"
    state: str     #: "free", "starting", "live", "suspect" (does not run), "dead" or "stopped"
    epoch: int     #: how often it was started; 0: never
    restarts: int  #: how often it was started after a death
    essential: bool  #: without it the machine does not do its work
    pid: int       #: 0: none
    index: int = field(repr=False)


class Machine(Handle):
    """A machine that this program is attached to, until close() or the end of a `with`.

    Any thread may call it.  Closing it closes its readers and writers; samples stay good.  What a program that writes has
    published is left in good order; when it dies instead, its samples are ORPHANs.
    """

    def __init__(self, pointer: int, entity: str | None, local: bool = False) -> None:
        self._local = local
        super().__init__(pointer, _lib.cdm_detach, _lib.cdm_machine_name(pointer).decode(), at_exit=True)
        self.name = self._name  #: its name
        self.entity = entity    #: whom this program is, of `as_`; None: a client
        self.entities = self._entities()  #: names of all entities; Info.source is one of them
        self.fields: Mapping[str, Field] = MappingProxyType(self._fields())  #: descriptions of all fields, by name
        self._open: weakref.WeakSet[Handle] = weakref.WeakSet()

    def _entities(self) -> tuple[str, ...]:
        names: list[str] = []
        while (name := _lib.cdm_entity_name(self.pointer, len(names))) is not None:
            names.append(name.decode())
        return tuple(names)

    def _fields(self) -> dict[str, Field]:
        found = {}
        for i in range(_lib.cdm_field_count(self.pointer)):
            f = _library.Field()
            if _lib.cdm_describe(self.pointer, i, f) == 0:
                found[f.name.decode()] = _fields.describe(f)
        return found

    def _opened(self, call: Any, name: str, no: str) -> tuple[Field, int]:
        out = ctypes.c_void_p()
        rc = self._call(call, name.encode(), out)
        if rc == -errno.ENOENT:
            raise NotFound(errno.ENOENT, f'{self.name} has no field {name!r}; it has {", ".join(sorted(self.fields)) or "none"}')
        if rc == -errno.EACCES:
            raise NotAllowed(errno.EACCES, no)
        if rc == -errno.EBUSY:
            fail(rc, f'{name}: this program has a writer of it open')
        if rc == -errno.EINVAL:
            fail(rc, f'{name} is published together with others: write it with group()')
        if rc < 0 or out.value is None:
            fail(rc or -errno.ENOMEM, f'{name}: {os.strerror(-rc or errno.ENOMEM)}')
        return self.fields[name], out.value

    def expect(self, name: str, layout: str) -> None:
        """Refuse a field that is not what this program was written for: "u8[480,640,3]", "f64", "f32[3] rad".

        Broken: it is something else; the text shows both.  NotFound: there is no such field.  OSError: `layout` is none.
        """
        diag = _library.Diag()
        rc = self._call(_lib.cdm_expect, name.encode(), layout.encode(), diag)
        if rc < 0:
            fail(rc, explained(diag, name))

    def reader(self, name: str) -> Reader:
        """A reader of that field, which need not have a writer yet.

        NotFound: there is no such field.  NotAllowed: the description does not let this program read it.
        """
        who = f'{self.entity} may not read {name}: name it in its `reads:`' if self.entity else f'clients may not read {name}'
        reader = Reader(self, *self._opened(_lib.cdm_open, name, who))
        self._open.add(reader)
        return reader

    def writer(self, name: str) -> Writer:
        """The writer of that field, of which there is one at a time.

        NotFound: there is no such field.  NotAllowed: another process writes it.  Busy: it is open already.
        """
        f = self.fields.get(name)
        who = f'{name} is written by {f.writer if f else "another process"}: a program writes the fields of the entity it' \
              ' attaches as'
        writer = Writer(self, *self._opened(_lib.cdm_writer_open, name, who))
        self._open.add(writer)
        return writer

    def group(self, name: str) -> Group:
        """The writer of all fields that are published together with that one.  Errors as writer()."""
        f = self.fields.get(name)
        who = f'{name} is written by {f.writer if f else "another process"}: a program writes the fields of the entity it' \
              ' attaches as'
        _, pointer = self._opened(_lib.cdm_group_open, name, who)
        group = Group(self, name, pointer)
        self._open.add(group)
        return group

    def events(self, process: str | None = None, *, kinds: Iterable[str] | None = None, source: str | None = None) -> Events:
        """What happens in that process, or in all, beginning with what memory still holds; Events.skip() passes over that.

        kinds   names of those that are wanted; None: all
        source  entity they are of; None: any

        NotFound: there is no such process, kind or entity.
        """
        events = open_events(self, process)
        self._open.add(events)
        if kinds is not None or source is not None:
            events.filter(kinds, source)
        return events

    def note(self, a: int = 0, b: int = 0, text: str = '') -> None:
        """Tell all who listen: an event of kind "noted", with two numbers of 64 bits and up to 23 bytes of text.

        Dropped: a listener is too far behind, and the description says `event_overflow: refuse`.
        """
        rc = self._call(_lib.cdm_note, a, b, text.encode())
        if rc < 0:
            raise Dropped(-rc, f'{self.name}: the event was not written, and counted')

    def report(self, kind: str, text: str | None = None) -> None:
        """Note an error of this program where `cadmus stat` shows it: each kind once, with its count and the first text."""
        self._call(_lib.cdm_report, kind.encode(), (kind if text is None else text).encode())

    def _pin(self, f: Field) -> Reader:
        """A reader that machine and writers do not close: it keeps the memory mapped."""
        return Reader(self, *self._opened(_lib.cdm_open, f.name, f.name))

    @property
    def alive(self) -> bool:
        """False when its daemon is gone: samples can still be read, and are orphans."""
        return bool(self._call(_lib.cdm_machine_alive))

    def interrupt(self) -> None:
        """Make every wait on readers of this machine raise Canceled once: those that sleep, and those to come."""
        self._call(_lib.cdm_interrupt)

    @property
    def processes(self) -> dict[str, Process]:
        """Its processes as they are now, free places for clients among them, by name."""
        found = {}
        for i in range(self._call(_lib.cdm_process_count)):
            p = _library.Process()
            if self._call(_lib.cdm_process_at, i, p) == 0:
                found[p.name.decode()] = Process(
                    p.name.decode(), p.entity.decode(), _lib.cdm_process_role_name(p.role).decode(),
                    _lib.cdm_process_state_name(p.state).decode(), p.epoch, p.restarts, bool(p.essential), p.pid, p.index)
        return found

    def counters(self, process: str) -> dict[str, int]:
        """What a process counts ("publishes", "drops", "leases" ...), from 0 with each start of it.

        NotFound: there is no such process.  NoSample: it has no memory that we know of.
        """
        p = self.processes.get(process)
        if p is None:
            raise NotFound(errno.ENOENT, f'{self.name} has no process {process!r}')
        counts, value = {}, ctypes.c_uint64()
        for i in range(_lib.cdm_counter_count()):
            rc = self._call(_lib.cdm_counter, p.index, i, value)
            if rc < 0:
                fail(rc, f'{process} has no memory to count in')
            counts[_lib.cdm_counter_name(i).decode()] = value.value
        return counts

    def option(self, entity: str, key: str) -> str | None:
        """An option of an entity, as its driver, model or gateway gets it; None: there is none of that name."""
        text = self._call(_lib.cdm_option, entity.encode(), key.encode())
        return None if text is None else text.decode()

    def close(self) -> None:
        """Close its readers and writers, and leave it; closing twice is nothing."""
        if not self.closed and not self._is_parents and len(self._open):
            self.interrupt()  # whoever waits in another thread lets go of his reader
        for h in list(self._open):
            h.close()
        super().close()

    def die(self) -> None:
        """Leave a Local as one who dies, instead of close(): what it wrote is an ORPHAN, who waits for it is told."""
        if not self._local:
            raise ValueError(f'{self.name} is no machine inside this program')
        for h in list(self._open):
            h.close()
        self._cell.give_back = _lib.cdm_local_die
        super().close()


# ---- attaching -----------------------------------------------------------------------------------

class _Attempt(threading.Thread):
    """The library's wait for a place, in a thread of its own so that Ctrl-C is heard meanwhile."""

    def __init__(self, name: str, entity: str, wait_ns: int) -> None:
        super().__init__(name='cadmus-attach', daemon=True)
        self.lock, self.abandoned = threading.Lock(), False
        self.machine, self.diag, self.rc = ctypes.c_void_p(), _library.Diag(), -errno.ECANCELED
        self.arguments = (name.encode(), entity.encode(), wait_ns, self.machine, self.diag)

    def run(self) -> None:
        rc = _lib.cdm_attach_as(*self.arguments)
        with self.lock:
            self.rc = rc
            if self.abandoned and rc == 0:
                _lib.cdm_detach(self.machine)

    def abandon(self) -> None:
        with self.lock:
            self.abandoned = True
            if self.rc == 0:
                _lib.cdm_detach(self.machine)


def _stand_by(name: str, entity: str, wait_ns: int) -> tuple[int, ctypes.c_void_p, _library.Diag]:
    attempt = _Attempt(name, entity, wait_ns)
    attempt.start()
    try:
        attempt.join()
    except BaseException:
        attempt.abandon()
        raise
    return attempt.rc, attempt.machine, attempt.diag


def explained(diag: _library.Diag, name: str) -> str:
    parts = [name]
    for message in diag.at[:diag.count]:
        parts.append(message.text.decode(errors='replace') + (f'; {message.hint.decode(errors="replace")}' if message.hint else ''))
    return ': '.join(parts)


def attach(name: str, *, as_: str | None = None, wait: float | None = 0.0) -> Machine:
    """Attach to the machine of that name, as `cadmus ps` shows it: to read, or with `as_` to write.

    as_   name of a model or sensor that the description leaves to programs (`external`): this program is it from then on
    wait  seconds to stand by while another program is it, and to take over when that one ends; 0: not at all; None: for ever

    NotFound, NotRunning: it does not run, or has no such entity.  NotAllowed: it is another user's, or the entity is not left to
    programs.  Busy: all places for clients are taken, or another program is it.  TimedOut: it still is after `wait`, or
    the machine does not answer.  Broken: the machine is of another version.  All say what to do.
    """
    if wait is not None and wait < 0:
        raise ValueError('wait is in seconds, and None is for ever')
    diag, out = _library.Diag(), ctypes.c_void_p()
    if as_ is None:
        rc = _lib.cdm_attach(name.encode(), out, diag)
    elif wait == 0:
        rc = _lib.cdm_attach_as(name.encode(), as_.encode(), 0, out, diag)
    else:
        rc, out, diag = _stand_by(name, as_, -1 if wait is None else int(wait * 1e9))
    if rc < 0 or out.value is None:
        fail(rc or -errno.ENOMEM, explained(diag, name))
    return Machine(out.value, as_)
