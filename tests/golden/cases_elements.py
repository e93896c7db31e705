# SPDX-License-Identifier: Apache-2.0
"""Cases of gradients, scans, and the smaller ops on numbers and places, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

i32, i64, f32 = np.int32, np.int64, np.float32
FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
# bfloat16 and half are rounded after each step there.
ROUGH = {"float16": (1e-2, 1e-2), "bfloat16": (8e-2, 8e-2)}


def complexes(shape, dtype="complex64"):
    return (values(shape, "float64") + 1j * values(shape, "float64")).astype(dtype)


def gradients():
    for name in ("TanhGrad", "SigmoidGrad", "SqrtGrad", "RsqrtGrad", "InvGrad", "ReciprocalGrad"):
        for dtype in FLOATS:
            yield op(name, [values((3, 4), dtype, 0.1, 2), values((3, 4), dtype)], ["y", "dy"], tolerance=ROUGH.get(dtype))
        for dtype in ("complex64", "complex128"):
            yield op(name, [complexes((3, 4), dtype), complexes((3, 4), dtype)], ["y", "dy"])
        for a, b in (((2,), (1,)), ((2,), (1, 2)), ((), ()), ((0,), (0,)), ((2, 2), (4,))):
            yield op(name, [values(a, low=0.1), values(b)], ["y", "dy"])
    for name, second in (("EluGrad", "outputs"), ("SeluGrad", "outputs"), ("SoftplusGrad", "features"), ("SoftsignGrad", "features"), ("ReluGrad", "features"),
                         ("Relu6Grad", "features"), ("LeakyReluGrad", "features")):
        dtypes = FLOATS + (INTEGERS if name in ("ReluGrad", "Relu6Grad") else ())
        for dtype in dtypes:
            yield op(name, [values((3, 4), dtype), values((3, 4), dtype, -4, 8)], ["gradients", second], tolerance=ROUGH.get(dtype))
        for a, b in (((2,), (1,)), ((2,), (1, 2)), ((), ()), ((0,), (0,))):
            yield op(name, [values(a), values(b)], ["gradients", second])
    yield op("LeakyReluGrad", [values((3, 4)), values((3, 4))], ["gradients", "features"], alpha=0.5)
    for name, names in (("Xlog1py", ["x", "y"]), ("Xlogy", ["x", "y"]), ("Xdivy", ["x", "y"]), ("DivNoNan", ["x", "y"]), ("MulNoNan", ["x", "y"]), ("Pow", ["x", "y"])):
        for dtype in FLOATS if name == "Xlog1py" else ():
            yield op(name, [np.array([[0], [1.5], [-2]], "float32").astype(values((), dtype).dtype), values((1, 4), dtype, -0.9, 3)], names, tolerance=ROUGH.get(dtype))
        for dtype in ("complex64", "complex128"):
            yield op(name, [np.array([[0], [1.5 + 1j], [-2j]], dtype), np.concatenate([np.zeros(int(name != "Xdivy"), dtype), complexes((4,), dtype)])[None]], names, tolerance=(1e-4, 1e-4))


def scans():
    for name in ("Cumprod", "Cumsum", "CumulativeLogsumexp"):
        dtypes = FLOATS + (("complex64", "complex128") + INTEGERS if name != "CumulativeLogsumexp" else ())
        for dtype in dtypes:
            x = complexes((2, 3, 2), dtype) if dtype.startswith("complex") else values((2, 3, 2), dtype)
            for axis, exclusive, reverse in ((0, False, False), (1, True, False), (-1, False, True), (1, True, True)):
                yield op(name, [x, i32(axis)], ["x", "axis"], exclusive=exclusive, reverse=reverse, tolerance=ROUGH.get(dtype))
        yield op(name, [values((4,)), i64(0)], ["x", "axis"], const=(1,))
        for axis in (i32(1), i32(-2), i32([0]), i32([0, 0])):
            yield op(name, [values((4,)), axis], ["x", "axis"])
        yield op(name, [np.zeros((0, 3), f32), i32(0)], ["x", "axis"])
    yield op("CumulativeLogsumexp", [f32([-np.inf, 2, np.inf, np.nan, 1]), i32(0)], ["x", "axis"])
    yield op("CumulativeLogsumexp", [f32([-np.inf, -np.inf, 1, 200, -200]), i32(0)], ["x", "axis"], reverse=True)


def numbers():
    for dtype in FLOATS + INTEGERS:
        yield op("Cross", [values((2, 2, 3), dtype), values((2, 2, 3), dtype)], ["a", "b"], tolerance=ROUGH.get(dtype))
        yield op("NthElement", [values((2, 3, 7), dtype), i32(2)], ["input", "n"])
        yield op("NthElement", [values((5,), dtype), i32(1)], ["input", "n"], reverse=True)
    for a, b in (((2,), (2,)), ((3,), (1, 3)), ((), ()), ((0, 3), (0, 3))):
        yield op("Cross", [values(a), values(b)], ["a", "b"])
    for x, n in ((values((2, 3)), i32(3)), (values((2, 3)), i32(-1)), (values(()), i32(0)), (values((3,)), i32([0])), (values((0, 3)), i32(1))):
        yield op("NthElement", [x, n], ["input", "n"])
    names = ["values", "value_range", "nbins"]
    for dtype in ("int32", "int64", "float32", "float64"):
        for kind in (tf.int32, tf.int64):
            yield op("HistogramFixedWidth", [values((4, 10), dtype, -7, 9), np.array([-5, 5], dtype), i32(7)], names, dtype=kind)
    for v, r, n in (([-1, 0, 1.5, 2, 5, 15], [0, 5], 5), ([np.nan], [0, 5], 5), ([1], [0, 5, 3], 5), ([1], [5, 0], 5), ([1], [5, 5], 5), ([1], [0, 5], 0), ([1], [0, 5], [1, 2]), ([1], 3, 1),
                    ([np.inf, -np.inf], [0, 5], 3), ([], [0, 1], 2), (0.5, [0, 1], 2)):
        yield op("HistogramFixedWidth", [f32(v), f32(r), i32(n)], names)
    for dtype in ("float32", "float64"):
        x = values((2, 3), dtype)
        yield op("ApproximateEqual", [x, x + np.array([0, 1e-6, 1e-4], dtype)], ["x", "y"])
        yield op("ApproximateEqual", [x, x + np.array([0, 0.01, 0.2], dtype)], ["x", "y"], tolerance=(0, 0))
    for a, b in (((2,), (1,)), ((2,), (3,)), ((), ()), ((0,), (0,))):
        yield op("ApproximateEqual", [values(a), values(b)], ["x", "y"])


def places():
    for dtype in (i32, i64):
        for indices, dims in (([0, 5, 7], [2, 4]), (5, [2, 4]), ([0, 23], [2, 3, 4]), ([8], [2, 4]), ([-1], [2, 4]), ([[1]], [2, 4]), ([1], [[2, 4]]), ([1], [2, 0]), ([1], []),
                              ([1], [1 << 20, 1 << 20]), ([1], 3), ([], [2, 4])):
            yield op("UnravelIndex", [dtype(indices), dtype(dims)], ["indices", "dims"])

        def offset(dim, *shapes, dtype=dtype):
            arrays = [i32(dim), *map(dtype, shapes)]
            return graph(f"ConcatOffset {dim} {shapes} {dtype}", arrays, lambda t: list(tf.raw_ops.ConcatOffset(concat_dim=t[0], shape=t[1:])))
        yield offset(1, [2, 3], [2, 4], [2, 1])
        yield offset(-1, [2, 3], [2, 4])
        yield offset(0, [2], [5])
        yield offset(2, [2, 3], [2, 4])
        yield offset(1, [2, 3], [3, 4])
        yield offset(1, [2, 3], [2, 4, 1])
        yield offset([1], [2, 3], [2, 4])
        yield offset(0, [[2]], [2])
        for name in ("DataFormatDimMap", "DataFormatVecPermute"):
            for x in ([1, 2, 3, 4], [1, 2], [1, 2, 3], [[1, 2], [3, 4], [5, 6], [7, 8]], [[1, 2], [3, 4]], [[1, 2, 3], [3, 4, 5]], [[[1]]], 3, [-1, -4, 4, -5]):
                yield op(name, [dtype(x)], ["x"])
            for source, target, x in (("HWNC", "NCHW", [1, 2, 3, 4]), ("HWNC", "WHNC", [1, 2]), ("NDHWC", "NCDHW", [1, 2, 3]), ("NDHWC", "NCDHW", [0, 1, 2, 3, 4]), ("NH", "HN", [1, 2]), ("NHWC", "NHWX", [0, 1]), ("NHWC", "NH", [1, 2]),
                                      ("NHWC", "NCDHW", [1, 2, 3, 4])):
                yield op(name, [dtype(x)], ["x"], src_format=source, dst_format=target)
    for data in (f32([[1, 2], [3, 4]]), values((3, 2, 2), "int16"), np.array([b"ab", b"c"], object), np.array([[b"ab", b"c"], [b"d", b""]], object), f32(1), np.zeros((2, 0), f32), np.zeros((0, 2), f32), np.array([[True], [False]]), complexes((2, 3))):
        yield op("Fingerprint", [data, np.array(b"farmhash64", object)], ["data", "method"])
    yield op("Fingerprint", [f32([1]), np.array(b"x", object)], ["data", "method"])
    yield op("Fingerprint", [f32([1]), np.array([b"farmhash64"], object)], ["data", "method"])


def tensors():
    x = values((2, 2))
    for name in ("InplaceUpdate", "InplaceAdd", "InplaceSub"):
        names = ["x", "i", "v"]
        for a, i, v in ((x, [1, 0], x * 10), (x, [1, 1], x * 10), (x, [1], x), (x, [2], x[:1]), (x, [-1], x[:1]), (x, 0, x[:1]), (x, [0], x[0]), (x, [[0]], x[:1]), (f32(1), [0], x[:1]), (x, [0], np.zeros((1, 3), f32)),
                        (np.zeros((3, 0), f32), [1], np.zeros((1, 0), f32))):
            yield op(name, [a, i32(i), v], names)
        for dtype in FLOATS + INTEGERS:
            yield op(name, [values((3, 2), dtype), i32([2, 0, 2]), values((3, 2), dtype)], names)
        yield op(name, [np.array([True, False]), i32([1]), np.array([True])], names)
    yield op("InplaceUpdate", [np.array([b"a", b"b"], object), i32([0]), np.array([b"c"], object)], ["x", "i", "v"])
    for shape in ([2, 3], [-2, 3], 3, [], [0, 2], [[2]]):
        for kind in (tf.float32, tf.string, tf.int64, tf.complex64, tf.bool):
            yield op("Empty", [i32(shape)], ["shape"], dtype=kind, init=True)
    for dtype in FLOATS + INTEGERS + ("bool",):
        t = values((2, 3, 2), "int32").astype(bool) if dtype == "bool" else values((2, 3, 2), dtype)
        yield op("Reverse", [t, np.array([True, False, True])], ["tensor", "dims"])
    for t, dims in ((x, [True]), (f32(1), np.zeros(0, bool)), (x, [[True, False]]), (np.array([b"a", b"b"], object), [True]), (complexes((2, 3)), [False, True]), (np.zeros((0, 2), f32), [True, True])):
        yield op("Reverse", [t, np.array(dims)], ["tensor", "dims"])
    for t, perm in ((complexes((2, 3)), [1, 0]), (complexes((2, 3, 2), "complex128"), [2, 0, 1]), (x, [1, 0]), (values((2, 3), "int32"), [1, 0]), (complexes((2, 3)), [0, 1]), (complexes((2, 3)), [1, 1]), (complexes((2, 3)), [1]), (complexes(()), np.zeros(0, i32))):
        yield op("ConjugateTranspose", [t, i32(perm)], ["x", "perm"])
    y = values((4, 5))
    for dtype in (i32, i64):
        for mode in ("REFLECT", "SYMMETRIC"):
            for pads in ([[1, 1], [1, 1]], [[0, 1], [2, 0]], [[2, 1], [1, 1]], [[2, 1]], [[-1, 1], [1, 1]], [[0, 0], [0, 0]], [1, 2], [[1, 1, 1], [1, 1, 1]]):
                yield op("MirrorPadGrad", [y, dtype(pads)], ["input", "paddings"], mode=mode)
    for dtype in FLOATS[1:] + INTEGERS:
        yield op("MirrorPadGrad", [values((5,), dtype), i32([[1, 1]])], ["input", "paddings"], mode="REFLECT")
    names = ["shape", "begin", "end", "strides", "dy"]
    for shape, begin, end, strides, dy in (([4, 3], [0, 1], [4, 3], [2, 1], values((2, 2))), ([4, 3], [0, 1], [4, 3], [2, 1], values((1, 2))), ([[4, 3]], [0, 1], [4, 3], [2, 1], values((1, 2))), ([5], [4], [0], [-2], values((2,))), ([5], [1], [1], [1], values((0,))),
                                           ([4, 3], [1], [3], [1], values((2, 3))), ([-1], [0], [1], [1], values((1,))), ([4, 3], [0, 1], [4, 3], [2, 0], values((2, 2)))):
        for dtype in (i32, i64):
            yield op("StridedSliceGrad", [dtype(shape), dtype(begin), dtype(end), dtype(strides), dy], names)
    yield op("StridedSliceGrad", [i32([4, 3, 2]), i32([0, 1, 0]), i32([0, 2, 0]), i32([1, 1, 1]), values((4, 1, 1))], names, ellipsis_mask=1, new_axis_mask=0, shrink_axis_mask=2)
    yield op("StridedSliceGrad", [i32([4, 3]), i32([1, 0]), i32([2, 0]), i32([1, 1]), values((3,))], names, shrink_axis_mask=1, end_mask=2)
    for dtype in ("int8", "float64", "bool", "float16"):
        yield op("StridedSliceGrad", [i32([3]), i32([0]), i32([3]), i32([2]), values((2,), "int32").astype(dtype)], names)
    names = ["input", "begin", "end", "strides", "value"]
    for value in (values((2, 2)), values(()), values((1, 2)), values((3,)), values((2, 1)), values((1, 2, 2))):
        yield op("TensorStridedSliceUpdate", [values((4, 3)), i32([0, 1]), i32([4, 3]), i32([2, 1]), value], names)
    yield op("TensorStridedSliceUpdate", [values((4, 3)), i32([1, 0]), i32([2, 0]), i32([1, 1]), values((3,))], names, shrink_axis_mask=1, end_mask=2)
    yield op("TensorStridedSliceUpdate", [values((5,)), i32([4]), i32([0]), i32([-2]), values((2,))], names)


def cases():
    for family in (gradients, scans, numbers, places, tensors):
        yield from family()
