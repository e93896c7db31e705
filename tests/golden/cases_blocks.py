# SPDX-License-Identifier: Apache-2.0
"""Cases of blocks, rolls, windows that are no convolution and local responses, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import op, rng, values

REAL = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def words(shape):
    return np.array([b"w%d" % i for i in range(int(np.prod(shape)))], object).reshape(shape)


def depths():
    for dtype in REAL:
        yield op("DepthToSpace", [values((2, 3, 2, 8), dtype)], ["input"], block_size=2)
        yield op("SpaceToDepth", [values((2, 4, 6, 3), dtype)], ["input"], block_size=2)
    for x in (words((1, 2, 2, 4)), rng.uniform(size=(1, 2, 2, 4)) > 0.5, values((1, 2, 2, 4)).astype("complex64")):
        yield op("DepthToSpace", [x], ["input"], block_size=2)
        yield op("SpaceToDepth", [x], ["input"], block_size=2)
    for shape, block in (((1, 3, 3, 9), 3), ((1, 6, 9, 1), 3), ((0, 4, 4, 4), 2), ((4, 4, 4), 2), ((1, 4, 5, 5), 2), ((1, 4, 4, 16), 4), ((1, 1, 1, 4), 2)):
        yield op("DepthToSpace", [values(shape)], ["input"], block_size=block)
        yield op("SpaceToDepth", [values(shape)], ["input"], block_size=block)


def batches():
    i = np.int32
    names = ["input", "block_shape", "paddings"]
    crop_names = ["input", "block_shape", "crops"]
    for dtype in REAL:
        yield op("SpaceToBatchND", [values((2, 4, 5, 3), dtype), i([2, 3]), i([[1, 1], [0, 1]])], names, const=(1,))
        yield op("BatchToSpaceND", [values((12, 3, 2, 3), dtype), i([2, 3]), i([[1, 1], [0, 1]])], crop_names, const=(1,))
    for shape, block, ends in (((2, 6), [3], [[0, 0]]), ((2, 6, 4), [2], [[2, 0]]), ((1, 4, 4, 4, 2), [2, 1, 2], [[0, 0], [1, 2], [2, 0]]), ((2, 4, 4), [1, 1], [[0, 0], [0, 0]]), ((2, 4), [], np.zeros((0, 2))), ((0, 4, 4, 1), [2, 2], [[0, 0], [0, 0]]),
                               ((1, 1, 1, 1), [2, 2], [[1, 0], [0, 1]]), ((2, 3, 3, 1), [2, 2], [[0, 0], [0, 0]]), ((2, 4, 4), [2, 2, 2], [[0, 0]] * 3), ((2, 4, 4), [2, 2], [[0, 0]]), ((2, 4, 4), [[2, 2]], [[0, 0], [0, 0]]),
                               ((2, 4, 4), [2, 0], [[0, 0], [0, 0]]), ((2, 4, 4), [2, 2], [[-1, 1], [0, 0]]), ((2, 4, 4), [2, -2], [[0, 0], [0, 0]]), ((1, 1, 6), [1, 3], [[0, 0], [4, 2]]), ((3, 5, 2), [1, 2], [[0, 0], [0, 0]])):
        for dtype in ("int32", "int64"):
            const = (1, 2) if dtype == "int64" else (1,)
            yield op("SpaceToBatchND", [values(shape), np.array(block, dtype), np.array(ends, dtype)], names, const=const)
    for shape, block, ends in (((6, 2), [3], [[0, 0]]), ((4, 6, 4), [2], [[2, 1]]), ((4, 4, 4, 4, 2), [2, 1, 2], [[0, 0], [1, 2], [2, 0]]), ((2, 4, 4), [1, 1], [[0, 0], [0, 0]]), ((2, 4), [], np.zeros((0, 2))), ((0, 4, 4, 1), [2, 2], [[0, 0], [0, 0]]),
                               ((4, 1, 1, 1), [2, 2], [[1, 0], [0, 1]]), ((3, 3, 3, 1), [2, 2], [[0, 0], [0, 0]]), ((8, 4, 4), [2, 2, 2], [[0, 0]] * 3), ((4, 4, 4), [2, 2], [[0, 0]]), ((4, 4, 4), [[2, 2]], [[0, 0], [0, 0]]),
                               ((4, 4, 4), [2, 0], [[0, 0], [0, 0]]), ((4, 4, 4), [2, 2], [[-1, 1], [0, 0]]), ((4, 2, 2), [2, 2], [[3, 3], [0, 0]]), ((4, 2, 2), [2, 2], [[2, 2], [0, 0]]), ((3, 5, 4), [1, 3], [[0, 0], [5, 4]])):
        for dtype in ("int32", "int64"):
            const = (1, 2) if dtype == "int64" else (1,)
            yield op("BatchToSpaceND", [values(shape), np.array(block, dtype), np.array(ends, dtype)], crop_names, const=const)
    for shape, ends, block in (((1, 4, 4, 2), [[0, 0], [0, 0]], 2), ((2, 5, 3, 1), [[1, 0], [2, 1]], 3), ((4, 4, 2), [[0, 0], [0, 0]], 2), ((1, 5, 4, 2), [[0, 0], [0, 0]], 2), ((1, 4, 4, 2), [[0, 0]], 2), ((1, 4, 4, 2), [[0, 0], [0, -2]], 2)):
        yield op("SpaceToBatch", [values(shape), np.int32(ends)], ["input", "paddings"], block_size=block)
    for shape, ends, block in (((4, 2, 2, 2), [[0, 0], [0, 0]], 2), ((9, 2, 3, 1), [[1, 0], [2, 1]], 3), ((4, 4, 2), [[0, 0], [0, 0]], 2), ((3, 5, 4, 2), [[0, 0], [0, 0]], 2), ((4, 1, 1, 2), [[0, 0], [2, 1]], 2), ((4, 4, 4, 2), [[0, 0], [0, -2]], 2)):
        yield op("BatchToSpace", [values(shape), np.int64(ends)], ["input", "crops"], block_size=block)


def rolls():
    names = ["input", "shift", "axis"]
    for dtype in REAL:
        yield op("Roll", [values((3, 4, 5), dtype), np.int32([2, -1]), np.int32([0, 2])], names)
    for x, shift, axis in ((words((2, 3)), 1, 1), (values((6,)), 2, 0), (values((6,)), -13, -1), (values((4, 5)), [1, 2], [0, 0]), (values((4, 5)), [7, -3], [1, 0]), (values((2, 3, 4, 2)), [1, 1], [1, 2]), (values((0, 3)), 1, 0),
                           (values((3, 0)), [1, 1], [0, 1]), (values((4, 5)), 0, 0), (values((1, 5)), 3, 0), (values(()), 1, 0), (values((3, 3)), [1, 2], [0]), (values((3, 3)), [[1]], [[0]]), (values((3, 3)), 1, 2), (values((3, 3)), 1, -3), (values((3, 3)), [], [])):
        for dtype in ("int32", "int64"):
            yield op("Roll", [x, np.array(shift, dtype), np.array(axis, "int32" if dtype == "int64" else "int64")], names)
    yield op("Roll", [values((5,)), np.int64(2**32 + 1), np.int32(0)], names)


def responses():
    for dtype in ("float32", "float16", "bfloat16"):
        rough = {"float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2)}.get(dtype)
        for attrs in (dict(), dict(depth_radius=2, bias=2.0, alpha=1e-2, beta=0.75), dict(depth_radius=0, beta=1.0), dict(depth_radius=50)):
            yield op("LRN", [values((2, 2, 3, 9), dtype)], ["input"], tolerance=rough, **attrs)
    yield op("LRN", [values((1, 1, 2, 400))], ["input"])
    for shape in ((3, 4, 5), (0, 1, 2, 3), (1, 2, 3, 0)):
        yield op("LRN", [values(shape)], ["input"])
    yield op("LRN", [values((1, 1, 1, 3))], ["input"], depth_radius=-1)
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        for shape in ((3, 4), (), (0,), (7,)):
            yield op("L2Loss", [values(shape, dtype)], ["t"], tolerance=(2e-2, 2e-2) if "16" in dtype else None)


def windows():
    plain = dict(ksizes=[1, 2, 3, 1], strides=[1, 2, 1, 1], rates=[1, 1, 1, 1])
    for dtype in REAL + ("bool", "complex64"):
        x = values((2, 5, 6, 2), "float32" if dtype in ("bool", "complex64") else dtype)
        x = x > 0 if dtype == "bool" else x.astype(dtype) if dtype == "complex64" else x
        for padding in ("VALID", "SAME"):
            yield op("ExtractImagePatches", [x], ["images"], padding=padding, **plain)
    for shape, more in (((1, 9, 9, 1), dict(rates=[1, 2, 3, 1])), ((1, 9, 9, 1), dict(strides=[1, 4, 5, 1])), ((1, 2, 2, 1), dict(ksizes=[1, 5, 5, 1])), ((0, 5, 5, 2), {}), ((5, 5, 2), {}), ((1, 5, 5, 2), dict(ksizes=[2, 2, 2, 1])),
                        ((1, 5, 5, 2), dict(rates=[1, 1, 1, 2])), ((1, 5, 5, 2), dict(strides=[1, 0, 1, 1])), ((1, 5, 5, 2), dict(ksizes=[1, 0, 1, 1]))):
        for padding in ("VALID", "SAME"):
            yield op("ExtractImagePatches", [values(shape)], ["images"], padding=padding, **{**plain, **more})
    plain = dict(strides=[1, 2, 1, 1], rates=[1, 1, 1, 1])
    for dtype in REAL:
        for padding in ("VALID", "SAME"):
            yield op("Dilation2D", [values((2, 5, 6, 2), dtype), values((2, 3, 2), dtype)], ["input", "filter"], padding=padding, **plain)
    for shape, filter, more in (((1, 9, 9, 1), (2, 2, 1), dict(rates=[1, 2, 3, 1])), ((1, 2, 2, 1), (5, 5, 1), {}), ((0, 5, 5, 2), (2, 2, 2), {}), ((5, 5, 2), (2, 2, 2), {}), ((1, 5, 5, 2), (2, 2, 3), {}), ((1, 5, 5, 2), (1, 2, 2, 2), {}),
                                ((1, 5, 5, 2), (2, 2, 2), dict(strides=[2, 1, 1, 1])), ((1, 5, 5, 2), (2, 2, 2), dict(rates=[1, 1, 1, 3]))):
        for padding in ("VALID", "SAME"):
            yield op("Dilation2D", [values(shape), values(filter)], ["input", "filter"], padding=padding, **{**plain, **more})
    plain = dict(ksize=[1, 2, 3, 1], strides=[1, 2, 1, 1])
    for dtype in REAL:
        for padding in ("VALID", "SAME"):
            for target in (tf.int32, tf.int64):
                yield op("MaxPoolWithArgmax", [values((2, 5, 6, 2), dtype)], ["input"], padding=padding, Targmax=target, include_batch_in_index=target == tf.int32, **plain)
    x = values((1, 4, 4, 1))
    x[0, 0, 0, 0] = x[0, 2, 3, 0] = np.nan
    x[0, 2, 0, 0] = -np.inf
    yield op("MaxPoolWithArgmax", [x], ["input"], padding="SAME", **plain)
    for shape, more in (((5, 5, 2), {}), ((0, 5, 5, 2), {}), ((1, 1, 5, 2), {}), ((1, 5, 5, 2), dict(ksize=[2, 1, 1, 1])), ((1, 5, 5, 2), dict(ksize=[1, 1, 1, 2])), ((1, 5, 5, 2), dict(ksize=[1, 2, 2])), ((1, 5, 5, 2), dict(strides=[2, 1, 1, 1]))):
        for padding in ("VALID", "SAME"):
            yield op("MaxPoolWithArgmax", [values(shape)], ["input"], padding=padding, **{**plain, **more})


def cases():
    for family in (depths, batches, rolls, responses, windows):
        yield from family()
