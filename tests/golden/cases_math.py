# SPDX-License-Identifier: Apache-2.0
"""Cases of the math family for make_ops.py."""
import numpy as np
import tensorflow as tf

from cases_array import i32, of
from op_case import graph, op, values

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")
SHAPES = (((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,)), ((0, 3), (3,)), ((2, 3, 4), (3, 1)), ((5, 1, 2), (1, 3, 1)))
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, 3e38], np.float32)
XY = ["x", "y"]


def binary():
    arithmetic = FLOATS + INTEGERS
    ops = {"Add": arithmetic + COMPLEX, "AddV2": arithmetic + COMPLEX, "Sub": arithmetic + COMPLEX, "Mul": arithmetic + COMPLEX, "RealDiv": FLOATS + COMPLEX,
           "Maximum": arithmetic, "Minimum": arithmetic, "SquaredDifference": FLOATS + ("int32", "int64"), "Less": arithmetic, "LessEqual": arithmetic,
           "Greater": arithmetic, "GreaterEqual": arithmetic, "Equal": arithmetic + COMPLEX + ("bool",), "NotEqual": arithmetic + COMPLEX + ("bool",),
           "DivNoNan": FLOATS, "MulNoNan": FLOATS, "Xdivy": FLOATS, "Xlogy": FLOATS, "Atan2": FLOATS}
    for name, dtypes in ops.items():
        names = ["y", "x"] if name == "Atan2" else XY
        for dtype in dtypes:
            yield op(name, [of(dtype, (2, 3)), of(dtype, (2, 3))], names)
        for a, b in SHAPES:
            yield op(name, [values(a), values(b)], names)
        yield op(name, [values((2, 3)), values((4,))], names)
        # TensorFlow's vectorised Atan2 gives -pi/4 for (-0, 1e-40).
        special = SPECIAL[:7] if name == "Atan2" else SPECIAL
        yield op(name, [special, special[::-1].copy()], names)
        yield op(name, [special, np.float32(np.nan)], names)
    for dtype in ("int8", "int32", "int64", "uint8"):
        edge = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min, 7], dtype)
        for name in ("Add", "Sub", "Mul"):
            yield op(name, [edge, edge[::-1].copy()], XY)
    strings = np.array([b"a", b"b", b""], object)
    yield op("Equal", [strings, np.array(b"a", object)], XY)
    yield op("NotEqual", [strings, strings[::-1].copy()], XY)
    yield op("Equal", [values((2,)), values((3,))], XY, incompatible_shape_error=False)
    yield op("NotEqual", [values((2,)), values((3,))], XY, incompatible_shape_error=False)
    for name in ("LogicalAnd", "LogicalOr"):
        for a, b in SHAPES:
            yield op(name, [of("bool", a), of("bool", b)], XY)
    yield op("LogicalNot", [of("bool", (5,))], ["x"])


def division():
    for name in ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod"):
        for dtype in FLOATS + INTEGERS:
            x = values((40,), dtype)
            y = values((40,), dtype)
            y[y == 0] = 3
            yield op(name, [x, y], XY)
        yield op(name, [i32(4, 5), i32(2, 0)], XY)
        yield op(name, [np.float32([4, -5, 0]), np.float32([0, 0, 0])], XY)
    yield op("FloorDiv", [i32(7, -7, 7, -7), i32(2, 2, -2, -2)], XY)
    yield op("FloorMod", [i32(7, -7, 7, -7), i32(2, 2, -2, -2)], XY)
    for dtype in FLOATS + ("int32", "int64"):
        x = np.abs(values((6,), dtype)) if dtype in FLOATS else values((6,), dtype)
        yield op("Pow", [x, np.array([2, 0, 3, 1, 2, 4]).astype(x.dtype)], XY)
    yield op("Pow", [i32(2, 3), i32(-1, 2)], XY)
    yield op("Pow", [np.float32([2, -2, 0]), np.float32([0.5, 0.5, -1])], XY)
    # Nothing is divided, so nothing is divided by zero.
    for name in ("FloorDiv", "FloorMod", "Div"):
        yield op(name, [np.zeros((4, 0), np.int32), np.zeros((1, 1), np.int32)], XY)
        yield op(name, [np.zeros((4, 2), np.int32), np.zeros((4, 2), np.int32)], XY)


def unary():
    domain = {"Log": (0.01, 9), "Sqrt": (0, 9), "Rsqrt": (0.1, 9), "Log1p": (-0.9, 9), "Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.9, 0.9), "Acosh": (1, 9), "Lgamma": (0.1, 9)}
    signed = ("int8", "int16", "int32", "int64")
    ops = {"Abs": FLOATS + signed, "Neg": FLOATS + COMPLEX + signed, "Square": FLOATS + COMPLEX + ("int32", "int64", "uint8"), "Sqrt": FLOATS + COMPLEX, "Rsqrt": FLOATS + COMPLEX,
           "Exp": FLOATS + COMPLEX, "Expm1": FLOATS, "Log": FLOATS + COMPLEX, "Log1p": FLOATS, "Floor": FLOATS, "Ceil": FLOATS, "Rint": FLOATS, "Round": FLOATS,  # of integers TensorFlow 2.21 gives 0
           
           "Sign": FLOATS + signed, "Reciprocal": FLOATS + COMPLEX, "Inv": FLOATS, "Sin": FLOATS, "Cos": FLOATS, "Tan": FLOATS, "Asin": FLOATS, "Acos": FLOATS, "Atan": FLOATS,
           "Sinh": FLOATS, "Cosh": FLOATS, "Asinh": FLOATS, "Acosh": FLOATS, "Atanh": FLOATS, "Erf": FLOATS, "Erfc": FLOATS, "Lgamma": FLOATS, "IsNan": FLOATS, "IsInf": FLOATS, "IsFinite": FLOATS}
    for name, dtypes in ops.items():
        for dtype in dtypes:
            low, high = domain.get(name, (-3, 3))
            x = values((17,), dtype, low, high) if dtype in FLOATS else of(dtype, (17,))
            yield op(name, [x], ["x"])
        yield op(name, [SPECIAL], ["x"])
        yield op(name, [np.zeros((0, 3), np.float32)], ["x"])
    yield op("Round", [np.float32([0.5, 1.5, 2.5, -0.5, -1.5])], ["x"])


def reductions():
    names = ["input", "axis"]
    for name, dtypes in {"Sum": FLOATS + INTEGERS + COMPLEX, "Prod": FLOATS + INTEGERS + COMPLEX, "Max": FLOATS + INTEGERS, "Min": FLOATS + INTEGERS,
                         "Mean": FLOATS + ("int32", "int64", "uint8") + COMPLEX, "EuclideanNorm": ("float32", "float64")}.items():
        for dtype in dtypes:
            yield op(name, [of(dtype, (3, 4)) if dtype in COMPLEX else values((3, 4), dtype), i32(1)], names)
        for shape, axes in (((2, 3, 4), (0,)), ((2, 3, 4), (1,)), ((2, 3, 4), (2,)), ((2, 3, 4), (0, 2)), ((2, 3, 4), (0, 1, 2)), ((2, 3, 4), ()), ((2, 3, 4), (-1,)), ((0, 3), (0,)),
                            ((3, 0), (1,)), ((), ()), ((2, 3), (2,)), ((2, 3), (-3,)), ((1, 5, 1), (0, 2)), ((37,), (0,)), ((5, 2, 3, 2), (0, 2))):
            for keep in (False, True):
                yield op(name, [values(shape), i32(*axes)], names, const=(1,), keep_dims=keep)
        yield op(name, [SPECIAL, i32(0)], names)
    for name in ("All", "Any"):
        for axes in ((0,), (1,), (0, 1), ()):
            yield op(name, [of("bool", (3, 4)), i32(*axes)], names, const=(1,))
        yield op(name, [np.zeros((0, 2), bool), i32(0)], names)


def order():
    for name in ("ArgMax", "ArgMin"):
        for dtype in FLOATS + INTEGERS + ("bool",):
            yield op(name, [of(dtype, (3, 4)), np.int32(1)], ["input", "dimension"])
        for axis in (0, 1, -1, 2, 3, -4):
            for out in (tf.int32, tf.int64):
                yield op(name, [values((2, 3, 4)), np.int32(axis)], ["input", "dimension"], const=(1,), output_type=out)
        yield op(name, [np.float32([1, 1, 0, 0]), np.int32(0)], ["input", "dimension"])
        yield op(name, [np.zeros((2, 0), np.float32), np.int32(1)], ["input", "dimension"])
        yield op(name, [np.zeros((0, 2), np.float32), np.int32(1)], ["input", "dimension"])
    for dtype in FLOATS + INTEGERS:
        yield op("TopKV2", [values((3, 9), dtype), np.int32(4)], ["input", "k"])
    for shape, k in (((5,), 5), ((5,), 0), ((5,), 1), ((5,), 6), ((2, 2, 4), 2), ((5,), -1), ((), 1), ((0, 4), 2)):
        yield op("TopKV2", [values(shape), np.int32(k)], ["input", "k"], const=(1,))
    yield op("TopKV2", [i32(1, 3, 3, 2, 3, 1), np.int32(5)], ["input", "k"])


def sums():
    for dtype in FLOATS + INTEGERS + COMPLEX:
        yield graph(f"AddN {dtype}", [of(dtype, (2, 3)) for _ in range(3)], lambda t: tf.raw_ops.AddN(inputs=t))
        for exclusive in (False, True):
            for reverse in (False, True):
                yield op("Cumsum", [of(dtype, (3, 4)), np.int32(1)], ["x", "axis"], exclusive=exclusive, reverse=reverse)
    for axis in (0, 1, -1, 2):
        yield op("Cumsum", [values((3, 4)), np.int32(axis)], ["x", "axis"], const=(1,))
    yield graph("AddN shapes", [values((2,)), values((3,))], lambda t: tf.raw_ops.AddN(inputs=t))
    for dtype in ("float32", "float64", "int32", "int64"):
        yield op("ClipByValue", [values((2, 3), dtype), values((), dtype, -1, 0) - 1, values((), dtype, 1, 2) + 1], ["t", "clip_value_min", "clip_value_max"])
    yield op("ClipByValue", [values((2, 3)), values((2, 3)), values((2, 3)) + 4], ["t", "clip_value_min", "clip_value_max"])
    yield op("ClipByValue", [values((2, 3)), values((2,)), values(())], ["t", "clip_value_min", "clip_value_max"])


def cases():
    for family in (binary, division, unary, reductions, order, sums):
        yield from family()
