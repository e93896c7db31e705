# SPDX-License-Identifier: Apache-2.0
"""Every dtype that a CPU kernel of TensorFlow has and that no other family asks for, to be made when the other families are; and cases of what is
particular about some of them."""
import numpy as np
import tensorflow as tf

import retype
from op_case import BF16, graph, op, rng, values

E5M2, E4M3 = tf.dtypes.experimental.float8_e5m2.as_numpy_dtype, tf.dtypes.experimental.float8_e4m3fn.as_numpy_dtype


def complex_values(shape, dtype="complex64"):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def matrices():
    for dtype in ("complex64", "complex128"):
        near = dict(tolerance=(1e-4, 1e-4) if dtype == "complex64" else None)
        a, b = complex_values((2, 4, 4), dtype), complex_values((2, 4, 3), dtype)
        positive = np.matmul(a, a.conj().transpose(0, 2, 1)) + np.eye(4, dtype=dtype)
        yield op("Cholesky", [positive], ["input"], **near)
        yield op("Cholesky", [positive[:1] * np.array([[[1], [-1], [1], [1]]], dtype)], ["input"], **near)
        for name in ("MatrixDeterminant", "LogMatrixDeterminant"):
            for x in (a, positive, a * 0, a[:0], a[:, :0, :0]):
                yield op(name, [x], ["input"], **near)
        for adjoint in (False, True):
            yield op("MatrixInverse", [a], ["input"], adjoint=adjoint, **near)
            yield op("MatrixSolve", [a, b], ["matrix", "rhs"], adjoint=adjoint, **near)
            for lower in (False, True):
                yield op("MatrixTriangularSolve", [a, b], ["matrix", "rhs"], adjoint=adjoint, lower=lower, **near)
        yield op("MatrixInverse", [a * 0], ["input"])
        yield graph(f"Einsum {dtype} adjoint", [a, b], lambda t: [tf.einsum("bij,bjk->bki", tf.math.conj(t[0]), t[1])], **near)
        yield graph(f"Einsum {dtype} of one", [a], lambda t: [tf.raw_ops.Einsum(inputs=t, equation="bii->b")], **near)


def functions():
    z = np.array([0, 1, -1, 1j, -1j, .5 + .25j, -2 + 3j, 30 - 2j, 1e-4 + 1e-4j, -.75 - .125j])
    names = "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Expm1 Log1p Sigmoid Sign Sin Sinh Tan Tanh".split()
    for dtype in ("complex64", "complex128"):
        for name in names:
            some = z[[abs(v) not in (0, 1) for v in z]] if name not in ("Sign", "Expm1", "Sigmoid", "Sin", "Cos", "Tanh") else z
            yield op(name, [some.astype(dtype)], ["x"], tolerance=(1e-4, 1e-5) if dtype == "complex64" else (1e-11, 1e-11))
        yield op("SquaredDifference", [complex_values((2, 3), dtype), complex_values((3,), dtype)], ["x", "y"])
        yield op("Div", [complex_values((2, 3), dtype), complex_values((3,), dtype)], ["x", "y"])
        low, high = np.array(-.5 - .25j, dtype), np.array(.5 + .75j, dtype)
        yield op("ClipByValue", [complex_values((9,), dtype), low, high], ["t", "clip_value_min", "clip_value_max"])
    for kind in (np.float16, BF16):
        x = np.array([np.nan, np.inf, -np.inf, 2, -.5, 0], kind)
        yield op("ClipByValue", [x, np.array(-1, kind), np.array(1, kind)], ["t", "clip_value_min", "clip_value_max"])


def inverses():
    """Eight at a time by Newton's step, the rest by division."""
    for n in (1, 7, 8, 17, 40):
        x = np.exp(rng.uniform(-40, 40, n)).astype(np.float32)
        if n > 8:
            x[:6] = [0, -0.0, np.inf, -np.inf, np.nan, -1]
        for name in ("Rsqrt", "Reciprocal", "Inv"):
            yield op(name, [x], ["x"], tolerance=(3e-7, 0))
    # Short rows times narrow matrices: sums in order.
    for k, n in ((15, 16), (32, 22), (64, 32), (40, 9)):
        yield op("MatMul", [values((3, k)), values((k, n))], ["a", "b"], const=(1,), tolerance=(2e-6, 2e-6))


def sums():
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "complex64", "complex128"):
        x = complex_values((3, 4), dtype) if dtype[0] == "c" else values((3, 4), dtype)
        for axis in (0, 1, [0, 1], np.zeros(0)):
            yield op("EuclideanNorm", [x, np.int32(axis)], ["input", "reduction_indices"], const=(1,))
    for dtype in ("uint32", "uint64"):
        x = np.array([[4000000000, 4000000001], [3, 4]], dtype)
        for axis in (0, 1):
            yield op("Mean", [x, np.int32(axis)], ["input", "reduction_indices"], const=(1,))
    for start, limit, delta in ((0, 100, .1), (-5, 7, .3), (3, -4, -.7), (0, 1e-3, 1e-5)):
        for kind in (np.float32, np.float64, BF16):
            yield op("Range", [np.array(v, kind) for v in (start, limit, delta)], ["start", "limit", "delta"], tolerance=(0, 0))
    for start, limit, delta in ((-128, 127, 50), (100, -100, -30)):
        yield op("Range", [np.int64(v) for v in (start, limit, delta)], ["start", "limit", "delta"])


def updates():
    for dtype in ("float16", "bfloat16", "complex64", "complex128", "uint8", "int64"):
        kind = BF16 if dtype == "bfloat16" else np.dtype(dtype)
        x, y = (complex_values((2, 3), dtype) if dtype[0] == "c" else values((2, 3), dtype) for _ in range(2))

        def build(t, name, kind=kind):
            handle = tf.raw_ops.VarHandleOp(dtype=tf.as_dtype(kind), shape=[2, 3], shared_name="v")
            with tf.control_dependencies([tf.raw_ops.AssignVariableOp(resource=handle, value=t[0])]):
                more = dict(value=t[1]) if name.startswith("Assign") else dict(alpha=t[0][0, 0], delta=t[1])
                how = dict(resource=handle) if name.startswith("Assign") else dict(var=handle)
                update = getattr(tf.raw_ops, name)(**how, **more)
            with tf.control_dependencies([update]):
                return [tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.as_dtype(kind))]
        for name in ("AssignAddVariableOp", "AssignSubVariableOp", "ResourceApplyGradientDescent"):
            if name.startswith("Assign") or dtype not in ("uint8", "int64"):
                yield graph(f"{name} {dtype}", [x, y], lambda t, name=name, build=build: build(t, name))


def casts():
    numbers = np.array([0, -0.0, 1, -1.5, 447, 448, 449, 463, 464, 465, 480, 57344, 61439, 61440, 61441, 1e9, np.inf, -np.inf, np.nan, 2**-6, 2**-9, 2**-10,
                        1.1 * 2**-10, 2**-16, 2**-17, 1.1 * 2**-17, .3, 17.3, -100.7])
    for kind in (E5M2, E4M3):
        name = np.dtype(kind).name
        every = np.arange(256, dtype=np.uint8).view(kind)
        for to in (tf.float32, tf.bfloat16, tf.half, tf.float64):
            yield graph(f"Cast {name} to {to.name}", [every], lambda t, to=to: [tf.raw_ops.Cast(x=t[0], DstT=to)])
        for of in (np.float32, np.float64, np.float16, BF16):
            yield graph(f"Cast {np.dtype(of).name} to {name} and back", [numbers.astype(of)], lambda t, kind=kind: [
                tf.raw_ops.Cast(x=tf.raw_ops.Cast(x=t[0], DstT=tf.as_dtype(kind)), DstT=tf.float32)])
    whole = np.array([0, 1, -1, 7, 127, 128, 255, 300, -129, 70000], np.int32)
    for to in (tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32):
        yield graph(f"Cast to {to.name} and back", [whole], lambda t, to=to: [tf.raw_ops.Cast(x=tf.raw_ops.Cast(x=t[0], DstT=to), DstT=tf.float32)])
        for name in ("Equal", "NotEqual"):
            yield graph(f"{name} {to.name}", [whole], lambda t, to=to, name=name: [getattr(tf.raw_ops, name)(
                x=tf.raw_ops.Cast(x=t[0], DstT=to), y=tf.raw_ops.Cast(x=t[0][:1], DstT=to))])


def texts():
    a, b = np.array([[b"ab"], [b""]], object), np.array([b"c", b"\xff\x00d", b""], object)
    for x, y in ((a, b), (b, b), (a, np.array(b"z", object)), (a[:0], b), (a, a[:1]), (b, b[:2])):
        yield op("Add", [x, y], ["x", "y"])
    yield op("Pad", [a, np.int32([[1, 0], [0, 2]])], ["input", "paddings"])


def scatters():
    x, rows = np.array([[1, 1, 0, 0]] * 2, bool), np.array([[1, 0, 1, 0], [1, 1, 0, 0]], bool)
    yield op("ScatterNd", [np.int32([[0], [0]]), rows, np.int32([2, 4])], ["indices", "updates", "shape"])
    yield op("ScatterNdNonAliasingAdd", [x, np.int32([[1], [1]]), rows], ["input", "indices", "updates"])


def products():
    for kinds in (("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("uint8", "uint8")):
        x, y = (rng.integers(0, 120, shape).astype(kind) for shape, kind in zip(((2, 3, 4), (4, 5)), kinds))
        yield op("BatchMatMulV3", [x, y], ["x", "y"], Tout=tf.int32)
        yield op("BatchMatMulV3", [x, y], ["x", "y"], const=(1,), Tout=tf.int32)
        yield op("BatchMatMulV3", [x.transpose(0, 2, 1).copy(), y.T.copy()], ["x", "y"], adj_x=True, adj_y=True, Tout=tf.int32)
    for dtype in ("float16", "bfloat16", "int8", "int64", "complex64"):
        x = complex_values((3, 2, 2), dtype) if dtype[0] == "c" else values((3, 2, 2), dtype)
        for layout in ("NHWC", "NCHW"):
            yield op("BiasAddGrad", [x], ["out_backprop"], data_format=layout)


def cases():
    for part in (matrices, functions, inverses, sums, updates, casts, texts, scatters, products):
        yield from part()
    yield from retype.cases(lambda family: "random" not in family)
