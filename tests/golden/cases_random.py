# SPDX-License-Identifier: Apache-2.0
"""Cases of random numbers: seeded streams must be TensorFlow's own."""
import numpy as np
import tensorflow as tf

from op_case import BF16, graph, op, values

FLOATS = (tf.float32, tf.float64, tf.float16, tf.bfloat16)
SHAPES = (np.int32([3]), np.int32([2, 5]), np.int64([1]), np.int32([]), np.int32([0, 4]), np.int32([17]))
TOLERANCE = (2e-5, 2e-6)


def tolerance(dtype):
    return {tf.float16: (2e-3, 2e-3), tf.bfloat16: (2e-2, 2e-2)}.get(dtype, TOLERANCE)


def i32(*x):
    return np.array(x if len(x) != 1 else x[0], np.int32)


def seeded():
    for name in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for dtype in FLOATS:
            for shape in SHAPES[:4 if dtype is not tf.float32 else 6]:
                yield op(name, [shape], ["shape"], seed=7, seed2=11, dtype=dtype, tolerance=tolerance(dtype))
        yield op(name, [i32(100)[None]], ["shape"], seed=2 ** 40 + 5, seed2=-3, dtype=tf.float32, tolerance=TOLERANCE)
        yield op(name, [i32(3, -1)], ["shape"], seed=7, seed2=11, dtype=tf.float32)
        yield op(name, [np.int32([[3]])], ["shape"], seed=7, seed2=11, dtype=tf.float32)
    for dtype in (np.int32, np.int64):
        for low, high in ((0, 10), (-5, 3), (np.iinfo(dtype).min, np.iinfo(dtype).max), (4, 4), (5, 2)):
            for shape in SHAPES[:5]:
                yield op("RandomUniformInt", [shape, dtype(low), dtype(high)], ["shape", "minval", "maxval"], seed=7, seed2=11)
    yield op("RandomUniformInt", [i32(3)[None], np.int32([1]), np.int32(5)], ["shape", "minval", "maxval"], seed=7, seed2=11)
    for value in (values((9,)), values((5, 2)), values((1, 3)), values((0, 3)), values(()), np.array([b"a", b"b", b"c"], object), values((4,), "int64")):
        yield op("RandomShuffle", [value], ["value"], seed=7, seed2=11)
    yield graph("twice", [i32(3)[None]], lambda t: [tf.raw_ops.RandomUniform(shape=t[0], seed=1, seed2=2, dtype=tf.float32),
                                                    tf.raw_ops.RandomStandardNormal(shape=t[0], seed=1, seed2=2, dtype=tf.float32)])


def stateless():
    seeds = (i32(7, 11), np.array([2 ** 40, -3], np.int64), i32(0, 0))
    for name in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
        for dtype in FLOATS:
            for seed in seeds:
                yield op(name, [SHAPES[1], seed], ["shape", "seed"], dtype=dtype, tolerance=tolerance(dtype))
        for shape in SHAPES:
            yield op(name, [shape, seeds[0]], ["shape", "seed"], dtype=tf.float32, tolerance=TOLERANCE)
        for seed in (i32(1, 2, 3), i32(4), np.int32([[1, 2]])):
            yield op(name, [SHAPES[1], seed], ["shape", "seed"], dtype=tf.float32)
    for dtype in (np.int32, np.int64):
        for low, high in ((0, 10), (-5, 3), (4, 4)):
            for shape in SHAPES[1:5]:
                yield op("StatelessRandomUniformInt", [shape, seeds[0], dtype(low), dtype(high)], ["shape", "seed", "minval", "maxval"])
    for dtype in (tf.int32, tf.int64, tf.uint32, tf.uint64):
        yield op("StatelessRandomUniformFullInt", [SHAPES[1], seeds[0]], ["shape", "seed"], dtype=dtype)
    for seed in seeds + (i32(1, 2, 3), np.int32(4)):
        yield op("StatelessRandomGetKeyCounter", [seed], ["seed"])
        yield op("StatelessRandomGetKeyCounterAlg", [seed], ["seed"])
    yield graph("StatelessRandomGetAlg", [i32(1)], lambda t: [tf.raw_ops.StatelessRandomGetAlg() + t[0]])


def by_key():
    key, counter = np.array([2 ** 50 + 3], np.uint64), np.array([2 ** 64 - 1, 5], np.uint64)
    names = ["shape", "key", "counter", "alg"]
    for name in ("StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2"):
        for dtype in FLOATS:
            for alg in (1, 3):
                yield op(name, [SHAPES[1], key, counter, np.int32(alg)], names, dtype=dtype, tolerance=tolerance(dtype))
        for shape in SHAPES:
            yield op(name, [shape, key, counter, np.int32(1)], names, dtype=tf.float32, tolerance=TOLERANCE)
        for k, c, alg in ((key, counter, 2), (key, counter, 9), (np.array([1, 2], np.uint64), counter, 1),
                          (key, np.uint64(3), 1), (key, np.array([1, 2, 3], np.uint64), 1)):
            yield op(name, [SHAPES[1], k, c, np.int32(alg)], names, dtype=tf.float32, tolerance=TOLERANCE)
        yield op(name, [SHAPES[1], key, counter, np.int32([1])], names, dtype=tf.float32)
    for dtype in (np.int32, np.int64, np.uint32, np.uint64):
        for low, high in ((0, 10), (2, 3), (7, 7)):
            yield op("StatelessRandomUniformIntV2", [SHAPES[1], key, counter, np.int32(1), dtype(low), dtype(high)], names + ["minval", "maxval"])
        yield op("StatelessRandomUniformFullIntV2", [SHAPES[1], key, counter, np.int32(1)], names, dtype=tf.as_dtype(dtype))


def state():
    start = np.array([3, 2 ** 62, 77], np.int64)

    def with_state(use):
        def build(t):
            handle = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[None], shared_name="rng")
            with tf.control_dependencies([tf.raw_ops.AssignVariableOp(resource=handle, value=t[0])]):
                out = use(handle, t)
            with tf.control_dependencies([out] if isinstance(out, tf.Tensor) else [out] if out is not None else []):
                after = tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.int64)
            return [out, after] if isinstance(out, tf.Tensor) else [after]
        return build
    for name in ("StatefulUniform", "StatefulStandardNormalV2", "StatefulTruncatedNormal"):
        for dtype in FLOATS:
            yield graph(f"{name} {dtype.name}", [start, i32(2, 3)], with_state(lambda h, t, n=name, d=dtype: getattr(tf.raw_ops, n)(
                resource=h, algorithm=1, shape=t[1], dtype=d)), tolerance=tolerance(dtype))
        yield graph(f"{name} of another algorithm", [start, i32(2, 3)], with_state(lambda h, t, n=name: getattr(tf.raw_ops, n)(
            resource=h, algorithm=5, shape=t[1], dtype=tf.float32)))
        yield graph(f"{name} of a short state", [start[:2], i32(2, 3)], with_state(lambda h, t, n=name: getattr(tf.raw_ops, n)(
            resource=h, algorithm=1, shape=t[1], dtype=tf.float32)))
    yield graph("StatefulStandardNormal", [np.array([1, 3, 5, 77], np.int64), i32(2, 3)], with_state(lambda h, t: tf.raw_ops.StatefulStandardNormal(
        resource=h, shape=t[1], dtype=tf.float32)), tolerance=TOLERANCE)
    for dtype in (tf.int32, tf.int64):
        for low, high in ((0, 10), (-5, 3), (4, 4)):
            yield graph(f"StatefulUniformInt {dtype.name} {low} {high}", [start, i32(2, 3)], with_state(lambda h, t, d=dtype, l=low, u=high: tf.raw_ops.StatefulUniformInt(
                resource=h, algorithm=1, shape=t[1], minval=tf.constant(l, d), maxval=tf.constant(u, d))))
    for dtype in (tf.int32, tf.int64, tf.uint32, tf.uint64):
        yield graph(f"StatefulUniformFullInt {dtype.name}", [start, i32(2, 3)], with_state(lambda h, t, d=dtype: tf.raw_ops.StatefulUniformFullInt(
            resource=h, algorithm=1, shape=t[1], dtype=d)))
    for alg, delta in ((1, 0), (1, 5), (3, 5), (2, 5), (1, 2 ** 60)):
        yield graph(f"RngReadAndSkip {alg} {delta}", [start, np.uint64(delta)], with_state(lambda h, t, a=alg: tf.raw_ops.RngReadAndSkip(resource=h, alg=a, delta=t[1])))
        if delta < 2 ** 40:
            yield graph(f"RngSkip {alg} {delta}", [start, np.int64(delta)], with_state(lambda h, t, a=alg: tf.raw_ops.RngSkip(resource=h, algorithm=a, delta=t[1])))
    yield graph("RngReadAndSkip of a vector", [start, np.array([1], np.uint64)], with_state(lambda h, t: tf.raw_ops.RngReadAndSkip(resource=h, alg=1, delta=t[1])))


def multinomial():
    logits = values((3, 6))
    odd = np.array([[0, -np.inf, 2, np.nan], [-np.inf, -np.inf, -np.inf, -np.inf], [5, 5, np.inf, 5]], np.float32)
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        array = logits.astype(BF16 if dtype == "bfloat16" else dtype)
        for out in (tf.int32, tf.int64):
            for n in (0, 1, 7):
                yield op("Multinomial", [array, np.int32(n)], ["logits", "num_samples"], seed=7, seed2=11, output_dtype=out)
                yield op("StatelessMultinomial", [array, np.int32(n), i32(7, 11)], ["logits", "num_samples", "seed"], output_dtype=out)
    for array in (odd, logits[:0], logits[0], values((3, 1)), values((2, 0))):
        yield op("Multinomial", [array, np.int32(4)], ["logits", "num_samples"], seed=7, seed2=11)
        yield op("StatelessMultinomial", [array, np.int32(4), i32(7, 11)], ["logits", "num_samples", "seed"])
    yield op("Multinomial", [logits, np.int32(-1)], ["logits", "num_samples"], seed=7, seed2=11)
    yield op("Multinomial", [logits, np.int32([3])], ["logits", "num_samples"], seed=7, seed2=11)
    yield op("StatelessMultinomial", [logits, np.int32(2), i32(7, 11, 3)], ["logits", "num_samples", "seed"])


def cases():
    for family in (seeded, stateless, by_key, state, multinomial):
        yield from family()
