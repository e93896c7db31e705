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


def cases():
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
