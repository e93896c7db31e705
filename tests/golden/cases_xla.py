# SPDX-License-Identifier: Apache-2.0
"""Cases of XLA's operations for make_ops.py."""
import re

import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from op_case import graph, values

FLOATS = ("float32", "float64", "float16", "bfloat16")
SOME = ("float32", "bfloat16", "int64", "uint8")


def xla(name, **arguments):
    """tf.raw_ops does not have them."""
    return getattr(gen_xla_ops, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())(**arguments)


def op(name, arrays, names, const=(), **attrs):
    def build(tensors):
        return xla(name, **dict(zip(names, tensors)), **attrs)
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in map(np.asarray, arrays))
    return graph(f"{name} {shapes} {const} {attrs}", arrays, build, const)


def i32(*rows):
    return np.array(rows, np.int32)


def numbers(*fields):
    """A message of packed repeated fields, numbered from 1; an int is a single number."""
    out = b""
    for number, field in enumerate(fields, 1):
        if isinstance(field, int):
            out += bytes([number << 3, field])
        elif field:
            out += bytes([number << 3 | 2, len(field), *field])
    return out


def dots():
    for dtype in FLOATS + ("int32",):
        for a, b, fields in (((3, 4), (4, 5), ([1], [0])), ((4,), (4,), ([0], [0])), ((2, 3, 4), (2, 4, 5), ([2], [1], [0], [0])), ((4, 2, 3), (5, 2, 4), ([0], [2], [1], [1])), ((2, 3), (4, 5), ()),
                             ((2, 3, 4), (3, 4), ([1, 2], [0, 1]))):
            x, y = values(a, dtype), values(b, dtype)
            kind = tf.as_dtype(x.dtype)
            yield op("XlaDotV2", [x, y], ["lhs", "rhs"], dimension_numbers=numbers(*fields), precision_config=b"", preferred_element_type=kind)
            if dtype == "float32":
                yield op("XlaDot", [x, y], ["lhs", "rhs"], dimension_numbers=numbers(*fields), precision_config=b"")
    for const in ((), (1,)):
        yield op("XlaDotV2", [values((32, 17)), values((17, 33))], ["lhs", "rhs"], const=const, dimension_numbers=numbers([1], [0]), precision_config=b"", preferred_element_type=tf.float32)
    yield op("XlaEinsum", [values((2, 3)), values((3, 4))], ["a", "b"], equation="ab,bc->ac")


def slices():
    for dtype in SOME + ("bool",):
        x = values((4, 5), "float32").astype(bool) if dtype == "bool" else values((4, 5), dtype)
        for start in ((1, 2), (-1, 9), (3, 4)):
            yield op("XlaDynamicSlice", [x, i32(*start), i32(2, 3)], ["input", "start_indices", "size_indices"], const=(2,))
            yield op("XlaDynamicUpdateSlice", [x, x[:2, 1:4].copy(), np.int64(start)], ["input", "update", "indices"])
        if dtype != "bool":
            for low, high, interior in (((1, 0), (2, 1), (0, 0)), ((0, 2), (0, -1), (1, 2)), ((-1, -2), (0, 0), (0, 1)), ((0, 0), (0, 0), (0, 0))):
                yield op("XlaPad", [x, x[0, 0], i32(*low), i32(*high), i32(*interior)], ["input", "padding_value", "padding_low", "padding_high", "padding_interior"], const=(2, 3, 4))
    yield op("XlaDynamicSlice", [values((4, 0)), i32(1, 2), i32(2, 0)], ["input", "start_indices", "size_indices"], const=(2,))
    yield op("XlaDynamicUpdateSlice", [values((4, 3)), values((0, 3)), i32(1, 2)], ["input", "update", "indices"])
    yield op("XlaDynamicUpdateSlice", [values((2, 3, 4)), values((1, 2, 3)), i32(1, 0, 5)], ["input", "update", "indices"])


def gathers():
    names = ["operand", "start_indices", "slice_sizes"]
    for dtype in SOME:
        x = values((5, 4), dtype)
        for indices, sizes, fields in ((i32([1], [4], [9], [-2]), (1, 4), ([1], [0], [0], 1)), (i32([0, 1], [4, 3], [7, 7]), (1, 1), ([], [0, 1], [0, 1], 1)), (i32([3, 1], [2, 0]), (2, 3), ([1, 2], [], [0, 1], 1)),
                                       (i32([3, 1], [2, 0]), (2, 3), ([0, 2], [], [1, 0], 0)), (i32(2, 0, 3), (2, 1), ([0], [1], [1], 1)), (i32([[1], [2]], [[0], [4]]), (1, 2), ([1], [0], [0], 2))):
            yield op("XlaGather", [x, indices, i32(*sizes)], names, const=(2,), dimension_numbers=numbers(*fields), indices_are_sorted=False)


def combiner(dtype, function):
    spec = tf.TensorSpec([], dtype)
    return tf.function(function).get_concrete_function(spec, spec)


COMBINERS = (("add", lambda x, y: x + y), ("max", tf.maximum), ("min", tf.minimum), ("mul", lambda x, y: x * y), ("left", lambda x, y: x - y))


def reductions():
    for dtype, combiners in (("float32", COMBINERS), ("int64", COMBINERS[:2])):
        for name, function in combiners:
            x = values((3, 4, 2), dtype)
            for axes in ((1,), (0, 2), (0, 1, 2), ()):
                def build(t, axes=axes, function=function):
                    return xla("XlaReduce", input=t[0], init_value=t[1], dimensions_to_reduce=list(axes), reducer=combiner(t[0].dtype, function))
                if name != "left":
                    yield graph(f"XlaReduce {name} {dtype} {axes}", [x, x.dtype.type(1)], build)
            for size, stride, base, dilation, padding in (((1, 3, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), ((0, 0), (2, 0), (0, 0))), ((2, 2, 2), (1, 2, 1), (1, 1, 1), (1, 1, 1), ((0, 0), (0, 0), (0, 0))),
                                                          ((2, 1, 1), (1, 1, 2), (2, 1, 1), (1, 1, 1), ((1, 1), (0, 0), (0, 0))), ((1, 2, 1), (1, 1, 1), (1, 1, 1), (1, 2, 1), ((0, 0), (1, 1), (0, 1)))):
                def build(t, function=function):
                    return xla("XlaReduceWindow", input=t[0], init_value=t[1], window_dimensions=t[2], window_strides=t[3], base_dilations=t[4], window_dilations=t[5], padding=t[6], computation=combiner(t[0].dtype, function))
                if name != "left":
                    yield graph(f"XlaReduceWindow {name} {dtype} {size} {stride} {base} {dilation} {padding}", [x, x.dtype.type(0 if name == "add" else 1), i32(*size), i32(*stride), i32(*base), i32(*dilation), i32(*padding)], build, const=(2, 3, 4, 5, 6))
            for indices, updates, fields in ((i32([1], [2], [1]), (3, 4), ([1], [0], [0], 1)), (i32([0, 1], [4, 3], [7, 7]), (3,), ([], [0, 1], [0, 1], 1)), (i32([3, 1], [4, 0]), (2, 2, 3), ([1, 2], [], [0, 1], 1))):
                def build(t, fields=fields, function=function):
                    return xla("XlaScatter", operand=t[0], scatter_indices=t[1], updates=t[2], update_computation=combiner(t[0].dtype, function), dimension_numbers=numbers(*fields), indices_are_sorted=False)
                yield graph(f"XlaScatter {name} {dtype} {fields}", [values((5, 4), dtype), indices, values(updates, dtype)], build)
    def arg_max(t):
        spec = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)] * 2
        def pick(x, i, y, j):
            first = x >= y
            return tf.where(first, x, y), tf.where(first, i, j)
        return xla("XlaVariadicReduceV2", inputs=t[:2], init_values=t[2:], dimensions_to_reduce=[1], reducer=tf.function(pick).get_concrete_function(*spec))
    yield graph("XlaVariadicReduceV2 argmax", [values((3, 5)), np.tile(np.arange(5, dtype=np.int32), (3, 1)), np.float32(-9), np.int32(0)], arg_max)


def sorts():
    for dtype in SOME:
        yield op("XlaSort", [values((3, 7), dtype)], ["input"])
        if dtype != "uint8":
            yield op("XlaKeyValueSort", [values((2, 9), dtype), np.tile(np.arange(9, dtype=np.int32), (2, 1))], ["keys", "values"])
    yield op("XlaSort", [np.float32([1, -0.0, 0, np.nan, -np.inf, np.inf, -1, np.nan])], ["input"])
    yield op("XlaSort", [values((3, 0))], ["input"])


def cases():
    for family in (dots, slices, gathers, reductions, sorts):
        yield from family()
