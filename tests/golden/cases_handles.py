# SPDX-License-Identifier: Apache-2.0
"""Cases of anonymous tables, references, lists that are split, and serialized tensors, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, values

raw, tf1 = tf.raw_ops, tf.compat.v1
i32, i64, f32 = np.int32, np.int64, np.float32
WORDS = np.array([b"one", b"two", b"", b"two"], object)


def s(text):
    return np.array(text, object)


def tables():
    def found(make, fill, name, keys, vals, ask, default):
        def build(t):
            table = make(t)
            with tf.control_dependencies([fill(table, t)]):
                return [raw.LookupTableFindV2(table_handle=table, keys=t[2], default_value=t[3]), raw.LookupTableSizeV2(table_handle=table)]
        return graph(f"{name} {keys.dtype} {vals.shape}", [keys, vals, ask, np.asarray(default)], build)

    def initialize(table, t):
        return raw.InitializeTableV2(table_handle=table, keys=t[0], values=t[1])

    def insert(table, t):
        return raw.LookupTableInsertV2(table_handle=table, keys=t[0], values=t[1])
    numbers = i64([4, 5, 6, 5])
    for keys, vals, default in ((WORDS, numbers, i64(-1)), (numbers, WORDS, s(b"?")), (numbers, f32([1, 2, 3, 2]), f32(0))):
        yield found(lambda t: raw.AnonymousHashTable(key_dtype=t[0].dtype, value_dtype=t[1].dtype), initialize, "AnonymousHashTable", keys, vals, keys[1:], default)
        yield found(lambda t: raw.AnonymousMutableHashTable(key_dtype=t[0].dtype, value_dtype=t[1].dtype), insert, "AnonymousMutableHashTable", keys, vals, keys[1:], default)
    yield found(lambda t: raw.AnonymousHashTable(key_dtype=t[0].dtype, value_dtype=t[1].dtype), initialize, "different values", WORDS, i64([1, 2, 3, 4]), WORDS, i64(0))
    rows = values((4, 2))
    for keys in (WORDS, numbers):
        yield found(lambda t: raw.AnonymousMutableHashTableOfTensors(key_dtype=t[0].dtype, value_dtype=t[1].dtype, value_shape=[2]), insert, "AnonymousMutableHashTableOfTensors", keys, rows, keys[1:], f32([0, 0]))
    for empty, gone in ((i64(-1), i64(-2)), (i64(-1), i64(-1)), (i64(4), i64(-2))):
        yield found(lambda t, e=empty, g=gone: raw.AnonymousMutableDenseHashTable(empty_key=e, deleted_key=g, value_dtype=t[1].dtype, value_shape=[]), insert, f"AnonymousMutableDenseHashTable {empty} {gone}", numbers, f32([1, 2, 3, 2]), numbers[:2], f32(0))


def references():
    def scattered(name, indices, updates, nd=False, first=values((4, 2))):
        def build(t):
            var = raw.VariableV2(shape=first.shape, dtype=t[0].dtype)
            put = raw.Assign(ref=var, value=t[0])
            with tf.control_dependencies([put]):
                done = getattr(raw, name)(ref=var, indices=t[1], updates=t[2])
            with tf.control_dependencies([done]):
                return [raw.Identity(input=var), raw.IsVariableInitialized(ref=var)]
        return graph(f"{name} {np.shape(indices)} {updates.shape}", [first, i32(indices), updates], build)
    for name in ("ScatterUpdate", "ScatterAdd", "ScatterSub", "ScatterMul", "ScatterDiv", "ScatterMin", "ScatterMax"):
        yield scattered(name, [2, 0], values((2, 2), low=1))
        yield scattered(name, 1, values((2,), low=1))
        yield scattered(name, [[1], [3]], values((2, 1, 2), low=1))
        yield scattered(name, [4, 0], values((2, 2)))
        yield scattered(name, [2, 0], values((2, 3)))
    for name in ("ScatterNdUpdate", "ScatterNdAdd", "ScatterNdSub", "ScatterNdMin", "ScatterNdMax"):
        yield scattered(name, [[2, 1], [0, 0]], values((2,)))
        yield scattered(name, [[2], [0]], values((2, 2)))
        yield scattered(name, [[2, 5]], values((1,)))

    def handed(predicate):
        def build(t):
            var = raw.VariableV2(shape=[2], dtype=tf.float32)
            put = raw.Assign(ref=var, value=t[0])
            with tf.control_dependencies([put]):
                name = raw.RefIdentity(input=var)
                no, yes = raw.RefSwitch(data=name, pred=t[1])
                either, index = raw.RefMerge(inputs=[no, yes])
                return [raw.Identity(input=either) * 2, index, raw.Identity(input=name)]
        return graph(f"references handed on {predicate}", [f32([1, 2]), np.array(predicate)], build)
    yield handed(True)
    yield handed(False)

    def uninitialized(t):
        var = raw.VariableV2(shape=[2], dtype=tf.float32)
        return [raw.IsVariableInitialized(ref=var), t[0]]
    yield graph("IsVariableInitialized", [f32(1)], uninitialized)

    def shaped(kind):
        def build(t):
            var = raw.VarHandleOp(dtype=tf.float32, shape=[2, 3])
            with tf.control_dependencies([raw.AssignVariableOp(resource=var, value=t[0])]):
                return [raw.VariableShape(input=var, out_type=kind)]
        return graph(f"VariableShape {kind}", [values((2, 3))], build)
    yield shaped(tf.int32)
    yield shaped(tf.int64)


def lists():
    def stacked(handle, kind, shape=-1):
        return raw.TensorListConcatV2(input_handle=handle, element_dtype=kind, element_shape=shape, leading_dims=tf.constant([], tf.int64))

    def split(tensor, lengths, shape):
        def build(t):
            handle = raw.TensorListSplit(tensor=t[0], element_shape=t[2], lengths=t[1])
            return [*stacked(handle, t[0].dtype, [-1, 2] if tensor.ndim > 1 else -1), raw.TensorListLength(input_handle=handle)]
        return graph(f"TensorListSplit {tensor.dtype} {tensor.shape} {lengths} {shape}", [tensor, i64(lengths), i32(shape)], build)
    for lengths in ([1, 3], [4], [0, 4, 0], [1, 1, 1], [5], [-1, 5], [[4]], [2, 2]):
        yield split(values((4, 2)), lengths, [-1, 2])
        yield split(values((4, 2)), lengths, -1)
    yield split(values((4, 2)), [2, 2], [2, 3])
    yield split(values((4, 2)), [2, 2], [2])
    yield split(s([b"a", b"b", b"c"]), [1, 2], -1)

    def scatter(tensor, indices, length=2):
        def build(t):
            handle = raw.TensorListReserve(element_shape=tf.constant([2]), num_elements=length, element_dtype=t[0].dtype)
            handle = raw.TensorListScatterIntoExistingList(input_handle=handle, tensor=t[0], indices=t[1])
            return [raw.TensorListStack(input_handle=handle, element_shape=[2], element_dtype=t[0].dtype), raw.TensorListLength(input_handle=handle)]
        return graph(f"TensorListScatterIntoExistingList {tensor.shape} {indices}", [tensor, i32(indices)], build)
    for indices in ([1, 0], [2, 1], [0, 0], [-1, 0], [0], [[0, 1]]):
        yield scatter(values((2, 2)), indices)
    yield scatter(f32(1), [0])


def serialized():
    kinds = ("float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    for kind in kinds:
        for shape in ((2, 3), (), (0,)):
            yield op("SerializeTensor", [values(shape, kind)], ["tensor"])
            yield op("ParseTensor", [s(tf.io.serialize_tensor(values(shape, kind)).numpy())], ["serialized"], out_type=tf.as_dtype(kind))
    for data in (s([b"a", b"", b"long" * 99]), np.array([True, False]), np.array([1 + 2j], "complex64"), np.array([1 + 2j], "complex128"), s(b"x")):
        yield op("SerializeTensor", [data], ["tensor"])
        yield op("ParseTensor", [s(tf.io.serialize_tensor(data).numpy())], ["serialized"], out_type=tf.as_dtype(tf.constant(data).dtype))
    good = tf.io.serialize_tensor(f32([1])).numpy()
    for data, kind in ((s(good), tf.int32), (s([good]), tf.float32)):
        yield op("ParseTensor", [data], ["serialized"], out_type=kind)
    for base, shard, count in ((b"x", 1, 4), (b"a/b", 12, 100000), (b"", 0, 0)):
        yield op("ShardedFilename", [s(base), i32(shard), i32(count)], ["basename", "shard", "num_shards"])
        yield op("ShardedFilespec", [s(base), i32(count)], ["basename", "num_shards"])
    yield op("ShardedFilename", [s([b"x"]), i32(1), i32(2)], ["basename", "shard", "num_shards"])
    yield op("ShardedFilename", [s(b"x"), i32([1]), i32(2)], ["basename", "shard", "num_shards"])
    for name in ("Copy", "CopyHost", "DebugGradientIdentity"):
        yield op(name, [values((2, 3))], ["input"])


def cases():
    for family in (tables, references, lists, serialized):
        yield from family()
