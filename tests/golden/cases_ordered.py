# SPDX-License-Identifier: Apache-2.0
"""Cases of sparse products, orders and concatenations, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, rng, values


def i64(*rows):
    return np.array(rows, np.int64)


def complex_values(shape, dtype):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def products():
    names = ["a_indices", "a_values", "a_shape", "b"]
    where, shape = i64([0, 1], [2, 0], [2, 3], [0, 1]), i64(3, 4)
    for dtype in ("float32", "float64", "int32", "complex64", "complex128"):
        number = complex_values if dtype.startswith("complex") else values
        for adjoint_a in (False, True):
            for adjoint_b in (False, True):
                inner = 3 if adjoint_a else 4
                b = number((2, inner) if adjoint_b else (inner, 2), dtype)
                yield op("SparseTensorDenseMatMul", [where, number((4,), dtype), shape, b], names, adjoint_a=adjoint_a, adjoint_b=adjoint_b, tolerance=(1e-5, 1e-5))
    for indices, a, s, b in ((where, (4,), shape, (3, 2)), (where, (4,), shape, (4,)), (where[:, :1], (4,), shape, (4, 2)), (where, (3,), shape, (4, 2)),
                             (i64([3, 0]), (1,), shape, (4, 2)), (i64([0, 4]), (1,), shape, (4, 2)), (i64([-1, 0]), (1,), shape, (4, 2)), (where, (4,), i64(3), (4, 2)),
                             (np.zeros((0, 2), np.int64), (0,), shape, (4, 2)), (where, (4, 1), shape, (4, 2)), (where, (4,), shape, (4, 0))):
        yield op("SparseTensorDenseMatMul", [indices, values(a), s, values(b)], names)


def orders():
    names = ["input_indices", "input_values", "input_shape"]
    for indices, shape in ((i64([2, 0], [0, 1], [1, 3], [0, 0]), i64(3, 4)), (i64([3], [1], [2]), i64(5)), (i64([1, 1, 0], [0, 2, 3], [0, 2, 1]), i64(2, 3, 4)),
                           (np.zeros((0, 2), np.int64), i64(3, 2)), (i64([1, 1], [0, 0], [1, 1]), i64(2, 2))):
        for dtype in ("float32", "int64", "bool"):
            v = values((len(indices),)) > 0 if dtype == "bool" else values((len(indices),), dtype)
            yield op("SparseReorder", [indices, v, shape], names)
    yield op("SparseReorder", [i64([1], [0]), np.array([b"b", b"a"], object), i64(2)], names)
    for indices, v, shape in ((i64(1, 2), (2,), i64(3)), (i64([1], [0]), (2, 1), i64(3)), (i64([1], [0]), (2,), i64([3])), (i64([1], [0]), (3,), i64(3)), (i64([1], [0]), (2,), i64(3, 3))):
        yield op("SparseReorder", [indices, values(v), shape], names)


def concatenations():
    a = (i64([0, 1], [2, 0]), np.float32([1, 2]), i64(3, 4))
    b = (i64([0, 0], [1, 1], [2, 2]), np.float32([3, 4, 5]), i64(3, 3))
    return [concat_case(parts, axis) for parts, axis in (((a, b), 1), ((a, b), -1), ((a, a), 0), ((a,), 0), ((a, b), 0), ((a, b), 2), ((a, (i64([1]), np.float32([1]), i64(3))), 0),
                                                         ((b, a, b), 1))]


def concat_case(parts, axis):
    """A case whose arguments are lists: flat feeds, put together in the graph."""
    n = len(parts)
    flat = [p[i] for i in range(3) for p in parts]
    return graph(f"SparseConcat {n} {axis} {[p[2].tolist() for p in parts]}", flat, lambda t: list(tf.raw_ops.SparseConcat(
        indices=t[:n], values=t[n:2 * n], shapes=t[2 * n:], concat_dim=axis)))


def cases():
    yield from products()
    yield from orders()
    yield from concatenations()
