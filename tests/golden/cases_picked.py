# SPDX-License-Identifier: Apache-2.0
"""Cases of reductions of picked rows and of scattering into variables for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

PLAIN = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
raw = tf.raw_ops


def i32(*rows):
    return np.array(rows, np.int32)


def numbers(shape, dtype):
    return values(shape, "float32").astype(dtype) if dtype.startswith("complex") else values(shape, dtype)


def picked():
    for kind in ("Sum", "Mean", "SqrtN"):
        for more in ("", "WithNumSegments"):
            name, names = "SparseSegment" + kind + more, ["data", "indices", "segment_ids"] + (["num_segments"] if more else [])
            count = [np.int32(5)] if more else []
            for dtype in PLAIN if kind == "Sum" else PLAIN[:4]:
                yield op(name, [values((4, 3), dtype), i32(0, 3, 1, 1), i32(0, 2, 2, 3), *count], names)
                yield op(name, [values((4, 3), dtype), np.int64([2, 2]), np.int64([1, 1]), *count], names, const=(3,) if more else ())
            if more:
                for ids, number in (([0, 1], 1), ([0, 1], -1), ([], 2), ([], 0), ([0, 2], 2)):
                    yield op(name, [values((4, 3)), i32(*[1] * len(ids)), i32(*ids), np.int32(number)], names)
                yield op(name, [values((4, 3)), i32(0, 1), i32(0, 1), i32(2, 3)], names)
            for data, indices, ids in (((4, 3), [0, 9], [0, 0]), ((4, 3), [0, -1], [0, 0]), ((4, 3), [0], [0, 0]), ((4, 3), [0, 1], [1, 0]), ((4, 3), [0, 1], [-1, 0]), ((), [0], [0]), ((4,), [1, 2], [0, 0])):
                yield op(name, [values(data), i32(*indices), i32(*ids), *count], names)
            yield op(name, [values((4, 3)), i32([0, 1]), i32(0, 1), *count], names)


def variables():
    def case(name, dtype, first, indices, updates, key="resource"):
        def build(t):
            handle = raw.VarHandleOp(dtype=t[0].dtype, shape=first.shape, shared_name="v")
            with tf.control_dependencies([raw.AssignVariableOp(resource=handle, value=t[0])]):
                done = getattr(raw, name)(**{key: handle}, indices=t[1], updates=t[2])
            with tf.control_dependencies([done]):
                return raw.ReadVariableOp(resource=handle, dtype=t[0].dtype)
        return graph(f"{name} {dtype} {first.shape} {np.shape(indices)} {updates.shape}", [first, indices, updates], build)
    for kind in ("Add", "Sub", "Mul", "Div", "Min", "Max", "Update"):
        name = "ResourceScatter" + kind
        for dtype in PLAIN + (("complex64",) if kind not in ("Min", "Max") else ()):
            first, updates = numbers((4, 2), dtype), numbers((2, 2), dtype)
            if kind == "Div":
                updates = np.abs(updates) + first.dtype.type(1)
            yield case(name, dtype, first, i32(2, 0) if kind == "Update" else i32(2, 2), updates)
        for first, indices, updates in (((4, 2), i32(1), ()), ((4, 2), i32([1], [0]), (2, 1, 2)), ((4, 2), np.int32(3), (2,)), ((4, 2), i32(1, 4), (2, 2)), ((4, 2), i32(-1), (1, 2)), ((4, 2), np.zeros(0, np.int32), (0, 2)),
                                        ((4, 2), np.int64([1, 3]), (2, 2)), ((4, 2), i32(1, 2), (2,))):
            yield case(name, "float32", values(first), indices, values(updates))
    for kind in ("Add", "Sub", "Min", "Max", "Update"):
        name = "ResourceScatterNd" + kind
        for dtype in PLAIN + (("complex64",) if kind not in ("Min", "Max") else ()):
            yield case(name, dtype, numbers((4, 2), dtype), i32([2], [0]), numbers((2, 2), dtype), key="ref")
        for first, indices, updates in (((4, 2), i32([1, 1], [0, 1]), (2,)), ((4, 2), i32([4]), (1, 2)), ((4, 2), i32([1]), (1, 3)), ((4, 2), i32([1], [2]), (1, 2)), ((4, 2), np.zeros((0, 1), np.int32), (0, 2)), ((4, 2), i32(1), (1, 2)), ((4, 2), i32([3]), (1, 2))):
            yield case(name, "float32", values(first), indices, values(updates), key="ref")


def cases():
    for family in (picked, variables):
        yield from family()
