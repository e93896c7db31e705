# SPDX-License-Identifier: Apache-2.0
"""Cases of the sparse family, of bucketizing and of strings one by one, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values


def i64(*rows):
    return np.array(rows, np.int64)


def rows():
    names = ["indices", "values", "dense_shape", "default_value"]
    for indices, shape in ((i64([0, 1], [2, 0], [2, 3]), i64(5, 4)), (i64([3, 0], [1, 1], [3, 2]), i64(4, 3)), (i64([0, 0]), i64(1, 1)), (np.zeros((0, 2), np.int64), i64(3, 2)),
                           (i64([0, 0, 1], [2, 1, 0]), i64(3, 2, 2)), (i64([5, 0]), i64(3, 2))):
        for dtype in ("float32", "int64"):
            yield op("SparseFillEmptyRows", [indices, values((len(indices),), dtype), shape, values((), dtype)], names)
    yield op("SparseFillEmptyRows", [i64([0, 1], [2, 0]), np.array([b"a", b"b"], object), i64(4, 2), np.array(b"none", object)], names)
    names = ["input_indices", "input_shape", "new_shape"]
    for indices, shape, new in ((i64([0, 1], [2, 3]), i64(3, 4), i64(4, 3)), (i64([0, 1], [2, 3]), i64(3, 4), i64(-1, 2)), (i64([0, 1]), i64(3, 4), i64(12)), (i64([7]), i64(12), i64(2, 3, 2)),
                                (i64([0, 1]), i64(3, 4), i64(5, -1)), (i64([0, 1]), i64(3, 4), i64(5)), (i64([0, 1]), i64(3, 4), i64(-1, -1)), (np.zeros((0, 2), np.int64), i64(3, 4), i64(2, 6))):
        yield op("SparseReshape", [indices, shape, new], names)
    names = ["sparse_indices", "output_shape", "sparse_values", "default_value"]
    for indices, shape, v in ((i64([0, 1], [2, 0]), i64(3, 2), values((2,))), (i64(3, 1), i64(5), values((2,))), (np.int64(2), i64(4), values(())), (i64([0, 1], [2, 0]), i64(3, 2), values(()))):
        yield op("SparseToDense", [indices, shape, v, np.float32(-1)], names)
        yield op("SparseToDense", [np.asarray(indices, np.int32), np.asarray(shape, np.int32), v, np.float32(-1)], names, const=(1,))


def segments():
    names = ["data", "indices", "segment_ids"]
    for name in ("SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN"):
        for dtype in ("float32", "float64"):
            for indices, ids in (([0, 2, 1], [0, 0, 1]), ([0, 2, 1, 1], [0, 2, 2, 3]), ([], []), ([3], [2]), ([0, 1], [1, 1])):
                yield op(name, [values((4, 3), dtype), np.array(indices, np.int32), np.array(ids, np.int32)], names)
        for indices, ids in (([0, 9], [0, 0]), ([0, -1], [0, 0]), ([0], [0, 0])):
            yield op(name, [values((4, 3)), np.array(indices, np.int64), np.array(ids, np.int32)], names)


def buckets():
    for dtype in ("float32", "float64", "int32", "int64"):
        yield op("Bucketize", [np.array([[-5, 0, 1], [2, 3, 100]], dtype)], ["input"], boundaries=[0.0, 1.0, 2.5])
    yield op("Bucketize", [np.float32([1, 2])], ["input"], boundaries=[])
    yield op("Bucketize", [np.float32([1, 2])], ["input"], boundaries=[2.0, 1.0])


def texts():
    words = np.array([[b"Hello World", b" Tab\t\n", b""], [b"\xc3\x84pfel", b"MIXED123", b"  both  "]], object)
    for name in ("StringLower", "StringUpper", "StringStrip", "StringLength"):
        yield op(name, [words], ["input"])
        yield op(name, [np.array(b"One", object)], ["input"])
    yield op("StringLength", [words], ["input"], unit="UTF8_CHAR")
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"):
        yield op("AsString", [values((5,), dtype)], ["input"])
    number = np.float32([1.5, -0.25, 1234567.0, 1e-7, 0])
    for attrs in (dict(precision=2), dict(scientific=True), dict(shortest=True), dict(width=12), dict(width=12, fill="0"), dict(width=8, precision=1, fill=" "), dict(scientific=True, shortest=True), dict(fill="x", width=3)):
        yield op("AsString", [number], ["input"], **attrs)
    yield op("AsString", [np.array([True, False])], ["input"])
    yield op("AsString", [np.int32([5, -7])], ["input"], width=4, fill="0")
    for out in (tf.float32, tf.float64, tf.int32, tf.int64):
        for text in (b"12", b"-3", b"1.5", b"x", b"", b"99999999999", b"1e3", b" 7"):
            yield op("StringToNumber", [np.array([text], object)], ["string_tensor"], out_type=out)


def hashes():
    rng = np.random.default_rng(3)
    lengths = list(range(0, 70)) + [100, 127, 128, 129, 191, 192, 193, 500]
    words = np.array([rng.integers(0, 256, n, dtype=np.uint8).tobytes() for n in lengths], object)
    for buckets in (1, 10, 1 << 40):
        yield op("StringToHashBucketFast", [words], ["input"], num_buckets=buckets)


def bounds():
    for name in ("LowerBound", "UpperBound"):
        for dtype in ("float32", "int64", "int32", "float64"):
            for out in (tf.int32, tf.int64):
                yield op(name, [np.array([[1, 2, 2, 5], [0, 3, 6, 9]], dtype), np.array([[2, 0, 9], [3, 7, -1]], dtype)], ["sorted_inputs", "values"], out_type=out)
        yield op(name, [np.zeros((2, 0), np.float32), np.zeros((2, 3), np.float32)], ["sorted_inputs", "values"])
        yield op(name, [np.zeros((2, 1), np.float32), np.zeros((3, 3), np.float32)], ["sorted_inputs", "values"])
        yield op(name, [np.zeros((2,), np.float32), np.zeros((3,), np.float32)], ["sorted_inputs", "values"])


def cases():
    for family in (rows, segments, buckets, texts, hashes, bounds):
        yield from family()
