# SPDX-License-Identifier: Apache-2.0
"""Cases of tf.data in a graph, for make_ops.py. Each ends in a DatasetToSingleElement."""
import numpy as np
import tensorflow as tf

from op_case import graph, values


def single(dataset):
    out = tf.data.experimental.get_single_element(dataset) if hasattr(tf.data.experimental, "get_single_element") else dataset.get_single_element()
    return [t for t in tf.nest.flatten(out)]


def chain(name, arrays, build, const=()):
    """`build` gives a dataset; optimizations that would put other ops into the graph are off."""
    def built(t):
        return single(build(t))
    return graph("dataset " + name, arrays, built, const=const)


D = tf.data.Dataset


def cases():
    x, ids = values((5, 2)), np.array([3, 1, 2, 0, 4], np.int64)
    words = np.array([b"a", b"bcd", b"", b"ef", b"g"], object)
    yield chain("batch", [x, words], lambda t: D.from_tensor_slices((t[0], t[1])).batch(5))
    yield chain("batch with a rest", [x], lambda t: D.from_tensor_slices(t[0]).batch(8))
    yield chain("rest dropped", [x], lambda t: D.from_tensor_slices(t[0]).batch(4, drop_remainder=True))
    yield chain("two batches", [x], lambda t: D.from_tensor_slices(t[0]).batch(4))
    yield chain("no batch", [x], lambda t: D.from_tensor_slices(t[0]).batch(6, drop_remainder=True))
    yield chain("batch of nothing", [x, np.int64(0)], lambda t: D.from_tensor_slices(t[0]).batch(t[1]))
    yield chain("one tensor", [x], lambda t: D.from_tensors((t[0], t[0] * 2.0)))
    yield chain("slices of a scalar", [np.float32(3)], lambda t: D.from_tensor_slices(tf1_shape(t[0])).batch(1))
    yield chain("map", [x, values((2, 3))], lambda t: D.from_tensor_slices(t[0]).map(lambda r: tf.linalg.matmul(r[None], t[1])[0] + 1.0).batch(5))
    yield chain("map of two", [x, ids, words], lambda t: D.from_tensor_slices((t[0], t[1], t[2])).map(
        lambda r, i, w: {"r": r * tf.cast(i, tf.float32), "w": tf.strings.join([w, "!"]), "n": tf.strings.length(w)}).batch(5))
    yield chain("maps upon maps", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: i * 2).map(lambda i: i + 1).map(lambda i: (i, i % 3)).batch(9))
    yield chain("map that fails", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: tf.gather(tf.constant([1.0, 2.0]), i)).batch(9))
    yield chain("padded", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: tf.range(i)).padded_batch(5))
    yield chain("padded to a size", [ids, np.int64(-7)], lambda t: D.from_tensor_slices(t[0]).map(lambda i: tf.range(i)).padded_batch(5, [7], t[1]))
    yield chain("padded to too little", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: tf.range(i)).padded_batch(5, [2]))
    yield chain("padded matrices", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: (tf.ones([i, i + 1]) * 3.0, tf.fill([i], "x"))).padded_batch(
        5, ([None, None], [None]), (-1.0, "pad")))
    yield chain("different shapes", [ids], lambda t: D.from_tensor_slices(t[0]).map(lambda i: tf.range(i)).batch(5))
    yield chain("range", [np.int64(2), np.int64(11), np.int64(3)], lambda t: D.range(t[0], t[1], t[2]).batch(10))
    yield chain("range downwards", [np.int64(5), np.int64(-2), np.int64(-2)], lambda t: D.range(t[0], t[1], t[2]).batch(10))
    yield chain("range without a step", [np.int64(5), np.int64(9), np.int64(0)], lambda t: D.range(t[0], t[1], t[2]).batch(10))
    for n in (-1, 0, 2, 9):
        yield chain(f"take {n}", [x, np.int64(n)], lambda t: D.from_tensor_slices(t[0]).take(t[1]).batch(9))
        yield chain(f"skip {n}", [x, np.int64(n)], lambda t: D.from_tensor_slices(t[0]).skip(t[1]).batch(9))
    yield chain("skip, take, prefetch", [x], lambda t: D.from_tensor_slices(t[0]).skip(1).take(3).prefetch(2).batch(9))
    yield chain("empty slices", [x[:0]], lambda t: D.from_tensor_slices(t[0]).batch(3))


def tf1_shape(x):
    return tf.compat.v1.placeholder_with_default(x, None)
