# SPDX-License-Identifier: Apache-2.0
"""What comparing random shapes, dtypes and attributes with TensorFlow's answers has brought to light."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values


def strided():
    """begin_mask has no say where shrink_axis_mask takes one element."""
    x = values((4, 3))
    for begin in (-5, -4, -1, 0, 2, 4):
        for mask in (0, 1):
            yield op("StridedSlice", [x, np.int32([begin]), np.int32([0]), np.int32([1])], ["input", "begin", "end", "strides"], begin_mask=mask,
                     end_mask=mask, shrink_axis_mask=1)
    yield op("StridedSlice", [x, np.int16([1, -2]), np.int16([3, 0]), np.int16([1, -1])], ["input", "begin", "end", "strides"], end_mask=2)


def reductions():
    """Axes that are said twice; integers whose sum does not fit."""
    names = ["input", "axis"]
    for name in ("Sum", "Mean", "Prod", "Max", "Min", "EuclideanNorm"):
        yield op(name, [values((2, 3)), np.int32([1, -1])], names)
        yield op(name, [values((2, 3)), np.int32([0, 5, 0])], names)
    yield op("All", [values((2, 3)) > 0, np.int32([1, 0, 1])], names)
    for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
        limits = np.iinfo(dtype)
        x = np.array([[limits.max, limits.max, 3], [limits.max, 2, limits.min]], dtype)
        for axis in (0, 1, [0, 1]):
            if dtype != "int64":
                yield op("Mean", [x, np.int32(axis)], names)
        yield op("Mean", [np.full((300,), 2, dtype), np.int32(0)], names)
        yield op("Mean", [x[:, :0], np.int32(1)], names)


def pools():
    for pads in ([0, 0, 0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 2, 1, 0, 0], [0, 0, 0, 0, 1, 2, 0, 0], [0, 0, 0, 0, 1, 1, 0, 0]):
        yield op("MaxPool", [values((1, 4, 4, 2))], ["input"], ksize=[1, 1, 2, 1], strides=[1, 1, 1, 1], padding="EXPLICIT", explicit_paddings=pads)


def splits():
    for sizes in ([-1], [2], [3]):
        yield graph(f"SplitV {sizes}", [values((3, 2)), np.int32(sizes), np.int32(0)], lambda t: tf.raw_ops.SplitV(
            value=t[0], size_splits=t[1], axis=t[2], num_split=1))
    for shape, indices in (((2, 0), [0, 0]), ((2, 0), [[1], [0]]), ((0, 2), [0]), ((2, 0), np.zeros((0, 1)))):
        yield op("GatherNd", [values(shape), np.array(indices, np.int32)], ["params", "indices"])


def ordered():
    """Numbers that are none are passed over."""
    n, i = np.nan, np.inf
    rows = np.array([[n, 1, 2], [1, n, 0], [n, n, n], [2, n, 1], [n, 2, 1], [n, i, 3], [n, -i, n], [i, i, i], [-i, -i, n], [0, -0.0, 1]])
    for dtype in ("float32", "float64", "float16"):
        for name in ("ArgMax", "ArgMin"):
            yield op(name, [rows.astype(dtype), np.int32(1)], ["input", "dimension"])
            yield op(name, [rows.T.astype(dtype), np.int32(0)], ["input", "dimension"])


def nothing():
    """What has no elements is not looked at."""
    yield op("GatherV2", [values((2, 0)), np.int32([5]), np.int32(0)], ["params", "indices", "axis"])
    yield op("GatherV2", [values((0, 3)), np.int32([5]), np.int32(0)], ["params", "indices", "axis"])
    yield op("UnsortedSegmentSum", [values((2, 0)), np.int32([0, 9]), np.int32(3)], ["data", "segment_ids", "num_segments"])
    for masks in (dict(new_axis_mask=1, shrink_axis_mask=2), dict(ellipsis_mask=1, shrink_axis_mask=2)):
        yield op("StridedSlice", [values((4, 3)), np.int32([0, -9]), np.int32([0, 1]), np.int32([1, 1])], ["input", "begin", "end", "strides"], **masks)


def cases():
    for part in (strided, reductions, pools, splits, ordered, nothing):
        yield from part()
