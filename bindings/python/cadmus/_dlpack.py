"""Samples for other libraries, by DLPack 1: the capsule; the tensor in it is made by libcadmus (cdm_dlpack).

The tensor's deleter is the library's.  One made of Python would lose the exception that is under way when a tensor is dropped
while an expression fails, since ctypes does not put it aside.  For the same reason a capsule has no destructor, and must not
die before its tensor: it is kept here, and one that nobody else has is found by a look at all of them.  That is cheap, since a
consumer takes the tensor out at once, and is done wherever a lease that a dropped one holds would be missed: when the sample
itself lets go, before another one is read or borrowed, while one waits, and after a collection.
"""
from __future__ import annotations

import ctypes
import errno
import gc
import os
import sys
import threading
from ctypes import c_char_p, c_int, c_void_p, py_object
from typing import Any

from . import _library
from ._errors import fail
from ._fields import Field

CPU = (1, 0)
_NAME = b'dltensor_versioned'
_DELETER_AT = 16  # in struct DLManagedTensorVersioned

_lib = _library.lib
_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = py_object, [c_void_p, c_char_p, c_void_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = c_int, [py_object, c_char_p]
_deleter_type = ctypes.CFUNCTYPE(None, c_void_p)

_lock: Any = threading.RLock()
_out: list[tuple[Any, int]] = []  # capsules that nobody had taken anything out of when we looked, and their tensors


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # somebody may have had it
    _out.clear()  # they are its parent's


os.register_at_fork(after_in_child=_after_fork)


def sweep() -> None:
    """Forget capsules that were used, and delete the tensors of those that nobody has any more.  Never waits."""
    if not _out or _lock._is_owned():  # a collection may begin in the middle of this
        return
    try:
        for entry in list(_out) if _lock.acquire(blocking=False) else ():
            used = not _is_valid(entry[0], _NAME)
            if used or sys.getrefcount(entry[0]) <= 2:  # ours, and that of the argument
                _out.remove(entry)
                if not used:
                    delete(entry[1])
    finally:
        if _lock._is_owned():
            _lock.release()


def delete(tensor: int) -> None:
    """Call a tensor's deleter."""
    _deleter_type(ctypes.c_size_t.from_address(tensor + _DELETER_AT).value)(tensor)


def _on_collection(phase: str, info: dict[str, int]) -> None:
    if phase == 'stop':
        sweep()


gc.callbacks.append(_on_collection)


def capsule(field: Field, sample: _library.Sample, max_version: tuple[int, int] | None, device: tuple[int, int] | None,
            copy: bool | None) -> Any:
    """The sample's tensor in a capsule."""
    if max_version is None or tuple(max_version) < (1, 0):
        raise BufferError('the consumer speaks DLPack before 1.0, which cannot say that memory is read-only: use sample.array')
    if device is not None and tuple(device) != CPU:
        raise BufferError('the sample is in memory of the processor')
    if copy is False and not sample.hold[0]:
        raise BufferError('a sample that was read goes out as a copy: lease() it instead')
    tensor = c_void_p()
    rc = _lib.cdm_dlpack(sample, field.native, bool(copy), tensor)
    if rc == -errno.EINVAL:
        raise BufferError(f'a sample of {sample.info.bytes} bytes is no part of {field}')
    if rc < 0 or not tensor.value:
        fail(rc or -errno.ENOMEM, field.name)
    sweep()
    made = _new(tensor, _NAME, None)
    _out.append((made, tensor.value))
    return made
