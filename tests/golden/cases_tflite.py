# SPDX-License-Identifier: Apache-2.0
"""Every operator that src/savedmodel/tflite knows, alone."""
import numpy as np
from flatbuffers import flexbuffers

from tflite_case import Case, Model, RESOURCE, grid, ints, one, packed, reals, strings

F, I, L, B, I8, U8, I16 = np.float32, np.int32, np.int64, np.bool_, np.int8, np.uint8, np.int16
POSITIVE = dict(low=0.1, high=3)


def i32(*values):
    return np.array(values, I)


def elementwise():
    a, b = reals(2, 3), reals(3)
    for name in ("ADD", "SUB", "MUL", "DIV"):
        kind = name.capitalize() + "Options"
        for activation in range(4):
            yield one(name, [a, b], F, (kind, dict(fusedActivationFunction=activation)))
        yield one(name, [ints(2, 3), ints(2, 3, low=1)], I, (kind, {}))
        yield one(name, [a, b], F, (kind, {}), const=(1,))
    for name in ("MAXIMUM", "MINIMUM"):
        for x, y in ((a, b), (ints(2, 3), ints(3))):
            yield one(name, [x, y], x.dtype, ("MaximumMinimumOptions", {}))
    yield one("POW", [reals(2, 3, **POSITIVE), b], F, ("PowOptions", {}))
    yield one("SQUARED_DIFFERENCE", [a, b], F, ("SquaredDifferenceOptions", {}))
    for x, y in ((a, b), (ints(2, 3), i32(2, -3, 4))):
        yield one("FLOOR_DIV", [x, y], x.dtype, ("FloorDivOptions", {}))
        yield one("FLOOR_MOD", [x, y], x.dtype, ("FloorModOptions", {}))
    yield one("ATAN2", [a, reals(2, 3)], F, ("ATan2Options", {}))
    yield one("BITWISE_XOR", [ints(2, 3), ints(2, 3)], I, ("BitwiseXorOptions", {}))
    yield one("RIGHT_SHIFT", [ints(2, 3), ints(2, 3, low=0, high=4)], I, ("RightShiftOptions", {}))
    for name, kind in (("EQUAL", "Equal"), ("NOT_EQUAL", "NotEqual"), ("LESS", "Less"), ("LESS_EQUAL", "LessEqual"),
                       ("GREATER", "Greater"), ("GREATER_EQUAL", "GreaterEqual")):
        for x, y in ((np.round(a), np.round(b)), (ints(2, 3, low=0, high=3), ints(3, low=0, high=3))):
            yield one(name, [x, y], B, (kind + "Options", {}))
    yes = rng_bools(2, 3)
    for name in ("LOGICAL_OR", "LOGICAL_AND"):
        yield one(name, [yes, rng_bools(2, 3)], B)
    yield one("LOGICAL_NOT", [yes], B)
    for name in ("ABS", "CEIL", "COS", "SIN", "EXP", "FLOOR", "NEG", "ROUND", "SQUARE", "SIGN", "ZEROS_LIKE", "ELU", "RELU", "RELU6", "TANH",
                 "LOGISTIC", "LOG_SOFTMAX", "RELU_N1_TO_1", "RELU_0_TO_1", "HARD_SWISH"):
        yield one(name, [reals(2, 3, low=-8, high=8)], F)
    yield one("ROUND", [np.array([-2.5, -1.5, -.5, .5, 1.5, 2.5], F)], F)
    for name in ("LOG", "RSQRT", "SQRT"):
        yield one(name, [reals(2, 3, **POSITIVE)], F)
    for name in ("ABS", "NEG"):
        yield one(name, [ints(2, 3)], I)
    yield one("LEAKY_RELU", [a], F, ("LeakyReluOptions", dict(alpha=0.3)))
    yield one("PRELU", [reals(1, 2, 2, 3), reals(1, 1, 3)], F, const=(1,))
    for approximate in (False, True):
        yield one("GELU", [reals(2, 9, low=-5, high=5)], F, ("GeluOptions", dict(approximate=approximate)), atol=2e-5)
    for beta in (1.0, 0.5):
        yield one("SOFTMAX", [reals(2, 3)], F, ("SoftmaxOptions", dict(beta=beta)))
        yield one("SOFTMAX", [reals(1, 2, 2, 3)], F, ("SoftmaxOptions", dict(beta=beta)))
    yield one("L2_NORMALIZATION", [reals(2, 3)], F, ("L2NormOptions", {}))
    for x, to in ((a, I), (ints(2, 3), F), (ints(3), L), (yes, F), (ints(3, dtype=I8), I), (ints(3, low=0, dtype=U8), F)):
        yield one("CAST", [x], to, ("CastOptions", {}))
    yield one("FAKE_QUANT", [reals(3, 4)], F, ("FakeQuantOptions", dict(min=-1.0, max=1.5, numBits=8)), atol=1e-4)
    z = (reals(2, 3) + 1j * reals(2, 3)).astype(np.complex64)
    for name in ("COMPLEX_ABS", "REAL", "IMAG"):
        yield one(name, [z], F)
    yield one("BITCAST", [reals(2, 3)], I, ("BitcastOptions", {}))
    yield one("ADD_N", [reals(2, 3), reals(2, 3), reals(2, 3)], F, ("AddNOptions", {}))
    yield one("SELECT", [rng_bools(2), reals(2, 3), reals(2, 3)], F, ("SelectOptions", {}))
    yield one("SELECT_V2", [rng_bools(2, 1), reals(2, 3), reals(3)], F, ("SelectV2Options", {}))


def rng_bools(*shape):
    return ints(*shape, low=0, high=2) > 0


def shape():
    x = reals(2, 3, 4)
    yield one("RESHAPE", [x, i32(4, -1)], F, ("ReshapeOptions", dict(newShape=i32(4, -1))), const=(1,))
    yield one("RESHAPE", [x], F, ("ReshapeOptions", dict(newShape=i32(-1, 2))))
    yield one("RESHAPE", [reals(1, 1), np.zeros(0, I)], F, const=(1,))
    yield one("SQUEEZE", [reals(1, 3, 1)], F, ("SqueezeOptions", dict(squeezeDims=i32(0))))
    yield one("SQUEEZE", [reals(1, 3, 1)], F, ("SqueezeOptions", dict(squeezeDims=i32())))
    yield one("EXPAND_DIMS", [x, i32(-1)], F, ("ExpandDimsOptions", {}), const=(1,))
    yield one("TRANSPOSE", [x, i32(2, 0, 1)], F, ("TransposeOptions", {}), const=(1,))
    for axis in (0, -1):
        yield one("CONCATENATION", [x, reals(2, 3, 4)], F, ("ConcatenationOptions", dict(axis=axis)))
    yield one("CONCATENATION", [x, reals(2, 5, 4)], F, ("ConcatenationOptions", dict(axis=1, fusedActivationFunction=0)))
    yield one("PACK", [x, reals(2, 3, 4)], F, ("PackOptions", dict(valuesCount=2, axis=1)))
    yield one("UNPACK", [x], [F, F, F], ("UnpackOptions", dict(num=3, axis=1)))
    yield one("SPLIT", [i32(2).reshape(()), x], [F, F], ("SplitOptions", dict(numSplits=2)), const=(0,))
    yield one("SPLIT_V", [x, i32(1, 3), i32(2).reshape(())], [F, F], ("SplitVOptions", dict(numSplits=2)), const=(1, 2))
    yield one("SLICE", [x, i32(0, 1, 1), i32(2, 2, -1)], F, ("SliceOptions", {}), const=(1, 2))
    for masks in ({}, dict(beginMask=1), dict(endMask=3), dict(shrinkAxisMask=1), dict(newAxisMask=2), dict(ellipsisMask=1, endMask=4)):
        yield one("STRIDED_SLICE", [x, i32(0, 1, 0), i32(1, 3, 4), i32(1, 1, 2)], F, ("StridedSliceOptions", masks), const=(1, 2, 3))
    pads = np.array([[0, 0], [1, 2], [0, 1]], I)
    yield one("PAD", [x, pads], F, ("PadOptions", {}), const=(1,))
    yield one("PADV2", [x, pads, np.array(1.5, F)], F, ("PadV2Options", {}), const=(1, 2))
    for mode in (0, 1):
        yield one("MIRROR_PAD", [x, pads], F, ("MirrorPadOptions", dict(mode=mode)), const=(1,))
    yield one("TILE", [x, i32(1, 2, 1)], F, ("TileOptions", {}), const=(1,))
    yield one("BROADCAST_TO", [reals(3, 1), i32(2, 3, 4)], F, ("BroadcastToOptions", {}), const=(1,))
    yield one("REVERSE_V2", [x, i32(1)], F, ("ReverseV2Options", {}), const=(1,))
    yield one("REVERSE_SEQUENCE", [x, i32(2, 3)], F, ("ReverseSequenceOptions", dict(seqDim=1, batchDim=0)))
    yield one("SPACE_TO_DEPTH", [reals(1, 4, 4, 2)], F, ("SpaceToDepthOptions", dict(blockSize=2)))
    yield one("DEPTH_TO_SPACE", [reals(1, 2, 2, 8)], F, ("DepthToSpaceOptions", dict(blockSize=2)))
    yield one("SPACE_TO_BATCH_ND", [reals(1, 4, 4, 2), i32(2, 2), np.zeros((2, 2), I)], F, ("SpaceToBatchNDOptions", {}), const=(1, 2))
    yield one("BATCH_TO_SPACE_ND", [reals(4, 2, 2, 2), i32(2, 2), np.zeros((2, 2), I)], F, ("BatchToSpaceNDOptions", {}), const=(1, 2))
    for out in (I, L):
        yield one("SHAPE", [x], out, ("ShapeOptions", dict(outType=2 if out is I else 4)))
    yield one("RANK", [x], I, ("RankOptions", {}))
    yield one("BROADCAST_ARGS", [i32(2, 1), i32(3, 1, 4)], I)
    yield one("MATRIX_DIAG", [reals(2, 3)], F, ("MatrixDiagOptions", {}))
    yield one("MATRIX_SET_DIAG", [reals(2, 3, 3), reals(2, 3)], F, ("MatrixSetDiagOptions", {}))


def index():
    x = reals(3, 4, 2)
    for axis, batch, at in ((0, 0, i32(2, 0)), (1, 0, np.array([[1, 3]], L)), (1, 1, ints(3, 2, low=0, high=4)), (-1, 0, i32(1))):
        yield one("GATHER", [x, at], F, ("GatherOptions", dict(axis=axis, batchDims=batch)))
    yield one("EMBEDDING_LOOKUP", [i32(2, 0, 1), reals(3, 4)], F, const=(1,))
    yield one("GATHER_ND", [x, np.array([[2, 1], [0, 3]], I)], F, ("GatherNdOptions", {}))
    yield one("SCATTER_ND", [np.array([[3], [1]], I), reals(2, 2), i32(5, 2)], F, ("ScatterNdOptions", {}), const=(2,))
    yield one("SPARSE_TO_DENSE", [np.array([[0, 1], [2, 2]], I), i32(3, 3), reals(2), np.array(.5, F)], F, ("SparseToDenseOptions", {}),
              const=(1, 3))
    for axis in (-1, 0):
        yield one("ONE_HOT", [i32(0, 2, 5), i32(4).reshape(()), np.array(2, F), np.array(-1, F)], F, ("OneHotOptions", dict(axis=axis)),
                  const=(1, 2, 3))
    yield one("FILL", [i32(2, 3), np.array(1.5, F)], F, ("FillOptions", {}))
    yield one("RANGE", [i32(2).reshape(()), i32(11).reshape(()), i32(3).reshape(())], I, ("RangeOptions", {}))
    yield one("RANGE", [np.array(.5, F), np.array(2, F), np.array(.25, F)], F, ("RangeOptions", {}))
    yield one("WHERE", [rng_bools(3, 4)], L, ("WhereOptions", {}))
    yield one("UNIQUE", [i32(3, 1, 3, 2, 1)], [I, I], ("UniqueOptions", dict(idxOutType=2)))
    yield one("BUCKETIZE", [reals(5)], I, ("BucketizeOptions", dict(boundaries=np.array([-1, 0, 1], F))))
    boxes = np.array([[0, 0, 1, 1], [0, .1, 1, 1.1], [0, 2, 1, 3], [0, 4, 1, 5]], F)
    scores = np.array([.9, .8, .3, .7], F)
    common = [boxes, scores, i32(3).reshape(()), np.array(.5, F), np.array(.4, F)]
    yield one("NON_MAX_SUPPRESSION_V4", common, [I, I], ("NonMaxSuppressionV4Options", {}), const=(2, 3, 4))
    yield one("NON_MAX_SUPPRESSION_V5", [*common, np.array(0, F)], [I, F, I], ("NonMaxSuppressionV5Options", {}), const=(2, 3, 4, 5))
    yield one("DYNAMIC_UPDATE_SLICE", [reals(4, 5), reals(2, 2), i32(1, 9)], F, ("DynamicUpdateSliceOptions", {}))
    yield one("RFFT2D", [reals(1, 4, 8), i32(4, 8)], np.complex64, ("Rfft2dOptions", {}), const=(1,))


def reduce():
    x = reals(2, 3, 4)
    for keep in (False, True):
        for name in ("SUM", "MEAN", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"):
            yield one(name, [x, i32(1, 2)], F, ("ReducerOptions", dict(keepDims=keep)), const=(1,))
        for name in ("REDUCE_ANY", "REDUCE_ALL"):
            yield one(name, [rng_bools(3, 4), i32(1)], B, ("ReducerOptions", dict(keepDims=keep)), const=(1,))
    yield one("SUM", [ints(2, 3), i32(-1)], I, ("ReducerOptions", {}), const=(1,))
    for name, kind in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        for out, number in ((I, 2), (L, 4)):
            yield one(name, [x, i32(1).reshape(())], out, (kind, dict(outputType=number)), const=(1,))
    yield one("TOPK_V2", [reals(2, 5), i32(3).reshape(())], [F, I], ("TopKV2Options", {}), const=(1,))
    for more in ({}, dict(exclusive=True), dict(reverse=True)):
        yield one("CUMSUM", [x, i32(1).reshape(())], F, ("CumsumOptions", more), const=(1,))
    yield one("SEGMENT_SUM", [reals(4, 2), i32(0, 0, 1, 2)], F, ("SegmentSumOptions", {}))
    for name, kind in (("PROD", "Prod"), ("MAX", "Max"), ("SUM", "Sum"), ("MIN", "Min")):
        yield one("UNSORTED_SEGMENT_" + name, [reals(4, 2), i32(2, 0, 2, 1), i32(3).reshape(())], F, (f"UnsortedSegment{kind}Options", {}),
                  const=(2,))


def window():
    x = reals(2, 7, 6, 4)
    for padding in (0, 1):
        for more in ({}, dict(strideW=2, strideH=3), dict(dilationWFactor=2, dilationHFactor=2), dict(fusedActivationFunction=1),
                     dict(fusedActivationFunction=3)):
            options = {**dict(padding=padding, strideW=1, strideH=1), **more}
            yield one("CONV_2D", [x, reals(5, 3, 2, 4), reals(5)], F, ("Conv2DOptions", options), const=(1, 2))
            options = {**dict(depthMultiplier=2), **options}
            if "strideW" not in more:
                yield one("DEPTHWISE_CONV_2D", [x, reals(1, 3, 2, 8), reals(8)], F, ("DepthwiseConv2DOptions", options), const=(1, 2))
        options = dict(padding=padding, strideW=2, strideH=2, depthMultiplier=1)
        yield one("DEPTHWISE_CONV_2D", [x, reals(1, 3, 3, 4), reals(4)], F, ("DepthwiseConv2DOptions", options), const=(1, 2))
        rows = (7, 6) if padding == 0 else (9, 7)
        yield one("TRANSPOSE_CONV", [i32(2, *rows, 5), reals(5, 3, 2, 4), x], F, ("TransposeConvOptions", dict(padding=padding, strideW=1, strideH=1)),
                  const=(0, 1))
        yield one("CONV_3D", [reals(1, 4, 5, 6, 2), reals(2, 3, 2, 2, 3), reals(3)], F,
                  ("Conv3DOptions", dict(padding=padding, strideD=1, strideW=2, strideH=1)), const=(1, 2))
        for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
            for activation in (0, 1):
                yield one(name, [x], F, ("Pool2DOptions", dict(padding=padding, strideW=2, strideH=1, filterWidth=2, filterHeight=3,
                                                               fusedActivationFunction=activation)))
    yield one("CONV_2D", [x, reals(5, 3, 2, 4), reals(5)], F, ("Conv2DOptions", dict(strideW=1, strideH=1)))
    yield one("CONV_3D_TRANSPOSE", [i32(1, 5, 6, 7, 3), reals(2, 3, 2, 3, 2), reals(1, 4, 4, 6, 2), reals(3)], F,
              ("Conv3DOptions", dict(padding=1, strideD=1, strideW=1, strideH=1)), const=(0, 1, 3))
    yield one("LOCAL_RESPONSE_NORMALIZATION", [x], F, ("LocalResponseNormalizationOptions", dict(radius=2, bias=1.0, alpha=.5, beta=.75)))
    for more in ({}, dict(alignCorners=True), dict(halfPixelCenters=True)):
        yield one("RESIZE_BILINEAR", [x, i32(4, 9)], F, ("ResizeBilinearOptions", more), const=(1,))
        yield one("RESIZE_NEAREST_NEIGHBOR", [x, i32(4, 9)], F, ("ResizeNearestNeighborOptions", more), const=(1,))


def product():
    for activation in range(4):
        yield one("FULLY_CONNECTED", [reals(3, 4), reals(5, 4), reals(5)], F,
                  ("FullyConnectedOptions", dict(fusedActivationFunction=activation)), const=(1, 2))
    yield one("FULLY_CONNECTED", [reals(2, 3, 4), reals(5, 4), reals(5)], F, ("FullyConnectedOptions", dict(keepNumDims=True)), const=(1, 2))
    yield one("FULLY_CONNECTED", [reals(2, 3, 4), reals(5, 4), None], F, ("FullyConnectedOptions", {}), const=(1, 2))
    yield one("FULLY_CONNECTED", [reals(3, 4), reals(5, 4), None], F, ("FullyConnectedOptions", {}), const=(2,))
    for x, y, more in (((2, 3, 4), (2, 4, 5), {}), ((2, 4, 3), (2, 4, 5), dict(adjX=True)), ((3, 4), (2, 5, 4), dict(adjY=True))):
        yield one("BATCH_MATMUL", [reals(*x), reals(*y)], F, ("BatchMatMulOptions", more))


def control():
    m = Model()
    g, yes, no = m.main, m.graph(), m.graph()
    c, x = g.input("c", np.array(True)), g.input("x", reals(3))
    for branch, op in ((yes, "EXP"), (no, "NEG")):
        branch.output(branch.op(op, [branch.input("a", reals(3))], F))
    g.output(g.op("IF", [c, x], [F], ("IfOptions", dict(thenSubgraphIndex=1, elseSubgraphIndex=2)))[0])
    for value in (True, False):
        yield Case(f"IF {value}", m, {"c": np.array(value), "x": reals(3)})
    m = Model()
    g, cond, body = m.main, m.graph(), m.graph()
    n, x = g.input("n", i32(4).reshape(())), g.input("x", reals(3))
    a = cond.input("a", i32(0).reshape(()))
    cond.input("b", reals(3))
    cond.output(cond.op("GREATER", [a, cond.const(i32(0).reshape(()))], B, ("GreaterOptions", {})))
    a, b = body.input("a", i32(0).reshape(())), body.input("b", reals(3))
    less = body.op("SUB", [a, body.const(i32(1).reshape(()))], I, ("SubOptions", {}))
    body.output(less, body.op("ADD", [b, b], F, ("AddOptions", {})))
    g.output(*g.op("WHILE", [n, x], [I, F], ("WhileOptions", dict(condSubgraphIndex=1, bodySubgraphIndex=2))))
    for turns in (0, 4):
        yield Case(f"WHILE {turns}", m, {"n": i32(turns).reshape(()), "x": reals(3)})
    m = Model()
    g, steps = m.main, m.graph()
    steps.output(steps.op("EXP", [steps.input("a", reals(3))], F))
    kind = ("StableHLOCompositeOptions", dict(name=b"of.theirs", decompositionSubgraphIndex=1))
    g.output(*g.op("STABLEHLO_COMPOSITE", [g.input("x", reals(3))], [F], kind))
    yield Case("STABLEHLO_COMPOSITE", m, {"x": reals(3)})
    m = Model()
    g, init = m.main, m.graph()
    name = ("VarHandleOptions", dict(container=b"", sharedName=b"v"))
    init.op("ASSIGN_VARIABLE", [init.op("VAR_HANDLE", [], RESOURCE, name), init.const(reals(3))], [], ("AssignVariableOptions", {}))
    g.op("CALL_ONCE", [], [], ("CallOnceOptions", dict(initSubgraphIndex=1)))
    x = g.input("x", reals(3))
    handle = g.op("VAR_HANDLE", [], RESOURCE, name)
    before = g.op("READ_VARIABLE", [handle], F, ("ReadVariableOptions", {}), shapes=[(3,)])
    g.output(g.op("ADD", [before, x], F, ("AddOptions", {})))
    yield Case("VAR_HANDLE, READ_VARIABLE, CALL_ONCE", m, {"x": reals(3)})
    m = Model()
    g, init = m.main, m.graph()
    table = ("HashtableOptions", dict(tableId=3, keyDtype=5, valueDtype=4))
    keys, numbers = strings("a", "bb", "ccc"), np.array([10, 20, 30], L)
    init.op("HASHTABLE_IMPORT", [init.op("HASHTABLE", [], RESOURCE, table), init.const(keys), init.const(numbers)], [],
            ("HashtableImportOptions", {}))
    g.op("CALL_ONCE", [], [], ("CallOnceOptions", dict(initSubgraphIndex=1)))
    handle = g.op("HASHTABLE", [], RESOURCE, table)
    x = g.input("x", strings("a", "b"))
    found = g.op("HASHTABLE_FIND", [handle, x, g.const(np.array([-1], L))], L, ("HashtableFindOptions", {}))
    g.output(found, g.op("HASHTABLE_SIZE", [handle], L, ("HashtableSizeOptions", {})))
    yield Case("HASHTABLE_FIND, HASHTABLE_SIZE", m, {"x": strings("ccc", "b", "a")})


def strings_and_halves():
    m = Model()
    x = m.main.input("x", reals(2, 3))
    half = m.main.op("DEQUANTIZE", [m.main.const(reals(4, 3).astype(np.float16))], F, ("DequantizeOptions", {}), shapes=[(4, 3)])
    m.main.output(m.main.op("FULLY_CONNECTED", [x, half, -1], F, ("FullyConnectedOptions", {})))
    yield Case("DEQUANTIZE of halves", m, {"x": reals(2, 3)}, rtol=1e-3, atol=1e-3)
    m = Model()
    x = m.main.input("x", i32(1, 0))
    m.main.output(m.main.op("GATHER", [m.main.const(strings("one", "", "three")), x], object, ("GatherOptions", {})))
    yield Case("constant strings", m, {"x": i32(2, 0, 1)})


def sequence():
    for time_major in (False, True):
        m = Model()
        g, (batch, steps, width, units) = m.main, (2, 3, 4, 5)
        x = reals(*((steps, batch) if time_major else (batch, steps)), width)
        inputs = [g.input("x", x)]
        inputs += [g.const(reals(units, width)) for _ in range(4)] + [g.const(reals(units, units)) for _ in range(4)] + [-1] * 3
        inputs += [g.const(reals(units)) for _ in range(4)] + [-1] * 2
        inputs += [g.tensor(F, (batch, units), variable=True) for _ in range(2)] + [-1] * 4
        options = ("UnidirectionalSequenceLSTMOptions", dict(fusedActivationFunction=4, cellClip=1.5, timeMajor=time_major))
        g.output(g.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, F, options))
        yield Case(f"UNIDIRECTIONAL_SEQUENCE_LSTM time_major={time_major}", m, {"x": x})


def both_ways():
    # Merged, the interpreter takes the state of all rows but the first from another place.
    for merged, batch in ((False, 2), (True, 1)):
        m = Model()
        g, (steps, width, units) = m.main, (3, 4, 5)
        x = reals(batch, steps, width)
        inputs = [g.input("x", x)]
        for _ in range(2):
            inputs += [g.const(reals(units, width)) for _ in range(4)] + [g.const(reals(units, units)) for _ in range(4)] + [-1] * 3
            inputs += [g.const(reals(units)) for _ in range(4)] + [-1] * 2
        inputs += [g.tensor(F, (batch, units), variable=True) for _ in range(4)] + [-1] * 9
        options = ("BidirectionalSequenceLSTMOptions", dict(fusedActivationFunction=4, timeMajor=False, mergeOutputs=merged))
        g.output(*g.op("BIDIRECTIONAL_SEQUENCE_LSTM", inputs, [F] if merged else [F, F], options))
        yield Case(f"BIDIRECTIONAL_SEQUENCE_LSTM merged={merged}", m, {"x": x})


def options_of(values):
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in values.items():
            builder.Key(key)
            (builder.Bool if isinstance(value, bool) else builder.Int if isinstance(value, int) else builder.Float)(value)
    return bytes(builder.Finish())


def detection():
    n, classes = 12, 3
    corners = reals(n, 4, low=0, high=1)
    anchors = np.stack([corners[:, 0], corners[:, 1], corners[:, 2] * .5 + .2, corners[:, 3] * .5 + .2], axis=1)
    common = dict(max_detections=5, num_classes=classes, nms_score_threshold=.2, nms_iou_threshold=.4, y_scale=10.0, x_scale=10.0, h_scale=5.0,
                  w_scale=5.0)
    for label, more in (("one class each", dict(max_classes_per_detection=1)), ("two", dict(max_classes_per_detection=2)),
                        ("regular", dict(max_classes_per_detection=1, use_regular_nms=True, detections_per_class=4))):
        for background in (0, 1):
            m = Model()
            feeds = {"boxes": reals(1, n, 4), "scores": reals(1, n, classes + background, low=.3, high=1)}
            inputs = [*(m.main.input(k, v) for k, v in feeds.items()), m.main.const(anchors.astype(F))]
            m.main.output(*m.main.op("CUSTOM", inputs, [F] * 4, custom="TFLite_Detection_PostProcess", raw_options=options_of({**common, **more})))
            yield Case(f"TFLite_Detection_PostProcess {label} background={background}", m, feeds)


def sound():
    m = Model()
    x = m.main.input("x", reals(400, 1))
    power = m.main.op("CUSTOM", [x], F, custom="AudioSpectrogram", raw_options=options_of(dict(window_size=64, stride=32, magnitude_squared=True)))
    rate = m.main.const(i32(8000))
    bands = options_of(dict(upper_frequency_limit=4000.0, lower_frequency_limit=20.0, filterbank_channel_count=20, dct_coefficient_count=8))
    m.main.output(power, m.main.op("CUSTOM", [power, rate], F, custom="Mfcc", raw_options=bands))
    yield Case("AudioSpectrogram, Mfcc", m, {"x": reals(400, 1)}, rtol=1e-4, atol=1e-4)


def cases():
    for family in (elementwise, shape, index, reduce, window, product, control, strings_and_halves, sequence, both_ways, detection, sound):
        yield from family()
