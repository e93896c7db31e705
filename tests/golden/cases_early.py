# SPDX-License-Identifier: Apache-2.0
"""Cases of ops that newer graphs call otherwise or do not have: batches of matrices, the first batch norm; of CTC's beam search, of calls that would
join requests, and of XLA's marks on tensors."""
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from op_case import graph, rng, values


def old(name, arrays, producer=8, tolerance=None, **attrs):
    """An op that a GraphDef of that version may have."""
    def build(tensors):
        node = NodeDef(name="result", op=name, input=[f"in{i}:0" for i in range(len(arrays))])
        node.attr["T"].type = tf.as_dtype(arrays[0].dtype).as_datatype_enum
        for key, value in attrs.items():
            if isinstance(value, bool):
                node.attr[key].b = value
            else:
                node.attr[key].f = value
        definition = GraphDef(node=[node])
        definition.versions.producer = producer
        return tf.import_graph_def(definition, {f"in{i}:0": t for i, t in enumerate(tensors)}, ["result:0"], name="")
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in arrays)
    return graph(f"{name} {shapes} {attrs}", arrays, build, tolerance=tolerance)


def matrices():
    for dtype in ("float32", "float64"):
        a, b = values((2, 3, 3), dtype), values((2, 3, 2), dtype)
        near = dict(tolerance=(1e-4, 1e-5) if dtype == "float32" else None)
        positive = np.matmul(a, a.transpose(0, 2, 1)) + np.eye(3, dtype=dtype)
        yield old("BatchCholesky", [positive], **near)
        yield old("BatchMatrixDeterminant", [a], **near)
        for adjoint in (False, True):
            yield old("BatchMatrixInverse", [positive], adjoint=adjoint, **near)
            yield old("BatchMatrixSolve", [positive, b], adjoint=adjoint, **near)
            yield old("BatchMatrixTriangularSolve", [positive, b], adjoint=adjoint, lower=adjoint, **near)
        yield old("BatchMatrixInverse", [a[:, :2]])
    for dtype in ("float32", "int32", "complex64", "bool"):
        x = rng.integers(-3, 4, (2, 3, 4)).astype(dtype)
        yield old("BatchMatrixDiag", [x])
        yield old("BatchMatrixDiagPart", [x])
        yield old("BatchMatrixSetDiag", [x, x[:, :, 0]])
        yield old("BatchMatrixBandPart", [x, np.int64(1), np.int64(-1)])


def norms():
    v = np.array([1, 2, .5], np.float32)
    for dtype in ("float32", "float64", "float16"):
        x = values((2, 2, 2, 3), dtype)
        for scales in (False, True):
            yield old("BatchNormWithGlobalNormalization", [x] + [(w * v).astype(dtype) for w in (.1, 1, -.3, 2)], variance_epsilon=.001,
                      scale_after_normalization=scales)
    for arrays in ([x[0], *[v] * 4], [x, v[:, None], v, v, v]):
        yield old("BatchNormWithGlobalNormalization", [a.astype("float32") for a in arrays], variance_epsilon=.001, scale_after_normalization=True)


def beam(x, lengths, tolerance=None, **attrs):
    return graph(f"CTCBeamSearchDecoder {list(x.shape)} {x.dtype} {attrs}", [x, lengths], lambda t: tf.nest.flatten(
        tf.raw_ops.CTCBeamSearchDecoder(inputs=t[0], sequence_length=t[1], **attrs)), tolerance=tolerance)


def beams():
    for dtype in ("float32", "float64"):
        for time, batch, classes, width, top, merges in ((1, 1, 2, 1, 1, True), (5, 2, 4, 3, 2, True), (5, 2, 4, 3, 3, False), (20, 3, 6, 10, 5, True),
                                                         (20, 3, 6, 10, 5, False), (40, 1, 3, 100, 4, False), (30, 2, 28, 25, 3, True), (12, 1, 5, 1, 1, False)):
            x = (3 * rng.normal(size=(time, batch, classes))).astype(dtype)
            lengths = np.int32([time - i for i in range(batch)])
            yield beam(x, lengths, tolerance=(1e-4, 1e-5), beam_width=width, top_paths=top, merge_repeated=merges)
    x = rng.normal(size=(5, 2, 4)).astype(np.float32)
    for x, lengths, width, top in ((x, [0, 3], 3, 1), (x, [0, 3], 3, 2), (x, [5, 5], 3, 4), (x, [6, 1], 3, 1), (x, [-1, 2], 3, 1), (x[0], [1, 1], 3, 1),
                                   (x[:, :, :1], [5, 2], 3, 1), (x * np.nan, [2, 3], 3, 1), (x[:, :0], [], 3, 1), (x, [1], 3, 1), (x, [[1, 1]], 3, 1)):
        yield beam(x, np.array(lengths, np.int32), beam_width=width, top_paths=top)


def calls():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([])])
    def double(x, y):
        return x * 2 + y, tf.reduce_sum(x, 1)

    def batched(t):
        return tf.raw_ops.BatchFunction(in_tensors=[t[0]], captured_tensors=[t[1]], f=double.get_concrete_function(), num_batch_threads=1,
                                        max_batch_size=8, batch_timeout_micros=0, Tout=[tf.float32, tf.float32])
    yield graph("BatchFunction", [values((4, 3)), np.float32(.5)], batched)
    for x in (values((2, 3)), np.int32(4)):
        yield graph(f"XlaSharding {np.asarray(x).dtype}", [x], lambda t: [tf.identity(gen_xla_ops.xla_sharding(t[0]))])


def cases():
    for part in (matrices, norms, beams, calls):
        yield from part()
