"""Cadmus: read and write the fields of a running machine, where they stand in shared memory.

    import cadmus

    with cadmus.attach('robot') as m:
        for sample in m.reader('camera.frame').follow(lease=True, latest=True):
            print(sample.array.shape, sample.trust, sample.status.name, sample.age)

A field is a named tensor with one writer; a sample is one value of it; its description says type, shape and unit
(`m.fields`).  All errors are cadmus.Error, which is an OSError with the errno of the C API.  Each class says which thread may
use it and who owns what.  libcadmus is found by CADMUS_LIB, else where it is installed, else in the tree this package lies in.
"""
from ._errors import (Broken, Busy, Canceled, Dropped, Error, HungUp, Incoherent, NoSample, NotAllowed, NotFound, NotRunning,
                      TimedOut, WriterGone)
from ._events import Event, Events
from ._fields import Field
from ._group import Group
from ._local import Local
from ._machine import Machine, Process, attach
from ._reader import Reader, wait_any
from ._samples import Info, Sample, Status
from ._view import view
from ._writer import Loan, Writer

__all__ = ['Broken', 'Busy', 'Canceled', 'Dropped', 'Error', 'Event', 'Events', 'Field', 'Group', 'HungUp', 'Incoherent', 'Info', 'Loan', 'Local', 'Machine',
           'NoSample', 'NotAllowed', 'NotFound', 'NotRunning', 'Process', 'Reader', 'Sample', 'Status', 'TimedOut', 'Writer', 'WriterGone', 'attach',
           'view', 'wait_any']
