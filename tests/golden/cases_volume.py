# SPDX-License-Identifier: Apache-2.0
"""Cases of transposed convolutions and of convolutions and poolings in three dimensions, for make_ops.py."""
import numpy as np

from op_case import op, values

# Dilations and groups are refused there on a CPU: tests/unit/ops/nn/transposed_test.c has them.

FLOATS = ("float32", "float64", "float16", "bfloat16")
# There sums are rounded after each product.
ROUGH = {"float32": (1e-5, 1e-5), "float16": (3e-2, 3e-2), "bfloat16": (1e-1, 2e-1)}


def sizes(n, kernel, stride, dilation, padding):
    reach = (kernel - 1) * dilation + 1
    return -(-n // stride) if padding == "SAME" else (n - reach) // stride + 1


def given(shape, filter, strides, dilations, padding):
    """The shape of what a convolution of `shape` gives."""
    space = [sizes(n, k, s, d, padding) for n, k, s, d in zip(shape[1:-1], filter, strides, dilations)]
    return (shape[0], *space, filter[-1])


def conv2d_transposed():
    names = ["input_sizes", "filter", "out_backprop"]
    for dtype in FLOATS + ("int32",):
        for const in ((), (0, 1)):
            for shape, filter, stride, dilation, padding in (
                    ((2, 7, 6, 3), (3, 2, 3, 4), (1, 1), (1, 1), "VALID"), ((2, 8, 8, 2), (4, 4, 2, 5), (2, 2), (1, 1), "SAME"),
                    ((1, 9, 7, 2), (2, 3, 2, 3), (3, 2), (1, 1), "VALID"), ((1, 6, 6, 20), (1, 1, 20, 17), (2, 2), (1, 1), "SAME")):
                out = given(shape, filter, stride, dilation, padding)
                yield op("Conv2DBackpropInput", [np.int32(shape), values(filter, dtype), values(out, dtype)], names, const=const, tolerance=ROUGH.get(dtype), strides=[1, *stride, 1], padding=padding)
    for shape, filter, stride, dilation, padding in (
            ((3, 9, 8, 4), (5, 5, 4, 16), (2, 2), (1, 1), "SAME"), ((1, 2, 80, 16), (8, 8, 16, 2), (1, 1), (1, 1), "SAME"), ((0, 5, 5, 2), (3, 3, 2, 3), (1, 1), (1, 1), "SAME"), ((1, 5, 5, 1), (5, 5, 1, 1), (1, 1), (1, 1), "VALID"),
            ((1, 3, 3, 2), (2, 2, 2, 3), (4, 4), (1, 1), "SAME"), ((1, 3, 3, 2), (1, 1, 2, 3), (2, 2), (1, 1), "VALID")):
        out = given(shape, filter, stride, dilation, padding)
        for const in ((), (0, 1)):
            yield op("Conv2DBackpropInput", [np.int32(shape), values(filter), values(out)], names, const=const, tolerance=(1e-5, 1e-5), strides=[1, *stride, 1], dilations=[1, *dilation, 1], padding=padding)
        yield op("Conv2DBackpropInputV2", [values(shape), values(filter), values(out)], ["input", "filter", "out_backprop"], tolerance=(1e-5, 1e-5), strides=[1, *stride, 1], dilations=[1, *dilation, 1], padding=padding)
    filter, out = values((3, 3, 2, 3)), values((1, 5, 5, 3))
    plain = dict(strides=[1, 1, 1, 1], padding="SAME")
    yield op("Conv2DBackpropInput", [np.int32([5, 5]), filter, out], names, **plain)
    yield op("Conv2DBackpropInput", [np.int32([1, 7, 6, 2]), filter, values((1, 8, 6, 3))], names, strides=[1, 1, 1, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 2, 0, 0, 0])
    for s, f, o, more in (([1, 5, 5], filter, out, {}), ([1, 5, 5, 2], filter, values((2, 5, 5, 3)), {}), ([1, 5, 5, 3], filter, out, {}), ([1, 5, 5, 2], filter, values((1, 5, 5, 4)), {}), ([1, 6, 5, 2], filter, out, {}),
                          ([1, 5, 5, 2], filter[0], out, {}), ([1, 5, 5, 2], filter, out[0], {}), ([[1, 5, 5, 2]], filter, out, {}), ([1, -5, 5, 2], filter, out, {}), ([1, 5, 5, 2], filter, out, dict(strides=[2, 1, 1, 1])),
                          ([1, 5, 5, 2], filter, out, dict(strides=[1, 1, 1])), ([1, 5, 5, 2], filter, out, dict(dilations=[1, 1, 1, 2]))):
        yield op("Conv2DBackpropInput", [np.int32(s), f, o], names, **{**plain, **more})


def conv3d():
    names = ["input", "filter"]
    for dtype in FLOATS:
        for shape, filter, stride, dilation, padding in (
                ((2, 4, 5, 6, 3), (2, 3, 2, 3, 4), (1, 1, 1), (1, 1, 1), "VALID"), ((1, 5, 6, 5, 2), (3, 3, 3, 2, 17), (2, 2, 1), (1, 1, 1), "SAME"),
                ((1, 4, 4, 4, 5), (1, 1, 1, 5, 3), (1, 1, 1), (1, 1, 1), "SAME")):
            yield op("Conv3D", [values(shape, dtype), values(filter, dtype)], names, tolerance=ROUGH.get(dtype), strides=[1, *stride, 1], padding=padding)
            out = given(shape, filter, stride, dilation, padding)
            for tshape in ("int32", "int64"):
                yield op("Conv3DBackpropInputV2", [np.array(shape, tshape), values(filter, dtype), values(out, dtype)], ["input_sizes", "filter", "out_backprop"], const=(0,), tolerance=ROUGH.get(dtype),
                         strides=[1, *stride, 1], padding=padding)
    plain = dict(strides=[1, 1, 1, 1, 1], padding="SAME")
    for shape, filter, more in (((0, 5, 5, 5, 2), (3, 3, 3, 2, 2), {}), ((1, 2, 2, 2, 2), (3, 3, 3, 2, 2), dict(padding="VALID")), ((1, 5, 5, 5, 4), (3, 3, 3, 3, 2), {}),
                                ((5, 5, 5, 2), (3, 3, 3, 2, 2), {}), ((1, 5, 5, 5, 2), (3, 3, 2, 2), {}), ((1, 5, 5, 5, 2), (3, 3, 3, 2, 2), dict(strides=[2, 1, 1, 1, 1])), ((1, 5, 5, 5, 2), (3, 3, 3, 2, 2), dict(strides=[1, 1, 1, 1])),
                                ((1, 3, 4, 9, 3), (3, 3, 3, 3, 8), dict(strides=[1, 1, 2, 3, 1]))):
        yield op("Conv3D", [values(shape), values(filter)], names, tolerance=(1e-5, 1e-5), **{**plain, **more})
    names = ["input_sizes", "filter", "out_backprop"]
    f, o = values((3, 3, 3, 2, 3)), values((1, 4, 4, 4, 3))
    yield op("Conv3DBackpropInputV2", [np.int32([1, 9, 9, 9, 2]), f, values((1, 9, 9, 9, 3))], names, tolerance=(1e-5, 1e-5), **plain)
    for s, filter, given_out in (([1, 4, 4, 4], f, o), ([2, 4, 4, 4, 2], f, o), ([1, 5, 4, 4, 2], f, o), ([1, 4, 4, 4, 3], f, o), ([1, 4, 4, 4, 2], f[0], o), ([1, 4, 4, 4, 2], f, o[0])):
        yield op("Conv3DBackpropInputV2", [np.int32(s), filter, given_out], names, **plain)


def pool3d():
    for dtype in FLOATS:
        for padding in ("VALID", "SAME"):
            for ksize, stride in (((2, 3, 2), (1, 2, 2)), ((3, 3, 3), (3, 3, 3)), ((1, 1, 2), (2, 1, 1))):
                x = values((2, 5, 4, 6, 3), dtype)
                attrs = dict(ksize=[1, *ksize, 1], strides=[1, *stride, 1], padding=padding)
                yield op("AvgPool3D", [x], ["input"], tolerance=ROUGH.get(dtype), **attrs)
                if dtype != "float64":
                    yield op("MaxPool3D", [x], ["input"], **attrs)
    plain = dict(ksize=[1, 2, 2, 2, 1], strides=[1, 2, 2, 2, 1], padding="VALID")
    for shape, more in (((4, 4, 4, 3), {}), ((1, 4, 4, 4, 0), {}), ((0, 4, 4, 4, 3), {}), ((1, 1, 4, 4, 3), {}), ((1, 4, 4, 4, 3), dict(ksize=[1, 2, 2, 1])), ((1, 4, 4, 4, 3), dict(strides=[1, 2, 2, 1])),
                        ((2, 4, 4, 4, 3), dict(ksize=[2, 2, 2, 2, 1])), ((2, 4, 4, 4, 3), dict(ksize=[1, 2, 2, 2, 3])), ((1, 4, 4, 4, 3), dict(ksize=[1, 0, 2, 2, 1])), ((1, 4, 4, 4, 3), dict(strides=[1, 0, 2, 2, 1])),
                        ((1, 4, 4, 4, 3), dict(strides=[2, 2, 2, 2, 1]))):
        for name in ("MaxPool3D", "AvgPool3D"):
            yield op(name, [values(shape)], ["input"], **{**plain, **more})
    x = values((1, 2, 2, 2, 2))
    x[0, 0, 0, 0] = np.nan
    x[0, 1, 1, 1, 0] = -np.inf
    for name in ("MaxPool3D", "AvgPool3D"):
        yield op(name, [x], ["input"], **plain)


def generic():
    names = ["input", "filter"]
    for dtype in FLOATS + ("int32",):
        for shape, filter, more in (((2, 5, 6, 3), (3, 2, 3, 4), {}), ((2, 4, 5, 6, 3), (2, 3, 2, 3, 4), dict(strides=[1, 2, 1, 2, 1], padding="VALID"))):
            if dtype == "int32" and len(shape) == 5:
                continue
            yield op("Conv", [values(shape, dtype), values(filter, dtype)], names, tolerance=ROUGH.get(dtype), **{**dict(strides=[1] * len(shape), padding="SAME"), **more})
    plain = dict(strides=[1, 1, 1, 1], padding="SAME")
    for shape, filter, more in (((2, 3, 5, 5, 4), (3, 3, 4, 6), dict(batch_dims=2)), ((5, 5, 4), (3, 3, 4, 6), dict(batch_dims=0)), ((1, 9, 9, 2), (3, 3, 2, 3), dict(dilations=[1, 2, 2, 1], padding="VALID")),
                                ((1, 5, 5, 2), (3, 3, 2, 3), dict(padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 0, 1, 0, 0])), ((2, 5, 4), (3, 4, 6), dict(strides=[1, 1, 1])), ((2, 5, 5, 4), (3, 3, 2, 6), dict(groups=2)),
                                ((2, 5, 5, 4), (3, 3, 4, 6), dict(strides=[1, 1])), ((2, 5, 5, 4), (3, 3, 3, 6), {}), ((0, 5, 5, 4), (3, 3, 4, 6), {})):
        yield op("Conv", [values(shape), values(filter)], names, tolerance=(1e-5, 1e-5), **{**plain, **more})


def cases():
    for family in (generic, conv2d_transposed, conv3d, pool3d):
        yield from family()
