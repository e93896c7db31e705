# SPDX-License-Identifier: Apache-2.0
"""Cases of ragged tensors as variants, for make_ops.py. Variants can not be fetched: each goes in and comes out."""
import numpy as np
import tensorflow as tf

from op_case import graph, values

i32, i64, f32 = np.int32, np.int64, np.float32
V = np.arange(5, dtype=f32)


def encode(splits, data, batched):
    return tf.raw_ops.RaggedTensorToVariant(rt_nested_splits=splits, rt_dense_values=data, batched_input=batched)


def decode(variant, given, wanted, data, splits=tf.int64):
    nested, dense = tf.raw_ops.RaggedTensorFromVariant(encoded_ragged=variant, input_ragged_rank=given, output_ragged_rank=wanted,
                                                       Tvalues=data, Tsplits=splits)
    return [*nested, dense]


def case(splits, data, batched, given, wanted, dtype=i64, change=lambda v: v, read_as=None):
    arrays = [*[np.array(s, dtype) for s in splits], data]
    kind = tf.as_dtype(read_as or np.asarray(data).dtype if np.asarray(data).dtype != object else tf.string)

    def build(t):
        variant = change(encode(t[:-1], t[-1], batched))
        return decode(variant, given, wanted, kind, tf.as_dtype(dtype))
    return graph(f"variant of {splits} {np.asarray(data).shape} {batched} {given} {wanted} {arrays[-1].dtype}", arrays, build)


def stacked(first, second, given, wanted):
    arrays = [*[np.array(s, i64) for s in first[0]], first[1], *[np.array(s, i64) for s in second[0]], second[1]]
    n = len(first[0]) + 1

    def build(t):
        both = tf.stack([encode(t[:n - 1], t[n - 1], False), encode(t[n:-1], t[-1], False)])
        return decode(both, given, wanted, tf.float32)
    return graph(f"stacked {first[0]} {second[0]} {given} {wanted}", arrays, build)


def mapped():
    def rows(t):
        ragged = tf.RaggedTensor.from_row_splits(t[1], t[0])
        signature = tf.RaggedTensorSpec([None], tf.float32, 0)
        out = tf.map_fn(lambda row: tf.concat([row, row * 2], 0), ragged, fn_output_signature=signature)
        return [out.values, out.row_splits]
    for splits in ([0, 2, 5], [0, 0, 5, 5], [0, 5]):
        yield graph(f"map_fn {splits}", [i64(splits), V], rows)


def cases():
    for dtype in (i32, i64):
        for given in (-1, 0):
            yield case([[0, 2, 5]], V, True, given, 1, dtype)
            yield case([[0, 2, 5]], V, True, given, 1, dtype)
        yield case([[0, 1, 2], [0, 2, 5]], values((5, 2)), True, 1, 2, dtype)
        yield case([[0, 1, 3], [0, 2, 2, 5]], V, False, 2, 2, dtype)
        yield case([[0, 1, 2, 4], [0, 2, 2, 3, 4], [0, 1, 1, 2, 5]], V, True, -1, 3, dtype)
    for data in ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint32", "uint64", "float16", "bfloat16", "float64", "bool"):
        yield case([[0, 2, 5]], values((5, 2), "int32").astype(bool) if data == "bool" else values((5, 2), data), True, 0, 1)
    yield case([[0, 2, 5]], np.array([b"a", b"", b"c", b"long " * 20, b"e"], object), True, 0, 1)
    yield case([[0, 2, 5]], values((5,)) + 1j * values((5,)), True, 0, 1)
    yield case([[0, 2, 5]], V, True, -1, 0)
    yield case([[0, 2, 4]], V[:4], True, -1, 0)
    yield case([[0]], V[:0], True, -1, 0)
    yield case([[0]], V[:0], True, -1, 1)
    for wanted in (0, 1, 2):
        if wanted != 1:  # its message shows the value
            yield case([], V, True, -1, wanted)
        yield case([], values((2, 3)), True, -1, wanted)
        yield case([], values((2, 3)), False, -1, wanted)
    yield case([], f32(1), True, -1, 0)
    yield case([], f32(1), False, -1, 0)
    for splits in ([1, 5], [0, 2, 4], [0, 3, 2, 5], [], [0, 2, 9], [[0, 2]]):
        for batched in (True, False):
            yield case([splits], V, batched, 0, 1)
    yield case([[0, 1], [0, 2, 5]], V, True, 1, 2)
    yield case([[0, 1, 3, 2], [0, 2, 5]], V, True, 1, 2)
    yield case([[0, 5]], f32(1), True, 0, 1)
    yield case([[0, 2, 5]], V, True, 0, 1, read_as="int32")
    yield case([[0, 2, 5]], V, True, 0, 2)
    yield case([[0, 2, 5]], V, True, 1, 2)
    yield case([[0, 2, 5]], V, True, 1, 1)
    yield case([[0, 2, 3, 5, 5]], V, True, 0, 2, change=lambda v: tf.reshape(v, [2, 2]))
    yield case([[0, 1, 2, 3, 4]], V[:4], True, 0, 0, change=lambda v: tf.reshape(v, [2, 2]))
    yield case([[0, 1, 2, 3, 4], [0, 2, 2, 3, 5]], V, True, 1, 3, change=lambda v: tf.reshape(v, [2, 2]))
    for first, second in (([[0, 3]], [[0, 2, 3]]), ([[0]], [[0, 2, 3]])):
        yield stacked((first, V[:first[0][-1]]), (second, V[:3]), 1, 2)
        yield stacked((first, V[:first[0][-1]]), (second, values((3, 2))), 1, 2)
    yield stacked(([[0, 3]], values((3, 3))), ([[0, 2, 3]], values((3, 2))), 1, 2)
    yield stacked(([], values((3, 2))), ([], values((1, 2))), 0, 1)
    yield stacked(([], values((3, 2))), ([], values((3, 2))), 0, 0)
    yield stacked(([], values((3, 2))), ([[0, 3]], values((3, 2))), 0, 1)
    yield from mapped()
