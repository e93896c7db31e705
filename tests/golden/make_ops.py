#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks TensorFlow what single ops (and small graphs) answer, and writes it to tests/golden/ops/FAMILY.gz.

usage: make_ops.py [FAMILY...]        needs tensorflow 2.21; tests/unit/ops/golden_test.c replays the files

A file is a gzip of cases. A case is a number of blobs; numbers are 4 bytes, little-endian:
    count of blobs, then for each its length and bytes:
    name, GraphDef, error code (decimal), error message, rtol, atol, count of feeds (decimal),
    for each feed "node:0" and TensorProto, for each fetch "node:0" and TensorProto (empty if the case is an error)
A new family is a file cases_FAMILY.py whose cases() yields cases made by op() or graph(); one that needs more than TensorFlow says so, and is left out
where that is not installed.
"""
import glob
import gzip
import importlib
import os
import pickle
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from op_case import BF16, TOLERANCE, graph, op, rng, values  # noqa: E402, F401

tf1 = tf.compat.v1
HERE = os.path.dirname(os.path.abspath(__file__))
# ---- neural networks ----

FLOATS = ("float32", "float64", "float16", "bfloat16")


def nn_matmul():
    names = ["a", "b"]
    for dtype in FLOATS + ("int32", "int64"):
        for m, k, n in ((1, 3, 2), (4, 5, 7), (3, 0, 2), (0, 3, 2)):
            for ta in (False, True):
                for tb in (False, True):
                    if m * n * k == 0 and (ta or tb):
                        continue
                    a = values((k, m) if ta else (m, k), dtype)
                    b = values((n, k) if tb else (k, n), dtype)
                    yield op("MatMul", [a, b], names, transpose_a=ta, transpose_b=tb)
    for dtype in FLOATS:
        for m, k, n in ((1, 17, 33), (5, 30, 70), (2, 64, 64), (9, 33, 16), (3, 20, 10), (1, 7, 1)):
            for tb in (False, True):
                b = values((n, k) if tb else (k, n), dtype)
                yield op("MatMul", [values((m, k), dtype), b], names, const=(1,), transpose_b=tb)
    for a, b in (((2, 17), (16, 4)), ((32,), (16, 4)), ((16,), (16,)), ((2, 3, 4), (2, 4, 5)), ((16, 4), (32,)),
                 ((), (2, 2))):
        yield op("MatMul", [values(a), values(b)], names)
    yield op("MatMul", [values((3, 2)), values((4, 4))], names, transpose_a=True)


def nn_batch_matmul():
    names = ["x", "y"]
    for dtype in FLOATS + ("int32", "int64"):
        for adj_x in (False, True):
            for adj_y in (False, True):
                x = values((2, 3, 4) if not adj_x else (2, 4, 3), dtype)
                y = values((2, 4, 5) if not adj_y else (2, 5, 4), dtype)
                yield op("BatchMatMul", [x, y], names, adj_x=adj_x, adj_y=adj_y)
                yield op("BatchMatMulV2", [x, y[:1]], names, adj_x=adj_x, adj_y=adj_y)
    for x, y in (((3, 1, 2, 4), (5, 4, 3)), ((2, 3), (4, 3, 2)), ((0, 3, 4), (0, 4, 5)), ((2, 3, 0), (2, 0, 5)),
                 ((2, 3, 4), (3, 4, 5)), ((2, 3, 4), (2, 5, 6)), ((4,), (4,)), ((4, 2), (2,))):
        for const in ((), (1,)):
            yield op("BatchMatMulV2", [values(x), values(y)], names, const=const)
    for x, y in (((2, 3, 4), (3, 4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 5, 6)), ((4,), (4,))):
        yield op("BatchMatMul", [values(x), values(y)], names)
    yield op("BatchMatMulV3", [values((2, 3, 4)), values((4, 5))], names, Tout=tf.float32)
    yield op("BatchMatMulV3", [values((2, 3, 4)), values((2, 5, 6))], names, Tout=tf.float32)


def nn_bias():
    names = ["value", "bias"]
    for dtype in FLOATS + ("int32", "int64", "int8", "uint8", "int16", "uint16", "uint32", "uint64"):
        yield op("BiasAdd", [values((2, 3, 4), dtype), values((4,), dtype)], names)
        yield op("BiasAdd", [values((2, 3, 2, 2), dtype), values((3,), dtype)], names, data_format="NCHW")
    for v, b, f in (((2, 33), (32,), "NHWC"), ((2,), (2,), "NHWC"), ((2, 3), (3, 1), "NHWC"), ((2, 3), (3,), "NCHW"),
                    ((2, 3, 4), (4,), "NCHW"), ((), (1,), "NHWC"), ((2, 0), (0,), "NHWC"),
                    ((2, 3, 1, 2, 2), (3,), "NCHW")):
        yield op("BiasAdd", [values(v), values(b)], names, data_format=f)
    yield op("BiasAddV1", [values((2, 3)), values((3,))], names)
    for dtype in ("float32", "float64"):
        yield op("BiasAddGrad", [values((2, 3, 4), dtype)], ["out_backprop"])
        yield op("BiasAddGrad", [values((2, 3, 4), dtype)], ["out_backprop"], data_format="NCHW")
    yield op("BiasAddGrad", [values((3,))], ["out_backprop"])


def nn_conv():
    names = ["input", "filter"]
    cases = []
    for dtype in FLOATS:
        for const in ((), (1,)):
            for padding in ("VALID", "SAME"):
                cases.append(((2, 5, 6, 3), (3, 2, 3, 4), dict(padding=padding, strides=[1, 1, 1, 1]), dtype, const))
                cases.append(((1, 6, 5, 2), (3, 3, 2, 17), dict(padding=padding, strides=[1, 2, 2, 1]), dtype, const))
    plain = dict(padding="SAME", strides=[1, 1, 1, 1])
    for const in ((), (1,)):
        for x, f, more in (
                ((1, 7, 7, 2), (3, 3, 2, 3), dict(dilations=[1, 2, 2, 1])),
                ((1, 7, 8, 2), (3, 3, 2, 3), dict(dilations=[1, 1, 3, 1], padding="VALID")),
                ((1, 5, 5, 4), (3, 3, 2, 6), {}),
                ((2, 4, 4, 5), (1, 1, 5, 40), {}),
                ((2, 4, 5, 5), (1, 1, 5, 70), dict(strides=[1, 2, 1, 1])),
                ((1, 3, 3, 2), (5, 5, 2, 2), {}),
                ((1, 9, 1, 3), (4, 1, 3, 33), dict(strides=[1, 3, 1, 1])),
                ((1, 5, 5, 3), (2, 3, 3, 2), dict(padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 3, 0, 0, 0])),
                ((0, 5, 5, 3), (3, 3, 3, 2), {}),
                ((1, 2, 2, 3), (3, 3, 3, 2), dict(padding="VALID")),
                ((1, 5, 5, 3), (3, 3, 3, 0), {}),
                ((1, 5, 5, 4), (3, 3, 3, 2), {}), ((6144,), (3, 3, 3, 2), {}), ((1, 5, 5, 4), (3, 3, 2), {}),
                ((1, 5, 5, 4), (3, 3, 2, 3), {}), ((1, 5, 5, 0), (3, 3, 0, 2), {}),
                ((1, 0, 5, 3), (3, 3, 3, 2), dict(padding="VALID")),
                ((1, 5, 5, 3), (3, 3, 3, 2), dict(strides=[2, 1, 1, 1])),
                ((1, 5, 5, 3), (3, 3, 3, 2), dict(dilations=[2, 1, 1, 1])),
                ((1, 5, 5, 3), (0, 3, 3, 2), {})):
            cases.append((x, f, {**plain, **more}, "float32", const))
    cases.append(((1, 4, 4, 2), (2, 2, 2, 3), plain, "int32", ()))
    for x, f, attrs, dtype, const in cases:
        yield op("Conv2D", [values(x, dtype), values(f, dtype)], names, const=const, **attrs)


def nn_depthwise():
    names = ["input", "filter"]
    for dtype in FLOATS:
        for const in ((), (1,)):
            for x, f, more in (((2, 5, 6, 3), (3, 3, 3, 1), {}), ((1, 6, 5, 20), (3, 3, 20, 1), dict(strides=[1, 2, 2, 1])),
                               ((1, 5, 5, 3), (2, 3, 3, 2), {}), ((1, 5, 5, 1), (3, 3, 1, 5), {})):
                for padding in ("VALID", "SAME"):
                    attrs = {**dict(strides=[1, 1, 1, 1], padding=padding), **more}
                    # There sums are rounded after each product.
                    rough = {"float16": (1e-2, 1e-2), "bfloat16": (6e-2, 6e-2)}.get(dtype)
                    yield op("DepthwiseConv2dNative", [values(x, dtype), values(f, dtype)], names, const=const, tolerance=rough,
                             **attrs)
    for x, f, more in (((1, 4, 4, 83), (3, 3, 83, 1), {}), ((1, 5, 5, 4), (3, 3, 3, 2), {}), ((12,), (3, 3, 3, 2), {}),
                       ((1, 5, 5, 4), (3, 3, 2), {}), ((0, 5, 5, 3), (3, 3, 3, 2), {}),
                       ((1, 5, 5, 3), (2, 3, 3, 1), dict(padding="EXPLICIT", explicit_paddings=[0, 0, 1, 2, 3, 0, 0, 0]))):
        attrs = {**dict(strides=[1, 1, 1, 1], padding="SAME"), **more}
        yield op("DepthwiseConv2dNative", [values(x), values(f)], names, const=(1,), **attrs)


def nn_pool():
    plain = dict(ksize=[1, 2, 3, 1], strides=[1, 2, 1, 1], padding="SAME")
    for dtype in FLOATS + ("int32", "int64", "int8", "uint8", "int16", "uint16"):
        for padding in ("VALID", "SAME"):
            x = values((2, 5, 6, 3), dtype)
            yield op("MaxPool", [x], ["input"], **{**plain, "padding": padding})
            if dtype in FLOATS:
                yield op("AvgPool", [x], ["value"], **{**plain, "padding": padding})
    for name, arg in (("MaxPool", "input"), ("AvgPool", "value")):
        for shape, more in (((5, 5), {}), ((1, 1, 1, 3), dict(padding="VALID")), ((1, 5, 5, 3), dict(ksize=[1, 2, 2, 2])),
                            ((1, 5, 5, 4), dict(ksize=[1, 1, 1, 2], strides=[1, 1, 1, 2], padding="VALID")),
                            ((1, 5, 5, 4), dict(ksize=[2, 1, 1, 1])), ((1, 5, 5, 4), dict(ksize=[1, 0, 1, 1])),
                            ((0, 5, 5, 3), {}), ((1, 5, 5, 0), {}), ((1, 5, 5, 70), dict(ksize=[1, 7, 7, 1])),
                            ((1, 5, 5, 3), dict(ksize=[1, 7, 7, 1], padding="VALID")), ((1, 0, 5, 3), {}),
                            ((1, 5, 5, 3), dict(strides=[2, 1, 1, 1]))):
            yield op(name, [values(shape)], [arg], **{**plain, **more})
    yield op("MaxPool", [values((1, 5, 5, 3))], ["input"], ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="EXPLICIT",
             explicit_paddings=[0, 0, 1, 0, 2, 1, 0, 0])
    for k, s in (([1, 2, 2, 1], [1, 2, 2, 1]), ([1, 2, 2], [1, 2, 2, 1]), ([1, 2, 2, 1], [1, 2, 2])):
        for const in ((), (1, 2)):
            yield op("MaxPoolV2", [values((1, 5, 5, 3)), np.int32(k), np.int32(s)], ["input", "ksize", "strides"],
                     const=const, padding="VALID")


def nn_batch_norm():
    names = ["x", "scale", "offset", "mean", "variance"]
    v = np.array([1, 2, 3], np.float32)
    for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
        for dtype in ("float32",) if name == "FusedBatchNorm" else ("float32", "float16", "bfloat16"):
            x = values((2, 2, 3, 3), dtype)
            # Without training the reserve spaces are whatever was in memory: only y and the moments.
            yield graph(f"{name} {dtype} inference", [x, v, v / 10, v - 2, v],
                        lambda t, name=name: getattr(tf.raw_ops, name)(**dict(zip(names, t)), is_training=False)[:3])
            for factor, moments in ((1.0, v[:0]), (0.5, v)):
                yield graph(f"{name} {dtype} training {factor}", [x, v, v / 10, moments, moments],
                            lambda t, name=name, factor=factor: getattr(tf.raw_ops, name)(
                                **dict(zip(names, t)), is_training=True, exponential_avg_factor=factor)[:5])
    x = values((1, 2, 2, 3))
    for arrays in ([x, v[:2], v, v, v], [x, v, v[:2], v, v], [x, v, v, v[:2], v], [x, v, v, v, v[:2]], [x[0, 0], v, v, v, v],
                   [x, v[:, None], v, v, v], [x, v, v[:, None], v, v], [x[None], v, v, v, v], [x[:0], v, v, v, v]):
        yield graph(f"FusedBatchNormV3 {[a.shape for a in arrays]}", arrays,
                    lambda t: [tf.raw_ops.FusedBatchNormV3(**dict(zip(names, t)), is_training=False)[0]])


def nn_activations():
    special = [-1e-4, -1e-3, -.1, -1, -5, -20, -88, -100, -104, -0.0, 0, 1e-4, .3, .5, .7, 1, 5, 9, 14, 20, 88, 100]
    odd = [np.inf, -np.inf, np.nan]
    for name in ("Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign"):
        for dtype in FLOATS:
            numbers = special + ([] if name == "Softsign" else odd)
            yield op(name, [np.array(numbers).astype(BF16 if dtype == "bfloat16" else dtype)], ["features"])
        yield op(name, [values((3, 50), low=-9, high=9)], ["features"])
        yield op(name, [values((0, 2))], ["features"])
    for name in ("Relu", "Relu6"):
        for dtype in ("int32", "int64", "int8", "uint8", "int16", "uint16", "uint32", "uint64"):
            yield op(name, [values((20,), dtype)], ["features"])
    for alpha in (.2, 2., -1.):
        for dtype in FLOATS:
            yield op("LeakyRelu", [values((20,), dtype)], ["features"], alpha=alpha)
    for name in ("Sigmoid", "Tanh"):
        for dtype in FLOATS:
            yield op(name, [np.array(special + odd).astype(BF16 if dtype == "bfloat16" else dtype)], ["x"])
        yield op(name, [values((3, 50), low=-9, high=9)], ["x"])
    for dtype in ("float32", "float64"):
        yield op("ReluGrad", [values((9,), dtype), values((9,), dtype)], ["gradients", "features"])
    for name in ("Softmax", "LogSoftmax"):
        for dtype in FLOATS:
            for shape in ((2, 3), (5,), (2, 3, 40), (0, 3), (3, 0)):
                yield op(name, [values(shape, dtype, -8, 8)], ["logits"])
        yield op(name, [values(())], ["logits"])
        yield op(name, [np.float32([[1, np.inf], [np.nan, 1], [-np.inf, -np.inf], [-np.inf, 1], [1000, 1]])], ["logits"])


def nn_images():
    names = ["images", "size"]
    for name in ("ResizeBilinear", "ResizeNearestNeighbor"):
        for dtype in FLOATS + ("int32", "int64", "int8", "uint8", "int16", "uint16"):
            for more in ({}, dict(align_corners=True), dict(half_pixel_centers=True)):
                yield op(name, [values((2, 3, 4, 2), dtype), np.int32([5, 3])], names, **more)
        for shape, size, more in (((1, 2, 2, 3), [1, 1], dict(align_corners=True)), ((2, 2, 3), [3, 3], {}),
                                  ((1, 2, 2, 3), [3], {}), ((1, 2, 2, 3), [[3, 3]], {}), ((1, 2, 2, 3), [0, 3], {}),
                                  ((1, 0, 2, 3), [3, 3], {}), ((1, 2, 2, 0), [3, 3], {}), ((0, 2, 2, 3), [3, 3], {}),
                                  ((1, 2, 2, 3), [3, 3], dict(align_corners=True, half_pixel_centers=True))):
            for const in ((), (1,)):
                yield op(name, [values(shape), np.int32(size)], names, const=const, **more)


def nn_fake_quant():
    x = np.array([-9, -1.2, -1, -.5, -.01, 0, .3, .7, 1.1, 2.9, 3.2, 9], np.float32)
    for low, high in ((-1, 3), (.5, 2), (-3, -1), (0, 0)):
        for more in ({}, dict(num_bits=4, narrow_range=True)):
            yield op("FakeQuantWithMinMaxVars", [x, np.float32(low), np.float32(high)], ["inputs", "min", "max"], **more)
            if -2 < low < high:  # with -3, -1 an element lies halfway and there are two answers there
                yield op("FakeQuantWithMinMaxArgs", [x], ["inputs"], min=low, max=high, **more)
    v = np.float32([-1, -2, 0])
    yield op("FakeQuantWithMinMaxVarsPerChannel", [x.reshape(4, 3), v, v + 3], ["inputs", "min", "max"])
    yield op("FakeQuantWithMinMaxVarsPerChannel", [x.reshape(4, 3), v[:2], v], ["inputs", "min", "max"])
    yield op("FakeQuantWithMinMaxVars", [x, v, v], ["inputs", "min", "max"])
    yield op("FakeQuantWithMinMaxVars", [x, v[0], v[1]], ["inputs", "min", "max"], num_bits=1)
    yield op("FakeQuantWithMinMaxArgs", [x], ["inputs"], min=2., max=1.)


def nn_einsum():
    def einsum(equation, arrays, const=()):
        return graph(f"Einsum {equation} {[a.shape for a in arrays]} {arrays[0].dtype} const={list(const)}", arrays,
                     lambda t: [tf.raw_ops.Einsum(inputs=t, equation=equation)], const)
    for dtype in FLOATS + ("int32", "int64"):
        for equation, shapes in (("ij,jk->ik", ((2, 3), (3, 4))), ("abc,cde->abde", ((2, 3, 4), (4, 5, 2))), ("ij->ji", ((2, 3),)),
                                 ("ij->i", ((2, 3),)), ("aecd,abcd->acbe", ((2, 3, 2, 4), (2, 5, 2, 4)))):
            yield einsum(equation, [values(s, dtype) for s in shapes])
    for equation, *shapes in (
            ("ij,jk->ik", (2, 3), (4, 4)), ("ij,jk->ik", (2, 3, 1), (3, 4)), ("ij,jk->ik", (2,), (3, 4)),
            ("...ij,jk->...ik", (5, 2, 3), (3, 4)), ("...ij,...jk->...ik", (5, 2, 3), (1, 3, 4)),
            ("...ij,...jk->...ik", (5, 2, 3), (4, 3, 4)), ("...ij,...jk->...ik", (2, 1, 2, 3), (5, 3, 4)), ("ii->i", (3, 3)),
            ("ii->i", (3, 4)), ("ii->", (3, 3)), ("ij->", (3, 4)), ("ij->ji", (0, 3)), ("...->...", (2, 3)), ("...ij->...ji", (2, 3, 4)),
            ("abc,cd->abd", (2, 3, 0), (0, 4)), ("ij,ij->", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)), ("i,j->ji", (2,), (3,)),
            ("ijk,k->j", (2, 3, 4), (4,)), ("...ij->ij", (2, 2, 3)), ("i...,j...->ij...", (2, 3), (4, 3)),
            ("acbe,aecd->abcd", (2, 3, 4, 5), (2, 5, 3, 6)), ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6)), ("iij,j->i", (3, 3, 2), (2,)),
            ("bij,bjk->ikb", (3, 2, 4), (3, 4, 5))):
        for const in ((), (1,)) if len(shapes) > 1 else ((),):
            yield einsum(equation, [values(s) for s in shapes], const)


def nn_fused():
    """Chains that the fusion pass takes together, and some that it must leave alone."""
    acts = {"": lambda t: t, "Relu": tf.nn.relu, "Relu6": tf.nn.relu6, "Elu": tf.nn.elu, "Selu": tf.nn.selu, "Tanh": tf.tanh,
            "Sigmoid": tf.sigmoid, "Leaky": lambda t: tf.nn.leaky_relu(t, .3), "Softplus": tf.nn.softplus}
    w, b = values((17, 35)), values((35,))
    for m in (1, 3):
        for name, act in acts.items():
            yield graph(f"dense {m} {name}", [values((m, 17)), w, b],
                        lambda t, act=act: [act(tf.nn.bias_add(tf.matmul(t[0], t[1]), t[2]))], const=(1, 2))
    x = values((2, 17))
    steps = {"add": lambda t: t[0] @ t[1] + t[2], "add left": lambda t: t[2] + t[0] @ t[1], "sub": lambda t: t[0] @ t[1] - t[2],
             "sub left": lambda t: t[2] - t[0] @ t[1], "mul": lambda t: tf.nn.relu(t[0] @ t[1] * t[2] + 1),
             "div": lambda t: (t[0] @ t[1] + t[2]) / t[2] - .5, "twice": lambda t: tf.nn.relu((t[0] @ t[1] + t[2]) * 2 - t[2]),
             "relu mul": lambda t: tf.nn.relu(t[0] @ t[1] + t[2]) * t[2], "wider": lambda t: t[0] @ t[1] + t[2][None, None],
             "itself": lambda t: tf.add(*([tf.matmul(t[0], t[1])] * 2)) + t[2]}
    for name, build in steps.items():
        yield graph(f"dense {name}", [x, w, b], lambda t, build=build: [build(t)], const=(1, 2))
    yield graph("dense transposed", [x, w.T.copy(), b], lambda t: [tf.matmul(t[0], t[1], transpose_b=True) * t[2] + 1], const=(1, 2))
    yield graph("dense, bias is fed", [x, w, b], lambda t: [tf.nn.relu(t[0] @ t[1] + t[2])], const=(1,))

    def both(t):
        product = t[0] @ t[1]
        return [product, tf.nn.relu(product + t[2])]
    yield graph("dense, product is fetched", [x, w, b], both, const=(1, 2))
    for shape in ((2, 16), (17,), (2, 1, 17)):
        yield graph(f"dense of {shape}", [values(shape), w, b], lambda t: [tf.nn.relu(tf.nn.bias_add(tf.raw_ops.MatMul(a=t[0], b=t[1]), t[2]))],
                    const=(1, 2))
    c = np.arange(1, 5, dtype=np.float32) / 3
    yield graph("depthwise, two outputs per channel", [values((1, 4, 4, 2)), values((2, 2, 2, 2)), c], lambda t: [tf.nn.relu(
        tf.nn.bias_add(tf.raw_ops.DepthwiseConv2dNative(input=t[0], filter=t[1], strides=[1, 1, 1, 1], padding="SAME"), t[2]))],
                const=(1, 2))
    for kind in ("conv", "depthwise"):
        x, f = values((2, 5, 6, 4)), values((3, 3, 4, 4 if kind == "conv" else 1))

        def conv(t, kind=kind):
            run = tf.raw_ops.Conv2D if kind == "conv" else tf.raw_ops.DepthwiseConv2dNative
            return run(input=t[0], filter=t[1], strides=[1, 2, 2, 1], padding="SAME")

        def norm(y, t, training=False):
            return tf.raw_ops.FusedBatchNormV3(x=y, scale=t[2], offset=t[2] / 2, mean=t[2] - 1, variance=t[2], epsilon=1e-3,
                                               is_training=training)[0]
        for name, act in acts.items():
            yield graph(f"{kind} bias {name}", [x, f, c], lambda t, act=act: [act(tf.nn.bias_add(conv(t), t[2]))], const=(1, 2))
        yield graph(f"{kind} norm", [x, f, c], lambda t: [tf.nn.relu6(norm(conv(t), t))], const=(1, 2))
        yield graph(f"{kind} bias norm", [x, f, c], lambda t: [tf.nn.relu(norm(tf.nn.bias_add(conv(t), t[2]), t))], const=(1, 2))
        yield graph(f"{kind} mul add", [x, f, c], lambda t: [tf.nn.relu(conv(t) * t[2] + t[2])], const=(1, 2))
        yield graph(f"{kind} residual", [x, f, c], lambda t: [tf.nn.relu(tf.nn.bias_add(conv(t), t[2]) + t[0][:, ::2, ::2])],
                    const=(1, 2))
        pads = np.int32([[0, 0], [1, 2], [0, 1], [0, 0]])
        for outer, name in ((0, "pad"), (1, "pad of batch")):
            yield graph(f"{kind} {name}", [x, f, c, pads + np.int32([[0, outer], [0, 0], [0, 0], [0, 0]])], lambda t, kind=kind: [
                tf.nn.relu((tf.raw_ops.Conv2D if kind == "conv" else tf.raw_ops.DepthwiseConv2dNative)(
                    input=tf.raw_ops.Pad(input=t[0], paddings=t[3]), filter=t[1], strides=[1, 1, 1, 1], padding="VALID"))],
                        const=(1, 2, 3))
        yield graph(f"{kind} pad of a vector", [x.ravel(), f, c, pads], lambda t: [tf.raw_ops.Conv2D(
            input=tf.raw_ops.Pad(input=t[0], paddings=t[3]), filter=t[1], strides=[1, 1, 1, 1], padding="VALID")], const=(1, 2, 3))
        yield graph(f"{kind} of wrong depth", [x[..., :3], f, c], lambda t: [tf.nn.relu(tf.nn.bias_add(conv(t), t[2]))], const=(1, 2))


def nn():
    for part in (nn_matmul, nn_batch_matmul, nn_bias, nn_conv, nn_depthwise, nn_pool, nn_batch_norm, nn_activations, nn_images,
                 nn_fake_quant, nn_einsum, nn_fused):
        for case in part():
            # Sums of about 10, rounded before and after an activation near zero.
            case.tolerance = case.tolerance or ((1e-5, 1e-5) if part is nn_fused else None)
            yield case


FAMILIES = {"nn": nn}
for path in sorted(glob.glob(os.path.join(HERE, "cases_*.py"))):
    module = os.path.splitext(os.path.basename(path))[0]
    try:
        FAMILIES[module.removeprefix("cases_")] = importlib.import_module(module).cases
    except ImportError as e:
        print(f"{module} is left out: {e}", file=sys.stderr)

# ---- asking and writing ----


def fetched(result):
    if isinstance(result, (list, tuple)):
        return list(result)
    return [result]


def ask(case):
    """(GraphDef, feed names, fetch names, code, message, outputs) of a case; None when TensorFlow does not build the graph."""
    g = tf.Graph()
    with g.as_default():
        tensors, feeds = [], {}
        for i, array in enumerate(case.feeds):
            if i in case.const:
                tensors.append(tf.constant(array, name=f"c{i}"))
            else:
                tensors.append(tf1.placeholder(tf.as_dtype(np.asarray(array).dtype), shape=None, name=f"x{i}"))
                feeds[tensors[-1]] = array
        try:
            outputs = fetched(case.build(tensors))
        except (ValueError, TypeError, tf.errors.OpError):
            return None
    names = [t.name for t in outputs]
    options = tf1.ConfigProto()
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf1.Session(graph=g, config=options) as session:
        definition = g.as_graph_def().SerializeToString()
        feed_names = [t.name for t in feeds]
        if case.answers is not None:
            known = case.answers() if callable(case.answers) else case.answers
            return definition, feed_names, names, 0, "", [tf.make_tensor_proto(a).SerializeToString() for a in known]
        try:
            answers = [proto_of(a, t.dtype).SerializeToString() for a, t in zip(session.run(outputs, feeds), outputs)]
            return definition, feed_names, names, 0, "", answers
        except tf.errors.OpError as e:
            if case.answers_only or "No OpKernel was registered" in e.message:
                return None
            return definition, feed_names, names, e.error_code, message_of(e), [b""] * len(names)


def proto_of(array, dtype):
    """An array of quantised numbers does not say what it is."""
    return tf.make_tensor_proto(array, dtype if dtype.is_quantized else None)


def message_of(error):
    """The kernel's own words: without Python's trace and without the node's name."""
    text = error.message.removeprefix("Graph execution error:\n\n").split("\n\t [[")[0]
    if "Node: " in text:
        text = text.split("Node: ", 1)[1].split("\n", 1)[1]
    return text


def ask_apart(case):
    """The same in a process of its own, for some questions kill TensorFlow."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with os.fdopen(write, "wb") as out:
            pickle.dump(ask(case), out)
            out.flush()
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as inp:
        answer = inp.read()
    _, status = os.waitpid(pid, 0)
    return pickle.loads(answer) if status == 0 and answer else None


def tolerance(case):
    if case.tolerance:
        return case.tolerance
    kinds = [TOLERANCE[np.asarray(a).dtype.name] for a in case.feeds if np.asarray(a).dtype.name in TOLERANCE]
    return max(kinds) if kinds else (1e-5, 1e-6)


def blobs_of(case, answer):
    definition, feed_names, fetch_names, code, message, outputs = answer
    rtol, atol = tolerance(case)
    blobs = [case.name.encode(), definition, b"%d" % code, message.encode(), repr(rtol).encode(), repr(atol).encode(),
             b"%d" % len(feed_names)]
    arrays = [a for i, a in enumerate(case.feeds) if i not in case.const]
    for name, array in zip(feed_names, arrays):
        blobs += [name.encode(), proto_of(array, tf.as_dtype(np.asarray(array).dtype)).SerializeToString()]
    for name, output in zip(fetch_names, outputs):
        blobs += [name.encode(), output]
    return blobs


def write(family):
    """All answers first, then the file: a child that asks must not inherit a half-written one."""
    records, skipped = [], 0
    path = os.path.join(HERE, "ops", family + ".gz")
    for case in FAMILIES[family]():
        answer = ask_apart(case)
        if answer is None:
            skipped += 1
            print("skipped:", case.name, file=sys.stderr)
            continue
        blobs = blobs_of(case, answer)
        records.append(struct.pack("<I", len(blobs)) + b"".join(struct.pack("<I", len(blob)) + blob for blob in blobs))
    made = len(records)
    with open(path, "wb") as out:
        out.write(gzip.compress(b"".join(records), mtime=0))
    print(f"{path}: {made} cases, {skipped} that TensorFlow refuses to build or dies of, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    for name in sys.argv[1:] or FAMILIES:
        write(name)
