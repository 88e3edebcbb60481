"""Views: several fields as they were at one moment, or the reason why not."""
from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _dlpack, _library
from ._errors import Incoherent
from ._handle import together
from ._samples import Copy, Lease, Sample, info_of

if TYPE_CHECKING:
    from ._reader import Reader

_lib = _library.lib
_TEXTS = {
    'empty': '{0} has no sample yet',
    'history': 'the history of {0} does not reach back to that moment',
    'skew': '{0} is {1:.3f} ms older than the newest of them',
    'age': '{0} is {1:.3f} ms old',
    'trust': '{0} is trusted {2:.3f}',
}


def _ns(name: str, seconds: float) -> int:
    if not seconds >= 0.0:  # NaN too
        raise ValueError(f'{name} is in seconds, and 0 is any: not {seconds}')
    return max(1, int(min(seconds * 1e9, 2.0 ** 62))) if seconds else 0  # what is less than a ns is not any


def view(readers: Sequence[Reader], *, max_skew: float = 0.0, max_age: float = 0.0, min_trust: float = 0.0, at: int = 0,
         lease: bool = False) -> list[Sample]:
    """Samples of these readers, up to 64 of one machine, as they were at one moment, in their order.

    Of each field the newest sample whose source time is not after the moment; fields of one group come from one commit.

    max_skew   seconds between the oldest and the newest of them; 0: any; less than a ns counts as one
    max_age    seconds since the oldest; 0: any
    min_trust  of each
    at         the moment, ns of time.monotonic_ns(); 0: the latest that all of them can speak of
    lease      borrowed where they stand instead of copied

    Incoherent: none under these terms; it names the field.  NoSample: the writers were faster many times in a row.
    ValueError: no readers, too many, one twice, or of two machines; terms that are negative or NaN.
    """
    if not 0 < len(readers) <= 64 or any(r.machine is not readers[0].machine for r in readers) or len(set(readers)) < len(readers):
        raise ValueError('a view is of 1 to 64 different readers of one machine')
    if not 0.0 <= min_trust <= 1.0:
        raise ValueError(f'min_trust is from 0 to 1, not {min_trust}')
    if at < 0:
        raise ValueError('at is in ns of time.monotonic_ns(), and 0 is the latest')
    parts, terms, why = (_library.ViewPart * len(readers))(), _library.ViewTerms(), _library.ViewRefusal()
    terms.max_skew_ns, terms.max_age_ns = _ns('max_skew', max_skew), _ns('max_age', max_age)
    terms.at, terms.min_trust = at, min_trust
    copies = [None if lease else (ctypes.c_ubyte * r.field.bytes)() for r in readers]
    for part, r, memory in zip(parts, readers, copies):
        if memory is not None:
            part.out, part.capacity = ctypes.addressof(memory), r.field.bytes

    def take() -> int:
        for part, r in zip(parts, readers):
            part.reader = r.pointer
        return int(_lib.cdm_view(parts, len(readers), terms, why))
    if lease:
        _dlpack.sweep()
    rc = together(readers, take)
    if rc == -errno.ESTALE:
        reason, field = _lib.cdm_view_reason_name(why.reason).decode(), readers[why.part].field.name
        raise Incoherent(errno.ESTALE, _TEXTS[reason].format(field, why.ns / 1e6, why.trust), reason, readers[why.part])
    readers[0]._check(rc)
    out = []
    for part, r, memory in zip(parts, readers, copies):
        holder: Copy | Lease = Copy(memory, part.info) if memory is not None else Lease(_library.Sample.from_buffer_copy(part.sample))
        out.append(Sample(r.field, holder, info_of(part.info, r.machine.entities), 0))
    return out
