"""Write a GGUF file (version 3) with numpy only: strings, numbers, arrays of strings; tensors f32, f16 or q8_0."""
import struct

import numpy as np

ALIGN = 32
F32, F16, Q8_0 = 0, 1, 8


def _string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def _value(v):
    if isinstance(v, bool):
        return struct.pack("<I?", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + _string(v)
    if isinstance(v[0], str):
        return struct.pack("<IIQ", 9, 8, len(v)) + b"".join(map(_string, v))
    if isinstance(v[0], float):
        return struct.pack("<IIQ", 9, 6, len(v)) + struct.pack("<%df" % len(v), *v)
    return struct.pack("<IIQ", 9, 5, len(v)) + struct.pack("<%di" % len(v), *v)


def q8_0(a):
    """Blocks of 32: one f16 scale and 32 signed bytes."""
    x = a.astype(np.float32).reshape(-1, 32)
    scale = np.abs(x).max(1) / 127
    inv = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.zeros(len(x), dtype=[("d", "<f2"), ("q", "i1", 32)])
    out["d"] = scale
    out["q"] = np.rint(x * inv[:, None]).astype(np.int8)
    return out.tobytes()


def _tensor(a, kind):
    if kind == Q8_0:
        return q8_0(a)
    return np.ascontiguousarray(a, dtype="<f2" if kind == F16 else "<f4").tobytes()


def write(path, fields, tensors):
    """fields: name -> value; tensors: list of (name, array, kind), the last dimension innermost."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(fields))]
    head += [_string(k) + _value(v) for k, v in fields.items()]
    body, at = [], 0
    for name, a, kind in tensors:
        raw = _tensor(a, kind)
        dims = a.shape[::-1]
        head.append(_string(name) + struct.pack("<I%dQ" % len(dims), len(dims), *dims) + struct.pack("<IQ", kind, at))
        raw += b"\0" * (-len(raw) % ALIGN)
        body.append(raw)
        at += len(raw)
    top = b"".join(head)
    with open(path, "wb") as f:
        f.write(top + b"\0" * (-len(top) % ALIGN) + b"".join(body))
