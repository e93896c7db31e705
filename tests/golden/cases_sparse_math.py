# SPDX-License-Identifier: Apache-2.0
"""Cases of arithmetic on sparse tensors, their parts and reductions, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, rng, values

i32, L, f = np.int32, np.int64, np.float32
I, V, S = L([[0, 0], [0, 2], [1, 1], [1, 3]]), f([1, 2, 3, 4]), L([2, 4])
J, W = L([[0, 0], [1, 0], [1, 1]]), f([5, -6, 1])
D = np.arange(8, dtype=f).reshape(2, 4)
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
WRONG = (dict(i=I[:, 0]), dict(v=V[:3]), dict(s=L([[2, 4]])), dict(s=L([2])), dict(v=V[:, None]))


def some(shape, dtype="float32", count=12):
    """A random sparse tensor, in order."""
    size = int(np.prod(shape))
    flat = np.sort(rng.choice(size, min(count, size), replace=False))
    return np.stack(np.unravel_index(flat, shape), 1).astype(L), values((len(flat),), dtype), L(shape)


def parts():
    def cut(i=I, v=V, s=S, start=(0, 1), size=(2, 2)):
        return op("SparseSlice", [i, v, s, L(start), L(size)], ["indices", "values", "shape", "start", "size"])
    for more in (*WRONG, {}, dict(size=[5, 5]), dict(start=[1, 1], size=[1, 9]), dict(start=[0]), dict(size=[2]), dict(start=[-1, 0]), dict(size=[-1, 2]), dict(start=[9, 9]), dict(i=I + 9), dict(start=[[0, 1]]), dict(i=I[:0], v=V[:0])):
        yield cut(**more)
    for dtype in FLOATS + INTEGERS:
        yield cut(*some((3, 4, 2), dtype), start=[1, 0, 0], size=[2, 3, 1])
    yield cut(v=np.array([b"a", b"b", b"c", b"d"], object))

    def split(dim=1, i=I, v=V, s=S, n=2):
        return graph(f"SparseSplit {dim} {i.shape} {v.dtype}{v.shape} {s.shape} {n}", [L(dim), i, v, s], lambda t: [x for y in tf.raw_ops.SparseSplit(split_dim=t[0], indices=t[1], values=t[2], shape=t[3], num_split=n) for x in y])
    for more in (*WRONG, {}, dict(dim=0), dict(n=3), dict(n=4), dict(dim=2), dict(dim=-1), dict(n=5), dict(dim=[1]), dict(i=I + 9), dict(i=I[:0], v=V[:0])):
        yield split(**more)
    for dtype in FLOATS + INTEGERS:
        yield split(0, *some((5, 2, 2), dtype), n=3)
    yield split(v=np.array([b"a", b"b", b"c", b"d"], object))


def reductions():
    for name in ("SparseReduceSum", "SparseReduceMax", "SparseReduceSumSparse", "SparseReduceMaxSparse"):
        def reduce(i=I, v=V, s=S, axes=(1,), keep=False, name=name):
            return op(name, [i, v, s, i32(axes)], ["input_indices", "input_values", "input_shape", "reduction_axes"], keep_dims=keep)
        for axes in ([1], [0], [0, 1], [], [-1], 1, [2], [-3], [[1]], [1, 1]):
            yield reduce(axes=axes)
            yield reduce(axes=axes, keep=True)
        for more in (*WRONG, dict(i=I[::-1]), dict(s=L([2, -4])), dict(s=L([])), dict(i=I[:0], v=V[:0])):
            yield reduce(**more)
        if name.endswith("Sparse"):
            yield reduce(i=I + 9)
        for dtype in FLOATS + INTEGERS:
            for axes in ([0], [1, 2], [2]):
                yield reduce(*some((3, 4, 2), dtype), axes=axes)
        yield reduce(*some((3, 4, 2)), axes=[0, 2], keep=True)


def pairs():
    names = ["a_indices", "a_values", "a_shape", "b_indices", "b_values", "b_shape"]
    for name in ("SparseSparseMaximum", "SparseSparseMinimum"):
        def most(i=I, v=V, s=S, j=J, w=W, t=S, name=name):
            return op(name, [i, v, s, j, w, t], names)
        for more in (*WRONG, {}, dict(i=I[:0], v=V[:0]), dict(t=L([2, 5])), dict(t=L([2])), dict(j=J[:, :1]), dict(i=I + 9), dict(i=I[::-1]), dict(w=W[:2])):
            yield most(**more)
        for dtype in FLOATS + INTEGERS:
            yield most(*some((3, 4), dtype, 6), *some((3, 4), dtype, 6))

    def add(i=I, v=V, s=S, j=J, w=W, t=S, least=f(0)):
        return op("SparseAdd", [i, v, s, j, w, t, least], names + ["thresh"])
    for more in (*WRONG[:3], WRONG[4], {}, dict(least=f(5)), dict(w=f([-1, 2, 3])), dict(w=f([-1, 2, 3]), least=f(0.1)), dict(t=L([2, 5])), dict(t=L([2])), dict(least=f([1])), dict(i=I + 9), dict(j=J[:, :1]), dict(i=I[:0], v=V[:0]), dict(w=W[:2])):
        yield add(**more)
    for dtype in ("float32", "float64", "int8", "int16", "int32", "int64"):
        yield add(*some((3, 4), dtype, 6), *some((3, 4), dtype, 6), np.array(1, dtype))
    for dtype, real in (("complex64", "float32"), ("complex128", "float64")):
        a, b = some((3, 4), real, 6), some((3, 4), real, 6)
        yield add(a[0], (a[1] + 1j).astype(dtype), a[2], b[0], (b[1] - 1j).astype(dtype), b[2], np.array(1, real))


def with_dense():
    def dense_add(i=I, v=V, s=S, b=D):
        return op("SparseTensorDenseAdd", [i, v, s, b], ["a_indices", "a_values", "a_shape", "b"])
    for more in (*WRONG, {}, dict(b=D[:1]), dict(b=D[0]), dict(i=I + 9), dict(i=I[:0], v=V[:0]), dict(i=I.astype(i32), s=S.astype(i32)), dict(i=I[[0, 0, 1, 1]])):
        yield dense_add(**more)
    for dtype in ("float64", "int32", "int64", "int8", "int16"):
        yield dense_add(v=V.astype(dtype), b=D.astype(dtype))
    for name in ("SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv"):
        def cwise(i=I, v=V, s=S, dense=D + 1, name=name):
            return op(name, [i, v, s, dense], ["sp_indices", "sp_values", "sp_shape", "dense"])
        for more in (*WRONG, {}, dict(dense=D), dict(dense=D[:1] + 1), dict(dense=D[0] + 1), dict(dense=f(2)), dict(dense=D[:, :2] + 1), dict(dense=np.ones((2, 2, 4), f)), dict(i=I + 9), dict(i=I[:0], v=V[:0]), dict(dense=D[:, :1] + 1)):
            yield cwise(**more)
        for dtype in FLOATS + INTEGERS:
            yield cwise(v=V.astype(values((), dtype).dtype), dense=(D + 1).astype(values((), dtype).dtype))

    def softmax(i=I, v=V, s=S):
        return op("SparseSoftmax", [i, v, s], ["sp_indices", "sp_values", "sp_shape"])
    for more in (*WRONG, {}, dict(i=I[:, :1], s=L([4])), dict(i=I[:0], v=V[:0])):
        yield softmax(**more)
    for dtype in ("float32", "float64", "float16"):
        yield softmax(*some((3, 4, 2), dtype))


def cases():
    for family in (parts, reductions, pairs, with_dense):
        yield from family()
