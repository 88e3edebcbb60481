"""A machine inside this program, for its tests."""
from __future__ import annotations

import ctypes
import errno
import os
import weakref

from . import _library
from ._errors import Busy, NotFound, fail
from ._handle import Handle
from ._machine import Machine, explained

_lib = _library.lib


class Local(Handle):
    """Has no processes, sockets or files: everybody in it is a part of this program.

        with cadmus.Local('robot.plan') as machine:              # `cadmus plan robot.cdl.yaml --output robot.plan`
            camera, me = machine.attach('camera'), machine.attach('finder')
            camera.writer('camera.frame').write(picture)
            ...

    Closing it closes the machines that were attached.  Any thread may call it.
    """

    def __init__(self, plan: bytes | str | os.PathLike[str]) -> None:
        """`plan`: a compiled description, or the path of one.  OSError with EPROTO: it is none of this version."""
        name = 'of a plan' if isinstance(plan, bytes) else os.fspath(plan)
        if not isinstance(plan, bytes):
            with open(plan, 'rb') as f:
                plan = f.read()
        out, diag = ctypes.c_void_p(), _library.Diag()
        rc = _lib.cdm_local_open(plan, len(plan), out, diag)
        if rc < 0 or out.value is None:
            fail(rc or -errno.ENOMEM, explained(diag, name))
        super().__init__(out.value, _lib.cdm_local_close, name)
        self._machines: weakref.WeakSet[Machine] = weakref.WeakSet()

    def attach(self, who: str | None = None) -> Machine:
        """Be that entity or process; None: a client.  NotFound: there is none of that name.  Busy: somebody is it."""
        out = ctypes.c_void_p()
        rc = self._call(_lib.cdm_local_attach, who.encode() if who is not None else None, out)
        if rc == -errno.ENOENT:
            raise NotFound(errno.ENOENT, f'there is neither an entity nor a process {who!r}')
        if rc == -errno.EBUSY:
            raise Busy(errno.EBUSY, f'somebody is {who!r} already' if who is not None else 'all places of clients are taken')
        if rc < 0 or out.value is None:
            fail(rc or -errno.ENOMEM, f'cannot be {who!r}')
        m = Machine(out.value, who, local=True)
        self._machines.add(m)
        return m

    def close(self) -> None:
        """Close it and all that were attached to it; closing twice is nothing."""
        for m in list(self._machines):
            m.close()
        super().close()
