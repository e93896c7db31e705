# SPDX-License-Identifier: Apache-2.0
"""Cases of XlaCallModule for make_ops.py: functions of JAX as jax2tf writes them, with JAX's own answers.

Needs jax 0.10 beside tensorflow 2.21; left out where it is not installed.
"""
import numpy as np

from op_case import Case, values

try:
    import jax
    import jax.numpy as jnp
    from jax import lax
    from jax.experimental import jax2tf
except ImportError:
    jax = None


def call(name, function, x, sizes=None, tolerance=None, platforms=None):
    """One call with x; `sizes` names x's dimensions where they are not known when it is exported ("b, 8")."""
    def build(tensors):
        options = {"native_serialization_platforms": platforms} if platforms else {}
        shape = [int(n) if n.strip().isdigit() else None for n in sizes.split(",")] if sizes else np.shape(x)
        tensors[0].set_shape(shape)
        f = jax2tf.convert(function, polymorphic_shapes=[f"({sizes})"] if sizes else None, with_gradient=False, **options)
        return jax.tree_util.tree_leaves(f(tensors[0]))
    case = Case(f"XlaCallModule {name} {sizes or 'static'}", build, [x], (), tolerance)
    case.answers = lambda: [np.asarray(a) for a in jax.tree_util.tree_leaves(jax.jit(function)(x))]
    return case


def weights(*shape):
    return values(shape, low=-1, high=1)


def networks():
    w1, b1, w2, b2 = weights(8, 16), weights(16), weights(16, 4), weights(4)

    def mlp(x):
        return jax.nn.softmax(jax.nn.relu(x @ w1 + b1) @ w2 + b2), jax.nn.gelu(x @ w1) @ w2, jax.nn.silu(x @ w1).sum(-1)

    def mlp_bfloat16(x):
        h = jax.nn.relu(x.astype(jnp.bfloat16) @ w1.astype(jnp.bfloat16) + b1.astype(jnp.bfloat16))
        return (h @ w2.astype(jnp.bfloat16)).astype(jnp.float32)

    gain, shift, wq, wk, wv, wo, f1, f2 = weights(8), weights(8), weights(8, 8), weights(8, 8), weights(8, 8), weights(8, 8), weights(8, 32), weights(32, 8)

    def norm(x):
        mean = x.mean(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5) * gain + shift

    def transformer(x):
        b, t, d = x.shape
        q, k, v = [(norm(x) @ w).reshape(b, t, 2, d // 2) for w in (wq, wk, wv)]
        scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), jnp.einsum("bqhd,bkhd->bhqk", q, k) / 2, -1e9)
        x = x + jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, -1), v).reshape(b, t, d) @ wo
        return x + jax.nn.gelu(norm(x) @ f1, approximate=False) @ f2

    wl = weights(12, 16)

    def lstm(x):
        def step(state, xt):
            h, c = state
            i, f, o, g = jnp.split(jnp.concatenate([xt, h], -1) @ wl, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h
        zero = jnp.zeros((x.shape[0], 4))
        return lax.scan(step, (zero, zero), jnp.swapaxes(x, 0, 1))

    for sizes in (None, "b, 8"):
        yield call("mlp", mlp, values((3, 8)), sizes)
    yield call("mlp for several platforms", mlp, values((3, 8)), "b, 8", platforms=("cuda", "cpu", "tpu"))
    yield call("mlp_bfloat16", mlp_bfloat16, values((3, 8)), "b, 8", tolerance=(5e-2, 5e-2))
    for sizes in (None, "b, t, 8"):
        yield call("transformer", transformer, values((2, 5, 8)), sizes)
    yield call("lstm", lstm, values((3, 6, 8)), "b, 6, 8")


def convolutions():
    k1, k2, kd, dense = weights(3, 3, 3, 8), weights(3, 3, 8, 8), weights(3, 3, 1, 8), weights(8, 5)
    mean, variance, gain, shift = weights(8), values((8,), low=1, high=2), weights(8), weights(8)
    last = ("NHWC", "HWIO", "NHWC")

    def cnn(x):
        x = lax.conv_general_dilated(x, k1, (1, 1), "SAME", dimension_numbers=last)
        x = jax.nn.relu((x - mean) * lax.rsqrt(variance + 1e-3) * gain + shift)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = lax.conv_general_dilated(x, kd, (2, 2), "SAME", dimension_numbers=last, feature_group_count=8)
        x = lax.conv_general_dilated(x, k2, (1, 1), ((2, 1), (2, 3)), dimension_numbers=last, rhs_dilation=(2, 2))
        return lax.reduce_window(x, 0., lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "SAME").mean((1, 2)) @ dense

    kt, kf, kg, kl, kc = weights(2, 2, 3, 4), weights(4, 3, 3, 3), weights(3, 3, 3, 8), weights(3, 3, 5), weights(2, 2, 2, 1, 4)

    def others(x):
        return (lax.conv_transpose(x, kt, (2, 2), "SAME"),
                lax.conv_general_dilated(jnp.transpose(x, (0, 3, 1, 2)), kf, (1, 1), "SAME"),
                lax.conv_general_dilated(jnp.concatenate([x, x], -1), kg, (1, 1), "VALID", dimension_numbers=last, feature_group_count=2),
                lax.conv_general_dilated(x[:, 0], kl, (2,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")),
                lax.conv_general_dilated(x[..., None], kc, (1, 2, 1), ((1, 0), (0, 1), (0, 0)), dimension_numbers=("NDHWC", "DHWIO", "NDHWC")),
                lax.reduce_window(x, 0., lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
                lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 1), (1, 1, 2, 1), "SAME"),
                lax.reduce_window(x, jnp.inf, lax.min, (1, 2, 2, 2), (1, 2, 2, 1), "SAME"),
                jax.image.resize(x, (x.shape[0], 12, 12, 3), "bilinear"),
                jnp.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), constant_values=2), lax.pad(x, 0., ((0, 0, 0), (-1, 1, 1), (0, 0, 0), (0, 0, 0))),
                jnp.flip(x, 1), jnp.tile(x, (1, 2, 1, 1)), jnp.repeat(x, 2, 1))

    for sizes in (None, "b, 8, 8, 3"):
        yield call("cnn", cnn, values((2, 8, 8, 3)), sizes)
        yield call("convolutions", others, values((2, 8, 8, 3)), sizes)


def control():
    def branches(x):
        return (lax.cond(x.sum() > 0, lambda y: y * 2, lambda y: y - 1, x),
                lax.switch(jnp.clip(x[0, 0].astype(jnp.int32), 0, 2), [jnp.sin, jnp.cos, lambda y: y], x),
                lax.fori_loop(0, 5, lambda i, y: y * 1.1 + i, x),
                lax.while_loop(lambda c: (c[0] < 3) & (c[1].sum() < 1e6), lambda c: (c[0] + 1, c[1] * 2 + x), (0, x))[1],
                lax.map(lambda row: row.sum() * row, x))

    for x in (values((3, 4)), -values((3, 4), low=0)):
        yield call("control", branches, x, "b, 4")


def indexing():
    rows_of = weights(10, 6)

    def rows(i):
        return jnp.asarray(rows_of)[i], jax.nn.one_hot(i, 10)

    def places(i):
        table = jnp.asarray(rows_of)
        return (jnp.take_along_axis(jnp.arange(20).reshape(2, 10), i, 1), jnp.zeros(10).at[i.reshape(-1)].add(1.0),
                jnp.zeros((10, 3)).at[i[0]].set(5.), lax.dynamic_slice(table, (i[0, 0], i[0, 1]), (3, 2)),
                lax.dynamic_update_slice(table, jnp.ones((2, 2)), (i[0, 0], i[1, 0])), jax.ops.segment_sum(table[i[0]], i[1], 10))

    def batched(x):
        i = jnp.arange(x.shape[0]) % 4
        return (jax.vmap(lambda a, k: lax.dynamic_update_slice(a, jnp.ones(2), (k,)))(x, i), jax.vmap(lambda a, k: lax.dynamic_slice(a, (k,), (3,)))(x, i),
                jax.vmap(lambda a, k: a[k])(x, i), jax.vmap(lambda a, k: a.at[k].add(1.))(x, i))

    indices = np.array([[1, 0, 9], [3, 3, 12]], np.int32)
    for sizes in (None, "b, 3"):
        yield call("rows", rows, indices, sizes)
        yield call("batched", batched, values((5, 9)), sizes and "b, 9")
    yield call("places", places, indices)


def orders():
    def sorts(x):
        nan = jnp.where(x > 1.5, jnp.nan, x)
        return (jnp.sort(x, -1), jnp.argsort(nan, -1), -jnp.sort(-x, 0), jnp.argsort(x, -1, descending=True), *lax.top_k(x, 3), jnp.argmax(x, -1),
                jnp.argmin(x, 0), jnp.argmax(nan, -1), jnp.median(x, -1), jnp.lexsort((x[:, 0], jnp.round(x[:, 1]))), jnp.searchsorted(jnp.arange(-2., 3), x))

    def running(x):
        return jnp.cumsum(x, -1), lax.cumsum(x, 1, reverse=True), lax.cummax(x, 1), jnp.cumprod(x, 1)

    def reductions(x):
        return (jnp.any(x > 1, -1), jnp.all(x > -1, -1), jnp.std(x), jnp.prod(x, -1), x.max(0), x.min(), jax.nn.logsumexp(x, -1), jnp.linalg.norm(x, axis=1),
                lax.reduce(x, 0., lambda a, b: a + b + a * b, (1,)))

    for sizes in (None, "b, 9"):
        yield call("sorts", sorts, values((4, 9)), sizes)
        yield call("running", running, values((4, 9)), sizes)
        yield call("reductions", reductions, values((4, 9)), sizes)


def numbers():
    def floats(x):
        return (jnp.tanh(x.astype(jnp.float16)), jnp.clip(x, -.5, .5), jnp.round(x * 3), lax.round(x * 2), jnp.floor_divide(x, .3), jnp.power(jnp.abs(x), 1.5), x ** 3,
                jnp.sign(x), jnp.arctan2(x, x + 1), jax.scipy.special.erf(x), jnp.mod(x, .7), jnp.cbrt(x), jnp.log1p(jnp.abs(x)), jnp.expm1(x), jnp.maximum(x, .1),
                jnp.isnan(x), jnp.isfinite(x), jnp.sinh(x), jnp.tan(x), jax.scipy.special.gammaln(jnp.abs(x) + 1), lax.reduce_precision(x, 8, 7))

    def integers(x):
        i = (x * 10).astype(jnp.int32)
        return (i // 3 + i % 4, (i << 2) ^ (i >> 1) | 7, lax.shift_right_logical(i, jnp.int32(3)), (x * 200).astype(jnp.uint8), (x * 100).astype(jnp.int8),
                i.astype(jnp.uint8) + jnp.uint8(200), jnp.logical_xor(x > 0, x < 1), lax.bitcast_convert_type(x, jnp.int32), lax.population_count(i), lax.clz(i), ~i)

    def random(x):
        key = jax.random.fold_in(jax.random.PRNGKey(0), 3)
        return (jax.random.uniform(key, (3, 4)), jax.random.normal(key, (5,)), jax.random.randint(key, (6,), 0, 100), jax.random.bernoulli(key, .5, (8,)),
                jax.random.categorical(key, x))

    def waves(x):
        return jnp.abs(jnp.fft.fft(x)), jnp.real(jnp.fft.rfft(x)), jnp.fft.irfft(jnp.fft.rfft(x)), jnp.imag(jnp.fft.fft2(x))

    def factors(x):
        a = x @ x.T + jnp.eye(x.shape[0]) * 9
        return jnp.linalg.cholesky(a), lax.linalg.triangular_solve(jnp.tril(a), x, left_side=True, lower=True)

    for sizes in (None, "b, 5"):
        yield call("floats", floats, values((4, 5)), sizes)
        yield call("integers", integers, values((4, 5)), sizes)
    yield call("random", random, values((6, 9)))
    yield call("waves", waves, values((4, 8)))
    yield call("factors", factors, values((4, 6)))


def cases():
    if jax:
        for family in (networks, convolutions, control, indexing, orders, numbers):
            yield from family()
