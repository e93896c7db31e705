# SPDX-License-Identifier: Apache-2.0
"""Cases of tf.estimator's boosted trees, for make_ops.py. TensorFlow 2.21 knows the ops but can not run them: the answers are made here."""
import struct

import numpy as np
import tensorflow as tf

from op_case import graph, rng

raw = tf.raw_ops


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def node(n):
    """(values) or (kind, feature, dimension, value, left, right); kind 2: bucket, 3: category."""
    if isinstance(n, list):
        leaf = field(3, float(n[0])) if len(n) == 1 else field(1, field(1, struct.pack(f"<{len(n)}f", *n)))
        return field(1, leaf)
    kind, feature, dimension, value, left, right = n
    return field(kind, field(1, feature) + field(2, value) + field(3, left) + field(4, right) + field(5, dimension)) + field(777, field(1, 0.5))


def ensemble(trees, weights):
    return b"".join(field(1, b"".join(field(1, node(n)) for n in t)) for t in trees) + field(2, struct.pack(f"<{len(weights)}f", *weights)) + \
        b"".join(field(3, field(2, 2) + field(3, 1)) for _ in trees) + field(4, field(1, len(trees)) + field(2, 5) + field(3, 1) + field(4, 3))


def ask(trees, weights, row, outputs):
    sums = np.zeros(outputs, np.float32)
    for tree, weight in zip(trees, weights):
        n = tree[0]
        while not isinstance(n, list):
            kind, feature, dimension, value, left, right = n
            own = row[feature][dimension]
            n = tree[left if (own <= value if kind == 2 else own == value) else right]
        values = np.zeros(outputs, np.float32)
        values[:len(n)] = n[:outputs]
        sums += np.float32(weight) * values
    return sums


def predict(trees, weights, features, outputs=1):
    rows = [[np.atleast_1d(f[i]) for f in features] for i in range(len(features[0]))]
    answers = np.array([ask(trees, weights, row, outputs) for row in rows], np.float32).reshape(-1, outputs)
    finalized = np.int32(len(trees))

    def build(t):
        handle = raw.BoostedTreesEnsembleResourceHandleOp(shared_name="e")
        with tf.control_dependencies([raw.BoostedTreesDeserializeEnsemble(tree_ensemble_handle=handle, stamp_token=np.int64(3), tree_ensemble_serialized=t[0])]):
            logits = raw.BoostedTreesPredict(tree_ensemble_handle=handle, bucketized_features=t[1:], logits_dimension=outputs)
            states = raw.BoostedTreesGetEnsembleStates(tree_ensemble_handle=handle)
            return [logits, raw.IsBoostedTreesEnsembleInitialized(tree_ensemble_handle=handle), *states]
    return graph(f"BoostedTreesPredict {len(trees)} trees, {[f.shape for f in features]}", [np.array(ensemble(trees, weights), object), *features], build,
                 answers=[answers, np.bool_(True), np.int64(3), finalized, finalized, np.int32(5), np.int32([1, 3])])


def quantiles(boundaries):
    def build(t):
        handle = raw.BoostedTreesQuantileStreamResourceHandleOp(shared_name="q")
        with tf.control_dependencies([raw.BoostedTreesQuantileStreamResourceDeserialize(quantile_stream_resource_handle=handle, bucket_boundaries=t)]):
            got = raw.BoostedTreesQuantileStreamResourceGetBucketBoundaries(quantile_stream_resource_handle=handle, num_features=len(boundaries))
            return [*got, raw.IsBoostedTreesQuantileStreamResourceInitialized(quantile_stream_resource_handle=handle)]
    return graph(f"quantiles {[len(b) for b in boundaries]}", boundaries, build, answers=[*boundaries, np.bool_(True)])


def grow(depth, outputs, kinds=(2, 3)):
    """A full tree of random splits."""
    tree = []
    for i in range(2 ** depth - 1):
        kind = kinds[rng.integers(len(kinds))]
        tree.append((kind, int(rng.integers(3)), int(rng.integers(2)) if i % 3 else 0, int(rng.integers(4)), 2 * i + 1, 2 * i + 2))
    return tree + [[float(np.float32(v)) for v in rng.uniform(-1, 1, outputs)] for _ in range(2 ** depth)]


def cases():
    i32 = np.int32
    features = [rng.integers(0, 5, (9, 2)).astype(i32) for _ in range(3)]
    stump = [(2, 0, 0, 1, 1, 2), [-1.5], [2.0]]
    yield predict([stump], [1.0], [i32([[0], [1], [2]])])
    yield predict([stump], [0.5], [i32([0, 1, 2])])
    yield predict([[[0.25]]], [1.0], [i32([[0], [1]])])
    yield predict([], [], [i32([[0], [1]])])
    for outputs in (1, 3):
        for depth in (1, 3, 5):
            yield predict([grow(depth, outputs) for _ in range(4)], [1.0, 0.5, 0.25, -1.0], features, outputs)
    yield predict([grow(3, 1, (2,))], [0.1], features)
    yield predict([grow(3, 1, (3,))], [0.1], features)
    yield predict([grow(2, 1)], [0.1], [f[:0] for f in features])
    yield quantiles([np.float32([0.5, 1, 2])])
    yield quantiles([np.float32([0.5, 1, 2]), np.float32([]), np.float32([-1])])
