# SPDX-License-Identifier: Apache-2.0
"""Cases of XLA's operations for make_ops.py."""
import re

import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from op_case import graph, rng, values

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
    for low, high, interior in (((2, -1, 0), (0, 1, -3), (0, 1, 2)), ((-3, 1, -2), (-1, 0, 3), (2, 0, 1)), ((-9, 0, 0), (9, 0, 0), (0, 0, 0)), ((0, 0, 0), (-1, -9, 0), (1, 1, 0)), ((9, 0, 0), (-8, 0, 0), (0, 0, 0))):
        yield op("XlaPad", [values((3, 5, 4)), np.float32(7), i32(*low), i32(*high), i32(*interior)], ["input", "padding_value", "padding_low", "padding_high", "padding_interior"], const=(2, 3, 4))
    yield op("XlaPad", [np.float32(3), np.float32(7), *[np.zeros(0, np.int32)] * 3], ["input", "padding_value", "padding_low", "padding_high", "padding_interior"], const=(2, 3, 4))
    yield op("XlaPad", [values((2, 0)), np.float32(7), i32(0, 1), i32(1, 2), i32(0, 1)], ["input", "padding_value", "padding_low", "padding_high", "padding_interior"], const=(2, 3, 4))
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
    for shape in ((2, 1), (3, 700), (5, 37)):  # with ties: of equal ones the first
        yield graph(f"XlaVariadicReduceV2 argmax {shape}", [np.round(values(shape)), np.tile(np.arange(shape[1], dtype=np.int32), (shape[0], 1)), np.float32(-9), np.int32(-1)], arg_max)


def large():
    """More elements than the function gets at once; functions of several operations, or of none."""
    functions = (("hypot", lambda x, y: tf.sqrt(x * x + y * y)), ("swapped", lambda x, y: tf.maximum(y, x)), ("logaddexp", lambda x, y: tf.maximum(x, y) + tf.math.log1p(tf.exp(-tf.abs(x - y)))))
    for name, function in functions:
        for shape, axes in (((1, 5001), (1,)), ((30, 3, 20), (0, 2)), ((5, 6), (1,)), ((0, 3), (0,)), ((3, 0), (0,)), ((1, 4), (0,))):
            def build(t, axes=axes, function=function):
                return xla("XlaReduce", input=t[0], init_value=t[1], dimensions_to_reduce=list(axes), reducer=combiner(t[0].dtype, function))
            yield graph(f"XlaReduce {name} {shape} {axes}", [values(shape, low=0), np.float32(0 if name == "hypot" else -99)], build, tolerance=(1e-4, 1e-4))
        for shape, size, padding in (((3, 9, 2), (1, 9, 1), ((0, 0), (8, 0), (0, 0))), ((3, 9), (1, 9), ((0, 0), (0, 8))), ((7, 3), (7, 1), ((6, 0), (0, 0))), ((7, 3), (7, 1), ((0, 6), (0, 0))), ((40,), (40,), ((39, 0),)), ((5, 4), (5, 4), ((4, 0), (3, 0))), ((1, 4), (1, 4), ((0, 0), (3, 0)))):
            def build(t, function=function):
                return xla("XlaReduceWindow", input=t[0], init_value=t[1], window_dimensions=t[2], window_strides=t[3], base_dilations=t[3], window_dilations=t[3], padding=t[4], computation=combiner(t[0].dtype, function))
            yield graph(f"XlaReduceWindow {name} {shape} {size} {padding}", [values(shape, low=0), np.float32(0 if name == "hypot" else -99), i32(*size), i32(*(1 for _ in size)), np.int32(padding)], build, const=(2, 3, 4), tolerance=(1e-4, 1e-4))
        for shape, size, dilation in (((1, 50, 84), (1, 3, 2), (1, 2, 1)), ((20,), (5,), (3,)), ((), (), ())):
            def build(t, function=function):
                return xla("XlaReduceWindow", input=t[0], init_value=t[1], window_dimensions=t[2], window_strides=t[3], base_dilations=t[3], window_dilations=t[4], padding=t[5], computation=combiner(t[0].dtype, function))
            yield graph(f"XlaReduceWindow {name} {shape} {size}", [values(shape, low=0), np.float32(0 if name == "hypot" else -99), i32(*size), i32(*(1 for _ in size)), i32(*dilation), np.ones((len(size), 2), np.int32)], build, const=(2, 3, 4, 5), tolerance=(1e-4, 1e-4))
    for name, function in functions + (("set", lambda x, y: y), ("keep", lambda x, y: x), ("seven", lambda x, y: tf.constant(7.0))):
        for operand, indices, updates, fields in (((10, 33), (14, 1), (14, 33), ([1], [0], [0], 1)), ((10, 33), (8, 1), (8, 20), ([1], [0], [0], 1)), ((10, 4, 5), (8, 1), (4, 5, 8), ([0, 1], [0], [0], 1)), ((6, 7), (90, 2), (90,), ([], [0, 1], [0, 1], 1)),
                                                  ((6, 7), (3, 2), (3, 2, 7), ([1, 2], [], [0, 1], 1)), ((6, 7), (3, 1), (3, 6, 2), ([1, 2], [], [1], 1)), ((6, 7), (0, 1), (0, 7), ([1], [0], [0], 1))):
            def build(t, fields=fields, function=function):
                return xla("XlaScatter", operand=t[0], scatter_indices=t[1], updates=t[2], update_computation=combiner(t[0].dtype, function), dimension_numbers=numbers(*fields), indices_are_sorted=False)
            yield graph(f"XlaScatter {name} {operand} {updates} {fields}", [values(operand), rng.integers(-1, operand[0] + 1, indices).astype(np.int32), values(updates)], build, tolerance=(1e-4, 1e-4))
    for operand, indices, sizes, fields in (((20, 10), (2, 9, 1), (1, 10), ([2], [0], [0], 2)), ((9, 8, 7), (3, 2), (2, 8, 7), ([1, 2, 3], [], [0, 1], 1)), ((9, 8, 7), (3, 1), (1, 3, 7), ([1, 2], [0], [1], 1)), ((9, 8, 7), (5, 1), (9, 1, 2), ([0, 2], [1], [2], 1)), ((4, 1, 1), (5, 1), (3, 1, 1), ([0, 2, 3], [], [0], 1))):
        yield op("XlaGather", [values(operand), rng.integers(-1, 9, indices).astype(np.int32), i32(*sizes)], ["operand", "start_indices", "slice_sizes"], const=(2,), dimension_numbers=numbers(*fields), indices_are_sorted=False)


def update(x, row, i):
    return xla("XlaDynamicUpdateSlice", input=x, update=row, indices=tf.stack([i, tf.constant(0)]))


def row_of(x, i):
    return xla("XlaDynamicSlice", input=x, start_indices=tf.stack([i, tf.constant(0)]), size_indices=i32(1, 3))


def updates():
    """What may be changed in place, above all in loops, and what else looks at the memory."""
    def loop(n, body, *start):
        return tf.while_loop(lambda i, *rest: i < n, lambda i, *rest: (i + 1, *body(i, *rest)), (tf.constant(0), *start))[1:]
    def inner(i, x, y):
        return [loop(2, lambda k, z: [update(z, y + tf.cast(k, tf.float32), i + k)], x)[0], y * 2.0]
    def branch(x, y, i):
        z = tf.cond(tf.equal(i % 2, 0), lambda: x, lambda: y)
        z.set_shape([4, 3])
        return [x, z]
    def added(x, row, i):
        return xla("XlaScatter", operand=x, scatter_indices=tf.reshape(i, [1]), updates=row, update_computation=combiner(tf.float32, lambda a, b: a + b), dimension_numbers=numbers([0, 1], [], [0], 0), indices_are_sorted=False)
    bodies = {
        "rows": lambda i, x, y: [update(x, y, i), y * 2.0],
        "adds": lambda i, x, y: [added(x, y, i), y * 2.0],
        "reads before": lambda i, x, y: [update(x, row_of(x, i) + y, i + 1), y],
        "reads after": lambda i, x, y: (lambda z: [z, row_of(z, i) + y])(update(x, y, i)),
        "keeps the old": lambda i, x, y: [update(x, y, i), y + row_of(x, i)],
        "swaps": lambda i, x, y: [update(x, row_of(y, i), i), update(y, row_of(x, i), i)],
        "twice": lambda i, x, y: (lambda z: [z, z])(update(x, row_of(y, i) + 1.0, i)),
        "another name": lambda i, x, y: (lambda z: [z, tf.reshape(z, [4, 3])])(update(x, row_of(y, i) + 1.0, i)),
        "the old and the new": lambda i, x, y: [update(x, row_of(y, i) + 1.0, i), x],
        "by a branch": lambda i, x, y: branch(update(x, row_of(y, i) + 1.0, i), y, i),
        "with itself": lambda i, x, y: [update(x, x, i), y],
        "two in a row": lambda i, x, y: [update(update(x, y, i), y + 1.0, i - 1), y],
        "nested": inner,
    }
    for name, body in bodies.items():
        wide = name in ("swaps", "twice", "another name", "by a branch", "the old and the new")
        for n in (0, 1, 4):
            yield graph(f"in a loop: {name} {n}", [np.int32(n), values((4, 3)), values((4, 3) if wide else (1, 3))], lambda t, body=body: [*loop(t[0], body, t[1], t[2]), t[1] + 0.0])
    yield graph("in a loop: of the same", [np.int32(3), values((4, 3))], lambda t: [*loop(t[0], lambda i, x, y: [update(x, row_of(x, i) + 1.0, i + 1), update(y, row_of(y, i) - 1.0, i)], t[1], t[1])])
    yield graph("in a chain", [values((4, 3)), values((1, 3))], lambda t: [update(update(tf.abs(t[0]), t[1], tf.constant(1)), t[1] * 2.0, tf.constant(3))])
    yield graph("in a chain, looked at", [values((4, 3)), values((1, 3))], lambda t: (lambda a: (lambda b: [a - b, b, update(b, b, tf.constant(0)), added(b, b, tf.constant(0))])(update(a, t[1], tf.constant(1))))(tf.abs(t[0])))


def sorts():
    for dtype in SOME:
        yield op("XlaSort", [values((3, 7), dtype)], ["input"])
        if dtype != "uint8":
            yield op("XlaKeyValueSort", [values((2, 9), dtype), np.tile(np.arange(9, dtype=np.int32), (2, 1))], ["keys", "values"])
    yield op("XlaSort", [np.float32([1, -0.0, 0, np.nan, -np.inf, np.inf, -1, np.nan])], ["input"])
    yield op("XlaSort", [values((3, 0))], ["input"])


def cases():
    for family in (dots, slices, gathers, reductions, large, updates, sorts):
        yield from family()
