# SPDX-License-Identifier: Apache-2.0
"""Cases of set operations, cross entropy and files for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import op, values

DENSE = ["set1", "set2"]
MIXED = ["set1", "set2_indices", "set2_values", "set2_shape"]
SPARSE = ["set1_indices", "set1_values", "set1_shape", "set2_indices", "set2_values", "set2_shape"]
OPERATIONS = ("a-b", "b-a", "intersection", "union")
WORDS = np.array([[b"b", b"a", b"b"], [b"", b"c", b"a"]], object)


def i64(*rows):
    return np.array(rows, np.int64)


def sparse(array):
    """A dense array without its zeros."""
    index = np.argwhere(array != 0).astype(np.int64)
    return index, array[array != 0], np.array(array.shape, np.int64)


def sets():
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16"):
        a, b = np.array([[3, 1, 3, 2], [5, 5, 0, 0]], dtype), np.array([[2, 2, 9], [0, 7, 5]], dtype)
        for kind in OPERATIONS:
            yield op("DenseToDenseSetOperation", [a, b], DENSE, set_operation=kind)
            yield op("DenseToSparseSetOperation", [a, *sparse(b)], MIXED, set_operation=kind)
            yield op("SparseToSparseSetOperation", [*sparse(a), *sparse(b)], SPARSE, set_operation=kind)
        yield op("SetSize", [*sparse(a)], ["set_indices", "set_values", "set_shape"])
    for kind in OPERATIONS:
        yield op("DenseToDenseSetOperation", [WORDS, WORDS[::-1].copy()], DENSE, set_operation=kind)
        yield op("DenseToDenseSetOperation", [WORDS, WORDS[:, :0].copy()], DENSE, set_operation=kind)
        yield op("DenseToDenseSetOperation", [values((2, 3, 4), "int32"), values((2, 3, 2), "int32")], DENSE, set_operation=kind)
        index = i64([0, 0], [1, 0], [1, 1])
        yield op("SparseToSparseSetOperation", [index, WORDS[0], i64(2, 2), index, WORDS[1], i64(2, 3)], SPARSE, set_operation=kind)
        yield op("SparseToSparseSetOperation", [*sparse(np.int32([[0, 1], [0, 0], [4, 4]])), *sparse(np.int32([[0, 0], [3, 1], [4, 0]]))], SPARSE, set_operation=kind)
        yield op("DenseToSparseSetOperation", [np.int32([[1, 2], [3, 3]]), *sparse(np.int32([[0, 0], [3, 1]]))], MIXED, set_operation=kind)
        yield op("SparseToSparseSetOperation", [np.zeros((0, 2), np.int64), np.zeros(0, np.int32), i64(2, 2)] * 2, SPARSE, set_operation=kind)
    for a, b in (((3,), (3,)), ((2, 3), (3, 3)), ((2, 3), (2, 2, 3)), ((0, 3), (0, 2)), ((2, 0), (2, 0))):
        yield op("DenseToDenseSetOperation", [values(a, "int32"), values(b, "int32")], DENSE, set_operation="union")
    two = np.int32([1, 2])
    for index, shape in ((i64([0, 0], [2, 0]), i64(2, 2)), (i64([1, 0], [0, 0]), i64(2, 2)), (i64([0, 0], [0, 0]), i64(2, 2)), (i64([0, 0], [0, -1]), i64(2, 2)), (i64([0], [1]), i64(2, 2)), (i64([0, 0], [1, 1]), i64(2)), (i64([0], [1]), i64(2)),
                         (i64([0, 0, 0], [1, 1, 1]), i64(2, 2, 2)), (i64([0, 0], [1, 1]), i64(3, 2)), (i64([0, 0]), i64(2, 2)), (i64(0, 1), i64(2, 2)), (i64([0, 0], [1, 1]), i64(2, -2))):
        # Of rows out of order that nobody checks TensorFlow makes what it may.
        for validate in (True, False)[:1 if index.tolist() == [[1, 0], [0, 0]] else 2]:
            yield op("SparseToSparseSetOperation", [i64([0, 0], [1, 1]), two, i64(2, 2), index, two, shape], SPARSE, set_operation="union", validate_indices=validate)
        yield op("DenseToSparseSetOperation", [np.int32([[1, 2], [3, 4]]), index, two, shape], MIXED, set_operation="union")
        yield op("SetSize", [index, two, shape], ["set_indices", "set_values", "set_shape"])
    yield op("SetSize", [i64([0, 0, 1], [0, 0, 2], [1, 1, 0]), np.array([b"x", b"x", b"y"], object), i64(2, 2, 3)], ["set_indices", "set_values", "set_shape"])
    yield op("SetSize", [np.zeros((0, 2), np.int64), np.zeros(0, np.int32), i64(3, 2)], ["set_indices", "set_values", "set_shape"])
    yield op("DenseToDenseSetOperation", [np.int32([[1]]), np.int32([[2]])], DENSE, set_operation="xor")
    yield op("DenseToDenseSetOperation", [np.int32([[1]]), np.int32([[2]])], DENSE, set_operation="A-B")


def cross_entropy():
    names = ["features", "labels"]
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        tolerance = {"float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2)}.get(dtype)
        for labels in (np.int32([1, 0, 3]), np.int64([2, 2, 2])):
            yield op("SparseSoftmaxCrossEntropyWithLogits", [values((3, 4), dtype), labels], names, tolerance=tolerance)
        yield op("SoftmaxCrossEntropyWithLogits", [values((3, 4), dtype), values((3, 4), dtype, 0, 1)], names, tolerance=tolerance)
        yield op("SoftmaxCrossEntropyWithLogits", [values((3, 4), dtype), values((1, 4), dtype, 0, 1)], names, tolerance=tolerance)
        yield op("SoftmaxCrossEntropyWithLogits", [values((3, 1), dtype), values((1, 4), dtype, 0, 1)], names, tolerance=tolerance)
    for features, labels in (((2, 3), [0, 3]), ((2, 3), [-1, 1]), ((2, 3), [0]), ((2, 3), [[0, 1]]), ((3,), [0, 1, 2]), ((0, 3), []), ((2, 0), [0, 0]), ((2, 2, 2), [0, 1])):
        yield op("SparseSoftmaxCrossEntropyWithLogits", [values(features), np.int32(labels)], names)
    yield op("SparseSoftmaxCrossEntropyWithLogits", [np.float32([[1e30, -1e30, 0], [np.inf, 0, 1], [np.nan, 0, 1], [-np.inf, 0, 1]]), np.int32([1, 0, 1, 0])], names)
    for features, labels in (((2, 3), (2, 4)), ((2, 3), (3, 3)), ((3,), (3,)), ((2, 2, 3), (2, 2, 3)), ((0, 3), (0, 3)), ((2, 0), (2, 0)), ((2, 3), (3,)), ((1, 3), (2, 1)), ((), ())):
        yield op("SoftmaxCrossEntropyWithLogits", [values(features), values(labels)], names)
    yield op("SoftmaxCrossEntropyWithLogits", [np.float32([[1e30, -1e30, 0], [np.inf, 0, 1], [np.nan, 0, 1]]), np.float32([[0, 1, 0], [1, 0, 0], [1, 0, 0]])], names)


def files():
    for name in (b"LICENSE", b"no-such-file", b"src", b"LICENSE/below", b""):
        yield op("ReadFile", [np.array(name, object)], ["filename"])
    yield op("ReadFile", [np.array([b"LICENSE"], object)], ["filename"])
    yield op("ReadFile", [np.array(b"LICENSE", object)], ["filename"], const=(0,))


def cases():
    for family in (sets, cross_entropy, files):
        yield from family()
