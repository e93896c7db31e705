# SPDX-License-Identifier: Apache-2.0
"""Cases of the ops on ragged tensors, and of those that count, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

i32, i64, f32 = np.int32, np.int64, np.float32
V = np.arange(5, dtype=f32)


def to_tensor():
    def case(shape, data, default, parts, types, dtype=i64):
        arrays = [np.array(shape, dtype), data, default, *[np.array(p, dtype) for p in parts]]
        return graph(f"RaggedTensorToTensor {shape} {data.shape} {parts} {types}", arrays,
                     lambda t: [tf.raw_ops.RaggedTensorToTensor(shape=t[0], values=t[1], default_value=t[2], row_partition_tensors=t[3:], row_partition_types=types)])
    splits = ["ROW_SPLITS"]
    nine = f32(9)
    for dtype in (i32, i64):
        for shape in (-1, [2, 2], [-1, -1], [5, -1], [1, 7], [-1, 1], [0, 0], [-1, 2, 3], [3]):
            yield case(shape, V, nine, [[0, 2, 5]], splits, dtype)
    for shape in ([-1, -1, 3], [-1, -1, 2], [-1, -1, -1], -1):
        for default in (nine, f32([9, 8]), f32([9]), f32([9, 8, 7]), f32([[9, 8]])):
            yield case(shape, np.arange(10, dtype=f32).reshape(5, 2), default, [[0, 2, 5]], splits)
    yield case(-1, np.arange(30, dtype=f32).reshape(5, 2, 3), f32([[1], [2]]), [[0, 2, 5]], splits)
    yield case(-1, np.arange(30, dtype=f32).reshape(5, 2, 3), f32([1, 2, 3]), [[0, 2, 5]], splits)
    yield case(-1, np.arange(20, dtype=f32).reshape(5, 2, 2), f32([1, 2]), [[0, 2, 5]], splits)
    yield case(-1, V, f32([9]), [[0, 2, 5]], splits)
    for part in ([0, 2, 4], [1, 2, 5], [0, 3, 2, 5], [], [0, 0, 5, 5], [0]):
        yield case(-1, V, nine, [part], splits)
    yield case(-1, V[:0], nine, [[0]], splits)
    yield case(-1, V[:0], nine, [[0, 0, 0]], splits)
    rows = ["FIRST_DIM_SIZE", "VALUE_ROWIDS"]
    for size, ids in ((3, [0, 0, 1, 2, 2]), (4, [0, 0, 2, 2, 2]), (3, [0, 0, 1, 5, 5]), (3, [5, 5, 5, 5, 5]), (3, [0, 0, 1]), (3, [0, -1, 0, 1, 2]), (0, [])):
        for shape in (-1, [-1, 1], [2, 2]):
            yield case(shape, V, nine, [size, ids], rows)
    yield case(-1, V, nine, [[0, 0, 1, 2, 2]], ["VALUE_ROWIDS"])
    yield case(-1, V, nine, [3], ["FIRST_DIM_SIZE"])
    yield case([2], V, nine, [3], ["FIRST_DIM_SIZE"])
    for shape in (-1, [1, 5, 1], [-1, -1, 2], [3, 1, 4]):
        yield case(shape, V, nine, [[0, 1, 3], [0, 2, 3, 5]], splits * 2)
        yield case(shape, V, nine, [2, [0, 1, 1], [0, 0, 1, 2, 2]], rows + rows[1:])
    yield case(-1, V, nine, [[0, 1, 3], [0, 2, 5]], splits * 2)
    yield case(-1, V, nine, [[0, 1], [0, 2, 3, 5]], splits * 2)
    yield case(-1, V, nine, [[0, 2, 5]], ["ROW_LENGTHS"])
    yield case(-1, V, nine, [[0, 2, 5]], ["FOO"])
    for data, default in ((np.array([b"a", b"b", b"c", b"d", b"e"], object), np.array(b"-", object)), (np.array([1, 2, 3, 4, 5], i64), i64(0)), (np.array([True] * 5), np.bool_(False)), (values((5,), "float16"), np.float16(7)), (values((5,), "uint8"), np.uint8(7))):
        yield case(-1, data, default, [[0, 2, 2, 5]], splits)


def gather():
    def case(splits, data, indices, rank, types=(i64, i32)):
        arrays = [*[np.array(s, types[0]) for s in splits], data, np.array(indices, types[1])]
        n = len(splits)

        def build(t):
            nested, dense = tf.raw_ops.RaggedGather(params_nested_splits=t[:n], params_dense_values=t[n], indices=t[n + 1], OUTPUT_RAGGED_RANK=rank)
            return [*nested, dense]
        return graph(f"RaggedGather {splits} {data.shape} {indices}", arrays, build)
    for types in ((i32, i32), (i64, i64), (i32, i64)):
        yield case([[0, 2, 5]], V, [1, 0, 1], 1, types)
        yield case([[0, 1, 3], [0, 2, 3, 5]], V, [1, 0], 2, types)
    for indices, rank in (([[1, 0], [0, 0]], 2), (1, 0), ([2], 1), ([[0, -1]], 2), ([], 1), ([0], 2), ([[[1]], [[0]]], 3), (5, 0)):
        yield case([[0, 2, 5]], V, indices, rank)
    for splits in ([0, 2, 7], [0, 3, 2], [], [-1, 2], [1, 2], [0]):
        yield case([splits], V, [0], 1)
    yield case([[0, 1, 4], [0, 2, 3, 5]], V, [1, 0], 2)
    yield case([[0, 1, 3], [0, 2, 3, 5]], V, 1, 1)
    yield case([[0, 2, 5]], values((5, 2, 2)), [1, 1], 1)
    yield case([[0, 2, 5]], values((5, 0)), [1, 1], 1)
    yield case([[0, 2, 5]], np.array([b"a", b"b", b"c", b"d", b"e"], object), [1, 0], 1)
    yield case([[0, 2, 5]], f32(1), [0], 1)


def to_sparse():
    def case(splits, data, dtype=i64):
        arrays = [*[np.array(s, dtype) for s in splits], data]
        return graph(f"RaggedTensorToSparse {splits} {data.shape}", arrays, lambda t: list(tf.raw_ops.RaggedTensorToSparse(rt_nested_splits=t[:-1], rt_dense_values=t[-1])))
    for splits, data in (([[0, 2, 5]], V), ([[0, 1, 3], [0, 2, 3, 5]], V), ([[0, 0, 5, 5]], V), ([[0, 2, 5]], values((5, 2))), ([[0, 2, 5]], values((5, 2, 3))), ([[0, 1, 1, 3], [0, 2, 2, 5]], values((5, 1))), ([[0]], V[:0]), ([[0, 0]], V[:0]),
                         ([[1, 2, 5]], V), ([[0, 2, 4]], V), ([[0, 2, 7]], V), ([[0, 3, 2, 5]], V), ([[]], V), ([[0, 1, 3], [0, 2, 5]], V), ([[0, 1], [0, 2, 5]], V), ([[0, 2, 5]], f32(1)),
                         ([[0, 2, 5]], np.array([b"a", b"b", b"c", b"d", b"e"], object)), ([[0, 2, 5]], values((5, 0)))):
        for dtype in (i32, i64):
            yield case(splits, data, dtype)


def ranges():
    names = ["starts", "limits", "deltas"]
    for dtype in ("int32", "int64", "float32", "float64", "bfloat16"):
        for splits in (tf.int32, tf.int64):
            for a, b, c in (([0, 2], [3, 5], [1, 2]), (0, [3, 5], 1), ([5, 0], [0, 0], [-2, 3]), (0, 3, 1), ([], [], []), ([5], [9], [-1])):
                yield op("RaggedRange", [values((), dtype).dtype.type(0) + np.array(x).astype(values((1,), dtype).dtype) for x in (a, b, c)], names, Tsplits=splits)
    for a, b, c in ((0., [1., 2.], .3), (0., 1., -.5), ([0.], [1.], [0.]), (0., np.nan, 1.), (1., 0., .5)):
        yield op("RaggedRange", [f32(x) for x in (a, b, c)], names)
    for a, b, c in (([0, 2], 5, 1), ([0, 2], [3, 5, 6], 1), ([0], [3], 0), ([[0]], [3], 1), ([0], [3, 4], [1]), ([0], [[3]], 1), (0, [3], [[1]])):
        yield op("RaggedRange", [i32(x) for x in (a, b, c)], names)
    yield op("RaggedRange", [i64(0), i64(2 ** 62), i64(1)], names, Tsplits=tf.int32)
    yield op("RaggedRange", [i64(-2 ** 63), i64(2 ** 63 - 1), i64(2 ** 61)], names)


def counts():
    for dtype in ("int32", "int64", "float32", "float64"):
        for arr, size, w in (([1, 2, 2, 5], 4, []), ([1, 2], 4, [3, 1]), ([[1, 2], [2, 3]], 4, []), ([[1, 2], [2, 9]], 4, [[3, 1], [2, 5]])):
            w = np.array(w, dtype)
            yield op("Bincount", [i32(arr), i32(size), w], ["arr", "size", "weights"])
            for binary in (False, True):
                for index in (i32, i64):
                    yield op("DenseBincount", [index(arr), index(size), w], ["input", "size", "weights"], binary_output=binary)
    none = f32([])
    for arr, size, w in (([1, 2], 4, f32([1])), ([-1, 2], 4, none), ([1], -1, none), ([1], [4], none), ([], 3, none), ([1, 2], 0, none), (1, 3, none), ([[1, 2], [2, 9]], 4, f32([[.5, 1]])), ([[1, 2], [2, 9]], 4, f32([.5, 1, 2, 3])), ([[1, 2], [2, -9]], 4, none),
                         ([[[1, 2]]], 4, none), (np.zeros((2, 0)), 4, none), (np.zeros((0, 2)), 4, none)):
        yield op("Bincount", [i32(arr), i32(size), w], ["arr", "size", "weights"])
        yield op("DenseBincount", [i32(arr), i32(size), w], ["input", "size", "weights"])
        yield op("DenseBincount", [i32(arr), i32(size), w], ["input", "size", "weights"], binary_output=True)
    names = ["indices", "values", "dense_shape", "size", "weights"]
    two = [[0, 0], [1, 2]]
    for ind, v, shape, size, w in ((two, [1, 1], [2, 3], 3, []), (two, [1, 1], [2, 3], 3, [.5, 2]), ([[0, 0], [5, 2]], [1, 1], [2, 3], 3, []), (two, [1, 7], [2, 3], 3, []), ([[0], [1]], [1, 2], [2], 3, []), ([[0], [1]], [1, -2], [2], 3, []),
                                   (two, [1, -1], [2, 3], 3, []), (two, [1, 1], [2, 3], -3, []), (two, [1], [2, 3], 3, []), ([[0, 0], [-1, 2]], [1, 1], [2, 3], 3, []), (two, [1, 1], [], 3, []), ([0, 1], [1, 1], [2, 3], 3, []), (two, [1, 1], [-2, 3], 3, []),
                                   (two, [1, 1], [2, 3], [3], []), ([[0, 0], [0, 1]], [1, 1], [2, 3], 3, [1, 2])):
        for binary in (False, True):
            yield op("SparseBincount", [i64(ind), i32(v), i64(shape), i32(size), f32(w)], names, binary_output=binary)
    for splits, v, size, w in (([0, 2, 3], [1, 1, 2], 3, []), ([0, 2, 3], [1, 1, 2], 3, [1, 2, 3]), ([0, 2, 3], [1, 1, 9], 3, []), ([0, 2, 3], [1, 1, -2], 3, []), ([1, 2, 3], [1, 1, 2], 3, []), ([0, 2, 4], [1, 1, 2], 3, []), ([0, 2, 2], [1, 1, 2], 3, []),
                               ([0, 2, 1, 3], [1, 1, 2], 3, []), ([], [1], 3, []), ([0], [], 3, []), ([0, 2, 3], [1, 1, 2], -3, []), ([0, 0, 0], [], 2, [])):
        for binary in (False, True):
            yield op("RaggedBincount", [i64(splits), i32(v), i32(size), f32(w)], ["splits", "values", "size", "weights"], binary_output=binary)


def sparse_counts():
    def dense(v, w, least=-1, most=-1, binary=False):
        return op("DenseCountSparseOutput", [v, w], ["values", "weights"], minlength=least, maxlength=most, binary_output=binary)
    for vt in (i32, i64):
        for wt in ("int32", "int64", "float32", "float64"):
            for v, w in (([1, 2, 2, 5], []), ([1, 2, 2, 5], [4, 1, 2, 3]), ([[1, 2], [2, 2]], []), ([[1, 2], [2, 2]], [[1, 2], [3, 4]])):
                for least, most, binary in ((-1, -1, False), (-1, 3, False), (7, -1, True), (5, 3, False), (0, 0, False)):
                    yield dense(vt(v), np.array(w, wt), least, most, binary)
    none = f32([])
    for v, w in (([1, 2], f32([1])), ([[1, 2], [2, -2]], none), (1, none), ([[[1]]], none), ([], none), ([[1, 2], [2, 2]], f32([1, 2, 3, 4])), (np.zeros((2, 0)), none), (np.zeros((0, 2)), none)):
        yield dense(i32(v), w)
    names = ["indices", "values", "dense_shape", "weights"]
    two = [[0, 0], [1, 2]]
    for ind, v, shape, w in ((two, [1, 1], [2, 3], []), (two, [1, 1], [2, 3], [.5, 2]), ([[0, 0], [5, 2]], [1, 1], [2, 3], []), ([[0], [1]], [1, 2], [2], []), (two, [1, -1], [2, 3], []), (two, [1], [2, 3], []), (two, [1, 1], [2, 3], [1]), ([[0, 0, 0]], [1], [2, 3, 4], []),
                             (two, [1, 1], [], []), ([0, 1], [1, 1], [2, 3], []), (two, [[1, 1]], [2, 3], []), ([[0, 0], [-1, 2]], [1, 1], [2, 3], []), ([[1, 0], [0, 2]], [1, 1], [2, 3], []), (np.zeros((0, 2)), [], [2, 3], []), ([[0, 0], [1, 9]], [1, 1], [2, 3], []),
                             (two, [1, 1], [2], []), (two, [1, 1], [[2, 3]], []), (np.zeros((0, 2)), [], [0, 3], []), ([[0, 0], [0, 1], [1, 0]], [4, 4, 1], [2, 2], [1, 2, 3])):
        for binary in (False, True):
            yield op("SparseCountSparseOutput", [i64(ind), i32(v), i64(shape), f32(w)], names, minlength=-1, maxlength=-1, binary_output=binary)
    for splits, v, w in (([0, 2, 3], [1, 1, 2], []), ([0, 2, 3], [1, 1, 2], [1, 2, 3]), ([1, 2, 3], [1, 1, 2], []), ([0, 2, 4], [1, 1, 2], []), ([0, 2, 2], [1, 1, 2], []), ([0, 2, 1, 3], [1, 1, 2], []), ([], [1], []), ([0], [], []), ([0, 2, 3], [1, 1, -2], []),
                         ([0, 2, 3], [1, 1, 2], [1]), ([0, 0, 3], [1, 1, 2], [])):
        for least, most in ((-1, -1), (9, 2)):
            yield op("RaggedCountSparseOutput", [i64(splits), i64(v), f32(w)], ["splits", "values", "weights"], minlength=least, maxlength=most, binary_output=False)


def cases():
    for family in (to_tensor, gather, to_sparse, ranges, counts, sparse_counts):
        yield from family()
