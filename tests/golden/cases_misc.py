# SPDX-License-Identifier: Apache-2.0
"""Cases of complex parts, checks, bands and the like, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import BF16, graph, op, rng, values


def complex_values(shape, dtype):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def parts():
    for real, both in (("float32", tf.complex64), ("float64", tf.complex128)):
        for a, b in (((3,), (3,)), ((2, 3), (3,)), ((), (2,)), ((0, 2), (1, 2)), ((2,), (3,))):
            yield op("Complex", [values(a, real), values(b, real)], ["real", "imag"], Tout=both)
        odd = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 3e38]).astype(both.as_numpy_dtype) * (1 + 1j)
        for x in (complex_values((2, 3), both.as_numpy_dtype), complex_values((), both.as_numpy_dtype), complex_values((0,), both.as_numpy_dtype), odd):
            for name in ("Real", "Imag", "Angle"):
                yield op(name, [x], ["input"], Tout=tf.as_dtype(real), tolerance=(1e-5, 1e-6))
            yield op("ComplexAbs", [x], ["x"], Tout=tf.as_dtype(real), tolerance=(1e-5, 1e-6))
            yield op("Conj", [x], ["input"])


def checks():
    for shape in ([2, 3], [2, None], None, [None, None], [3, 3], [6], [2, 3, 1]):
        yield graph(f"EnsureShape {shape}", [values((2, 3))], lambda t, s=shape: [tf.raw_ops.EnsureShape(input=-t[0], shape=tf.TensorShape(s))])
    yield op("EnsureShape", [np.array(b"x", object)], ["input"], shape=tf.TensorShape([]))
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        kind = BF16 if dtype == "bfloat16" else dtype
        for x in ([1, 2], [np.nan, 1], [np.inf, 1], [-np.inf, 2], [np.nan, np.inf], [np.nan, -np.inf], [np.inf, -np.inf], [np.nan, np.inf, -np.inf], []):
            for name in ("CheckNumerics", "CheckNumericsV2"):
                yield op(name, [np.array(x, np.float64).astype(kind)], ["tensor"], message="here")
    yield op("GuaranteeConst", [values((2, 3))], ["input"])
    yield op("DeepCopy", [values((2, 3))], ["x"])
    yield graph("Print", [values((2, 3)), np.array([b"a"], object)], lambda t: [tf.raw_ops.Print(input=t[0], data=[t[0], t[1]], message="it is ", first_n=1, summarize=2)])
    yield graph("PrintV2", [np.array(b"a line", object)], lambda t: printed(t[0]))
    yield graph("PrintV2 of a vector", [np.array([b"a line"], object)], lambda t: printed(t[0]))


def printed(text):
    with tf.control_dependencies([tf.raw_ops.PrintV2(input=text)]):
        return [tf.identity(text)]


def bands():
    names = ["input", "num_lower", "num_upper"]
    for dtype in ("float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8", "int8"):
        for shape in ((3, 4), (2, 4, 3)):
            for low, high in ((0, 0), (1, 1), (-1, 0), (0, -1), (-1, -1), (2, 3), (3, 1)):
                yield op("MatrixBandPart", [values(shape, dtype), np.int64(low), np.int64(high)], names)
    yield op("MatrixBandPart", [values((3, 3)) > 0, np.int32(-1), np.int32(0)], names)
    yield op("MatrixBandPart", [complex_values((3, 3), "complex64"), np.int32(1), np.int32(0)], names)
    for shape, low, high in (((3,), 0, 0), ((3, 4), 4, 0), ((3, 4), 0, 5), ((0, 3), 0, 0), ((3, 0), 0, 0), ((2, 0, 3), 0, 1)):
        yield op("MatrixBandPart", [values(shape), np.int64(low), np.int64(high)], names)
    yield op("MatrixBandPart", [values((3, 3)), np.int64([0]), np.int64(0)], names)
    names = ["start", "stop", "num"]
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        kind = BF16 if dtype == "bfloat16" else dtype
        for a, b, n in ((0, 1, 5), (-3, 7, 11), (2, 2, 3), (5, 1, 1), (1, 0, 2), (0, 1, 0), (0, 1, -2)):
            yield op("LinSpace", [np.array(a).astype(kind), np.array(b).astype(kind), np.int32(n)], names)
    yield op("LinSpace", [np.float32([0]), np.float32(1), np.int32(3)], names)
    yield op("LinSpace", [np.float32(0), np.float32(1), np.int64([3])], names)


def cases():
    for family in (parts, checks, bands):
        yield from family()
