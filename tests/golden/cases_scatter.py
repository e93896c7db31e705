# SPDX-License-Identifier: Apache-2.0
"""Cases of stitching, partitioning, scattering, distinct values and bit casts for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

PLAIN = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
WORDS = np.array([b"a", b"bc", b"", b"a", b"def", b"bc"], object)


def i32(*rows):
    return np.array(rows, np.int32)


def stitch():
    for name in ("DynamicStitch", "ParallelDynamicStitch"):
        def case(indices, data, const=()):
            count = len(indices)
            def build(t):
                return getattr(tf.raw_ops, name)(indices=t[:count], data=t[count:])
            text = " ".join(f"{np.asarray(a).dtype}{list(np.shape(a))}" for a in indices + data)
            return graph(f"{name} {text} {const}", indices + data, build, const)
        for dtype in PLAIN + ("bool", "complex64"):
            data = [values((2, 3), "float32").astype(dtype) if dtype in ("bool", "complex64") else values((2, 3), dtype) for _ in range(2)]
            yield case([i32(0, 2), i32(3, 1)], data)
        yield case([i32(0, 1), i32(1, 2)], [WORDS[:2], WORDS[4:]])
        yield case([i32(0, 2), i32(3, 1)], [values((2, 3)), values((2, 3))], (0, 1))
        yield case([np.int32(1), i32([0, 2], [4, 3])], [values((2,)), values((2, 2, 2))])
        yield case([i32(4, 3, 2, 1, 0)], [values((5, 0))])
        yield case([np.zeros(0, np.int32)], [values((0, 3))])
        yield case([np.zeros(0, np.int32), i32(0)], [values((0, 3)), values((1, 3))])
        yield case([i32(0, 1)], [values((3, 2))])
        yield case([i32(0, 1), i32(2)], [values((2, 2)), values((1, 3))])
        yield case([i32(0, -1)], [values((2, 2))])
        yield case([i32(0, 1)], [values(())])


def partition():
    for dtype in PLAIN + ("bool", "complex128"):
        data = values((5, 2), "float32").astype(dtype) if dtype in ("bool", "complex128") else values((5, 2), dtype)
        yield op("DynamicPartition", [data, i32(0, 2, 0, 1, 2)], ["data", "partitions"], num_partitions=4)
    yield op("DynamicPartition", [WORDS, i32(1, 0, 1, 1, 0, 1)], ["data", "partitions"], num_partitions=2)
    for data, parts, count in (((2, 3), i32([0, 1, 0], [1, 1, 0]), 2), ((3,), np.zeros(3, np.int32), 1), ((), np.int32(1), 2), ((0, 3), np.zeros(0, np.int32), 2), ((4, 0), i32(0, 1, 0, 1), 2),
                               ((3, 2), i32(0, 1), 2), ((3,), i32(0, 2, 1), 2), ((3,), i32(0, -1, 1), 2), ((2, 2), i32([0, 1], [0, 7]), 3)):
        yield op("DynamicPartition", [values(data), parts], ["data", "partitions"], num_partitions=count)


def scatter_nd():
    names = ["indices", "updates", "shape"]
    for dtype in PLAIN + ("complex64", "bool"):
        updates = values((3, 2), "float32").astype(dtype) if dtype in ("complex64", "bool") else values((3, 2), dtype)
        for const in ((), (2,)):
            yield op("ScatterNd", [i32([1], [3], [1]), updates, i32(5, 2)], names, const=const)
    yield op("ScatterNd", [i32([1], [3]), WORDS[:2], i32(5)], names)
    for indices, updates, shape in ((i32([0, 1], [2, 0]), (2,), i32(3, 2)), (i32([[0], [1]], [[2], [0]]), (2, 2, 3), i32(4, 3)), (np.zeros((2, 0), np.int32), (2, 3), i32(3)), (np.zeros((0, 1), np.int32), (0, 2), i32(3, 2)),
                                    (i32([0]), (1, 0), i32(3, 0)), (i32([5]), (1, 2), i32(5, 2)), (i32([-1]), (1, 2), i32(5, 2)), (i32([0], [1]), (3, 2), i32(5, 2)), (i32([0], [1]), (2, 3), i32(5, 2)),
                                    (i32([0, 0, 0]), (1,), i32(5, 2)), (np.int32(0), (2,), i32(5, 2)), (i32([0]), (), i32(5)), (i32([0]), (1, 2), i32(0, 2)), (i32([0]), (1, 2), i32(-1, 2)), (i32([0, 3], [1, 1]), (2,), i32(2, 3)),
                                    (i32([0]), (1, 2), i32([5, 2])), (i32([0]), (1, 2), i32(100000, 100000, 100000, 100000))):
        yield op("ScatterNd", [indices, values(updates), shape], names)
        yield op("ScatterNd", [np.asarray(indices, np.int64), values(updates), np.asarray(shape, np.int64)], names, const=(2,))


def tensor_scatter():
    names = ["tensor", "indices", "updates"]
    for kind in ("Update", "Add", "Sub", "Max", "Min"):
        name = "TensorScatter" + kind
        for dtype in PLAIN + ("complex64", "bool"):
            t, u = values((5, 2), "float32"), values((3, 2), "float32")
            t, u = (t.astype(dtype), u.astype(dtype)) if dtype in ("complex64", "bool") else (values((5, 2), dtype), values((3, 2), dtype))
            yield op(name, [t, i32([1], [3], [1]) if kind != "Update" else i32([1], [3], [0]), u], names)
        yield op(name, [WORDS, i32([1], [3]), WORDS[4:]], names)
        for tensor, indices, updates in (((3, 2), i32([0, 1], [2, 0]), (2,)), ((4, 3), i32([[0], [1]], [[2], [0]]), (2, 2, 3)), ((3,), np.zeros((1, 0), np.int32), (1, 3)), ((3, 2), np.zeros((0, 1), np.int32), (0, 2)),
                                         ((5, 2), i32([5]), (1, 2)), ((5, 2), i32([-1]), (1, 2)), ((5, 2), i32([0], [1]), (3, 2)), ((5, 2), i32([0], [1]), (2, 3)), ((5, 2), i32([0, 0, 0]), (1,)), ((0, 2), i32([0]), (1, 2)),
                                         ((), np.zeros((1, 0), np.int32), (1,)), ((5,), np.int32(1), (1,)), ((3,), i32([0]), ())):
            yield op(name, [values(tensor), indices, values(updates)], names)
        yield op(name, [np.float32([1, 2, 3]), i32([0], [2]), np.float32([np.nan, np.inf])], names)
        yield op(name, [values((3,)), np.int64([[0], [2]]), values((2,))], names)
    for policy in ("IGNORE", "ERROR", "DEFAULT"):
        yield op("ScatterNd", [i32([1], [7], [-2]), values((3, 2)), i32(5, 2)], ["indices", "updates", "shape"], bad_indices_policy=policy)
        yield op("TensorScatterAdd", [values((5, 2)), i32([1], [7], [-2]), values((3, 2))], names, bad_indices_policy=policy)
    yield op("ScatterNdNonAliasingAdd", [values((4, 2)), i32([1], [1]), values((2, 2))], ["input", "indices", "updates"])
    yield op("ScatterNdNonAliasingAdd", [values((4, 2)), i32([1], [4]), values((2, 2))], ["input", "indices", "updates"])
    yield op("ScatterNdNonAliasingAdd", [values((4,), "int32"), np.int64([[1], [1], [3]]), values((3,), "int32")], ["input", "indices", "updates"])


def distinct():
    for dtype in PLAIN:
        x = values((9,), "int32").astype(np.int8)
        x = x.view(np.uint8).astype(dtype) if dtype.startswith("u") else x.astype(tf.as_dtype(dtype).as_numpy_dtype)
        y = x[:4]
        for out in (tf.int32, tf.int64):
            yield op("Unique", [x], ["x"], out_idx=out)
            yield op("UniqueWithCounts", [x], ["x"], out_idx=out)
            yield op("ListDiff", [x, y], ["x", "y"], out_idx=out)
        grid = np.stack([x[:3], x[3:6], x[:3]])
        for axis in (0, 1, -1):
            yield op("UniqueV2", [grid, np.int64([axis])], ["x", "axis"])
            yield op("UniqueWithCountsV2", [grid, np.int32([axis])], ["x", "axis"], out_idx=tf.int64)
    yield op("UniqueWithCounts", [np.array([True, False, True])], ["x"])
    for name in ("Unique", "UniqueWithCounts"):
        yield op(name, [WORDS], ["x"])
        yield op(name, [WORDS[:0]], ["x"])
        yield op(name, [np.float32([0.0, -0.0, np.nan, 1, np.nan])], ["x"])
        yield op(name, [values((2, 2))], ["x"])
        yield op(name, [np.float32(1)], ["x"])
    for name in ("UniqueV2", "UniqueWithCountsV2"):
        yield op(name, [WORDS, np.zeros(0, np.int64)], ["x", "axis"])
        yield op(name, [np.stack([WORDS[:3], WORDS[:3], WORDS[3:]]), np.int64([0])], ["x", "axis"])
        for x, axis in (((2, 3), []), ((2, 3), [2]), ((2, 3), [-3]), ((2, 3), [0, 1]), ((2, 0), [0]), ((2, 0), [1]), ((0, 2), [0]), ((2, 2, 2), [1]), ((3,), [0]), ((), [0]), ((), [])):
            yield op(name, [values(x, "int32"), np.array(axis, np.int64)], ["x", "axis"])
        yield op(name, [values((2, 3)), np.int64(0)], ["x", "axis"])
        yield op(name, [np.float32([[0.0, 1], [-0.0, 1]]), np.int64([0])], ["x", "axis"])
    for x, y in ((WORDS, WORDS[:1]), (WORDS[:0], WORDS), (WORDS, WORDS[:0]), (values((2, 2)), values((1,))), (values((2,)), values((1, 1))), (np.float32([0.0, np.nan, 2]), np.float32([-0.0, np.nan])), (values(()), values((1,)))):
        yield op("ListDiff", [x, y], ["x", "y"])


def reverse():
    names = ["input", "seq_lengths"]
    for dtype in PLAIN + ("bool", "complex64"):
        x = values((3, 4, 2), "float32").astype(dtype) if dtype in ("bool", "complex64") else values((3, 4, 2), dtype)
        yield op("ReverseSequence", [x, np.int64([2, 0, 4])], names, seq_dim=1)
        yield op("ReverseSequence", [x, i32(3, 1, 2, 0)], names, seq_dim=0, batch_dim=1)
    yield op("ReverseSequence", [WORDS.reshape(2, 3), np.int64([2, 3])], names, seq_dim=1)
    for shape, lengths, attrs in (((2, 3), [1, 4], dict(seq_dim=1)), ((2, 3), [-1, 2], dict(seq_dim=1)), ((2, 3), [1, 2, 3], dict(seq_dim=1)), ((2, 3), [1, 2], dict(seq_dim=0)), ((2, 3), [1, 2], dict(seq_dim=2)), ((2, 3), [1, 2], dict(seq_dim=1, batch_dim=2)),
                                  ((3,), [1, 2, 3], dict(seq_dim=1)), ((0, 3), [], dict(seq_dim=1)), ((2, 0), [0, 0], dict(seq_dim=1)), ((2, 3, 4, 5), [2, 0, 3], dict(seq_dim=3, batch_dim=1)), ((2, 3, 4, 2, 3), [2, 1, 0, 2], dict(seq_dim=1, batch_dim=2)),
                                  ((2, 3), [1, 2], dict(seq_dim=-1)), ((2, 3), [1, 2, 1], dict(seq_dim=0, batch_dim=-1))):
        yield op("ReverseSequence", [values(shape), np.int64(lengths)], names, **attrs)
    yield op("ReverseSequence", [values((2, 3)), np.int64([[1, 2]])], names, seq_dim=1)


def bitcast():
    for x, out in ((values((2, 3)), tf.int32), (values((2, 3)), tf.uint8), (values((2, 4), "uint8"), tf.float32), (values((3,), "int64"), tf.double), (values((2, 2)), tf.int64), (values((2, 2)), tf.complex64), (values((3,), "float16"), tf.bfloat16), (values((), "float64"), tf.int16),
                   (values((2, 3), "uint8"), tf.float32), (values((), "uint8"), tf.int32), (values((0, 4), "uint8"), tf.int32), (values((4,), "int8"), tf.uint8), (values((2,), "uint32"), tf.int8), (values((2, 2), "int16"), tf.uint32)):
        yield op("Bitcast", [x], ["input"], type=out)


def cases():
    for family in (stitch, partition, scatter_nd, tensor_scatter, distinct, reverse, bitcast):
        yield from family()
