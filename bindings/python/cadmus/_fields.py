"""What is fixed about a field, and what its bytes are in Python: element types, shapes, views, and values to be written."""
from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _library

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]
try:
    import ml_dtypes  # type: ignore[import]
except ImportError:
    ml_dtypes = None

if TYPE_CHECKING:
    import numpy as np
    View = np.ndarray[Any, Any]  # a memoryview where there is no NumPy
else:
    View = Any


def _castable(code: str) -> bool:
    try:
        memoryview(bytes(8)).cast(code)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class DType:
    """An element type: its name in descriptions, as `struct` and memoryview write it, and as NumPy does."""

    name: str
    code: str    # of struct; bf16 has none and is taken as the two bytes it is
    typestr: str  # of NumPy's array interface
    size: int

    @property
    def view_code(self) -> str:
        """As memoryview has it: before Python 3.12 there is no f16, and it is seen as u16."""
        return self.code if _castable(self.code) else 'H'


DTYPES = {name: DType(name, code, typestr, struct.calcsize('=' + code)) for name, code, typestr in (
    ('u8', 'B', '|u1'), ('i8', 'b', '|i1'), ('u16', 'H', '<u2'), ('i16', 'h', '<i2'), ('u32', 'I', '<u4'), ('i32', 'i', '<i4'),
    ('u64', 'Q', '<u8'), ('i64', 'q', '<i8'), ('f16', 'e', '<f2'), ('bf16', 'H', '<u2'), ('f32', 'f', '<f4'),
    ('f64', 'd', '<f8'), ('bool', '?', '|b1'), ('bytes', 'B', '|u1'))}
_SAME_CODE = {'l': 'q', 'L': 'Q', 'n': 'q', 'N': 'Q', 'c': 'B'}  # on x86_64


@dataclass(frozen=True)
class Field:
    """What is fixed about a field, for the life of the machine."""

    name: str
    dtype: str  #: of its elements: u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64 bool bytes
    shape: tuple[int, ...]  #: outermost first; () is a scalar
    unit: str  #: UCUM: "m", "rad", "1"; "" when none is declared
    kind: str  #: "samples", "awareness" (made by a rule; decays) or "setting" (written by people)
    writer: str  #: process that writes it
    entity: str  #: source that its samples name
    bytes: int  #: of the largest sample
    slots: int  #: samples that its history can hold
    leases: int  #: samples that all readers together may borrow; 0: copy only
    readable: bool  #: this program may read it
    half_life: float | None  #: seconds; None: it does not decay
    max_age: float | None  #: seconds; older is Status.STALE; None: never
    index: int = field(repr=False)  #: in this machine, from 0
    native: Any = field(repr=False, compare=False)  # as the library has it

    @property
    def numpy_dtype(self) -> Any:
        """Its numpy.dtype: bf16 is ml_dtypes.bfloat16 where that is installed, else uint16; bytes are uint8."""
        if numpy is None:
            raise ImportError('numpy is not installed')
        if self.dtype == 'bf16' and ml_dtypes:
            return numpy.dtype(ml_dtypes.bfloat16)
        return numpy.dtype(DTYPES[self.dtype].typestr)

    def __str__(self) -> str:
        return f'{self.name}: {self.dtype}{list(self.shape) if self.shape else ""}{" " + self.unit if self.unit else ""}'


def describe(f: _library.Field) -> Field:
    def seconds(ns: int) -> float | None:
        return ns / 1e9 if ns else None
    return Field(name=f.name.decode(), dtype=_library.lib.cdm_dtype_name(f.dtype).decode(), shape=tuple(f.shape[:f.dims]),
                 unit=f.unit.decode(), kind=('samples', 'awareness', 'setting')[f.kind], writer=f.writer.decode(),
                 entity=f.entity.decode(), bytes=f.bytes, slots=f.slots, leases=f.leases, readable=bool(f.readable),
                 half_life=seconds(f.half_life_ns), max_age=seconds(f.max_age_ns), index=f.index, native=f)


# ---- memory as values ----------------------------------------------------------------------------

class Owner:
    """Memory of the library, as NumPy asks for it: the base of all arrays that view it.

    It has no buffer interface, so no read-only array of it can be made writable.  It holds `keep`, which holds the memory.
    """

    __slots__ = ('__array_interface__', '__weakref__', 'keep')

    def __init__(self, address: int, shape: tuple[int, ...], typestr: str, readonly: bool, keep: Any) -> None:
        self.__array_interface__ = {'version': 3, 'shape': shape, 'typestr': typestr, 'data': (address, readonly)}
        self.keep = keep


def shape_of(f: Field, count: int) -> tuple[int, ...]:
    """Shape of a sample of `count` bytes: the field's, but for an outermost dimension that the writer left shorter."""
    if count == f.bytes:
        return f.shape
    row = f.bytes // f.shape[0] if f.shape else 0
    if not row or count % row:
        raise ValueError(f'a sample of {count} bytes is no part of {f}')
    return (count // row, *f.shape[1:])


def view_memory(f: Field, address: int, count: int, readonly: bool, keep: Any) -> memoryview:
    """A memoryview of `count` bytes at `address`, with format and shape; it and all views of it hold `keep`."""
    shape = shape_of(f, count)
    held = (ctypes.c_ubyte * count).from_address(address)
    held.keep = keep  # type: ignore[attr-defined]
    plain = memoryview(held).cast('B')
    if readonly:
        plain = plain.toreadonly()
    return plain.cast(DTYPES[f.dtype].view_code, shape) if count else plain


def view_array(f: Field, address: int, count: int, readonly: bool, keep: Any) -> np.ndarray[Any, Any]:
    """The same as an array."""
    owner = Owner(address, shape_of(f, count), DTYPES[f.dtype].typestr, readonly, keep)
    array = numpy.asarray(owner)
    return array if array.dtype == f.numpy_dtype else array.view(f.numpy_dtype)


def view(f: Field, address: int, count: int, readonly: bool, keep: Any) -> Any:
    """An array where there is NumPy, else a memoryview."""
    return (view_array if numpy else view_memory)(f, address, count, readonly, keep)


# ---- values to be written ------------------------------------------------------------------------

def check_shape(f: Field, shape: tuple[int, ...]) -> None:
    if tuple(shape) != f.shape:
        raise ValueError(f'{f} takes the shape {f.shape}, not {tuple(shape)}')


def _of_array(f: Field, array: np.ndarray[Any, Any]) -> tuple[Any, int, Any]:
    if array.dtype != f.numpy_dtype and array.dtype != numpy.dtype(DTYPES[f.dtype].typestr):
        raise TypeError(f'{f} takes {f.numpy_dtype}, not {array.dtype}: convert it where that can be seen')
    if f.dtype == 'bytes' and array.ndim == 1:
        _check_bytes(f, array.nbytes)
    else:
        check_shape(f, array.shape)
    array = numpy.ascontiguousarray(array)
    return array.ctypes.data, array.nbytes, array


def _check_bytes(f: Field, count: int) -> None:
    if count > f.bytes or (count < f.bytes and (f.dtype != 'bytes' or len(f.shape) != 1)):
        raise ValueError(f'{f} takes {"at most " if f.dtype == "bytes" else ""}{f.bytes} bytes, not {count}')


def _of_buffer(f: Field, data: Any) -> tuple[Any, int, Any]:
    if isinstance(data, (bytes, bytearray)):  # bytes without a type are those of the field
        _check_bytes(f, len(data))
        data = bytes(data)
        return data, len(data), data
    given = memoryview(data)
    code = given.format.lstrip('@=<')
    wanted = DTYPES[f.dtype]
    if _SAME_CODE.get(code, code) not in (wanted.code, wanted.view_code):
        raise TypeError(f'{f} takes elements of format {wanted.code!r}, not {given.format!r}: convert them where that can be seen')
    if f.dtype == 'bytes' and given.ndim == 1:
        _check_bytes(f, given.nbytes)
    else:
        check_shape(f, tuple(given.shape or ()))
    if given.readonly or not given.c_contiguous:
        whole = given.tobytes()
        return whole, len(whole), whole
    memory = (ctypes.c_ubyte * given.nbytes).from_buffer(given)
    return ctypes.addressof(memory), given.nbytes, memory


def _of_number(f: Field, number: Any) -> tuple[Any, int, Any]:
    if f.shape:
        raise TypeError(f'{f} is not a scalar: a number is not enough for it')
    code = DTYPES[f.dtype].code
    fits = isinstance(number, bool) if code == '?' else not isinstance(number, bool) and (code in 'efd' or isinstance(number, int))
    if not fits or f.dtype == 'bf16':
        raise TypeError(f'{f} takes {"two bytes" if f.dtype == "bf16" else f.dtype}, not {number!r}')
    try:
        packed = struct.pack('<' + code, number)
    except (struct.error, OverflowError) as e:
        raise ValueError(f'{f} cannot hold {number!r}') from e
    return packed, len(packed), packed


def value(f: Field, data: Any) -> tuple[Any, int, Any]:
    """What is to be written: where it stands, how many bytes it has, and who must live until then.

    TypeError: of another element type; ValueError: of another shape.  Nothing is converted.
    """
    if isinstance(data, (bool, int, float)) and not (numpy and isinstance(data, numpy.generic)):
        return _of_number(f, data)
    if numpy and (isinstance(data, (numpy.ndarray, numpy.generic)) or hasattr(data, '__array__')):
        return _of_array(f, numpy.asarray(data))
    try:
        memoryview(data).release()
    except TypeError:
        raise TypeError(f'{f} takes an array or a buffer of that type and shape, not {type(data).__name__}') from None
    return _of_buffer(f, data)
