# SPDX-License-Identifier: Apache-2.0
"""Cases of crossed features, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph

I = np.int64
WORDS = (np.array([[0, 0], [0, 1], [2, 0]], I), np.array([b"red", b"", b"a much longer word that is hashed in another way, with over sixty-four bytes"], object), np.array([3, 2], I))
NUMBERS = (np.array([[0, 0], [1, 0], [2, 0], [2, 1]], I), np.array([7, -1, 1 << 40, 0], I), np.array([3, 2], I))
DENSE_WORDS = np.array([[b"x", b"y"], [b"z", b""], [b"w", b"v"]], object)
DENSE_NUMBERS = np.array([[1], [2], [-3]], I)


def crossed(sparse, dense, sep=None, **attrs):
    """Flat feeds, put together to lists in the graph."""
    n = len(sparse)
    feeds = [s[i] for i in range(3) for s in sparse] + list(dense)
    if sep is not None:
        feeds.append(np.array(sep, object))

    def build(t):
        lists = dict(indices=t[:n], values=t[n:2 * n], shapes=t[2 * n:3 * n], dense_inputs=t[3 * n:3 * n + len(dense)])
        if sep is not None:
            return list(tf.raw_ops.SparseCrossV2(sep=t[-1], **lists))
        return list(tf.raw_ops.SparseCross(**lists, **attrs))
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in feeds)
    return graph(f"SparseCross {sep} {attrs} {shapes}", feeds, build)


def hashed(sparse, dense, buckets, strong, salt):
    n = len(sparse)
    feeds = [s[i] for i in range(3) for s in sparse] + list(dense) + [np.array(buckets, I), np.array(strong), np.array(salt, I)]
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in feeds)
    return graph(f"SparseCrossHashed {buckets} {strong} {salt} {shapes}", feeds, lambda t: list(tf.raw_ops.SparseCrossHashed(
        indices=t[:n], values=t[n:2 * n], shapes=t[2 * n:3 * n], dense_inputs=t[3 * n:-3], num_buckets=t[-3], strong_hash=t[-2], salt=t[-1])))


RAGGED_WORDS = (np.array([b"red", b"", b"blue"], object), np.array([0, 1, 1, 3], I))
RAGGED_NUMBERS = (np.array([7, -1, 1 << 40, 0], I), np.array([0, 2, 3, 4], np.int32))


def ragged(order, columns, hashed, buckets=0, key=0xDECAFCAFFE, splits=tf.int64):
    """The columns in the order of the letters; those of a kind follow each other among the inputs."""
    of = {kind: [c for letter, c in zip(order, columns) if letter == kind] for kind in "RSD"}
    r, n = len(of["R"]), len(of["S"])
    feeds = [c[i] for i in range(2) for c in of["R"]] + [c[i] for i in range(3) for c in of["S"]] + of["D"]

    def build(t):
        s = t[2 * r:]
        return list(tf.raw_ops.RaggedCross(ragged_values=t[:r], ragged_row_splits=t[r:2 * r], sparse_indices=s[:n], sparse_values=s[n:2 * n],
                                           sparse_shape=s[2 * n:3 * n], dense_inputs=s[3 * n:], input_order=order, hashed_output=hashed,
                                           num_buckets=buckets, hash_key=key, out_values_type=tf.int64 if hashed else tf.string,
                                           out_row_splits_type=splits))
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in feeds)
    return graph(f"RaggedCross {order} {hashed} {buckets} {shapes}", feeds, build)


def ragged_cases():
    # TensorFlow wants the splits of all inputs in the type that the output has.
    wide = (RAGGED_NUMBERS[0], RAGGED_NUMBERS[1].astype(I))
    narrow = (RAGGED_WORDS[0], RAGGED_WORDS[1].astype(np.int32))
    for order, columns in (("R", [RAGGED_WORDS]), ("RR", [RAGGED_WORDS, wide]), ("RD", [wide, DENSE_WORDS]), ("DR", [DENSE_NUMBERS, RAGGED_WORDS]),
                           ("SRD", [WORDS, wide, DENSE_WORDS]), ("DSS", [DENSE_WORDS, NUMBERS, WORDS]), ("RSRD", [wide, NUMBERS, RAGGED_WORDS, DENSE_NUMBERS]), ("", [])):
        for hashed, buckets, key in ((False, 0, 0xDECAFCAFFE), (True, 0, 0xDECAFCAFFE), (True, 10, 3)):
            yield ragged(order, columns, hashed, buckets, key)
    for hashed in (False, True):
        yield ragged("RR", [narrow, RAGGED_NUMBERS], hashed, splits=tf.int32)
    words, splits = RAGGED_WORDS
    for bad in ((words, splits[:-1]), (words, splits[:0]), (words[None], splits), (words, splits[None]), (words, splits + 1), (words, np.array([0, 2, 1, 3], I))):
        yield ragged("R", [bad], True)
    yield ragged("RR", [RAGGED_WORDS, (words, np.array([0, 3], I))], True)
    indices, names, shape = WORDS
    for bad in ((indices[0], names, shape), (indices, names[None], shape), (indices, names, shape[:1]), (indices, names, np.array([4, 2], I)), (indices, names, shape[None])):
        yield ragged("RS", [RAGGED_WORDS, bad], True)
    for bad in (DENSE_WORDS[0], DENSE_WORDS[:2]):
        yield ragged("RD", [RAGGED_WORDS, bad], True)


def cases():
    for strong in (False, True):
        for buckets in (0, 10):
            for sparse, dense in (([WORDS], []), ([WORDS, NUMBERS], []), ([NUMBERS, WORDS], [DENSE_WORDS]), ([], [DENSE_NUMBERS, DENSE_WORDS])):
                yield hashed(sparse, dense, buckets, strong, [137, 173])
    yield hashed([WORDS], [DENSE_WORDS[:2]], 10, False, [1, 2])
    yield hashed([WORDS], [], [10], False, [1, 2])
    yield hashed([WORDS], [], 10, [False], [1, 2])
    yield hashed([WORDS], [], [10, 2], False, [1, 2])
    yield hashed([WORDS], [], 10, False, [1])
    yield from ragged_cases()
    combinations = (([WORDS], []), ([WORDS, NUMBERS], []), ([NUMBERS, WORDS], [DENSE_WORDS]), ([], [DENSE_NUMBERS, DENSE_WORDS]), ([WORDS, WORDS, NUMBERS], [DENSE_NUMBERS]), ([NUMBERS], []))
    for sparse, dense in combinations:
        for buckets, key in ((0, 0xDECAFCAFFE), (10, 0xDECAFCAFFE), (1000, 3)):
            yield crossed(sparse, dense, hashed_output=True, num_buckets=buckets, hash_key=key, out_type=tf.int64, internal_type=tf.int64)
        if all(s is WORDS for s in sparse) and all(d is DENSE_WORDS for d in dense):
            yield crossed(sparse, dense, hashed_output=False, num_buckets=0, hash_key=1, out_type=tf.string, internal_type=tf.string)
        for sep in (b"_Y_", b""):
            yield crossed(sparse, dense, sep=sep)
    indices, words, shape = WORDS
    short = (indices[:0], words[:0], np.array([3, 0], I))
    bad = ([(indices[0], words, shape)], []), ([(indices[:, :1], words, shape)], []), ([(indices, words[:2], shape)], []), ([(indices, words[:, None], shape)], []), \
        ([(indices, words, shape[:1])], []), ([(indices, words, shape[None])], []), ([WORDS, (indices, words, np.array([4, 2], I))], []), ([WORDS], [DENSE_WORDS[:2]]), \
        ([WORDS], [DENSE_WORDS[0]]), ([short, NUMBERS], []), ([short], [])
    for sparse, dense in bad:
        yield crossed(sparse, dense, hashed_output=True, num_buckets=10, hash_key=1, out_type=tf.int64, internal_type=tf.int64)
        yield crossed(sparse, dense, sep=b"+")
