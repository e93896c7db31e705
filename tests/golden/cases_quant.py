# SPDX-License-Identifier: Apache-2.0
"""Cases of quantised numbers, for make_ops.py. Fed and fetched tensors are plain: numbers are cast on their way in and out of the graph."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, rng, values

QUANT = {"qint8": np.int8, "quint8": np.uint8, "qint16": np.int16, "quint16": np.uint16, "qint32": np.int32}
PLAIN = {tf.qint8: tf.int8, tf.quint8: tf.uint8, tf.qint16: tf.int16, tf.quint16: tf.uint16, tf.qint32: tf.int32}


def plain(t):
    return tf.bitcast(t, PLAIN[t.dtype]) if t.dtype in PLAIN else t


def quantised(name, arrays, names, first=None, const=(), tolerance=None, **attrs):
    """One op; `first` is the quantised dtype of its first input."""
    def build(tensors):
        tensors = list(tensors)
        if first:
            tensors[0] = tf.bitcast(tensors[0], getattr(tf, first))
        result = getattr(tf.raw_ops, name)(**dict(zip(names, tensors)), **attrs)
        return [plain(t) for t in (result if isinstance(result, (list, tuple)) else [result])]
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in map(np.asarray, arrays))
    text = " ".join(f"{k}={v}" for k, v in attrs.items())
    return graph(f"{name} {first} {shapes} {text}", arrays, build, const, tolerance)


def numbers(dtype, shape=(3, 5)):
    limits = np.iinfo(QUANT[dtype])
    x = rng.integers(limits.min, limits.max, shape, dtype=np.int64, endpoint=True)
    if x.size >= 3:
        x.flat[:3] = [limits.min, limits.max, 0]
    return x.astype(QUANT[dtype])


def quantize():
    names = ["input", "min_range", "max_range"]
    f = np.float32
    x = np.concatenate([values((3, 7), low=-3, high=3), f([[-2, 2, 0, 0.5, -0.5, 1.5, -1e9]])])
    for dtype in QUANT:
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in ((-2, 2), (-0.7, 2.3), (0, 3), (0.5, 1.5), (-2, -1), (0, 0)):
                if dtype == "qint32" and mode == "MIN_FIRST":
                    continue
                rounds = ("HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN") if mode == "SCALED" else ("HALF_AWAY_FROM_ZERO",)
                for round_mode in rounds:
                    yield quantised("QuantizeV2", [x, f(low), f(high)], names, T=getattr(tf, dtype), mode=mode, round_mode=round_mode)
    per_axis = [x[:3], f([-2, -1, 0]), f([2, 3, 1])]
    for mode in ("MIN_COMBINED", "SCALED", "MIN_FIRST"):
        for narrow in (False, True):
            yield quantised("QuantizeV2", per_axis, names, T=tf.qint8, mode=mode, narrow_range=narrow, axis=0)
    yield quantised("QuantizeV2", [x, f(-0.001), f(0.001)], names, T=tf.quint8, ensure_minimum_range=0.5)
    yield quantised("QuantizeV2", [x, f(-2), f(2)], names, T=tf.qint8, mode="SCALED", narrow_range=True)
    yield quantised("QuantizeV2", [values((2, 3, 2)), f([-1, -2, -3]), f([1, 2, 3])], names, T=tf.quint8, mode="SCALED", axis=1)
    for args, attrs in (((x, f(2), f(-2)), {}), ((x, f([-1, -2]), f(2)), {}), ((x, f(-1), f([2, 2])), {}), ((x, f(-1), f(1)), dict(axis=0)), ((x, f([-1, 1]), f([1, 2])), dict(axis=0)), ((x, f([-1] * 4), f([1] * 4)), dict(axis=2)),
                        ((x, f(-2), f(2)), dict(round_mode="HALF_TO_EVEN")), ((x[:0], f(-2), f(2)), {})):
        yield quantised("QuantizeV2", list(args), names, T=tf.quint8, **attrs)


def dequantize():
    names = ["input", "min_range", "max_range"]
    f = np.float32
    for dtype in QUANT:
        x = numbers(dtype)
        for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
            for low, high in ((-2, 2), (-0.7, 2.3), (0, 3), (1, 1)):
                for narrow in (False, True):
                    yield quantised("Dequantize", [x, f(low), f(high)], names, dtype, mode=mode, narrow_range=narrow)
        yield quantised("Dequantize", [x, f(-2), f(2)], names, dtype, dtype=tf.bfloat16)
        for mode in ("MIN_COMBINED", "SCALED", "MIN_FIRST"):
            yield quantised("Dequantize", [x, f([-2, -1, 0]), f([2, 3, 1])], names, dtype, mode=mode, axis=0)
    x = numbers("quint8")
    yield quantised("Dequantize", [numbers("qint8", (2, 3, 2)), f([-1, -2, -3]), f([1, 2, 3])], names, "qint8", mode="SCALED", axis=1)
    for args, attrs in (((x, f([-1, 1]), f(2)), {}), ((x, f(-1), f([1, 1])), {}), ((x, f(-1), f(1)), dict(axis=2)), ((x, f(-1), f(1)), dict(axis=0)), ((x, f(-1), f(1)), dict(mode="SCALED", dtype=tf.bfloat16)), ((x[:0], f(-1), f(1)), {})):
        yield quantised("Dequantize", list(args), names, "quint8", **attrs)


def requantize():
    f = np.float32
    x = numbers("qint32")
    small = rng.integers(-1000, 1000, (3, 5)).astype(np.int32)
    for data in (x, small, x[:0]):
        for low, high in ((-100, 100), (-1e6, 2e6), (0, 1), (1, 1)):
            yield quantised("RequantizationRange", [data, f(low), f(high)], ["input", "input_min", "input_max"], "qint32")
            for out_low, out_high in ((-1, 1), (0, 6), (-3, 0.5), (0, 0)):
                yield quantised("Requantize", [data, f(low), f(high), f(out_low), f(out_high)], ["input", "input_min", "input_max", "requested_output_min", "requested_output_max"], "qint32", out_type=tf.quint8)
    for low, high in ((0.5, 1), (-1, -0.5)):
        yield quantised("Requantize", [x, f(-1), f(1), f(low), f(high)], ["input", "input_min", "input_max", "requested_output_min", "requested_output_max"], "qint32", out_type=tf.quint8)
    for dtype in ("quint8", "qint32"):
        x = numbers(dtype)
        for low, high in ((-2, 10), (0, 3), (1, 5), (-3, -1), (2, 2)):
            out = getattr(tf, dtype)
            names = ["features", "min_features", "max_features"]
            yield quantised("QuantizedRelu", [x, f(low), f(high)], names, dtype, out_type=out)
            yield quantised("QuantizedRelu6", [x, f(low), f(high)], names, dtype, out_type=out)
            yield quantised("QuantizedReluX", [x, f(2.5), f(low), f(high)], ["features", "max_value", "min_features", "max_features"], dtype, out_type=out)


def round_trips():
    names = ["input", "input_min", "input_max"]
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        x = values((4, 5), dtype, -3, 3)
        t = x.dtype.type
        for name in ("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"):
            for given in (False, True):
                for signed in (False, True):
                    for narrow in (False, True):
                        for mode in ("HALF_TO_EVEN", "HALF_UP"):
                            yield op(name, [x, t(-1), t(2)], names, signed_input=signed, range_given=given, narrow_range=narrow, round_mode=mode, num_bits=8 if given else 3)
        for given in (False, True):
            yield op("QuantizeAndDequantizeV3", [x, t(-1), t(2), np.int32(6)], names + ["num_bits"], range_given=given)
            low, high = np.array([-1, -2, 0, -1, -3], x.dtype), np.array([2, 1, 1, 0, 3], x.dtype)
            for name in ("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV4"):
                yield op(name, [x, low, high], names, axis=1, range_given=given)
            yield op("QuantizeAndDequantizeV3", [x, low, high, np.int32(8)], names + ["num_bits"], axis=1, range_given=given)
    x, f = values((4, 5)), np.float32
    for low, high, attrs in ((f(2), f(1), {}), (f([1, 2]), f(2), {}), (f([-1] * 4), f([1] * 4), dict(axis=1)), (f([-1] * 5), f([1] * 5), dict(axis=2)), (f(-1), f(1), dict(axis=-2)), (f(-1), f(1), dict(num_bits=0)), (f(-1), f(1), dict(num_bits=62)),
                             (f(-1), f(1), dict(num_bits=61)), (f(-1), f(1), dict(num_bits=1)), (f(0), f(0), {})):
        yield op("QuantizeAndDequantizeV2", [x, low, high], names, **{**dict(range_given=True), **attrs})
    yield op("QuantizeAndDequantizeV2", [x[:0], f(0), f(0)], names)
    yield op("QuantizeAndDequantizeV2", [x * 0, f(0), f(0)], names)
    for bits in (np.int32(0), np.int32(63), np.int32([8]), np.int32([8, 8])):
        yield op("QuantizeAndDequantizeV3", [x, f(-1), f(1), bits], names + ["num_bits"])


def uniform():
    f, i = np.float32, np.int32
    names = ["input", "scales", "zero_points"]
    x = np.concatenate([values((3, 4), low=-3, high=3), f([[0.125, -0.125, 1e9, -1e9]])])
    for dtype, low, high in (("qint8", -128, 127), ("qint8", -127, 127), ("quint8", 0, 255), ("qint32", -2147483648, 2147483647)):
        for scale, zero in ((0.05, 3), (0.25, -10), (1.5, 0)):
            attrs = dict(quantization_min_val=low, quantization_max_val=high)
            yield quantised("UniformQuantize", [x if dtype != "qint32" else x[:3], f(scale), i(zero)], names, Tout=getattr(tf, dtype), **attrs)
            yield quantised("UniformDequantize", [numbers(dtype), f(scale), i(zero)], names, dtype, Tout=tf.float32, **attrs)
        yield quantised("UniformQuantize", [values((2, 3, 2)), f([0.1, 0.2, 0.3]), i([0, 1, -2])], names, Tout=getattr(tf, dtype), quantization_axis=1, **attrs)
        yield quantised("UniformDequantize", [numbers(dtype, (2, 3, 2)), f([0.1, 0.2, 0.3]), i([0, 1, -2])], names, dtype, Tout=tf.float32, quantization_axis=1, **attrs)
    attrs = dict(Tout=tf.qint8, quantization_min_val=-128, quantization_max_val=127)
    for scales, zeros, axis in ((f([0.1]), i([0]), -1), (f(0.1), i([0]), -1), (f([0.1, 0.2]), i([0, 0]), 1), (f([0.1] * 4), i([0] * 4), 2), (f(0.1), i(0), 1), (f(0.1), i(0), -2)):
        yield quantised("UniformQuantize", [x, scales, zeros], names, quantization_axis=axis, **attrs)


def halves():
    """0 in the middle of a range: the sum lies on the border of two numbers."""
    f = np.float32
    x = np.int32([0, 1 << 24, -(1 << 24), 1 << 30, 12345, -1])
    for low, high in ((-8, 1), (-1.5, 8), (-6, 5), (-0.5, 3), (-2.5, 0.7), (0, 9.5)):
        yield quantised("Requantize", [x, f(low), f(high), f(low), f(high)], ["input", "input_min", "input_max", "requested_output_min", "requested_output_max"], "qint32", out_type=tf.quint8)


def product(name, arrays, names, **attrs):
    """One op of two quantised inputs."""
    def build(tensors):
        inputs = dict(zip(names, [tf.bitcast(tensors[0], tf.quint8), tf.bitcast(tensors[1], tf.quint8), *tensors[2:]]))
        return [plain(t) for t in getattr(tf.raw_ops, name)(**inputs, **attrs)]
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in map(np.asarray, arrays))
    return graph(f"{name} {shapes} {attrs}", arrays, build)


def products():
    f = np.float32
    ranges = (f(-1), f(2), f(-3), f(0.5)), (f(0), f(1), f(0), f(1)), (f(0.5), f(1), f(-2), f(-1)), (f(-1e-3), f(1e3), f(-7), f(1))
    names = ["a", "b", "min_a", "max_a", "min_b", "max_b"]
    attrs = dict(Toutput=tf.qint32)
    for ends in ranges:
        yield product("QuantizedMatMul", [numbers("quint8", (3, 5)), numbers("quint8", (5, 4)), *ends], names, **attrs)
    for ta, tb in ((True, False), (False, True), (True, True)):
        yield product("QuantizedMatMul", [numbers("quint8", (5, 3) if ta else (3, 5)), numbers("quint8", (4, 5) if tb else (5, 4)), *ranges[0]], names, transpose_a=ta, transpose_b=tb, **attrs)
    a, b = numbers("quint8", (3, 5)), numbers("quint8", (5, 4))
    for arrays in ([a, a, *ranges[0]], [a[0], b, *ranges[0]], [a, b[0], *ranges[0]], [a, b, f(1), f(1), f(0), f(1)], [a, b, f(0), f(1), f(1), f(0)], [a, b, f([0, 1]), f(1), f(1), f(0)], [a, b, f([0]), f(1), f(-1), f([1])], [a[:0], b, *ranges[0]]):
        yield product("QuantizedMatMul", arrays, names, **attrs)
    names = ["input", "filter", "min_input", "max_input", "min_filter", "max_filter"]
    attrs = dict(strides=[1, 1, 1, 1], padding="SAME")
    image, kernel = numbers("quint8", (2, 5, 6, 3)), numbers("quint8", (3, 2, 3, 4))
    for ends in ranges:
        yield product("QuantizedConv2D", [image, kernel, *ends], names, **attrs)
        yield product("QuantizedConv2D", [image, numbers("quint8", (1, 1, 3, 2)), *ends], names, strides=[1, 2, 2, 1], padding="VALID")
    for strides in ([1, 1, 1, 1], [1, 2, 2, 1]):
        for padding in ("SAME", "VALID"):
            for shape in ((3, 2, 3, 4), (1, 1, 3, 2), (5, 6, 3, 1)):
                yield product("QuantizedConv2D", [image, numbers("quint8", shape), *ranges[0]], names, strides=strides, padding=padding)
    for arrays, more in (([image[0], kernel, *ranges[0]], {}), ([image, kernel[0], *ranges[0]], {}), ([image[..., :2], kernel, *ranges[0]], {}), ([image, kernel, f([0, 1]), f(1), f(0), f(1)], {}), ([image, kernel, f(0), f(0), f(0), f(1)], {}),
                         ([image, kernel, *ranges[0]], dict(strides=[2, 1, 1, 1])), ([image, kernel, *ranges[0]], dict(strides=[1, 0, 1, 1])), ([image, kernel, *ranges[0]], dict(dilations=[1, 2, 2, 1])), ([image[:, :2], kernel, *ranges[0]], dict(padding="VALID"))):
        yield product("QuantizedConv2D", arrays, names, **{**attrs, **more})
    names = ["input", "min_input", "max_input"]
    attrs = dict(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    for dtype in ("quint8", "qint8"):
        for more in ({}, dict(padding="SAME"), dict(ksize=[1, 3, 2, 1], strides=[1, 1, 1, 1]), dict(ksize=[1, 1, 1, 1])):
            yield quantised("QuantizedMaxPool", [numbers(dtype, (2, 5, 6, 3)), f(-1), f(3)], names, dtype, **{**attrs, **more})
    for x, low, high, more in ((image[0], f(-1), f(3), {}), (image, f(-1), f(3), dict(ksize=[2, 1, 1, 1])), (image, f(-1), f(3), dict(ksize=[1, 1, 1, 2])), (image, f(-1), f(3), dict(strides=[1, 1, 1, 2])), (image, f([-1]), f([3]), {}), (image, f([-1, 0]), f(3), {}), (image, f(-1), f([1, 2]), {})):
        yield quantised("QuantizedMaxPool", [x, low, high], names, "quint8", **{**attrs, **more})


def shapes():
    f, i = np.float32, np.int32
    for dtype in ("quint8", "qint32"):
        for to in (i([15]), i([5, -1]), np.int64([-1, 1, 3]), i([4, 4])):
            yield quantised("QuantizedReshape", [numbers(dtype), to, f(-1), f(2)], ["tensor", "shape", "input_min", "input_max"], dtype)
    yield quantised("QuantizedReshape", [numbers("quint8"), i([15]), f([-1]), f([[2]])], ["tensor", "shape", "input_min", "input_max"], "quint8")
    yield quantised("QuantizedReshape", [numbers("quint8"), i([-1, -1]), f(-1), f(2)], ["tensor", "shape", "input_min", "input_max"], "quint8")
    names = ["input", "input_min", "input_max"]
    for data in (numbers("qint32"), i([[5, -70000], [1 << 20, 3]]), i([0, 0, 0]), i([7, 9]), i([-4, -9])):
        for low, high in ((-2, 2), (-1e6, 1e6), (-0.5, 3)):
            yield quantised("QuantizeDownAndShrinkRange", [data, f(low), f(high)], names, "qint32", out_type=tf.quint8)
    for low, high in ((f([1, 2]), f(1)), (f(1), f([1, 2])), (f([-1]), f([1]))):
        yield quantised("QuantizeDownAndShrinkRange", [numbers("qint32"), low, high], names, "qint32", out_type=tf.quint8)


def cases():
    for family in (quantize, dequantize, requantize, round_trips, uniform, products, shapes, halves):
        yield from family()
