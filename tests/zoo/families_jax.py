# SPDX-License-Identifier: Apache-2.0
"""Models of JAX for zoo.py, as jax2tf exports them; Keras on JAX by a process of its own. MODELS is empty where jax is not installed.

usage: families_jax.py NAME FOLDER       exports one of KERAS; zoo.py's process has Keras on TensorFlow
"""
import os
import subprocess
import sys

import numpy as np

try:
    import jax
    import jax.numpy as jnp
    from jax import lax
except ImportError:
    jax = None

MODELS = {}
KERAS = {}  # name -> (function of a Keras tensor, array like its input)
rng = np.random.default_rng(23)


def weights(*shape):
    return (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]) if len(shape) > 1 else 1)).astype(np.float32)


def model(name, x, sizes):
    """A function of x, an array or a function that gives one; `sizes` names dimensions that a client chooses: "b, 8"."""
    def add(function):
        def make(folder):
            import tensorflow as tf
            from jax.experimental import jax2tf
            converted = jax2tf.convert(function, polymorphic_shapes=[f"({sizes})"], with_gradient=False)
            shape = [int(n) if n.strip().isdigit() else None for n in sizes.split(",")]
            module = tf.Module()
            module.call = tf.function(lambda x: converted(x), input_signature=[tf.TensorSpec(shape, x.dtype, name="x")], autograph=False)
            tf.saved_model.save(module, folder, signatures=module.call.get_concrete_function())
            return {"x": x}
        if jax:
            MODELS["jax_" + name] = make
        return function
    return add


def floats(*shape):
    return rng.normal(size=shape).astype(np.float32)


@model("mlp", floats(5, 32), "b, 32")
def mlp(x, layers=[(weights(32, 64), weights(64)), (weights(64, 64), weights(64)), (weights(64, 7), weights(7))]):
    for w, b in layers[:-1]:
        x = jax.nn.gelu(x @ w + b)
    return {"p": jax.nn.softmax(x @ layers[-1][0] + layers[-1][1])}


@model("cnn", floats(2, 24, 24, 3), "b, 24, 24, 3")
def cnn(x, k=[weights(3, 3, 3, 16), weights(3, 3, 1, 16), weights(3, 3, 8, 16), weights(2, 2, 16, 8)], mean=weights(16), variance=np.abs(weights(16)) + 1):
    def conv(x, k, stride=1, padding="SAME", **more):
        return lax.conv_general_dilated(x, k, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"), **more)
    x = jax.nn.relu((conv(x, k[0]) - mean) * lax.rsqrt(variance + 1e-3))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    x = conv(x, k[1], 2, feature_group_count=16)
    x = conv(x, k[2], feature_group_count=2, rhs_dilation=(2, 2))
    x = lax.conv_transpose(x, k[3], (2, 2), "SAME")
    x = lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "SAME") / 9
    return {"y": x.mean((1, 2)), "map": x}


@model("transformer", floats(2, 11, 32), "b, t, 32")
def transformer(x, w=[{n: weights(*s) for n, s in (("q", (32, 32)), ("k", (32, 32)), ("v", (32, 32)), ("o", (32, 32)), ("f", (32, 96)), ("g", (96, 32)))} for _ in range(2)]):
    def norm(x):
        return (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-6)
    b, t, _ = x.shape
    for layer in w:
        q, k, v = [(norm(x) @ layer[n]).reshape(b, t, 4, 8) for n in "qkv"]
        scores = jnp.where(jnp.tril(jnp.ones((t, t), bool)), jnp.einsum("bqhd,bkhd->bhqk", q, k) / 8 ** 0.5, -1e9)
        x = x + jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, -1), v).reshape(b, t, 32) @ layer["o"]
        x = x + jax.nn.gelu(norm(x) @ layer["f"], approximate=False) @ layer["g"]
    return {"x": x}


@model("lstm_scan", floats(3, 15, 8), "b, 15, 8")
def lstm(x, w=weights(24, 64)):
    def step(state, xt):
        h, c = state
        i, f, o, g = jnp.split(jnp.concatenate([xt, h], -1) @ w, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    zeros = jnp.zeros((x.shape[0], 16))
    (h, _), all_h = lax.scan(step, (zeros, zeros), jnp.swapaxes(x, 0, 1))
    return {"last": h, "all": jnp.swapaxes(all_h, 0, 1)}


@model("greedy_decoding", rng.integers(0, 20, (2, 1)).astype(np.int32), "2, 1")
def decoding(x, table=weights(20, 16), w=weights(16, 20)):
    def step(i, tokens):
        best = jnp.argmax(jnp.take(table, tokens[:, i], 0) @ w, -1).astype(jnp.int32)
        return tokens.at[:, i + 1].set(best)
    return {"tokens": lax.fori_loop(0, 12, step, jnp.zeros((2, 13), jnp.int32).at[:, :1].set(x))}


@model("recommender", rng.integers(0, 50, (4, 3)).astype(np.int32), "b, 3")
def recommender(x, users=weights(50, 8), items=weights(8, 40)):
    scores = jnp.take(users, x, 0).mean(1) @ items
    order = jnp.argsort(-scores, -1)[:, :5]
    return {"items": order, "scores": jnp.take_along_axis(scores, order, -1), "share": jnp.cumsum(jax.nn.softmax(scores), -1)}


@model("sampler", floats(3, 10), "3, 10")
def sampler(x):
    key = jax.random.fold_in(jax.random.PRNGKey(5), 3)
    return {"kind": jax.random.categorical(key, x), "noise": x + jax.random.normal(key, x.shape), "mask": jax.random.bernoulli(key, 0.3, x.shape), "rank": jax.random.randint(key, (5,), 0, 9)}


@model("spectrum", floats(2, 64), "2, 64")
def spectrum(x):
    f = jnp.fft.rfft(x)
    return {"power": jnp.abs(f) ** 2, "back": jnp.fft.irfft(f * 0.5), "phase": jnp.angle(f)}


@model("bfloat16", floats(3, 16), "b, 16")
def low_precision(x, w=weights(16, 16)):
    h = jax.nn.silu(x.astype(jnp.bfloat16) @ w.astype(jnp.bfloat16))
    return {"y": (h.astype(jnp.float32) > 0.1) & (x > 0), "n": lax.population_count((x * 100).astype(jnp.int32)), "u": (x * 20).astype(jnp.uint8) >> 2}


@model("branches", floats(2, 6), "2, 6")
def branches(x):
    halved = lax.while_loop(lambda v: jnp.abs(v).max() > 0.1, lambda v: v / 2, x)
    return {"c": lax.cond(x.sum() > 0, lambda v: v + 1, lambda v: v * 2, x), "s": lax.switch(jnp.int32(x[0, 0] > 0) + 1, [jnp.sin, jnp.cos, jnp.tanh], x), "h": halved}


# ---- Keras on JAX ----

def on_keras(name, x):
    """`build` makes the output of a model whose input is like x."""
    def add(build):
        KERAS[name] = (build, x)

        def make(folder):
            subprocess.run([sys.executable, os.path.abspath(__file__), name, folder], env={**os.environ, "KERAS_BACKEND": "jax"}, check=True, capture_output=True)
            return {"x": x}
        if jax:
            MODELS["jax_keras_" + name] = make
        return build
    return add


@on_keras("text_transformer", rng.integers(0, 100, (3, 20)).astype(np.int32))
def text_transformer(x):
    from keras import layers as L
    x = L.Embedding(100, 32)(x)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(4, 8)(x, x))
    x = L.GlobalAveragePooling1D()(x + L.Dense(32, "gelu")(x))
    return L.Dense(3, "softmax")(x)


@on_keras("recurrent", floats(3, 12, 5))
def recurrent(x):
    from keras import layers as L
    return L.Dense(2)(L.GRU(8)(L.Bidirectional(L.LSTM(16, return_sequences=True))(x)))


@on_keras("image", rng.uniform(size=(2, 24, 24, 3)).astype(np.float32))
def image(x):
    from keras import layers as L
    for layer in (L.Conv2D(8, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.SeparableConv2D(16, 3, strides=2, padding="same"), L.DepthwiseConv2D(3), L.MaxPool2D(), L.Conv2DTranspose(4, 3, strides=2, padding="same"),
                  L.UpSampling2D(interpolation="bilinear"), L.AveragePooling2D(2), L.GroupNormalization(2), L.Dropout(0.5), L.Flatten(), L.Dense(4)):
        x = layer(x)
    return x


@on_keras("MobileNetV2", rng.uniform(size=(2, 96, 96, 3)).astype(np.float32))
def mobile_net(x):
    import keras
    return keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, include_top=False, pooling="avg")(x)


@on_keras("EfficientNetV2B0", rng.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32))
def efficient_net(x):
    import keras
    return keras.applications.EfficientNetV2B0(input_shape=(64, 64, 3), weights=None, include_top=False, pooling="avg")(x)


def main():
    import keras
    name, folder = sys.argv[1:]
    keras.utils.set_random_seed(7)
    build, x = KERAS[name]
    placeholder = keras.Input(x.shape[1:], name="x", dtype=x.dtype.name)
    keras.Model(placeholder, build(placeholder)).export(folder, format="tf_saved_model", verbose=False)


if __name__ == "__main__":
    main()
