# SPDX-License-Identifier: Apache-2.0
"""Cases of the table family for make_ops.py: a table is filled and asked in one graph."""
import numpy as np
import tensorflow as tf

from op_case import graph

raw = tf.raw_ops
WORDS = np.array([b"one", b"two", b""], object)
NUMBERS = np.array([1, 2, 3], np.int64)
KINDS = {"string": WORDS, "int64": NUMBERS, "float32": NUMBERS.astype(np.float32), "int32": NUMBERS.astype(np.int32)}


def static(keys, values, ask, default, initialize=True):
    def build(t):
        table = raw.HashTableV2(key_dtype=t[0].dtype, value_dtype=t[1].dtype)
        init = raw.InitializeTableV2(table_handle=table, keys=t[0], values=t[1])
        with tf.control_dependencies([init] if initialize else []):
            found = raw.LookupTableFindV2(table_handle=table, keys=t[2], default_value=t[3])
            return [found, raw.LookupTableSizeV2(table_handle=table)]
    text = f"{keys.dtype} {values.dtype} {ask.shape} {default!r} {initialize}"
    return graph("HashTableV2 " + text, [keys, values, ask, np.asarray(default)], build)


def mutable(keys, values, ask, default):
    def build(t):
        table = raw.MutableHashTableV2(key_dtype=t[0].dtype, value_dtype=t[1].dtype)
        steps = [raw.LookupTableInsertV2(table_handle=table, keys=t[0], values=t[1])]
        with tf.control_dependencies(steps):
            steps = [raw.LookupTableRemoveV2(table_handle=table, keys=t[0][:1])]
        with tf.control_dependencies(steps):
            steps = [raw.LookupTableInsertV2(table_handle=table, keys=t[0][1:2], values=t[1][2:3])]
        with tf.control_dependencies(steps):
            return [raw.LookupTableFindV2(table_handle=table, keys=t[2], default_value=t[3]), raw.LookupTableSizeV2(table_handle=table)]
    return graph(f"MutableHashTableV2 {keys.dtype} {values.dtype}", [keys, values, ask, np.asarray(default)], build)


def first_versions():
    """HashTable and its ops as TensorFlow 1.0 wrote them: handles are references to strings."""
    def build(t):
        table = raw.HashTable(key_dtype=t[0].dtype, value_dtype=t[1].dtype)
        with tf.control_dependencies([raw.InitializeTable(table_handle=table, keys=t[0], values=t[1])]):
            return [raw.LookupTableFind(table_handle=table, keys=t[2], default_value=t[3]), raw.LookupTableSize(table_handle=table)]
    for keys, values, default in (("string", "int64", np.int64(-1)), ("int64", "float32", np.float32(0.5)), ("string", "string", np.array(b"?", object))):
        yield graph(f"HashTable {keys} {values}", [KINDS[keys], KINDS[values], KINDS[keys][1:], default], build)


def of_tensors():
    def build(t):
        table = raw.MutableHashTableOfTensorsV2(key_dtype=tf.string, value_dtype=tf.float32, value_shape=[2])
        with tf.control_dependencies([raw.LookupTableImportV2(table_handle=table, keys=t[0], values=t[1])]):
            return raw.LookupTableFindV2(table_handle=table, keys=t[2], default_value=t[3])
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    yield graph("of tensors", [WORDS, rows, WORDS[::-1].reshape(1, 3).copy(), np.float32([8, 9])], build)


def dense():
    """Keys that mark the empty and the deleted places of a table."""
    def build_of(reserved, value_shape, imports):
        def build(t):
            table = raw.MutableDenseHashTableV2(empty_key=reserved[0], deleted_key=reserved[1], value_dtype=t[1].dtype, value_shape=value_shape)
            first = raw.LookupTableImportV2 if imports else raw.LookupTableInsertV2
            steps = [first(table_handle=table, keys=t[0], values=t[1])]
            with tf.control_dependencies(steps):
                steps = [raw.LookupTableInsertV2(table_handle=table, keys=t[2], values=t[6])]
            with tf.control_dependencies(steps):
                steps = [raw.LookupTableRemoveV2(table_handle=table, keys=t[3])]
            with tf.control_dependencies(steps):
                return [raw.LookupTableFindV2(table_handle=table, keys=t[4], default_value=t[5]), raw.LookupTableSizeV2(table_handle=table)]
        return build
    numbers, rows = np.int64([4, 5, 6]), np.arange(6, dtype=np.float32).reshape(3, 2)
    for title, reserved, keys, values, inserted, removed, asked, default in (
            ("numbers", (np.int64(-1), np.int64(-2)), NUMBERS, numbers, NUMBERS[1:] + 1, NUMBERS[:1], np.int64([1, 2, 3, 4, 5]), np.int64(-9)),
            ("rows", (np.int64(-1), np.int64(-2)), NUMBERS, rows, NUMBERS[1:] + 1, NUMBERS[:1], np.int64([1, 2, 3, 4, 5]), np.float32([7, 7])),
            ("words", (np.array(b"", object), np.array(b"-", object)), np.array([b"one", b"two"], object), numbers[:2], WORDS[:1], WORDS[:1], WORDS[:2], np.int64(0)),
            ("insert empty", (np.int64(-1), np.int64(-2)), NUMBERS, numbers, np.int64([-1]), NUMBERS[:1], NUMBERS, np.int64(-9)),
            ("insert deleted", (np.int64(-1), np.int64(-2)), NUMBERS, numbers, np.int64([-2]), NUMBERS[:1], NUMBERS, np.int64(-9)),
            ("remove empty", (np.int64(-1), np.int64(-2)), NUMBERS, numbers, NUMBERS[:1], np.int64([-1]), NUMBERS, np.int64(-9)),
            ("ask deleted", (np.int64(-1), np.int64(-2)), NUMBERS, numbers, NUMBERS[:1], NUMBERS[:1], np.int64([1, -2]), np.int64(-9)),
            ("equal", (np.int64(-1), np.int64(-1)), NUMBERS, numbers, NUMBERS[:1], NUMBERS[:1], NUMBERS, np.int64(-9)),
            ("wrong values", (np.int64(-1), np.int64(-2)), NUMBERS, numbers[:2], NUMBERS[:1], NUMBERS[:1], NUMBERS, np.int64(-9))):
        imports = title in ("numbers", "rows")
        if imports:  # what a checkpoint holds: a matrix of as many keys as a power of two
            keys, values = np.append(keys, reserved[0])[:, None], np.concatenate([values, values[:1]])
            values = values if values.ndim > 1 else values[:, None]
        yield graph("MutableDenseHashTableV2 " + title, [keys, values, inserted, removed, asked, default, values[:len(inserted)].reshape((len(inserted), *default.shape))],
                    build_of(reserved, list(default.shape), imports))


def cases():
    yield from dense()
    yield from first_versions()
    for kind, keys in KINDS.items():
        for other, values in KINDS.items():
            default = np.array(b"none", object) if other == "string" else np.array(-1).astype(values.dtype)
            if kind in ("string", "int64") and (kind, other) not in (("int64", "int32"), ("int64", "float64")):
                ask = np.array([b"two", b"x", b"", b"one"], object) if kind == "string" else np.array([2, 9, 3, 1], keys.dtype)
                yield static(keys, values, ask.reshape(2, 2), default)
                yield mutable(keys, values, ask, default)
    yield static(WORDS, NUMBERS, WORDS, np.int64(-1), initialize=False)
    yield static(np.array([b"a", b"a"], object), np.int64([1, 1]), WORDS, np.int64(-1))
    yield static(WORDS[:0], NUMBERS[:0], WORDS, np.int64(-1))
    yield static(WORDS, NUMBERS, WORDS[:0], np.int64(-1))
    yield static(WORDS, NUMBERS, np.array(b"two", object), np.int64(-1))
    yield from of_tensors()
