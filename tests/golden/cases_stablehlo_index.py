# SPDX-License-Identifier: Apache-2.0
"""More cases of XlaCallModule: places that are computed, windows, running results."""
import numpy as np

from cases_stablehlo import call, jax
from op_case import rng, values

if jax:
    import jax.numpy as jnp
    from jax import lax


def places():
    x = values((6, 9))
    order = lambda x: jnp.argsort(x, -1)[:, :4]
    rows = lambda x: jnp.arange(x.shape[0])[:, None]
    yield call("add at places in rows", lambda x: jnp.zeros_like(x).at[rows(x), order(x)].add(1.0), x)
    yield call("set at places in rows", lambda x: x.at[rows(x), order(x)].set(7.0), x)
    yield call("other functions at places", lambda x: [getattr(x.at[rows(x), order(x)], name)(0.5) for name in ("max", "min", "mul")], x)
    yield call("at one column", lambda x: [x.at[:, 3].set(0.0), x.at[2].add(1.0), x.at[1:3, ::2].set(-1.0), x.at[-1, -1].get()], x)
    yield call("taken from rows", lambda x: [x[rows(x), order(x)], jnp.take_along_axis(x, order(x), 1), x[:, jnp.array([3, 1])], x[jnp.array([[5], [0]]), jnp.array([1, 2])]], x)
    yield call("out of bounds", lambda x: [x.at[jnp.array([7, -9])].set(1.0, mode="drop"), jnp.take(x, jnp.array([7, -9]), 0, mode="clip"), jnp.take(x, jnp.array([7, 2]), 0, mode="fill", fill_value=5.0)], x)
    yield call("counted", lambda x: [jnp.bincount(x, length=10), jnp.zeros(10).at[x].add(0.5), jax.nn.one_hot(x, 10).sum(0)], rng.integers(0, 10, 50).astype(np.int32))
    yield call("segments", lambda x: [jax.ops.segment_sum(x, jnp.array([0, 1, 1, 3, 0, 3]), 5), jax.ops.segment_max(x, jnp.array([0, 1, 1, 3, 0, 3]), 4), jax.ops.segment_prod(x, jnp.array([0, 1, 1, 3, 0, 3]), 4)], x)
    yield call("rows of a batch", lambda x: [x[jnp.array([2, 0])], jnp.take(x, jnp.array([1, 3]), 1)], x, "b, 9")
    yield call("vmapped slices", lambda x: jax.vmap(lambda r, i: lax.dynamic_slice(r, (i,), (3,)))(x, order(x)[:, 0]), x)
    yield call("vmapped updates", lambda x: jax.vmap(lambda r, i: lax.dynamic_update_slice(r, jnp.ones(2), (i,)))(x, order(x)[:, 0]), x)


def windows():
    x = values((2, 7, 8, 3))
    for sizes in (None, "b, 7, 8, 3"):
        def pools(x):
            def window(start, function, size, stride=(1, 1, 1, 1), padding="VALID", **more):
                return lax.reduce_window(x, start, function, size, stride, padding, **more)
            return [window(-jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1)), window(-jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), window(0.0, lax.add, (1, 2, 3, 1), (1, 1, 2, 1), "SAME"),
                    window(jnp.inf, lax.min, (1, 2, 2, 1)), window(1.0, lax.mul, (1, 2, 1, 1)), window(-jnp.inf, lax.max, (1, 2, 2, 1), window_dilation=(1, 2, 3, 1)), window(0.0, lax.add, (1, 2, 2, 1), base_dilation=(1, 2, 1, 1)),
                    window(0.5, lax.add, (1, 2, 2, 1)), window(-jnp.inf, lax.max, (1, 1, 2, 2)), window(-jnp.inf, lax.max, (1, 1, 3, 1), (1, 1, 2, 1), "SAME")]
        yield call("pools", pools, x, sizes)
        yield call("softmax by hand", lambda x: jnp.exp(x - x.max(-1, keepdims=True)) / jnp.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True), x, sizes)
    yield call("pool of channels first", lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"), values((2, 3, 6, 8)), "b, 3, 6, 8")
    yield call("pool of one dimension", lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 1), (1, 2, 1), "SAME"), values((2, 9, 4)), "b, 9, 4")
    yield call("pool of three dimensions", lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 2, 1), (1, 2, 2, 2, 1), "VALID"), values((2, 4, 4, 6, 2)))
    yield call("pool of integers", lambda x: lax.reduce_window(x, np.int32(-100), lax.max, (2, 2), (2, 2), "VALID"), values((4, 6), "int32"))


def running():
    x = values((4, 9))
    for axis in (0, 1):
        for reverse in (False, True):
            yield call(f"running along {axis} {reverse}", lambda x: [f(x, axis=axis, reverse=reverse) for f in (lax.cumsum, lax.cummax, lax.cummin, lax.cumprod, lax.cumlogsumexp)], x, tolerance=(1e-5, 1e-5))
    yield call("running integers", lambda x: [lax.cumsum(x, 0), lax.cummax(x, 1), jnp.cumsum(x > 0, 1)], values((3, 5), "int32"))
    yield call("places of extremes", lambda x: [f(x, axis=axis) for f in (jnp.argmax, jnp.argmin, jnp.nanargmax) for axis in (None, 0, -1)], np.float32([[1, 3, 3], [np.nan, 2, -1], [5, 5, 0]]))
    yield call("several at once", lambda x: lax.reduce((x, x * x), (np.float32(0), np.float32(1)), lambda a, b: (a[0] + b[0], a[1] * b[1]), (1,)), x)


def cases():
    if jax:
        for family in (places, windows, running):
            yield from family()
