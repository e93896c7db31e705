# SPDX-License-Identifier: Apache-2.0
"""Cases of segment reductions for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import op, values

PLAIN = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def i32(*rows):
    return np.array(rows, np.int32)


def numbers(shape, dtype):
    return values(shape, "float32").astype(dtype) if dtype.startswith("complex") else values(shape, dtype)


def in_order():
    names = ["data", "segment_ids"]
    for kind in ("Sum", "Mean", "Prod", "Max", "Min"):
        name = "Segment" + kind
        for dtype in PLAIN + (("complex64", "complex128") if kind not in ("Max", "Min") else ()):
            yield op(name, [numbers((5, 3), dtype), i32(0, 0, 2, 2, 2)], names)
            yield op(name, [numbers((4,), dtype), np.int64([1, 1, 1, 3])], names)
        for data, ids in (((3, 2), [0, 1]), ((3, 2), [0, 2, 1]), ((3, 2), [-1, 0, 1]), ((3, 2), [[0, 1, 2]]), ((0, 2), []), ((3, 0), [0, 1, 1]), ((), [0]), ((2, 2, 2), [0, 0])):
            yield op(name, [values(data), i32(*ids)], names)


def unsorted():
    names = ["data", "segment_ids", "num_segments"]
    for kind in ("Sum", "Prod", "Max", "Min"):
        name = "UnsortedSegment" + kind
        for dtype in PLAIN + (("complex64", "complex128") if kind in ("Sum", "Prod") else ()):
            yield op(name, [numbers((5, 3), dtype), i32(2, 0, -1, 2, 0), np.int32(4)], names)
            yield op(name, [numbers((2, 2, 3), dtype), np.int64([[3, 1], [1, 1]]), np.int64(4)], names, const=(2,))
        for data, ids, count in (((3, 2), [0, 1], 2), ((3, 2), [0, 2, 1], 2), ((3, 2), [0, 1, 1], -1), ((0, 2), [], 3), ((3, 0), [0, 1, 1], 2), ((3,), [0, 0, 0], 0), ((2, 2), [[0, 1], [1, 5]], 3), ((3,), [-1, -1, -1], 2)):
            yield op(name, [values(data), i32(*ids), np.int32(count)], names)
        yield op(name, [values((3, 2)), i32(0, 1, 1), i32(2)], names)
        yield op(name, [values(()), np.int32(1), np.int32(2)], names)


def cases():
    for family in (in_order, unsorted):
        yield from family()
