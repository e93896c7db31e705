# SPDX-License-Identifier: Apache-2.0
"""Cases of parsed sequence examples, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph


def feature(values):
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if values and isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def example(context, **lists):
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={k: feature(v) for k, v in context.items()}),
        feature_lists=tf.train.FeatureLists(feature_list={k: tf.train.FeatureList(feature=[feature(s) for s in steps]) for k, steps in lists.items()})).SerializeToString()


LONG = example({"id": [7], "tags": [b"a", b"b"], "price": [1.5, -2.0]}, words=[[b"x"], [b"y", b"z"]], marks=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], ids=[[1, 2, 3], [4]])
SHORT = example({"id": [8], "price": [0.5, 0.25]}, words=[[b"w"]], marks=[[9.0, 8.0]])
BARE = example({"id": [9], "price": [0.0, 1.0]}, marks=[])
WORDS_ONLY = example({"id": [1]}, words=[[b"p"], [b"q"]])


def parse(title, serialized, context, lists, names=()):
    feeds = [np.array(serialized, object)] + ([np.array(names, object)] if len(names) else [])

    def build(t):
        parsed = tf.io.parse_sequence_example(t[0], context_features=context, sequence_features=lists, **({"example_names": t[1]} if len(names) else {}))
        found = []
        for part in parsed:
            for key in sorted(part):
                found += tf.nest.flatten(part[key], expand_composites=True)
        return [tf.identity(f) for f in found]
    return graph(f"ParseSequenceExample {title} {len(serialized) if isinstance(serialized, list) else 1} {list(names)}", feeds, build)


def version_1(title, serialized, missing=(), **more):
    def build(t):
        out = tf.raw_ops.ParseSequenceExample(
            serialized=t[0], debug_name=[], context_dense_defaults=[np.int64([-1]), np.zeros(0, np.float32)], feature_list_dense_missing_assumed_empty=list(missing),
            context_sparse_keys=["tags"], context_dense_keys=["id", "price"], feature_list_sparse_keys=["words"], feature_list_dense_keys=["marks"],
            Ncontext_sparse=1, Ncontext_dense=2, Nfeature_list_sparse=1, Nfeature_list_dense=1, context_sparse_types=[tf.string], feature_list_dense_types=[tf.float32],
            context_dense_shapes=[[1], [2]], feature_list_sparse_types=[tf.string], feature_list_dense_shapes=[[2]])
        return list(tf.nest.flatten(out))
    return graph(f"ParseSequenceExample v1 {title}", [np.array(serialized, object)], build)


def ragged_of(title, serialized, splits, words=tf.string):
    """Version 2 itself, of a batch or one example."""
    def build(t):
        none = tf.zeros([0], tf.string)
        out = tf.raw_ops.ParseSequenceExampleV2(
            serialized=t[0], debug_name=none, context_sparse_keys=none, context_dense_keys=none, context_ragged_keys=["tags", "id"], feature_list_sparse_keys=["ids"],
            feature_list_dense_keys=["marks"], feature_list_ragged_keys=["words"], feature_list_dense_missing_assumed_empty=[True], context_dense_defaults=[], Nfeature_list_sparse=1,
            Nfeature_list_dense=1, context_ragged_value_types=[tf.string, tf.int64], context_ragged_split_types=[splits, splits], feature_list_dense_types=[tf.float32],
            feature_list_sparse_types=[tf.int64], feature_list_ragged_value_types=[words], feature_list_ragged_split_types=[splits], feature_list_dense_shapes=[[2]])
        flat = [tf.identity(o) for o in tf.nest.flatten(out)]
        # The row splits of a lone example are scalars that the original never writes.
        return flat if array.ndim else [o for i, o in enumerate(flat) if i not in (2, 3, 10)]
    array = np.array(serialized, object)
    return graph(f"ParseSequenceExampleV2 ragged {title} {list(array.shape)} {splits} {words}", [array], build)


def cases():
    var, fixed, steps = tf.io.VarLenFeature, tf.io.FixedLenFeature, tf.io.FixedLenSequenceFeature
    everything = ({"id": fixed([], tf.int64), "tags": var(tf.string), "price": fixed([2], tf.float32, [0.0, 3.0])},
                  {"words": var(tf.string), "marks": steps([2], tf.float32, allow_missing=True), "ids": var(tf.int64)})
    required = ({"id": fixed([], tf.int64), "price": fixed([2], tf.float32)}, {"marks": steps([2], tf.float32)})
    for serialized in ([LONG, SHORT, BARE], [SHORT], [LONG, LONG], [BARE, BARE], [WORDS_ONLY, LONG], [], [b""], [b"\xff\xff"], [LONG[:-3]]):
        yield parse("everything", serialized, *everything)
        yield parse("required", serialized, *required)
        yield version_1(f"{[len(s) for s in serialized]}", serialized)
        yield version_1(f"{[len(s) for s in serialized]} may miss", serialized, missing=["marks"])
    yield parse("named", [LONG, WORDS_ONLY], *required, names=[b"one", b"two"])
    wrong = (({"id": fixed([], tf.float32)}, {}), ({"id": fixed([2], tf.int64)}, {}), ({"tags": var(tf.int64)}, {}), ({}, {"words": var(tf.int64)}),
             ({}, {"marks": steps([3], tf.float32)}), ({}, {"marks": steps([2], tf.int64)}), ({}, {"words": steps([], tf.string)}))
    for splits in (tf.int32, tf.int64):
        for serialized in ([LONG, SHORT, BARE], [WORDS_ONLY], [], [b""], LONG, BARE, b"", [b"\xff"]):
            yield ragged_of(f"{len(serialized)} long", serialized, splits)
        yield ragged_of("wrong", [LONG], splits, words=tf.float32)
    yield parse("some short", [LONG, example({"id": [1], "price": [1.0]})], *required)
    yield parse("some long", [LONG, example({"id": [1], "price": [1.0, 2.0, 3.0]})], *required)
    yield parse("some short with a default", [LONG, example({"id": [1], "price": [1.0]})], *everything)
    yield parse("long with a default", [example({"id": [1], "price": [1.0, 2.0, 3.0]})], *everything)
    for number, (context, lists) in enumerate(wrong):
        yield parse(f"wrong {number}", [LONG], context, lists)
        yield parse(f"wrong {number} named", [LONG], context, lists, names=[b"it"])
