# SPDX-License-Identifier: Apache-2.0
"""Cases of the array, string and parse families for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

ANY = ("float32", "int64", "uint8", "bool", "complex64", "float16")


def of(dtype, shape):
    if dtype == "bool":
        return values(shape, "int32") > 0
    if dtype.startswith("complex"):
        return (values(shape) + 1j * values(shape)).astype(dtype)
    return values(shape, dtype)


def i32(*numbers):
    return np.array(numbers, np.int32)


def i64(*numbers):
    return np.array(numbers, np.int64)


def reshape():
    for shape, sizes in (((2, 6), (3, 4)), ((2, 6), (-1, 3)), ((2, 6), (4, -1, 3)), ((0, 3), (0, -1)), ((0, 3), (-1, 3)),
                         ((2, 6), (5, -1)), ((2, 6), (5,)), ((2, 6), (-1, -1)), ((2, 6), (-2, 6)), ((2, 6), (-3,)),
                         ((1,), ()), ((2,), ()), ((), (1, 1)), ((0,), (5, 0)), ((4, 0), (-1,)), ((2, 6), (2, 6, 0))):
        for const in ((), (1,)):
            yield op("Reshape", [values(shape), i32(*sizes)], ["tensor", "shape"], const=const)
    yield op("Reshape", [values((2, 6)), i64(3, 4)], ["tensor", "shape"])
    yield op("Reshape", [values((2, 6)), np.array([[3], [4]], np.int32)], ["tensor", "shape"])
    for dim in (0, 1, 2, -1, -3, 3, -4):
        yield op("ExpandDims", [values((2, 3)), np.int32(dim)], ["input", "axis"], const=(1,))
    for shape, dims in (((1, 2, 1), []), ((1, 2, 1), [0]), ((1, 2, 1), [-1]), ((1, 2, 1), [0, 2]), ((1, 2, 1), [1]),
                        ((1, 2, 1), [3]), ((1, 1), []), ((2,), [])):
        yield op("Squeeze", [values(shape)], ["input"], axis=dims)
    for dtype in ANY:
        for out in (tf.int32, tf.int64):
            yield op("Shape", [of(dtype, (2, 0, 3))], ["input"], out_type=out)
            yield op("Size", [of(dtype, (2, 5, 3))], ["input"], out_type=out)
        yield op("Rank", [of(dtype, (2, 5, 3))], ["input"])
    yield graph("ShapeN", [values((2, 3)), values((4,)), values(())],
                lambda t: tf.raw_ops.ShapeN(input=t, out_type=tf.int64))


def join():
    for dtype in ANY:
        for axis in (0, 1, -1):
            parts = [of(dtype, (2, 3)), of(dtype, (2, 3)), of(dtype, (2, 3))]
            yield graph(f"ConcatV2 {dtype} {axis}", parts,
                        lambda t, axis=axis: tf.raw_ops.ConcatV2(values=t, axis=axis))
            yield graph(f"Pack {dtype} {axis}", parts, lambda t, axis=axis: tf.raw_ops.Pack(values=t, axis=axis))
    for shapes, axis in (([(2, 3), (2, 4)], 1), ([(2, 3), (3, 3)], 0), ([(2, 3), (2, 4)], 0), ([(2, 3), (3,)], 0),
                         ([(2, 3), (2, 3)], 2), ([(0, 3), (2, 3)], 0), ([(), ()], 0), ([(3,), (2,)], -1), ([(3,), (2,)], -2)):
        parts = [values(s) for s in shapes]
        yield graph(f"ConcatV2 {shapes} {axis}", parts, lambda t, axis=axis: tf.raw_ops.ConcatV2(values=t, axis=axis))
        yield graph(f"Concat {shapes} {axis}", parts, lambda t, axis=axis: tf.raw_ops.Concat(concat_dim=axis, values=t))
    for shapes, axis in (([(2, 3), (2, 4)], 0), ([(), ()], 0), ([(2,), (2,)], 2), ([(2,), (2,)], -2), ([(0,), (0,)], 1)):
        parts = [values(s) for s in shapes]
        yield graph(f"Pack {shapes} {axis}", parts, lambda t, axis=axis: tf.raw_ops.Pack(values=t, axis=axis))
    for shape, num, axis in (((2, 3), 2, 0), ((2, 3), 3, 1), ((2, 3), 3, -1), ((2, 3), 2, 1), ((3,), 3, 0), ((2, 3), 2, 2)):
        yield op("Unpack", [values(shape)], ["value"], num=num, axis=axis)
    for shape, num, axis in (((4, 6), 2, 0), ((4, 6), 3, 1), ((4, 6), 3, -1), ((4, 6), 4, 1), ((4, 6), 2, 2), ((0, 6), 2, 0)):
        yield op("Split", [np.int32(axis), values(shape)], ["axis", "value"], const=(0,), num_split=num)
        yield op("Split", [np.int32(axis), values(shape)], ["axis", "value"], num_split=num)
    for sizes, axis in ((i32(1, 3, 2), 1), (i32(1, -1, 2), 1), (i32(1, 3, 3), 1), (i32(-1, -1, 2), 1), (i32(4, 0), 0),
                        (i32(4, -2), 0), (i64(6), -1)):
        yield op("SplitV", [values((4, 6)), sizes, np.int32(axis)], ["value", "size_splits", "axis"], const=(1, 2),
                 num_split=len(sizes))


def slices():
    x = values((4, 5, 6))
    names = ["input", "begin", "size"]
    for begin, size in (((0, 1, 2), (2, 3, -1)), ((0, 0, 0), (-1, -1, -1)), ((4, 0, 0), (0, 5, 6)), ((1, 2), (1, 2)),
                        ((0, 0, 7), (1, 1, 0)), ((0, 0, 0), (5, 1, 1)), ((-1, 0, 0), (1, 1, 1))):
        yield op("Slice", [x, i32(*begin), i32(*size)], names, const=(1, 2))
        yield op("Slice", [x, i64(*begin), i64(*size)], names)
    for begin, end, strides, masks in (
            ((1,), (3,), (1,), {}), ((0, 1), (4, 5), (2, 2), {}), ((-1,), (0,), (-1,), {}), ((3,), (0,), (-1,), dict(end_mask=1)),
            ((0, 0), (0, 0), (1, 1), dict(begin_mask=3, end_mask=3)), ((1, 2), (2, 3), (1, 1), dict(shrink_axis_mask=1)),
            ((0, -1), (0, 0), (1, 1), dict(ellipsis_mask=1, shrink_axis_mask=2)), ((0, 0, 2), (0, 0, 4), (1, 1, 1), dict(new_axis_mask=1, ellipsis_mask=2)),
            ((0, 0, 0), (0, 0, 0), (1, 1, 1), dict(new_axis_mask=5, ellipsis_mask=2)), ((9,), (10,), (1,), {}), ((9,), (10,), (1,), dict(shrink_axis_mask=1)),
            ((-9,), (10,), (1,), dict(shrink_axis_mask=1)), ((0,), (4,), (0,), {}), ((0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 1, 1), {}),
            ((5,), (1,), (1,), {}), ((100,), (-100,), (-3,), {}), ((2,), (1,), (-1,), dict(shrink_axis_mask=1)), ((0, 1, 2), (1, 2, 3), (1, 1, 1), dict(shrink_axis_mask=7))):
        arrays = [x, i32(*begin), i32(*end), i32(*strides)]
        yield op("StridedSlice", arrays, ["input", "begin", "end", "strides"], const=(1, 2, 3), **masks)
        yield op("StridedSlice", arrays, ["input", "begin", "end", "strides"], **masks)
    for axes in ((0,), (1,), (-1,), (0, 2), (), (3,), (0, -3)):
        yield op("ReverseV2", [x, i32(*axes)], ["tensor", "axis"], const=(1,))
    for dtype in ANY:
        for perm in ((2, 0, 1), (0, 2, 1), (2, 1, 0), (0, 1, 2)):
            yield op("Transpose", [of(dtype, (2, 3, 4)), i32(*perm)], ["x", "perm"], const=(1,))
    for perm in ((0, 1), (0, 0, 1), (0, 1, 3), (-1, 0, 1)):
        yield op("Transpose", [x, i32(*perm)], ["x", "perm"])
    for shape, target in (((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (4, 3)), ((), (2, 2)), ((2, 3), (3,)), ((2,), (3,)),
                          ((1, 3), (0, 3)), ((2, 3), (2, 3))):
        yield op("BroadcastTo", [values(shape), i32(*target)], ["input", "shape"], const=(1,))
    for shape, multiples in (((2, 3), (1, 2)), ((2, 3), (3, 1)), ((2, 3), (2, 2)), ((2, 3), (0, 2)), ((2, 3), (2,)), ((), ()),
                             ((2, 1, 2), (2, 3, 2)), ((2, 3), (-1, 1))):
        yield op("Tile", [values(shape), i32(*multiples)], ["input", "multiples"], const=(1,))
    for dtype in ANY:
        for paddings in ([[1, 2], [0, 1]], [[0, 0], [0, 0]], [[3, 0], [2, 2]]):
            yield op("Pad", [of(dtype, (2, 3)), np.array(paddings, np.int32)], ["input", "paddings"], const=(1,))
        yield op("PadV2", [of(dtype, (2, 3)), np.array([[1, 2], [0, 1]], np.int32), of(dtype, ())], ["input", "paddings", "constant_values"])
    for paddings in ([[1, 2]], [[-1, 0], [0, 0]], [[1], [2]]):
        yield op("Pad", [values((2, 3)), np.array(paddings, np.int32)], ["input", "paddings"])
    for mode in ("SYMMETRIC", "REFLECT"):
        for paddings in ([[1, 1], [2, 2]], [[0, 1], [1, 0]], [[2, 2], [0, 0]], [[3, 0], [0, 0]]):
            yield op("MirrorPad", [values((2, 3)), np.array(paddings, np.int32)], ["input", "paddings"], const=(1,), mode=mode)


def fills():
    for dtype in ANY + ("int32", "float64", "bfloat16"):
        yield op("Fill", [i32(2, 3), of(dtype, ())], ["dims", "value"], const=(0,))
        yield op("ZerosLike", [of(dtype, (2, 3))], ["x"])
        yield op("OnesLike", [of(dtype, (2, 3))], ["x"])
    for dims in ((), (0,), (2, -1)):
        yield op("Fill", [i32(*dims), np.float32(3)], ["dims", "value"])
    for start, limit, delta in ((0, 5, 1), (0, 5, 2), (5, 0, -1), (5, 0, -2), (0, 0, 1), (0, 5, -1), (5, 0, 1), (0, 5, 0), (3, 18, 5)):
        for dtype in ("int32", "int64", "float32", "float64"):
            yield op("Range", [np.array(v, dtype) for v in (start, limit, delta)], ["start", "limit", "delta"])
    yield op("Range", [np.float32(0), np.float32(1), np.float32(0.1)], ["start", "limit", "delta"], const=(0, 1, 2))
    for axis in (-1, 0, 1, 2, 3):
        for indices in (i32(0, 2, -1), np.array([[0, 1], [3, 1]], np.int64)):
            yield op("OneHot", [indices, np.int32(3), np.float32(5), np.float32(-1)], ["indices", "depth", "on_value", "off_value"], const=(1,), axis=axis)
    yield op("OneHot", [i32(1), np.int32(-1), np.float32(5), np.float32(-1)], ["indices", "depth", "on_value", "off_value"])
    for depth in (i32(3), i32(3, 3)):
        yield op("OneHot", [i32(1), depth, np.float32(5), np.float32(-1)], ["indices", "depth", "on_value", "off_value"])
    for limit in (i32(3), i32(3, 3), np.int32([[3]])):
        yield op("Range", [np.int32(0), limit, np.int32(1)], ["start", "limit", "delta"])


def gathers():
    p = values((4, 3, 2))
    for dtype in ANY:
        for axis in (0, 1, 2, -1):
            yield op("GatherV2", [of(dtype, (4, 3, 2)), i32(0, 1, 1), np.int32(axis)], ["params", "indices", "axis"], const=(2,))
    for indices, axis, batch in ((np.array([[0, 3], [1, 1]], np.int64), 0, 0), (np.int32(2), 0, 0), (i32(), 1, 0), (i32(4), 0, 0), (i32(-1), 0, 0),
                                 (np.array([[0, 9]], np.int32), 0, 0), (i32(0), 3, 0), (np.zeros((4, 2), np.int32), 1, 1), (np.zeros((3, 2), np.int32), 1, 1),
                                 (np.ones((4, 3, 1), np.int32), 2, 2), (np.zeros((4, 2), np.int32), 0, 1)):
        yield op("GatherV2", [p, indices, np.int32(axis)], ["params", "indices", "axis"], const=(2,), batch_dims=batch)
    yield op("Gather", [p, i32(3, 0)], ["params", "indices"])
    for indices in ([[0], [3]], [[0, 1], [3, 2]], [[0, 1, 1]], [[[0, 0, 0]], [[3, 2, 1]]], [[4]], [[0, 3]], [[0, 0, 0, 0]], [0, 1], []):
        yield op("GatherNd", [p, np.array(indices, np.int32)], ["params", "indices"])
    yield op("GatherNd", [p, np.zeros((2, 0), np.int32)], ["params", "indices"])
    for dtype in ("float32", "int32", "bool", "complex64", "uint8"):
        yield op("Where", [of(dtype, (3, 4))], ["condition"])
    for x in (np.array(True), np.zeros((2, 0), bool), np.array([0.0, -0.0, np.nan], np.float32)):
        yield op("Where", [x], ["condition"])
    for x in (i32(3, 1, 3, 2, 1), i64(), np.array([1.5, 1.5, -1], np.float32), np.array([b"a", b"b", b"a"], object), np.zeros((2, 2), np.int32)):
        yield op("Unique", [x], ["x"])
        yield op("Unique", [x], ["x"], out_idx=tf.int64)
    for x in (i32(2, 0, 1), i64(0), i32(0, 0), i32(0, 3), i32()):
        yield op("InvertPermutation", [x], ["x"])
    for a, b in (((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,)), ((2, 3), (2, 3)), ((2,), (3,)), ((1,), (1, 1)), ((1, 3, 1), (2, 1, 1))):
        yield op("BroadcastArgs", [i32(*a), i32(*b)], ["s0", "s1"])
        yield op("BroadcastGradientArgs", [i32(*a), i32(*b)], ["s0", "s1"])


def selects():
    for c, t, e in (((2, 3), (2, 3), (2, 3)), ((3,), (2, 3), (2, 3)), ((2, 1), (1, 3), ()), ((), (2,), (2,)), ((2, 3), (2,), (3,)), ((0, 3), (1, 3), (3,))):
        for dtype in ("float32", "int64", "complex64"):
            yield op("SelectV2", [of("bool", c), of(dtype, t), of(dtype, e)], ["condition", "t", "e"])
    for c, t, e in (((2, 3), (2, 3), (2, 3)), ((2,), (2, 3), (2, 3)), ((), (2, 3), (2, 3)), ((3,), (2, 3), (2, 3)), ((2, 3), (2, 3), (3, 2))):
        yield op("Select", [of("bool", c), values(t), values(e)], ["condition", "x", "y"])
    numbers = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128")
    for source in numbers:
        for target in numbers:
            yield op("Cast", [of(source, (7,))], ["x"], DstT=tf.as_dtype(target), tolerance=(1e-5, 1e-6))
    yield op("Cast", [np.array([1e10, -1e10, np.nan, 3.7, -3.7], np.float32)], ["x"], DstT=tf.int32)


def strings():
    s = np.array([b"a b  c", b"", b"x,y z", b" lead"], object)
    for delimiter in (b" ", b",", b" ,", b""):
        for skip in (True, False):
            yield op("StringSplit", [s, np.array(delimiter, object)], ["input", "delimiter"], skip_empty=skip)
    m = np.array([[b"a", b"b", b"c"], [b"d", b"", b"f"]], object)
    for axes in ((0,), (1,), (-1,), (0, 1), (1, 0), (), (2,)):
        for keep in (False, True):
            yield op("ReduceJoin", [m, i32(*axes)], ["inputs", "reduction_indices"], const=(1,), keep_dims=keep, separator="-")
    yield graph("StringJoin", [m, m, np.array(b"!", object)], lambda t: tf.raw_ops.StringJoin(inputs=t, separator="+"))
    yield graph("StringJoin bad", [m, m[:1]], lambda t: tf.raw_ops.StringJoin(inputs=t))


def example(**features):
    def feature(v):
        if isinstance(v, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[v]))
        if v and isinstance(v[0], bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=v))
        if v and isinstance(v[0], float):
            return tf.train.Feature(float_list=tf.train.FloatList(value=v))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=v))
    return tf.train.Example(features=tf.train.Features(feature={k: feature(v) for k, v in features.items()})).SerializeToString(deterministic=True)


def flatten(structure):
    out = []
    for key in sorted(structure):
        v = structure[key]
        if isinstance(v, tf.SparseTensor):
            out += [v.indices, v.values, v.dense_shape]
        elif isinstance(v, tf.RaggedTensor):
            out += [v.flat_values, v.row_splits]
        else:
            out.append(v)
    return out


def parsing():
    good = [example(x=[1.0, 2.0], i=[3], s=[b"t", b"u"], v=[1.0, 2.0, 3.0]), example(x=[4.0, 5.0], v=[]), example(x=[0.0, 1.0], i=[7, 8], s=b"w", v=[9.0])]
    fixed = {"x": tf.io.FixedLenFeature([2], tf.float32)}
    specs = {
        "fixed": fixed,
        "default": {**fixed, "i": tf.io.FixedLenFeature([1], tf.int64, default_value=[-1])},
        "sparse": {**fixed, "i": tf.io.VarLenFeature(tf.int64), "s": tf.io.VarLenFeature(tf.string), "v": tf.io.VarLenFeature(tf.float32)},
        "ragged": {**fixed, "s": tf.io.RaggedFeature(tf.string), "v": tf.io.RaggedFeature(tf.float32)},
        "varying": {**fixed, "v": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)},
        "missing": {"z": tf.io.FixedLenFeature([], tf.float32)},
        "type": {"x": tf.io.FixedLenFeature([2], tf.int64)},
        "sparse_type": {"x": tf.io.VarLenFeature(tf.string)},
        "size": {"x": tf.io.FixedLenFeature([3], tf.float32)},
    }
    for name, spec in specs.items():
        for batch in (good, good[:1], []):
            if name == "default" and len(batch) == 3:
                batch = batch[:2]
            yield graph(f"ParseExampleV2 {name} {len(batch)}", [np.array(batch, object)],
                        lambda t, spec=spec: flatten(tf.io.parse_example(t[0], spec)))
        if name != "ragged":
            yield graph(f"ParseSingleExample {name}", [np.array(good[0], object)],
                        lambda t, spec=spec: flatten(tf.io.parse_single_example(t[0], spec)))
    yield graph("ParseExampleV2 junk", [np.array([b"\x07junk"], object)], lambda t: flatten(tf.io.parse_example(t[0], fixed)))


def cases():
    for family in (reshape, join, slices, fills, gathers, selects, strings, parsing):
        yield from family()
