# SPDX-License-Identifier: Apache-2.0
"""Cases of gradients of filters and of ragged rows that are filled."""
import numpy as np

from op_case import op, rng, values

FLOATS = ("float32", "float64", "float16", "bfloat16")
ROUGH = {"float32": (1e-4, 1e-5), "float16": (2e-2, 2e-2), "bfloat16": (1e-1, 1e-1)}


def gradient(name, image, filter_sizes, given, dtype="float32", const=(1,), **attrs):
    attrs = {**dict(strides=[1, 1, 1, 1], padding="VALID"), **attrs}
    return op(name, [values(image, dtype), np.array(filter_sizes, np.int32), values(given, dtype)], ["input", "filter_sizes", "out_backprop"], const=const,
              tolerance=ROUGH.get(dtype), **attrs)


def gradients():
    name = "Conv2DBackpropFilter"
    for dtype in FLOATS:
        for const in ((), (1,)):
            yield gradient(name, (2, 5, 6, 3), [3, 2, 3, 4], (2, 3, 5, 4), dtype, const)
            yield gradient(name, (2, 5, 6, 3), [3, 3, 3, 2], (2, 3, 3, 2), dtype, const, strides=[1, 2, 2, 1], padding="SAME")
            yield gradient("DepthwiseConv2dNativeBackpropFilter", (2, 5, 6, 3), [3, 2, 3, 2], (2, 3, 5, 6), dtype, const)
            yield gradient("DepthwiseConv2dNativeBackpropFilter", (2, 5, 6, 3), [3, 3, 3, 1], (2, 3, 3, 3), dtype, const, strides=[1, 2, 2, 1],
                           padding="SAME")
    yield gradient(name, (1, 5, 5, 2), [3, 3, 2, 3], (1, 6, 5, 3), padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 2, 0, 0, 0])
    for image, sizes, given, more in (
            ((1, 5, 5, 2), [3, 3, 2, 4], (1, 4, 3, 4), {}), ((1, 5, 5, 2), [3, 3, 3, 4], (1, 3, 3, 4), {}), ((1, 5, 5, 2), [3, 3, 2, 5], (1, 3, 3, 4), {}),
            ((5, 5, 2), [3, 3, 2, 4], (1, 3, 3, 4), {}), ((1, 5, 5, 2), [3, 3, 2], (1, 3, 3, 4), {}), ((1, 5, 5, 2), [3, 3, 2, 4], (3, 3, 4), {}),
            ((1, 5, 5, 2), [[3, 3, 2, 4]], (1, 3, 3, 4), {}), ((2, 5, 5, 2), [3, 3, 2, 4], (1, 3, 3, 4), {}), ((0, 5, 5, 2), [3, 3, 2, 4], (0, 3, 3, 4), {}),
            ((1, 5, 5, 2), [3, 3, 2, 4], (1, 1, 1, 4), dict(dilations=[1, 2, 2, 1])), ((1, 5, 5, 2), [3, 3, 2, 4], (1, 3, 3, 4), dict(strides=[2, 1, 1, 1])),
            ((1, 5, 5, 2), [3, 3, 2, -1], (1, 3, 3, 4), {})):
        yield gradient(name, image, sizes, given, const=(), **more)
    for sizes, given in (([3, 3, 3, 2], (1, 3, 3, 4)), ([3, 3, 2, 2], (1, 3, 3, 3)), ([3, 3, 2], (1, 3, 3, 4)), ([3, 3, 2, 2], (1, 2, 3, 4))):
        yield gradient("DepthwiseConv2dNativeBackpropFilter", (1, 5, 5, 2), sizes, given, const=())


def filled():
    names = ["value_rowids", "values", "nrows", "default_value"]
    for dtype in ("int64", "float32", "bool", "string"):
        def some(count, dtype=dtype):
            return np.array([b"a", b"bc", b"d"][:count], object) if dtype == "string" else rng.integers(1, 9, count).astype(dtype)
        for ids, rows in (([0, 2, 2], 4), ([], 3), ([], 0), ([0, 2, 1], 4), ([2, 0], 3), ([0, 1], 2)):
            yield op("RaggedFillEmptyRows", [np.array(ids, np.int64), some(len(ids)), np.int64(rows), some(1)[0] if dtype != "string" else np.array(b"z", object)],
                     names)
    one = np.int64(7)
    for ids, v, rows, default in (([0, 5], [1, 2], 4, one), ([-1, 2], [1, 2], 4, one), ([0], [1], 0, one), ([0, 1], [1, 2, 3], 4, one), ([[0]], [1], 4, one),
                                  ([0, 1], [1, 2], -1, one), ([0], [1], [4], one), ([0], [[1]], 4, one), ([0], [1], 4, [one])):
        yield op("RaggedFillEmptyRows", [np.array(ids, np.int64), np.array(v, np.int64), np.array(rows, np.int64), np.array(default)], names)


def cases():
    yield from gradients()
    yield from filled()
