"""libcadmus by ctypes: which file it is, its structs and its functions.

The structs are those of cadmus/client.h, types.h and diag.h once more; src/client/client.c asserts their sizes, and a library
of another ABI version is refused before any of them is handed over.
"""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char, c_char_p, c_float, c_int, c_int32, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path

ABI = 1
SONAME = f'libcadmus.so.{ABI}'
NAME_MAX = 48
DIMS_MAX = 8


class Info(ctypes.Structure):
    _fields_ = [('version', c_uint64), ('source_time', c_int64), ('publish_time', c_int64), ('trust', c_float),
                ('source', c_uint16), ('status', c_uint16), ('epoch', c_uint32), ('bytes', c_uint32)]


class Sample(ctypes.Structure):
    _fields_ = [('data', c_void_p), ('info', Info), ('hold', c_void_p * 2)]


class Meta(ctypes.Structure):
    _fields_ = [('source_time', c_int64), ('trust', c_float), ('status', c_uint32)]


class Field(ctypes.Structure):
    _fields_ = [('name', c_char * NAME_MAX), ('unit', c_char * 16), ('writer', c_char * NAME_MAX),
                ('entity', c_char * NAME_MAX), ('index', c_uint32), ('kind', c_uint32), ('dtype', c_uint32),
                ('dims', c_uint32), ('shape', c_uint32 * DIMS_MAX), ('bytes', c_uint32), ('slots', c_uint32),
                ('leases', c_uint32), ('readable', c_uint32), ('half_life_ns', c_int64), ('max_age_ns', c_int64),
                ('layout', c_uint64), ('reserved', c_uint64 * 3)]


class Process(ctypes.Structure):
    _fields_ = [('name', c_char * NAME_MAX), ('entity', c_char * NAME_MAX), ('index', c_uint32), ('role', c_uint32),
                ('state', c_uint32), ('epoch', c_uint32), ('restarts', c_uint32), ('essential', c_uint32), ('pid', c_int32),
                ('pad', c_uint32), ('started', c_int64), ('died', c_int64), ('reserved', c_uint64 * 4)]


class Event(ctypes.Structure):
    _fields_ = [('number', c_uint64), ('time', c_int64), ('kind', c_uint32), ('process', c_uint32), ('source', c_uint32),
                ('epoch', c_uint32), ('a', c_uint64), ('b', c_uint64), ('text', c_char * 24)]


class ViewPart(ctypes.Structure):
    _fields_ = [('reader', c_void_p), ('out', c_void_p), ('capacity', c_size_t), ('info', Info), ('sample', Sample)]


class ViewTerms(ctypes.Structure):
    _fields_ = [('max_skew_ns', c_int64), ('max_age_ns', c_int64), ('at', c_int64), ('min_trust', c_float), ('reserved', c_uint32)]


class ViewRefusal(ctypes.Structure):
    _fields_ = [('reason', c_uint32), ('part', c_uint32), ('ns', c_int64), ('trust', c_float), ('reserved', c_uint32)]


class Message(ctypes.Structure):
    _fields_ = [('severity', c_int), ('id', c_char * 8), ('line', c_uint32), ('column', c_uint32), ('length', c_uint32),
                ('text', c_char * 320), ('hint', c_char * 320)]


class Diag(ctypes.Structure):
    _fields_ = [('count', c_uint32), ('errors', c_uint32), ('dropped', c_uint32), ('at', Message * 64)]


_FUNCTIONS = {
    'cdm_attach': (c_int, c_char_p, POINTER(c_void_p), POINTER(Diag)),
    'cdm_attach_as': (c_int, c_char_p, c_char_p, c_int64, POINTER(c_void_p), POINTER(Diag)),
    'cdm_detach': (None, c_void_p),
    'cdm_local_open': (c_int, c_char_p, c_size_t, POINTER(c_void_p), POINTER(Diag)),
    'cdm_local_close': (None, c_void_p),
    'cdm_local_attach': (c_int, c_void_p, c_char_p, POINTER(c_void_p)),
    'cdm_local_die': (None, c_void_p),
    'cdm_machine_name': (c_char_p, c_void_p),
    'cdm_machine_alive': (c_int, c_void_p),
    'cdm_interrupt': (None, c_void_p),
    'cdm_entity_name': (c_char_p, c_void_p, c_uint32),
    'cdm_field_count': (c_uint32, c_void_p),
    'cdm_expect': (c_int, c_void_p, c_char_p, c_char_p, POINTER(Diag)),
    'cdm_describe': (c_int, c_void_p, c_uint32, POINTER(Field)),
    'cdm_process_count': (c_uint32, c_void_p),
    'cdm_process_at': (c_int, c_void_p, c_uint32, POINTER(Process)),
    'cdm_process_role_name': (c_char_p, c_uint32),
    'cdm_process_state_name': (c_char_p, c_uint32),
    'cdm_counter_count': (c_uint32,),
    'cdm_counter_name': (c_char_p, c_uint32),
    'cdm_counter': (c_int, c_void_p, c_uint32, c_uint32, POINTER(c_uint64)),
    'cdm_option': (c_char_p, c_void_p, c_char_p, c_char_p),
    'cdm_open': (c_int, c_void_p, c_char_p, POINTER(c_void_p)),
    'cdm_close': (None, c_void_p),
    'cdm_read': (c_int, c_void_p, c_void_p, c_size_t, POINTER(Info)),
    'cdm_peek': (c_int, c_void_p, POINTER(Info)),
    'cdm_next': (c_int, c_void_p, c_void_p, c_size_t, POINTER(Info)),
    'cdm_read_at': (c_int, c_void_p, c_int64, c_void_p, c_size_t, POINTER(Info)),
    'cdm_read_version': (c_int, c_void_p, c_uint64, c_void_p, c_size_t, POINTER(Info)),
    'cdm_skip': (None, c_void_p),
    'cdm_missed': (c_uint64, c_void_p),
    'cdm_lease': (c_int, c_void_p, POINTER(Sample)),
    'cdm_lease_next': (c_int, c_void_p, POINTER(Sample)),
    'cdm_release': (None, POINTER(Sample)),
    'cdm_dlpack': (c_int, POINTER(Sample), POINTER(Field), c_int, POINTER(c_void_p)),
    'cdm_wait': (c_int, c_void_p, c_int64),
    'cdm_fd': (c_int, c_void_p),
    'cdm_wait_any': (c_int, POINTER(c_void_p), c_uint32, c_int64),
    'cdm_writer_open': (c_int, c_void_p, c_char_p, POINTER(c_void_p)),
    'cdm_writer_close': (None, c_void_p),
    'cdm_derive': (c_int, c_void_p, c_void_p),
    'cdm_loan': (c_void_p, c_void_p),
    'cdm_publish': (c_int64, c_void_p, c_size_t, POINTER(Meta)),
    'cdm_abandon': (None, c_void_p),
    'cdm_write': (c_int64, c_void_p, c_void_p, c_size_t, POINTER(Meta)),
    'cdm_view': (c_int, POINTER(ViewPart), c_uint32, POINTER(ViewTerms), POINTER(ViewRefusal)),
    'cdm_view_reason_name': (c_char_p, c_uint32),
    'cdm_group_open': (c_int, c_void_p, c_char_p, POINTER(c_void_p)),
    'cdm_group_close': (None, c_void_p),
    'cdm_group_count': (c_uint32, c_void_p),
    'cdm_group_field': (c_char_p, c_void_p, c_uint32),
    'cdm_group_derive': (c_int, c_void_p, c_void_p),
    'cdm_group_loan': (c_int, c_void_p, POINTER(c_void_p)),
    'cdm_group_publish': (c_int64, c_void_p, POINTER(c_size_t), POINTER(Meta)),
    'cdm_group_abandon': (None, c_void_p),
    'cdm_events_open': (c_int, c_void_p, c_char_p, POINTER(c_void_p)),
    'cdm_events_close': (None, c_void_p),
    'cdm_events_filter': (None, c_void_p, c_uint64, c_uint32),
    'cdm_events_skip': (None, c_void_p),
    'cdm_events_next': (c_int, c_void_p, POINTER(Event)),
    'cdm_events_wait': (c_int, c_void_p, c_int64),
    'cdm_events_fd': (c_int, c_void_p),
    'cdm_events_missed': (c_uint64, c_void_p),
    'cdm_event_kind': (c_int, c_char_p),
    'cdm_event_kind_name': (c_char_p, c_uint32),
    'cdm_event_kind_text': (c_char_p, c_uint32),
    'cdm_note': (c_int, c_void_p, c_uint64, c_uint64, c_char_p),
    'cdm_report': (None, c_void_p, c_char_p, c_char_p),
    'cdm_dtype_name': (c_char_p, c_int),
}


def _tree() -> Path | None:
    """The library that was built in the tree this file lies in; None when it lies in none."""
    root = Path(__file__).resolve().parents[3:4]
    if root and (root[0] / 'include/cadmus/client.h').is_file():
        built = root[0] / 'build/src/client' / SONAME
        return built if built.is_file() else None
    return None


def _open() -> ctypes.CDLL:
    named = os.environ.get('CADMUS_LIB')
    if named:
        try:
            return ctypes.CDLL(named)
        except OSError as e:
            raise ImportError(f'CADMUS_LIB names a library that cannot be loaded: {e}') from e
    try:
        return ctypes.CDLL(SONAME)
    except OSError:
        built = _tree()
    if built:
        return ctypes.CDLL(str(built))
    raise ImportError(f'there is no {SONAME} here: install Cadmus (ninja -C build install, then ldconfig), build the tree this'
                      ' package lies in (./run --build), or let CADMUS_LIB name the file')


def _load() -> ctypes.CDLL:
    library = _open()
    try:
        version = library.cdm_abi_version
    except AttributeError as e:
        raise ImportError(f'{library._name} is no libcadmus, or one from before it had an ABI version; this package speaks'
                          f' version {ABI}') from e
    version.restype, version.argtypes = c_uint32, []
    if version() != ABI:
        raise ImportError(f'{library._name} has ABI version {version()}, and this package speaks {ABI}: install the bindings of'
                          ' that version of Cadmus, or let CADMUS_LIB name another library')
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise ImportError(f'{library._name} has no {name}(): it is older than this package')
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()
