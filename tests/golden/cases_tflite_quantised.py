# SPDX-License-Identifier: Apache-2.0
"""Quantised operators alone, and what the converter makes of small models."""
import os
import tempfile

import numpy as np
import tensorflow as tf
from flatbuffers import flexbuffers

from tflite_case import Case, Model, grid, ints, one, packed, reals, rng

F, I, I8, U8, I16 = np.float32, np.int32, np.int8, np.uint8, np.int16


def i32(*values):
    return np.array(values, I)


def stored(dtype, *shape):
    low, high = {I8: (-128, 128), U8: (0, 256), I16: (-32768, 32768)}[dtype]
    return ints(*shape, low=low, high=high, dtype=dtype)


def grids(dtype):
    """For an operand, for another one, for a result."""
    return {I8: (grid(.05, 3), grid(.02, -10), grid(.08, 5)), U8: (grid(.05, 120), grid(.02, 140), grid(.08, 128)),
            I16: (grid(.0002), grid(.0001), grid(.0004))}[dtype]


def single():
    for dtype in (I8, U8):
        q, r, y = grids(dtype)
        yield one("QUANTIZE", [reals(3, 4, low=-9, high=9)], dtype, ("QuantizeOptions", {}), q=q)
        yield one("QUANTIZE", [stored(dtype, 3, 4)], dtype, ("QuantizeOptions", {}), q=y, qs=[q], step=1)
        yield one("DEQUANTIZE", [stored(dtype, 3, 4)], F, ("DequantizeOptions", {}), qs=[q])
        for name in ("ADD", "SUB", "MUL"):
            for activation in (0, 1):
                yield one(name, [stored(dtype, 2, 3, 4), stored(dtype, 4)], dtype,
                          (name.capitalize() + "Options", dict(fusedActivationFunction=activation)), q=y, qs=[q, r], step=1)
        for name, kind, out in (("TANH", None, grid(1 / 128, 0 if dtype is I8 else 128)), ("LOGISTIC", None, grid(1 / 256, -128 if dtype is I8 else 0)),
                                ("SOFTMAX", ("SoftmaxOptions", dict(beta=1.0)), grid(1 / 256, -128 if dtype is I8 else 0))):
            yield one(name, [stored(dtype, 4, 10)], dtype, kind, q=out, qs=[q], step=1)
        for name in ("RELU", "RELU6"):
            yield one(name, [stored(dtype, 4, 10)], dtype, q=y, qs=[q], step=1)
        x = stored(dtype, 1, 6, 6, 4)
        for name, step in (("AVERAGE_POOL_2D", 1), ("MAX_POOL_2D", 0)):
            for activation in (0, 3):
                yield one(name, [x], dtype, ("Pool2DOptions", dict(strideW=2, strideH=1, filterWidth=2, filterHeight=3,
                                                                   fusedActivationFunction=activation)), q=q, qs=[q], step=step)
        for axis in ((1, 2), (3,)):
            yield one("MEAN", [x, i32(*axis)], dtype, ("ReducerOptions", {}), const=(1,), q=y, qs=[q, None], step=1)
        yield one("RESHAPE", [x, i32(-1, 4)], dtype, ("ReshapeOptions", {}), const=(1,), q=q, qs=[q, None])
        yield one("TRANSPOSE", [x, i32(0, 3, 1, 2)], dtype, ("TransposeOptions", {}), const=(1,), q=q, qs=[q, None])
        yield one("PAD", [x, np.array([[0, 0], [1, 2], [0, 1], [0, 0]], I)], dtype, ("PadOptions", {}), const=(1,), q=q, qs=[q, None])
        yield one("CONCATENATION", [x, stored(dtype, 1, 6, 6, 2)], dtype, ("ConcatenationOptions", dict(axis=3)), q=q, qs=[q, q])
        yield one("STRIDED_SLICE", [x, i32(0, 1, 0, 0), i32(1, 5, 4, 4), i32(1, 1, 2, 1)], dtype, ("StridedSliceOptions", {}), const=(1, 2, 3),
                  q=q, qs=[q, None, None, None])
        yield one("RESIZE_NEAREST_NEIGHBOR", [x, i32(4, 9)], dtype, ("ResizeNearestNeighborOptions", {}), const=(1,), q=q, qs=[q, None])
        yield one("RESIZE_BILINEAR", [x, i32(4, 9)], dtype, ("ResizeBilinearOptions", {}), const=(1,), q=q, qs=[q, None], step=1)
        yield one("MAXIMUM", [x, stored(dtype, 4)], dtype, ("MaximumMinimumOptions", {}), q=q, qs=[q, q])
        yield one("ARG_MAX", [x, i32(3).reshape(())], I, ("ArgMaxOptions", dict(outputType=2)), const=(1,), qs=[q, None])
        yield one("LESS", [x, stored(dtype, 4)], np.bool_, ("LessOptions", {}), qs=[q, q])
        yield one("GATHER", [x, i32(2, 0)], dtype, ("GatherOptions", dict(axis=2)), q=q, qs=[q, None])
        w = stored(dtype, 5, 40)
        yield one("FULLY_CONNECTED", [stored(dtype, 3, 40), w, ints(5, low=-500, high=500)], dtype, ("FullyConnectedOptions", {}), const=(1, 2),
                  q=grid(.5, 3), qs=[q, grid(.02, 0 if dtype is I8 else 130), grid(.05 * .02)], step=1)
    x = stored(U8, 2, 7, 6, 3)
    for activation in (0, 3):
        options = dict(padding=0, strideW=2, strideH=1, fusedActivationFunction=activation)
        yield one("CONV_2D", [x, stored(U8, 6, 3, 3, 3), ints(6, low=-900, high=900)], U8, ("Conv2DOptions", options), const=(1, 2),
                  q=grid(.06, 120), qs=[grid(.05, 118), grid(.004, 131), grid(.05 * .004)], step=1)
        options = {**options, "strideW": 1, "depthMultiplier": 1}
        yield one("DEPTHWISE_CONV_2D", [x, stored(U8, 1, 3, 3, 3), ints(3, low=-900, high=900)], U8, ("DepthwiseConv2DOptions", options),
                  const=(1, 2), q=grid(.06, 120), qs=[grid(.05, 118), grid(.01, 131), grid(.05 * .01)], step=1)
    q, r, y = grids(I8)
    yield one("HARD_SWISH", [stored(I8, 4, 10)], I8, q=y, qs=[q], step=1)
    yield one("L2_NORMALIZATION", [stored(I8, 2, 9)], I8, ("L2NormOptions", {}), q=grid(1 / 128), qs=[q], step=1)
    yield one("LEAKY_RELU", [stored(I8, 4, 10)], I8, ("LeakyReluOptions", dict(alpha=.3)), q=y, qs=[q], step=1)
    yield one("BATCH_MATMUL", [stored(I8, 2, 3, 8), stored(I8, 2, 8, 5)], I8, ("BatchMatMulOptions", {}), q=grid(.3, 3), qs=[q, r], step=1)
    for activation in (0, 1, 3):
        for padding in (0, 1):
            scales = rng.uniform(.001, .02, 6)
            options = dict(padding=padding, strideW=2, strideH=1, fusedActivationFunction=activation)
            x = stored(I8, 2, 7, 6, 3)
            yield one("CONV_2D", [x, stored(I8, 6, 3, 3, 3), ints(6, low=-900, high=900)], I8, ("Conv2DOptions", options), const=(1, 2),
                      q=grid(.06, -7), qs=[q, grid(scales), grid(scales * .05)], step=1)
            options = {**options, "strideW": 1, "depthMultiplier": 2}
            yield one("DEPTHWISE_CONV_2D", [x, stored(I8, 1, 3, 3, 6), ints(6, low=-900, high=900)], I8, ("DepthwiseConv2DOptions", options),
                      const=(1, 2), q=grid(.06, -7), qs=[q, grid(scales, dim=3), grid(scales * .05)], step=1)
    scales = rng.uniform(.001, .02, 5)
    yield one("TRANSPOSE_CONV", [i32(1, 7, 6, 5), stored(I8, 5, 3, 2, 4), stored(I8, 1, 7, 6, 4)], I8,
              ("TransposeConvOptions", dict(strideW=1, strideH=1)), const=(0, 1), q=grid(.1, 4), qs=[None, grid(scales), q], step=1)


def halves_of_bytes():
    """int4 weights, two in a byte."""
    m = Model()
    x = m.main.input("x", reals(2, 8))
    numbers = ints(3, 8, low=-7, high=8)
    both = (numbers.reshape(-1, 2)[:, 0] & 15) | ((numbers.reshape(-1, 2)[:, 1] & 15) << 4)
    w = m.main.tensor(17, (3, 8), both.astype(U8), grid([.1, .2, .3]))
    m.main.output(m.main.op("FULLY_CONNECTED", [x, w, -1], F, ("FullyConnectedOptions", {})))
    array = reals(2, 8)
    answer = array @ (numbers * np.array([[.1], [.2], [.3]], F)).T
    yield Case("FULLY_CONNECTED of int4 weights", m, {"x": array}, answers={"y2": answer.astype(F)})


def converted(function, arrays, **settings):
    converter = tf.lite.TFLiteConverter.from_concrete_functions([tf.function(function, input_signature=[
        tf.TensorSpec(a.shape, a.dtype, name=f"x{i}") for i, a in enumerate(arrays)]).get_concrete_function()])
    for key, value in settings.items():
        setattr(converter, key, value)
    return converter.convert()


def network(x):
    w = [tf.constant(a) for a in WEIGHTS]
    y = tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(x, w[0], 2, "SAME"), w[1]))
    y = tf.nn.relu(tf.nn.depthwise_conv2d(y, w[2], [1, 1, 1, 1], "SAME"))
    y = tf.nn.max_pool2d(y, 2, 2, "VALID") + tf.nn.avg_pool2d(y, 2, 2, "VALID")
    y = tf.reshape(y, [-1, 32])
    return tf.nn.softmax(tf.matmul(y, w[3]) + w[4])


WEIGHTS = [reals(3, 3, 3, 8, low=-.3, high=.3), reals(8), reals(3, 3, 8, 1, low=-.5, high=.5), reals(32, 5, low=-.4, high=.4), reals(5)]


def converter_cases():
    images = reals(6, 8, 8, 3, low=-1, high=1)
    feed = images[:1]
    yield Case("converted: floats", converted(network, [feed]), {"x0": feed})
    bytes16 = converted(network, [feed], optimizations=[tf.lite.Optimize.DEFAULT],
                        target_spec=tf.lite.TargetSpec(supported_types=[tf.float16]))
    yield Case("converted: halves", bytes16, {"x0": feed}, rtol=1e-3, atol=1e-3)
    yield Case("converted: int8 weights", converted(network, [feed], optimizations=[tf.lite.Optimize.DEFAULT]), {"x0": feed}, atol=.02)
    for wide in (False, True):
        inside = tf.uint8 if not wide else tf.float32
        settings = dict(optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=lambda: ([images[i:i + 1]] for i in range(6)),
                        inference_input_type=inside, inference_output_type=inside)
        array = ints(1, 8, 8, 3, low=0, high=256, dtype=U8) if not wide else feed
        yield Case(f"converted: int8, {inside.name} outside", converted(network, [feed], **settings), {"x0": array}, step=1, atol=1.1 / 256)


def sparse_network(x):
    return tf.nn.relu(tf.matmul(tf.nn.conv2d(x, tf.constant(SPARSE[0]), 1, "VALID")[:, 0, 0], tf.constant(SPARSE[1])))


def thinned(array, block):
    """Most blocks along the last dimension are zeros."""
    kept = rng.uniform(0, 1, (*array.shape[:-1], array.shape[-1] // block)) < .2
    return array * np.repeat(kept, block, axis=-1).astype(F)


SPARSE = [thinned(reals(2, 2, 16, 32), 1), thinned(reals(24, 32), 4).T.copy()]


def sparse_cases():
    """Constants of which the file has only some elements."""
    x = reals(1, 2, 2, 16)
    for label, optimizations in (("floats", []), ("int8 weights", [tf.lite.Optimize.DEFAULT])):
        model = converted(sparse_network, [x], optimizations=[*optimizations, tf.lite.Optimize.EXPERIMENTAL_SPARSITY])
        yield Case(f"converted: sparse {label}", model, {"x0": x}, rtol=.02 if optimizations else 1e-5, atol=.1 if optimizations else 1e-5)


def flex(x):
    """Ops that TFLite does not have; one of two outputs among them."""
    q, r = tf.linalg.qr(x)
    return tf.math.lgamma(tf.abs(tf.matmul(q, r)) + 1) + tf.linalg.det(x)


def flex_cases():
    x = reals(3, 3)
    model = converted(flex, [x], target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]))
    # The interpreter from pip has no Flex operators.
    yield Case("converted: TensorFlow's operators", model, {"x0": x}, rtol=1e-4, answers={"Identity": flex(tf.constant(x)).numpy()})


def parsing(texts):
    with tf.Graph().as_default() as graph:
        feature = tf.io.parse_example(tf.compat.v1.placeholder(tf.string, [None]), {"a": tf.io.FixedLenFeature([2], tf.float32),
                                                                                    "b": tf.io.FixedLenFeature([], tf.int64, -7)})
        node = [n for n in graph.as_graph_def().node if n.op.startswith("ParseExample")][0]
        with tf.compat.v1.Session(graph=graph) as session:
            feeds = {name: np.asarray(session.run(graph.get_operation_by_name(name).outputs[0])) for name in node.input[1:]}
            answers = session.run(feature, {graph.get_operations()[0].outputs[0]: texts})
    return node, feeds, answers


def example_cases():
    """The custom operator that TensorFlow Serving adds to its interpreters."""
    texts = []
    for number in (1.0, 2.0):
        example = tf.train.Example()
        example.features.feature["a"].float_list.value.extend([number, number / 2])
        texts.append(example.SerializeToString())
    node, constants, answers = parsing(texts)
    builder = flexbuffers.Builder()
    with builder.Vector():
        builder.String(node.op)
        builder.Blob(node.SerializeToString())
    m = Model()
    inputs = [m.main.input("x", np.array(["", ""], dtype=object))]
    for name in node.input[1:]:
        value = constants[name]
        inputs.append(m.main.const(np.array([t.decode() for t in value.ravel().tolist()], dtype=object).reshape(value.shape) if value.dtype == object else value))
    m.main.output(*m.main.op("CUSTOM", inputs, [F, np.int64], custom=node.op, raw_options=bytes(builder.Finish())))
    names = [m.main.t.tensors[i].name.decode() for i in m.main.t.outputs]
    feeds = {"x": np.array(texts, dtype=object)}
    yield Case("ParseExample", m, feeds, answers=dict(zip(names, [answers["a"], answers["b"]])))


def cases():
    for family in (single, halves_of_bytes, converter_cases, sparse_cases, flex_cases, example_cases):
        yield from family()
