# SPDX-License-Identifier: Apache-2.0
"""Cases of matrix decompositions, for make_ops.py. Vectors whose signs are free are put together again before they are compared."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

raw = tf.raw_ops
f = np.float32
DTYPES = ("float32", "float64", "complex64", "complex128")
LOOSE = {"float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4), "float64": (1e-10, 1e-10), "complex128": (1e-10, 1e-10), "float16": (2e-2, 2e-2)}


def some(shape, dtype):
    if dtype.startswith("complex"):
        return (values(shape, "float64") + 1j * values(shape, "float64")).astype(dtype)
    return values(shape, dtype)


def qr():
    for dtype in DTYPES + ("float16",):
        for shape in ((3, 2), (2, 3), (4, 4), (2, 5, 3), (1, 1), (1, 3), (3, 1)):
            for full in (False, True):
                yield op("Qr", [some(shape, dtype)], ["input"], full_matrices=full, tolerance=LOOSE[dtype])
    for x in (f([1]), np.zeros((0, 3), f), np.zeros((3, 0), f), np.zeros((2, 2), f), np.zeros((0, 3, 2), f)):
        for full in (False, True):
            yield op("Qr", [x], ["input"], full_matrices=full)


def eigen(name, x, vectors=True):
    def build(t):
        e, v = getattr(raw, name)(input=t[0], compute_v=vectors)
        if not vectors:
            return [e]
        return [e, raw.BatchMatMulV2(x=v * e[..., tf.newaxis, :], y=v, adj_y=True), raw.BatchMatMulV2(x=v, y=v, adj_x=True)]
    return graph(f"{name} {x.dtype} {x.shape} {vectors} {x.ravel()[:2]}", [x], build, tolerance=LOOSE[x.dtype.name])


def eigens():
    for dtype in DTYPES:
        for shape in ((1, 1), (2, 2), (5, 5), (2, 4, 4), (9, 9)):
            a = some(shape, dtype)
            a = a + np.conj(np.swapaxes(a, -1, -2))
            for vectors in (True, False):
                yield eigen("SelfAdjointEigV2", a, vectors)
    for x in (np.diag(f([3, 1, 2])), np.eye(4, dtype=f), f([[1, 9], [1, 1]]), np.ones((3, 3), f), np.zeros((2, 2), f), np.zeros((0, 0), f), f([[1e-20, 1e-21], [1e-21, 3e-20]])):
        yield eigen("SelfAdjointEigV2", x)
    for x in (f([1]), f([[1, 2, 3], [1, 2, 3]]), f([[np.nan, 1], [1, 1]])):
        yield op("SelfAdjointEigV2", [x], ["input"], compute_v=False)
    yield op("SelfAdjointEigV2", [np.zeros((0, 0), f)], ["input"])


def svd(x, vectors=True, full=False):
    def build(t):
        s, u, v = raw.Svd(input=t[0], compute_uv=vectors, full_matrices=full)
        if not vectors:
            return [s]
        p = min(x.shape[-2:])
        again = raw.BatchMatMulV2(x=u[..., :p] * s[..., tf.newaxis, :], y=v[..., :p], adj_y=True)
        return [s, again, raw.BatchMatMulV2(x=u, y=u, adj_x=True), raw.BatchMatMulV2(x=v, y=v, adj_x=True)]
    return graph(f"Svd {x.dtype} {x.shape} {vectors} {full} {x.ravel()[:2]}", [x], build, tolerance=LOOSE[x.dtype.name])


def svds():
    for dtype in DTYPES:
        for shape in ((3, 2), (2, 3), (4, 4), (2, 5, 3), (1, 1), (1, 3), (3, 1), (2, 2, 7)):
            yield svd(some(shape, dtype), False)
            for full in (False, True):
                yield svd(some(shape, dtype), True, full)
    for x in (np.zeros((2, 2), f), np.ones((3, 3), f), np.eye(3, dtype=f), f([[1, 2], [2, 4], [3, 6]]), np.diag(f([1, 0, 3]))):
        for full in (False, True):
            yield svd(x, True, full)
    for x in (f([1]), np.zeros((0, 3), f), np.zeros((3, 0), f), f([[np.nan, 1], [1, 1]])):
        yield op("Svd", [x], ["input"], full_matrices=True)


def lus():
    for dtype in DTYPES:
        for shape in ((1, 1), (2, 2), (5, 5), (3, 4, 4)):
            for kind in (tf.int32, tf.int64):
                yield op("Lu", [some(shape, dtype)], ["input"], output_idx_type=kind, tolerance=LOOSE[dtype])
    for x in (f([[0, 1], [2, 3]]), f([[1, 2, 3], [1, 2, 3]]), np.zeros((2, 2), f), np.zeros((0, 0), f), f([[1, 2], [2, 4]]), f([1])):
        yield op("Lu", [x], ["input"])


def products():
    """MatMul transposes, BatchMatMul takes the adjoint."""
    for dtype in ("complex64", "complex128"):
        for ta in (False, True):
            for tb in (False, True):
                a, b = some((4, 3) if ta else (3, 4), dtype), some((5, 4) if tb else (4, 5), dtype)
                yield op("MatMul", [a, b], ["a", "b"], transpose_a=ta, transpose_b=tb, tolerance=LOOSE[dtype])
                yield op("BatchMatMulV2", [a, b[None]], ["x", "y"], adj_x=ta, adj_y=tb, tolerance=LOOSE[dtype])
                yield op("BatchMatMul", [a[None], b[None]], ["x", "y"], adj_x=ta, adj_y=tb, tolerance=LOOSE[dtype])


def cases():
    for family in (products, qr, eigens, svds, lus):
        yield from family()
