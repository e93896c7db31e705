# SPDX-License-Identifier: Apache-2.0
"""Cases of the control family for make_ops.py: loops and conditionals that run functions, and lists."""
import numpy as np
import tensorflow as tf

from op_case import graph, values

raw = tf.raw_ops
VECTOR = values([3])
WORDS = np.array([b"a", b"", b"long enough to live somewhere"], object)


def count(n, variables, turn, shapes=None):
    """n turns of turn(i, *variables)."""
    invariants = shapes and (tf.TensorShape([]), *shapes)
    return tf.while_loop(lambda i, *v: i < n, lambda i, *v: (i + 1, *turn(i, *v)), (tf.constant(0), *variables), shape_invariants=invariants)[1:]


def loop(name, arrays, turn, shapes=None):
    """The first array is the number of turns."""
    return graph("While " + name, arrays, lambda t: count(t[0], t[1:], turn, shapes))


def loops():
    unknown = tf.TensorShape(None)
    for n in (0, 1, 7):
        turns = np.int32(n)
        yield loop(f"fibonacci {n}", [turns, VECTOR, VECTOR], lambda i, a, b: (a + b, a))
        yield loop(f"rotation {n}", [turns, VECTOR, VECTOR[:2], VECTOR[:1]], lambda i, a, b, c: (b, c, a), [unknown] * 3)
        yield loop(f"growing {n}", [turns, VECTOR], lambda i, a: (tf.concat([a, a[:1]], 0),), [unknown])
        yield loop(f"strings {n}", [turns, WORDS, WORDS[::-1]], lambda i, a, b: (tf.gather(b, [2, 0, 1]), tf.strings.join([a, b], "-")))
        yield loop(f"nested {n}", [turns, VECTOR], lambda i, a: count(i, [a], lambda k, b: (b * 1.5 + tf.cast(k, tf.float32),)))
        yield loop(f"cond inside {n}", [turns, VECTOR], lambda i, a: (tf.cond(i % 2 > 0, lambda: a * a, lambda: -a),))
    yield loop("error", [np.int32(1), VECTOR], lambda i, a: (a + a[:2],))
    yield loop("condition is no scalar", [np.array([1, 2], np.int32), VECTOR], lambda i, a: (a * a,))


def branches():
    for pred in (True, False):
        yield graph(f"If {pred}", [np.bool_(pred), VECTOR], lambda t: tf.cond(t[0], lambda: t[1] * t[1], lambda: t[1]))
        yield graph(f"If shapes {pred}", [np.bool_(pred), VECTOR], lambda t: tf.cond(t[0], lambda: t[1][:1], lambda: tf.reshape(t[1], [3, 1])))
        yield graph(f"If strings {pred}", [np.bool_(pred), WORDS], lambda t: tf.cond(t[0], lambda: t[1][1:], lambda: tf.strings.upper(t[1])))
    for k in (-1, 0, 1, 2, 3):
        yield graph(f"Case {k}", [np.int32(k), VECTOR], lambda t: tf.switch_case(t[0], [lambda: t[1], lambda: -t[1], lambda: t[1] * 3]))


# ---- lists ----


def reserve(n, shape=(-1,), dtype=tf.float32):
    return raw.TensorListReserve(element_shape=tf.constant(shape, tf.int32), num_elements=n, element_dtype=dtype)


def stack(handle, shape=(-1,), dtype=tf.float32, num_elements=-1):
    return raw.TensorListStack(input_handle=handle, element_shape=tf.constant(shape, tf.int32), element_dtype=dtype, num_elements=num_elements)


def put(handle, index, item):
    return raw.TensorListSetItem(input_handle=handle, index=index, item=item)


def push(handle, *items):
    for item in items:
        handle = raw.TensorListPushBack(input_handle=handle, tensor=item)
    return handle


def pop(handle, dtype=tf.float32, shape=(-1,)):
    return raw.TensorListPopBack(input_handle=handle, element_shape=tf.constant(shape, tf.int32), element_dtype=dtype)


def get(handle, index, dtype=tf.float32, shape=(-1,)):
    return raw.TensorListGetItem(input_handle=handle, index=index, element_shape=tf.constant(shape, tf.int32), element_dtype=dtype)


def empty(shape=(-1,), dtype=tf.float32, most=-1):
    return raw.EmptyTensorList(element_shape=tf.constant(shape, tf.int32), max_num_elements=most, element_dtype=dtype)


def from_tensor(tensor, shape):
    return raw.TensorListFromTensor(tensor=tensor, element_shape=tf.constant(shape, tf.int32))


def older_lists(t):
    """A list that others were made of stays as it was."""
    first = put(reserve(3), 0, t[0])
    second, third = put(first, 1, t[0] * 2), put(first, 1, t[0] * 3)
    fourth = put(second, 0, t[0] * 4)
    return [stack(handle, [3]) for handle in (first, second, third, fourth)]


def popped(t):
    full = push(empty(), t[0], t[0] * 2)
    shorter, last = pop(full)
    other = push(shorter, t[0] * 5)
    return [last, stack(shorter), stack(full), stack(other), raw.TensorListLength(input_handle=shorter)]


def filled(t):
    array = tf.TensorArray(t[1].dtype, t[0], element_shape=t[1].shape[1:], clear_after_read=False)
    source = tf.TensorArray(t[1].dtype, t[0], clear_after_read=False).unstack(t[1])
    return tf.while_loop(lambda i, a: i < t[0], lambda i, a: (i + 1, a.write(i, source.read(t[0] - 1 - i))), (0, array))[1].stack()


def pushed(t):
    handle = tf.while_loop(lambda i, h: i < t[0], lambda i, h: (i + 1, push(h, t[1], t[1] * tf.cast(i, tf.float32))), (0, empty()))[1]
    return stack(handle)


def overwritten(t):
    handle = tf.while_loop(lambda i, h: i < t[0], lambda i, h: (i + 1, put(h, i % 2, get(h, 0) + t[1])), (0, put(reserve(2), 0, t[1])))[1]
    return stack(handle, [3])


def lists():
    yield graph("TensorList older lists", [VECTOR], older_lists)
    yield graph("TensorList popped", [VECTOR], popped)
    matrix = values([5, 3])
    for n in (0, 1, 5):
        yield graph(f"TensorArray {n}", [np.int32(n), matrix[:n]], filled)
        yield graph(f"TensorArray strings {n}", [np.int32(n), np.array([b"x", b"yy", b"", b"z", b"w"], object)[:n]], filled)
        yield graph(f"TensorList pushed {n}", [np.int32(n), VECTOR], pushed)
        yield graph(f"TensorList overwritten {n}", [np.int32(n), VECTOR], overwritten)
    yield graph("TensorListReserve zeros", [VECTOR], lambda t: [stack(put(reserve(3), 1, t[0])), get(put(reserve(3), 1, t[0]), 0), stack(reserve(2, [2]), [2])])
    yield graph("TensorListReserve unknown", [], lambda t: stack(reserve(2)))
    yield graph("TensorListStack empty", [], lambda t: stack(empty()))
    yield graph("TensorListStack empty known", [], lambda t: stack(empty(), [2]))
    yield graph("TensorListStack count", [VECTOR], lambda t: stack(push(empty(), t[0]), num_elements=2))
    yield graph("TensorListStack shapes", [VECTOR], lambda t: stack(push(empty(), t[0], t[0][:2])))
    yield graph("TensorListGetItem range", [VECTOR], lambda t: get(push(empty(), t[0]), 1))
    yield graph("TensorListSetItem range", [VECTOR], lambda t: stack(put(reserve(1), 1, t[0])))
    yield graph("TensorListSetItem shape", [VECTOR], lambda t: stack(put(reserve(1, [2]), 0, t[0])))
    yield graph("TensorListPushBack shape", [VECTOR], lambda t: stack(push(empty([2]), t[0])))
    yield graph("TensorListPushBack full", [VECTOR], lambda t: stack(push(empty(most=1), t[0], t[0])))
    yield graph("TensorListPopBack empty", [], lambda t: pop(empty())[1])
    yield graph("TensorListReserve negative", [np.int32(-1)], lambda t: stack(reserve(t[0])))
    for size in (0, 1, 4, -1):
        def resized(t):
            handle = raw.TensorListResize(input_handle=push(empty(), t[0], t[0] + 1), size=t[1])
            return [raw.TensorListLength(input_handle=handle), stack(handle, [3])]
        yield graph(f"TensorListResize {size}", [VECTOR, np.int32(size)], resized)
    for shape in ([-1], [-1, 3], [2, -1]):
        yield graph(f"TensorListElementShape {shape}", [], lambda t, s=shape: raw.TensorListElementShape(input_handle=empty(s), shape_type=tf.int64))
    yield graph("TensorListElementShape unknown", [], lambda t: raw.TensorListElementShape(input_handle=empty(-1), shape_type=tf.int32))
    def concat(handle, shape=(-1,), leading=(), v2=True):
        if not v2:
            return list(raw.TensorListConcat(input_handle=handle, element_dtype=tf.float32, element_shape=shape))
        return list(raw.TensorListConcatV2(input_handle=handle, element_shape=tf.constant(shape, tf.int32), leading_dims=tf.constant(leading, tf.int64),
                                           element_dtype=tf.float32))
    for v2 in (True, False):
        yield graph(f"TensorListConcat v2={v2}", [VECTOR, matrix], lambda t: concat(push(empty(), t[0], t[0][:1], t[0][:0]), [None if not v2 else -1], v2=v2))
        yield graph(f"TensorListConcat rows v2={v2}", [matrix], lambda t: concat(push(empty([-1, 3]), t[0], t[0][:1]), [None if not v2 else -1, 3], v2=v2))
        yield graph(f"TensorListConcat empty v2={v2}", [], lambda t: concat(empty([-1, 3]), [None if not v2 else -1, 3], v2=v2))
    yield graph("TensorListConcat unset", [matrix], lambda t: concat(put(reserve(3, [-1, 3]), 1, t[0]), [-1, 3], [2, 5, 1]))
    yield graph("TensorListConcat unset known", [matrix], lambda t: concat(put(reserve(2, [5, 3]), 1, t[0]), [5, 3]))
    for indices in ([1, 0, 1], [], [5], [-1]):
        def gathered(t):
            return raw.TensorListGather(input_handle=from_tensor(t[0], [3]), indices=t[1], element_shape=[3], element_dtype=tf.float32)
        yield graph(f"TensorListGather {indices}", [matrix, np.array(indices, np.int32)], gathered)
    yield graph("TensorListFromTensor scalar", [np.float32(1)], lambda t: stack(from_tensor(t[0], [1])))
    yield graph("TensorListFromTensor shape", [matrix], lambda t: stack(from_tensor(t[0], [2])))
    for indices, n in (([1, 0, 3], -1), ([1, 0, 3], 6), ([0, 1], -1), ([0, -1, 1], -1)):
        def scattered(t, n=n):
            handle = raw.TensorListScatterV2(tensor=t[0], indices=t[1], element_shape=tf.constant([3]), num_elements=n)
            return stack(handle, [3])
        yield graph(f"TensorListScatterV2 {indices} {n}", [matrix[:len(indices)], np.array(indices, np.int32)], scattered)


def recurrent():
    """Loops that multiply each element of a list with constants: the engine does that outside of the loop."""
    def rnn(t):
        x, w, v, u = t
        steps = tf.shape(x)[0]
        inputs = tf.TensorArray(tf.float32, steps).unstack(x)
        outputs = tf.TensorArray(tf.float32, steps)

        def step(i, h, out):
            item = inputs.read(i)
            h = tf.tanh(tf.matmul(item, w) + tf.matmul(h, u)) * tf.sigmoid(tf.matmul(item, v, transpose_b=True) + 0.5)
            return i + 1, h, out.write(i, h)
        _, h, out = tf.while_loop(lambda i, h, out: i < steps, step, [0, tf.zeros([tf.shape(x)[1], tf.shape(w)[1]]), outputs],
                                  shape_invariants=[tf.TensorShape([]), tf.TensorShape(None), tf.TensorShape(None)])
        return [h, out.stack()] if out.element_shape.rank is not None else [h]
    for const in ((1, 2, 3), (1, 2), ()):
        for steps, batch in ((1, 1), (5, 2), (7, 3), (0, 2)):
            yield graph(f"recurrent {steps} {batch} const={const}", [values((steps, batch, 4)), values((4, 3)), values((3, 4)), values((3, 3))], rnn, const=const)
        yield graph(f"recurrent of vectors const={const}", [values((5, 4)), values((4, 3)), values((3, 4)), values((3, 3))], rnn, const=const)
        yield graph(f"recurrent of another width const={const}", [values((5, 2, 6)), values((4, 3)), values((3, 6)), values((3, 3))], rnn, const=const)


def nested_lists():
    """Lists whose elements are lists."""
    def inner(x):
        return tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=tf.constant([2]))

    def outer(t, count=3):
        handle = tf.raw_ops.TensorListReserve(element_shape=tf.constant([], tf.int32), num_elements=count, element_dtype=tf.variant)
        for i in range(2):
            handle = tf.raw_ops.TensorListSetItem(input_handle=handle, index=i, item=inner(t[0] * float(i + 1)))
        return handle

    def get(handle, i):
        return tf.raw_ops.TensorListGetItem(input_handle=handle, index=i, element_shape=tf.constant([], tf.int32), element_dtype=tf.variant)

    def stack(handle):
        return tf.raw_ops.TensorListStack(input_handle=handle, element_shape=tf.constant([2]), element_dtype=tf.float32)
    x = values((3, 2))
    yield graph("a list of lists", [x], lambda t: [stack(get(outer(t), 1)), stack(get(outer(t), 0))])
    yield graph("a list of lists pushed and popped", [x], lambda t: [stack(tf.raw_ops.TensorListPopBack(
        input_handle=tf.raw_ops.TensorListPushBack(input_handle=outer(t), tensor=inner(t[0] + 1.0)), element_shape=tf.constant([], tf.int32),
        element_dtype=tf.variant).tensor)])

    def grow(t):
        empty = tf.raw_ops.EmptyTensorList(element_shape=tf.constant([], tf.int32), max_num_elements=-1, element_dtype=tf.variant)
        _, all_ = tf.while_loop(lambda i, l: i < t[1], lambda i, l: (i + 1, tf.raw_ops.TensorListPushBack(
            input_handle=l, tensor=inner(t[0] * tf.cast(i, tf.float32)))), [0, empty])
        return [stack(get(all_, 0)), stack(get(all_, t[1] - 1))]
    for n in (1, 5):
        yield graph(f"a list of lists from a loop {n}", [x, np.int32(n)], grow)


def cases():
    yield from nested_lists()
    yield from recurrent()
    yield from loops()
    yield from branches()
    yield from lists()
