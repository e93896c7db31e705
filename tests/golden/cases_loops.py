# SPDX-License-Identifier: Apache-2.0
"""Cases of loops and arrays as TensorFlow 1 writes them (Enter, NextIteration, TensorArrayV3, ...), for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, values

tf1 = tf.compat.v1
ANY = [tf.TensorShape([]), tf.TensorShape(None)]  # a counter and something


def v1(build):
    """`build` with the control flow and the arrays of TensorFlow 1."""
    def built(tensors):
        tf1.disable_control_flow_v2()
        try:
            return build(tensors)
        finally:
            tf1.enable_control_flow_v2()
    return built


def loop(name, arrays, build, **more):
    return graph("v1 " + name, arrays, v1(build), **more)


def i32(x):
    return np.int32(x)


def while_loops():
    for n in (0, 1, 5):
        yield loop(f"count to {n}", [i32(n)], lambda t: list(tf1.while_loop(lambda i, s: i < t[0], lambda i, s: (i + 1, s * 2), [0, 1])))
        yield loop(f"matrix power {n}", [i32(n), values((3, 3))], lambda t: list(tf1.while_loop(
            lambda i, m: i < t[0], lambda i, m: (i + 1, tf.matmul(m, t[1])), [tf.constant(0), tf.ones([3, 3])], shape_invariants=ANY)))
        yield loop(f"grows {n}", [i32(n), values((1, 2))], lambda t: [tf1.while_loop(
            lambda i, m: i < t[0], lambda i, m: (i + 1, tf.concat([m, t[1]], 0)), [tf.constant(0), t[1]],
            shape_invariants=ANY)[1]])
        yield loop(f"nested {n}", [i32(n), i32(3)], lambda t: list(tf1.while_loop(
            lambda i, s: i < t[0],
            lambda i, s: (i + 1, tf1.while_loop(lambda k, s: k < t[1], lambda k, s: (k + 1, s + k * i), [tf.constant(0), s])[1]),
            [tf.constant(0), tf.constant(0)])))
        yield loop(f"three levels {n}", [i32(n)], lambda t: [tf1.while_loop(lambda i, s: i < t[0], lambda i, s: (i + 1, tf1.while_loop(
            lambda j, s: j < i, lambda j, s: (j + 1, tf1.while_loop(lambda k, s: k < j + 1, lambda k, s: (k + 1, s + k), [tf.constant(0), s])[1]),
            [tf.constant(0), s])[1]), [tf.constant(0), tf.constant(0)])[1]])
        yield loop(f"cond inside {n}", [i32(n), values((4,))], lambda t: [tf1.while_loop(
            lambda i, s: i < t[0],
            lambda i, s: (i + 1, tf1.cond(tf.equal(i % 2, 0), lambda: s + t[1], lambda: s * 2.0)), [tf.constant(0), t[1]])[1]])
        yield loop(f"inside a cond {n}", [i32(n), i32(2)], lambda t: [tf1.cond(
            t[0] > t[1], lambda: tf1.while_loop(lambda i: i < t[0], lambda i: i * 2 + 1, [tf.constant(0)]), lambda: t[1] - 10)])
        yield loop(f"one after the other {n}", [i32(n)], lambda t: [tf1.while_loop(
            lambda i: i < t[0] * 3, lambda i: i + 2, [tf1.while_loop(lambda i: i < t[0], lambda i: i + 1, [tf.constant(0)])])])
        yield loop(f"swapped {n}", [i32(n), values((2,)), values((2,))], lambda t: list(tf1.while_loop(
            lambda i, a, b: i < t[0], lambda i, a, b: (i + 1, b, a), [tf.constant(0), t[1], t[2]])))
        yield loop(f"strings {n}", [i32(n), np.array(b"ab", object)], lambda t: [tf1.while_loop(
            lambda i, s: i < t[0], lambda i, s: (i + 1, tf1.string_join([s, t[1]], "-")), [tf.constant(0), t[1]])[1]])
        yield loop(f"control inside {n}", [i32(n)], lambda t: [tf1.while_loop(lambda i: i < t[0], under_control, [tf.constant(0)])])
    yield loop("fails inside", [i32(3), values((3, 3))], lambda t: [tf1.while_loop(
        lambda i, m: i < t[0], lambda i, m: (i + 1, tf.raw_ops.MatMul(a=m, b=tf.reshape(t[1], [1, 9]))), [tf.constant(0), t[1]],
        shape_invariants=ANY)[1]])
    yield loop("condition of a vector", [i32([3, 4])], lambda t: [tf1.while_loop(
        lambda i: tf1.placeholder_with_default(t[0] > i, None), lambda i: i + 1, [tf.constant(0)])])


def under_control(i):
    with tf.control_dependencies([tf.debugging.assert_less(i, 100)]):
        return i + tf.constant(1)


def array(t, size, **more):
    return tf1.TensorArray(tf.float32, size=size, **more)


def writes(t, order):
    ta = array(t, 4, clear_after_read=False)
    for k, i in enumerate(order):
        ta = ta.write(i, t[0] * float(k + 1))
    return ta


def arrays():
    x = values((3, 2))
    yield loop("array write stack", [x], lambda t: [writes(t, [2, 0, 1, 3]).stack(), writes(t, [0, 1, 2, 3]).size()])
    yield loop("array gather", [x, i32([3, 0, 3])], lambda t: [writes(t, [0, 1, 2, 3]).gather(t[1])])
    yield loop("array concat", [x], lambda t: [writes(t, [3, 2, 1, 0]).concat()])
    yield loop("array missing element", [x], lambda t: [writes(t, [0, 1]).stack()])
    yield loop("array read of a missing element", [x], lambda t: [writes(t, [0, 1]).read(2)])
    yield loop("array read outside", [x], lambda t: [writes(t, [0, 1]).read(7)])
    yield loop("array read below", [x, i32(-1)], lambda t: [writes(t, [0, 1]).read(t[1])])
    yield loop("array written twice", [x], lambda t: [writes(t, [0, 1, 1]).read(1)])
    yield loop("array written outside", [x, i32(9)], lambda t: [writes(t, [0, 1]).write(t[1], t[0]).read(1)])
    yield loop("array element shapes differ", [x, values((4,))], lambda t: [array(t, 2, infer_shape=False).write(0, t[0]).write(1, t[1]).read(1)])
    yield loop("array element shapes differ stack", [x, values((4,))], lambda t: [array(t, 2, infer_shape=False).write(0, t[0]).write(1, t[1]).stack()])
    yield loop("array element shapes inferred", [x, values((4,))], lambda t: [raw_write(raw_array(2, identical_element_shapes=True), [t[0], t[1]])])
    yield loop("array of a declared shape", [x], lambda t: [raw_write(raw_array(2, element_shape=[3, 5]), [t[0]])])
    yield loop("array of another dtype", [values((2,), "int32")], lambda t: [raw_write(raw_array(2), [t[0]])])
    yield loop("array grows", [x], lambda t: [array(t, 0, dynamic_size=True).write(3, t[0]).write(0, t[0]).size()])
    yield loop("array read twice", [x], lambda t: twice(array(t, 1).write(0, t[0])))
    yield loop("array zeros where not written", [x], lambda t: [raw_read(raw_write_handle(raw_array(3, element_shape=[3, 2]), t[0], 1), 2)])
    yield loop("array scatter", [x, i32([2, 0, 1])], lambda t: [array(t, 3).scatter(t[1], t[0]).stack()])
    yield loop("array scatter of too few", [x, i32([2, 0])], lambda t: [array(t, 3).scatter(t[1], t[0]).stack()])
    yield loop("array unstack", [x], lambda t: [array(t, 3).unstack(t[0]).read(1)])
    yield loop("array split", [x, np.array([1, 2], np.int64)], lambda t: [array(t, 2, infer_shape=False).split(t[0], tf.cast(t[1], tf.int32)).read(1)])
    yield loop("array split and size", [x, np.array([1, 0, 2], np.int64)], lambda t: [array(t, 3, infer_shape=False).split(t[0], tf.cast(t[1], tf.int32)).concat()])
    yield loop("array split of too much", [x, np.array([1, 5], np.int64)], lambda t: [array(t, 2, infer_shape=False).split(t[0], tf.cast(t[1], tf.int32)).read(1)])
    yield loop("array empty stack", [i32(0)], lambda t: [raw_gather(raw_array(0, element_shape=[3, 2]), tf.range(t[0]))])
    yield loop("array empty stack of unknown shape", [i32(0)], lambda t: [raw_gather(raw_array(0), tf.range(t[0]))])
    yield loop("array of a negative size", [i32(-1)], lambda t: [raw_array(t[0])[1]])
    yield loop("array size of a vector", [i32([1, 2])], lambda t: [raw_array(t[0])[1]])
    yield loop("array of strings", [np.array([b"a", b"bc"], object)], lambda t: [tf1.TensorArray(tf.string, size=2).unstack(t[0]).stack()])
    yield loop("array closed", [x], closed)


def raw_array(size, **more):
    return tf.raw_ops.TensorArrayV3(size=size, dtype=tf.float32, **more)


def raw_write(ta, items):
    handle, flow = ta
    for i, item in enumerate(items):
        flow = tf.raw_ops.TensorArrayWriteV3(handle=handle, index=i, value=item, flow_in=flow)
    return tf.raw_ops.TensorArrayReadV3(handle=handle, index=len(items) - 1, flow_in=flow, dtype=tf.float32)


def raw_write_handle(ta, item, i):
    return ta[0], tf.raw_ops.TensorArrayWriteV3(handle=ta[0], index=i, value=item, flow_in=ta[1])


def raw_read(ta, i):
    return tf.raw_ops.TensorArrayReadV3(handle=ta[0], index=i, flow_in=ta[1], dtype=tf.float32)


def raw_gather(ta, indices):
    return tf.raw_ops.TensorArrayGatherV3(handle=ta[0], indices=indices, flow_in=ta[1], dtype=tf.float32)


def twice(ta):
    first = ta.read(0)
    with tf.control_dependencies([first]):
        return [ta.read(0)]


def closed(t):
    ta = array(t, 1).write(0, t[0])
    with tf.control_dependencies([ta.close()]):
        return [ta.read(0)]


def rnn(t):
    """What tf.nn.dynamic_rnn makes: an array in, an array out, a state."""
    x, w, u = t
    steps = tf.shape(x)[0]
    inputs = tf1.TensorArray(tf.float32, size=steps).unstack(x)
    outputs = tf1.TensorArray(tf.float32, size=steps)

    def step(i, h, out):
        h = tf.tanh(tf.matmul(inputs.read(i), w) + tf.matmul(h, u))
        return i + 1, h, out.write(i, h)
    _, h, out = tf1.while_loop(lambda i, h, out: i < steps, step, [tf.constant(0), tf.zeros([tf.shape(x)[1], tf.shape(w)[1]]), outputs],
                                shape_invariants=[*ANY, tf.TensorShape([])])
    return [h, out.stack()]


def recurrent():
    for steps, batch in ((1, 1), (5, 2), (7, 3)):
        yield loop(f"rnn {steps} {batch}", [values((steps, batch, 4)), values((4, 3)), values((3, 3))], rnn)
        yield loop(f"rnn of constants {steps} {batch}", [values((steps, batch, 4)), values((4, 3)), values((3, 3))], rnn, const=(1, 2))
    for n in (0, 3):
        yield loop(f"array of each turn {n}", [i32(n), values((2, 2))], lambda t: [tf1.while_loop(
            lambda i, s: i < t[0],
            lambda i, s: (i + 1, s + tf.reduce_sum(array(t, 3, infer_shape=False).unstack(tf.tile(t[1][None], [3, 1, 1])).stack())),
            [tf.constant(0), tf.constant(0.0)])[1]])
    yield loop("map", [values((4, 3))], lambda t: [tf1.map_fn(lambda r: tf.reduce_sum(r) * r, t[0])])
    yield loop("map of strings", [np.array([b"a", b"b"], object)], lambda t: [tf1.map_fn(lambda r: tf1.string_join([r, r]), t[0])])
    yield loop("fold", [values((4, 3))], lambda t: [tf1.foldl(lambda a, r: a + r * r, t[0]), tf1.scan(lambda a, r: a + r, t[0])])


def stacks():
    def both(t):
        stack = tf.raw_ops.StackV2(max_size=t[0], elem_type=tf.float32)
        a = tf.raw_ops.StackPushV2(handle=stack, elem=t[1])
        with tf.control_dependencies([a]):
            b = tf.raw_ops.StackPushV2(handle=stack, elem=t[1] * 2.0)
        with tf.control_dependencies([b]):
            x = tf.raw_ops.StackPopV2(handle=stack, elem_type=tf.float32)
        with tf.control_dependencies([x]):
            y = tf.raw_ops.StackPopV2(handle=stack, elem_type=tf.float32)
        return [x, y]

    def empty(t):
        return [tf.raw_ops.StackPopV2(handle=tf.raw_ops.StackV2(max_size=t[0], elem_type=tf.float32), elem_type=tf.float32)]
    for size in (-1, 2, 5, 1):
        yield loop(f"stack {size}", [i32(size), values((2,))], both)
    yield loop("stack empty", [i32(3)], empty)


def cases():
    for family in (while_loops, arrays, recurrent, stacks):
        yield from family()
