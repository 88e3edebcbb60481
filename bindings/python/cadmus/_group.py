"""Groups: several fields of one writer that are published together."""
from __future__ import annotations

import ctypes
import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from . import _fields, _library
from ._errors import Dropped, fail
from ._handle import Handle
from ._writer import _meta

if TYPE_CHECKING:
    from ._machine import Machine
    from ._reader import Reader

_lib = _library.lib


class Group(Handle):
    """Writes all fields of a group, in one commit each time; there is one at a time.  It belongs to one thread at a time."""

    def __init__(self, machine: Machine, name: str, pointer: int) -> None:
        super().__init__(pointer, _lib.cdm_group_close, name)
        self.machine = machine
        names = [_lib.cdm_group_field(pointer, i).decode() for i in range(_lib.cdm_group_count(pointer))]
        self.fields: Mapping[str, _fields.Field] = MappingProxyType({n: machine.fields[n] for n in names})  #: of it, by name

    def _check(self, rc: int) -> int:
        if rc == -errno.EAGAIN:
            raise Dropped(errno.EAGAIN, f'{self._name}: readers borrow all there is; the commit was dropped, and counted')
        if rc == -errno.EINVAL:
            fail(rc, f'{self._name} is derived: name the readers it is made from with derive(), and read one of them first')
        if rc < 0:
            fail(rc, self._name)
        return rc

    def write(self, values: Mapping[str, Any], *, source_time: int | None = None, trust: float = 1.0, degraded: bool = False) -> int:
        """Publish a commit: a copy of one value for each field, by name.  Its version.

        What values may be, and what is said of them, as Writer.write(); whoever reads them sees all of a commit, or nothing
        of it.  ValueError also: a field is missing, or is none of the group.
        """
        if set(values) != set(self.fields):
            raise ValueError(f'a commit of {self._name} has exactly {", ".join(self.fields)}')
        data = [_fields.value(f, values[n]) for n, f in self.fields.items()]
        many = len(data)
        meta = (_library.Meta * many)(*[_meta(source_time, trust, degraded)] * many)
        sizes, places = (ctypes.c_size_t * many)(*[count for _, count, _ in data]), (ctypes.c_void_p * many)()

        def commit(pointer: int) -> int:
            rc = int(_lib.cdm_group_loan(pointer, places))
            if rc < 0:
                return rc
            for place, (at, count, _) in zip(places, data):
                ctypes.memmove(place, at, count)
            rc = int(_lib.cdm_group_publish(pointer, sizes, meta))
            if rc < 0:
                _lib.cdm_group_abandon(pointer)
            return rc
        return self._check(self._call(commit))

    def derive(self, *readers: Reader) -> None:
        """As Writer.derive(), for all fields of the group."""
        for r in readers:
            if r.machine is not self.machine:
                raise ValueError(f'{r} is of another machine')
            rc = self._link(_lib.cdm_group_derive, r)
            if rc < 0:
                fail(rc, f'{self._name} cannot be derived from more readers')
