# SPDX-License-Identifier: Apache-2.0
"""What the families of make_ops.py are made of: cases of one op or a small graph."""
import numpy as np
import tensorflow as tf

BF16 = tf.bfloat16.as_numpy_dtype
# By dtype: relative and absolute tolerance. bfloat16 and half are rounded in more places there than here.
TOLERANCE = {"float32": (1e-5, 1e-6), "float64": (1e-12, 1e-13), "float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)}
rng = np.random.default_rng(7)


class Case:
    """`answers`: what is known without asking, of ops whose kernels TensorFlow does not have any more; or a function that finds it out.
    `answers_only`: errors are of no interest."""
    def __init__(self, name, build, feeds, const=(), tolerance=None, answers=None, answers_only=False):
        self.name, self.build, self.feeds, self.const, self.tolerance, self.answers = name, build, feeds, const, tolerance, answers
        self.answers_only = answers_only


def values(shape, dtype="float32", low=-2, high=2):
    """Random numbers of any dtype."""
    if dtype in ("float32", "float64", "float16", "bfloat16"):
        array = rng.uniform(low, high, shape)
        return array.astype(BF16 if dtype == "bfloat16" else dtype)
    unsigned = dtype.startswith("u")
    return rng.integers(0 if unsigned else -9, 10, shape).astype(dtype)


def op(name, arrays, names, const=(), tolerance=None, **attrs):
    """One raw op; `names` are its input arguments in order; inputs numbered in `const` are constants."""
    def build(tensors):
        return getattr(tf.raw_ops, name)(**dict(zip(names, tensors)), **attrs)
    shapes = " ".join(f"{a.dtype}{list(a.shape)}" for a in map(np.asarray, arrays))
    text = " ".join(f"{k}={v}" for k, v in attrs.items())
    return Case(f"{name} {shapes} const={list(const)} {text}", build, arrays, const, tolerance)


def graph(name, arrays, build, const=(), tolerance=None, answers=None):
    """A small graph: build(tensors) gives the tensors to fetch."""
    return Case(name, build, arrays, const, tolerance, answers)
