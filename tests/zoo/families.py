# SPDX-License-Identifier: Apache-2.0
"""The models of zoo.py: MODELS[name](folder) exports one and returns inputs for its signature serving_default."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

MODELS = {}
rng = np.random.default_rng(11)


def image(size, batch=2, channels=3):
    return rng.uniform(0, 1, (batch, size, size, channels)).astype(np.float32)


def export(model, folder, inputs):
    """A Keras model; `inputs` are arrays in the order of its inputs."""
    model.export(folder, format="tf_saved_model", verbose=False)
    names = [t.name for t in model.inputs]
    return dict(zip(names, inputs))


def register(name, build, *inputs):
    """`build` gives a Keras model; inputs are functions that give arrays."""
    MODELS[name] = lambda folder: export(build(), folder, [i() for i in inputs])


def module(name):
    """A function that gives (tf.Module, {argument: TensorSpec}, {argument: array}); its method is `call`."""
    def add(build):
        def make(folder):
            made, specs, inputs = build()
            # Keras wraps its variables; a session restores only those that the module itself has.
            made.tracked = [v.value for m in vars(made).values() if isinstance(m, keras.Model) for v in m.variables]
            function = tf.function(made.call).get_concrete_function(**specs)
            tf.saved_model.save(made, folder, signatures=function)
            return inputs
        MODELS[name] = make
        return build
    return add


# ---- Keras applications ----

A = keras.applications
for make, size in ((A.ResNet50, 96), (A.ResNet50V2, 96), (A.MobileNet, 96), (A.MobileNetV2, 96), (A.MobileNetV3Small, 96), (A.MobileNetV3Large, 96),
                   (A.EfficientNetB0, 96), (A.EfficientNetV2B0, 96), (A.DenseNet121, 96), (A.InceptionV3, 96), (A.InceptionResNetV2, 96),
                   (A.Xception, 96), (A.VGG16, 64), (A.NASNetMobile, 96), (A.ConvNeXtTiny, 64)):
    register("app_" + make.__name__, lambda make=make, size=size: make(weights=None, include_top=False, input_shape=(size, size, 3), pooling="avg"),
             lambda size=size: image(size))
register("app_ResNet50_top", lambda: A.ResNet50(weights=None), lambda: image(224, 1))


# ---- Keras layers one by one ----

def layer(name, build, shape, batch=3, low=-2.0, high=2.0, dtype="float32"):
    def make():
        x = keras.Input(shape, dtype=dtype)
        return keras.Model(x, build(x))

    def values():
        full = (batch, *[s or 5 for s in shape])
        if dtype.startswith("int"):
            return rng.integers(0, 10, full).astype(dtype)
        return rng.uniform(low, high, full).astype(dtype)
    register("layer_" + name, make, values)


def built(make, *more):
    """A layer with weights that are not all zeros and ones."""
    def build(x):
        it = make()
        y = it(x, *more)
        it.set_weights([rng.uniform(0.1, 1, w.shape).astype(w.dtype) if w.dtype.kind == "f" else w for w in it.get_weights()])
        return y
    return build


for activation in ("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "softplus", "softsign", "sigmoid", "hard_sigmoid",
                   "hard_silu", "log_sigmoid", "tanh", "exponential", "softmax", "log_softmax", "linear", "glu", "hard_tanh", "hard_shrink", "soft_shrink",
                   "squareplus", "sparse_plus", "tanh_shrink", "sparsemax"):
    layer("activation_" + activation, lambda x, a=activation: L.Activation(a)(x), (6,))
layer("prelu", built(lambda: L.PReLU()), (6,))
layer("dense", built(lambda: L.Dense(5, activation="relu")), (7,))
layer("dense_3d", built(lambda: L.Dense(5, activation="gelu")), (4, 7))
layer("einsum_dense", built(lambda: L.EinsumDense("abc,cde->abde", output_shape=(None, 4, 5), bias_axes="de")), (3, 6))
for name, make in (("conv1d", lambda: L.Conv1D(4, 3, padding="same")), ("conv1d_causal", lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=2)),
                   ("conv1d_transpose", lambda: L.Conv1DTranspose(4, 3, strides=2)), ("separable_conv1d", lambda: L.SeparableConv1D(4, 3)),
                   ("depthwise_conv1d", lambda: L.DepthwiseConv1D(3))):
    layer(name, built(make), (9, 3))
for name, make in (("conv2d", lambda: L.Conv2D(4, 3, strides=2, padding="same")), ("conv2d_groups", lambda: L.Conv2D(8, 3, groups=2)),
                   ("conv2d_dilated", lambda: L.Conv2D(4, 3, dilation_rate=2)), ("conv2d_transpose", lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same")),
                   ("separable_conv2d", lambda: L.SeparableConv2D(4, 3)), ("depthwise_conv2d", lambda: L.DepthwiseConv2D(3, depth_multiplier=2))):
    layer(name, built(make), (9, 8, 4))
layer("conv3d", built(lambda: L.Conv3D(3, 3, padding="same")), (5, 6, 7, 2))
layer("conv3d_transpose", built(lambda: L.Conv3DTranspose(3, 3, strides=2)), (3, 4, 5, 2))
for rank, shape in ((1, (9, 3)), (2, (9, 8, 3)), (3, (6, 6, 6, 2))):
    for kind in ("MaxPooling", "AveragePooling"):
        layer(f"{kind}{rank}d", lambda x, k=kind, r=rank: getattr(L, f"{k}{r}D")(3, strides=2, padding="same")(x), shape)
    for kind in ("GlobalMaxPooling", "GlobalAveragePooling"):
        layer(f"{kind}{rank}d", lambda x, k=kind, r=rank: getattr(L, f"{k}{r}D")()(x), shape)
    layer(f"upsampling{rank}d", lambda x, r=rank: getattr(L, f"UpSampling{r}D")(2)(x), shape)
    layer(f"zero_padding{rank}d", lambda x, r=rank: getattr(L, f"ZeroPadding{r}D")(2)(x), shape)
    layer(f"cropping{rank}d", lambda x, r=rank: getattr(L, f"Cropping{r}D")(1)(x), shape)
for how in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
    layer("upsampling2d_" + how, lambda x, h=how: L.UpSampling2D(2, interpolation=h)(x), (5, 6, 3))
for name, make in (("batch_normalization", lambda: L.BatchNormalization()), ("layer_normalization", lambda: L.LayerNormalization()),
                   ("group_normalization", lambda: L.GroupNormalization(2)), ("unit_normalization", lambda: L.UnitNormalization()),
                   ("rms_normalization", lambda: L.RMSNormalization()), ("spectral_normalization", lambda: L.SpectralNormalization(L.Dense(4)))):
    layer(name, built(make) if name != "spectral_normalization" else (lambda x, m=make: m()(x)), (5, 4))
layer("batch_normalization_conv", built(lambda: L.BatchNormalization()), (5, 6, 4))
for name, make in (("lstm", lambda: L.LSTM(5)), ("lstm_sequences", lambda: L.LSTM(5, return_sequences=True)), ("lstm_backwards", lambda: L.LSTM(5, go_backwards=True)),
                   ("gru", lambda: L.GRU(5)), ("gru_reset_before", lambda: L.GRU(5, reset_after=False)), ("simple_rnn", lambda: L.SimpleRNN(5)),
                   ("lstm_unrolled", lambda: L.LSTM(5, unroll=True)), ("stacked_cells", lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)])))):
    layer(name, (lambda x, m=make: m()(x)), (6, 3))
layer("bidirectional_lstm", lambda x: L.Bidirectional(L.LSTM(4, return_sequences=True))(x), (6, 3))
layer("bidirectional_gru", lambda x: L.Bidirectional(L.GRU(4), merge_mode="sum")(x), (6, 3))
layer("conv_lstm2d", lambda x: L.ConvLSTM2D(3, 3, padding="same")(x), (4, 6, 6, 2))
layer("conv_lstm1d", lambda x: L.ConvLSTM1D(3, 3)(x), (4, 6, 2))
layer("time_distributed", lambda x: L.TimeDistributed(L.Dense(3))(x), (4, 5))
layer("masked_lstm", lambda x: L.LSTM(4)(L.Masking(1.0)(x)), (6, 3))
layer("embedding_lstm", lambda x: L.LSTM(4)(L.Embedding(10, 6, mask_zero=True)(x)), (6,), dtype="int32")
layer("embedding_mean", lambda x: L.GlobalAveragePooling1D()(L.Embedding(10, 6, mask_zero=True)(x)), (6,), dtype="int32")
layer("multi_head_attention", lambda x: L.MultiHeadAttention(2, 3)(x, x), (6, 8))
layer("multi_head_attention_causal", lambda x: L.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True), (6, 8))
layer("grouped_query_attention", lambda x: L.GroupQueryAttention(3, 4, 2)(x, x), (6, 8))
layer("attention", lambda x: L.Attention()([x, x]), (6, 8))
layer("additive_attention", lambda x: L.AdditiveAttention()([x, x]), (6, 8))
for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"):
    layer("merge_" + name, lambda x, n=name: (getattr(L, n)(axes=1) if n == "Dot" else getattr(L, n)())([x, x * 0.5]), (6,))
layer("permute_reshape", lambda x: L.Reshape((4, -1))(L.Permute((2, 1))(x)), (3, 8))
layer("repeat_flatten", lambda x: L.Flatten()(L.RepeatVector(3)(x)), (5,))
layer("discretization", lambda x: L.Discretization([-1.0, 0.0, 0.7])(x), (6,))
layer("discretization_one_hot", lambda x: L.Discretization([-1.0, 0.0, 0.7], output_mode="one_hot")(x), (1,))
layer("category_encoding", lambda x: L.CategoryEncoding(10, output_mode="multi_hot")(x), (6,), dtype="int32")
layer("category_encoding_count", lambda x: L.CategoryEncoding(10, output_mode="count")(x), (6,), dtype="int32")
layer("normalization", lambda x: L.Normalization(mean=[0.1] * 4, variance=[0.7] * 4)(x), (4,))
layer("rescaling", lambda x: L.Rescaling(1 / 127.5, offset=-1)(x), (6, 6, 3))
layer("center_crop", lambda x: L.CenterCrop(4, 5)(x), (7, 8, 3))
for how in ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"):
    layer("resizing_" + how, lambda x, h=how: L.Resizing(5, 7, interpolation=h)(x), (8, 6, 3))
layer("resizing_crop", lambda x: L.Resizing(5, 7, crop_to_aspect_ratio=True)(x), (8, 6, 3))
layer("integer_lookup", lambda x: L.IntegerLookup(vocabulary=[3, 5, 7])(x), (6,), dtype="int64")
layer("hashing", lambda x: L.Hashing(8)(x), (6,), dtype="int64")
layer("random_layers_at_rest", lambda x: L.RandomFlip()(L.RandomRotation(0.1)(L.Dropout(0.5)(L.GaussianNoise(0.1)(x)))), (8, 8, 3))
layer("spatial_dropout", lambda x: L.SpatialDropout1D(0.4)(L.GaussianDropout(0.3)(L.AlphaDropout(0.2)(x))), (6, 3))


# ---- preprocessing and tables ----

def words(*texts):
    return lambda: np.array([[t] for t in texts], object)


def text_model(vectorize, rest):
    def build():
        x = keras.Input((1,), dtype="string")
        return keras.Model(x, rest(vectorize()(x)))
    return build


VOCABULARY = ["the", "a", "cat", "dog", "sat", "on", "mat", "what", "ärger"]
SENTENCES = words("The cat sat on the mat!", "", "What a DOG, what a mat", "ärger über alles; the end.")
for mode, more in (("int", {"output_sequence_length": 8}), ("multi_hot", {}), ("count", {})):
    register("text_" + mode, text_model(lambda m=mode, k=more: L.TextVectorization(vocabulary=VOCABULARY, output_mode=m, **k), lambda y: y), SENTENCES)
register("text_bigrams", text_model(lambda: L.TextVectorization(vocabulary=VOCABULARY + ["the cat", "what a"], ngrams=2, output_sequence_length=12), lambda y: y), SENTENCES)
register("text_characters", text_model(lambda: L.TextVectorization(vocabulary=list("abcdetö "), split="character", output_sequence_length=20), lambda y: y), SENTENCES)
register("text_classifier", text_model(lambda: L.TextVectorization(vocabulary=VOCABULARY, output_sequence_length=10),
                                       lambda y: L.Dense(3, "softmax")(L.Bidirectional(L.LSTM(6))(L.Embedding(12, 5, mask_zero=True)(y)))), SENTENCES)
register("string_lookup", text_model(lambda: L.StringLookup(vocabulary=VOCABULARY), lambda y: y), words("cat", "dog", "cow", ""))
register("string_lookup_one_hot", text_model(lambda: L.StringLookup(vocabulary=VOCABULARY, output_mode="one_hot"), lambda y: y), words("cat", "dog", "cow", ""))
register("string_hashing", text_model(lambda: L.Hashing(16), lambda y: y), words("cat", "dog", "cow", ""))
register("string_hashing_salted", text_model(lambda: L.Hashing(16, salt=[133, 137]), lambda y: y), words("cat", "dog", "cow", ""))


@module("lookup_reverse")
def _lookup_reverse():
    class Reverse(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.range(3, dtype=tf.int64), tf.constant(["a", "b", "c"])), "?")

        def call(self, i):
            return {"name": self.table.lookup(i), "size": self.table.size()}
    return Reverse(), {"i": tf.TensorSpec([None], tf.int64)}, {"i": np.array([0, 2, 9], np.int64)}


# ---- whole networks ----

def transformer_block(x, heads, width):
    a = L.MultiHeadAttention(heads, width // heads)(x, x)
    x = L.LayerNormalization()(x + a)
    h = L.Dense(width)(L.Dense(4 * width, activation="gelu")(x))
    return L.LayerNormalization()(x + h)


def bert(length=32, width=64, layers=2):
    ids, kinds = keras.Input([length], dtype="int32"), keras.Input([length], dtype="int32")
    x = L.Embedding(200, width)(ids) + L.Embedding(2, width)(kinds) + L.Embedding(length, width)(np.arange(length)[None])
    x = L.LayerNormalization()(x)
    for _ in range(layers):
        x = transformer_block(x, 4, width)
    return keras.Model([ids, kinds], [x, L.Dense(width, activation="tanh")(x[:, 0])])


register("bert", bert, lambda: rng.integers(0, 200, (2, 32)).astype(np.int32), lambda: rng.integers(0, 2, (2, 32)).astype(np.int32))


def dlrm():
    dense, ids = keras.Input([13]), keras.Input([8], dtype="int32")
    bottom = L.Dense(16, "relu")(L.Dense(32, "relu")(dense))
    vectors = [bottom] + [L.Embedding(50, 16)(ids[:, i]) for i in range(8)]
    stacked = keras.ops.stack(vectors, 1)
    products = keras.ops.einsum("bij,bkj->bik", stacked, stacked)
    rows, columns = np.tril_indices(9, -1)
    flat = keras.ops.take(keras.ops.reshape(products, (-1, 81)), rows * 9 + columns, axis=1)
    top = L.Dense(1, "sigmoid")(L.Dense(32, "relu")(L.Concatenate()([bottom, flat])))
    return keras.Model([dense, ids], top)


register("dlrm", dlrm, lambda: rng.normal(size=(4, 13)).astype(np.float32), lambda: rng.integers(0, 50, (4, 8)).astype(np.int32))


def unet():
    x = inputs = keras.Input([32, 32, 3])
    skips = []
    for width in (8, 16):
        x = L.Conv2D(width, 3, padding="same", activation="relu")(x)
        skips.append(x)
        x = L.MaxPooling2D()(x)
    x = L.Conv2D(32, 3, padding="same", activation="relu")(x)
    for width, skip in zip((16, 8), reversed(skips)):
        x = L.Concatenate()([L.Conv2DTranspose(width, 2, strides=2)(x), skip])
        x = L.BatchNormalization()(L.Conv2D(width, 3, padding="same", activation="relu")(x))
    return keras.Model(inputs, L.Conv2D(2, 1, activation="softmax")(x))


register("unet", unet, lambda: image(32))


def dcgan():
    z = keras.Input([16])
    x = L.Reshape((4, 4, 8))(L.Dense(128)(z))
    for width in (8, 4):
        x = L.LeakyReLU(0.2)(L.BatchNormalization()(L.Conv2DTranspose(width, 5, strides=2, padding="same", use_bias=False)(x)))
    return keras.Model(z, L.Conv2DTranspose(3, 5, padding="same", activation="tanh")(x))


register("dcgan", dcgan, lambda: rng.normal(size=(2, 16)).astype(np.float32))


def wavenet():
    x = inputs = keras.Input([64, 2])
    for rate in (1, 2, 4, 8):
        gate = L.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(x)
        x = L.Conv1D(6, 1)(L.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="tanh")(x) * gate)
    return keras.Model(inputs, x)


register("wavenet", wavenet, lambda: rng.normal(size=(2, 64, 2)).astype(np.float32))


@module("decoder_greedy")
def _decoder():
    class Decoder(tf.Module):
        """A token at a time with a cache of keys and values, until the end or the length is reached."""

        def __init__(self):
            super().__init__()
            w = lambda *s: tf.Variable(rng.normal(size=s).astype(np.float32) * 0.3)
            self.embedding, self.q, self.k, self.v, self.o, self.out = w(30, 16), w(16, 16), w(16, 16), w(16, 16), w(16, 16), w(16, 30)

        def call(self, prompt):
            batch, length = tf.shape(prompt)[0], 12
            cache = tf.zeros([2, batch, length, 16])
            tokens = tf.zeros([batch, length + 1], tf.int32)
            tokens = tf.concat([prompt[:, :1], tokens[:, 1:]], 1)
            for i in tf.range(length):
                x = tf.gather(self.embedding, tokens[:, i])
                kv = tf.stack([x @ self.k, x @ self.v])
                at = tf.one_hot(i, length)
                cache = cache + kv[:, :, None] * at[None, None, :, None]
                scores = tf.einsum("bd,btd->bt", x @ self.q, cache[0]) / 4.0
                scores = tf.where(tf.range(length)[None] <= i, scores, -1e9)
                y = tf.einsum("bt,btd->bd", tf.nn.softmax(scores), cache[1]) @ self.o + x
                token = tf.argmax(y @ self.out, -1, tf.int32)
                index = tf.stack([tf.range(batch), tf.fill([batch], i + 1)], 1)
                tokens = tf.tensor_scatter_nd_update(tokens, index, token)
                if tf.reduce_all(tf.equal(token, 29)):
                    break
            return {"tokens": tokens, "cache": cache}
    return Decoder(), {"prompt": tf.TensorSpec([None, None], tf.int32)}, {"prompt": np.array([[3], [8], [11]], np.int32)}


@module("ssd_nms")
def _ssd():
    class Detector(tf.Module):
        def __init__(self):
            super().__init__()
            self.head = keras.Sequential([keras.Input([32, 32, 3]), L.Conv2D(8, 3, strides=2, activation="relu"), L.Conv2D(7 * 2, 3, strides=2)])

        def call(self, image):
            y = tf.reshape(self.head(image), [tf.shape(image)[0], -1, 7])
            center, size = tf.sigmoid(y[..., :2]), tf.sigmoid(y[..., 2:4]) * 0.4
            boxes = tf.concat([center - size / 2, center + size / 2], -1)
            scores = tf.nn.softmax(y[..., 4:])
            picked = tf.image.combined_non_max_suppression(boxes[:, :, None], scores, 5, 20, 0.4, 0.3)
            best, values = tf.image.non_max_suppression_padded(boxes[0], scores[0, :, 0], 10, 0.5, pad_to_max_output_size=True)
            crops = tf.image.crop_and_resize(image, boxes[:, 0], tf.range(tf.shape(image)[0]), [5, 5])
            return {"boxes": picked.nmsed_boxes, "scores": picked.nmsed_scores, "classes": picked.nmsed_classes, "valid": picked.valid_detections,
                    "best": best, "number": values, "crops": crops}
    return Detector(), {"image": tf.TensorSpec([None, 32, 32, 3], tf.float32)}, {"image": image(32)}


@module("crnn_ctc")
def _crnn():
    class Reader(tf.Module):
        def __init__(self):
            super().__init__()
            x = inputs = keras.Input([16, 40, 1])
            for width in (8, 16):
                x = L.MaxPooling2D((2, 2))(L.Conv2D(width, 3, padding="same", activation="relu")(x))
            x = L.Reshape((10, 64))(L.Permute((2, 1, 3))(x))
            self.net = keras.Model(inputs, L.Dense(12)(L.Bidirectional(L.LSTM(8, return_sequences=True))(x)))

        def call(self, image):
            logits = tf.transpose(self.net(image), [1, 0, 2])
            lengths = tf.fill([tf.shape(image)[0]], tf.shape(logits)[0])
            (decoded,), score = tf.nn.ctc_greedy_decoder(logits, lengths)
            return {"text": tf.sparse.to_dense(decoded, -1), "score": score}
    return Reader(), {"image": tf.TensorSpec([None, 16, 40, 1], tf.float32)}, {"image": image(1, 3, 1)[:, :1, :1] + rng.normal(size=(3, 16, 40, 1)).astype(np.float32)}


@module("jpeg_classifier")
def _jpeg():
    class Classifier(tf.Module):
        def __init__(self):
            super().__init__()
            self.net = keras.Sequential([keras.Input([24, 24, 3]), L.Conv2D(4, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(3, "softmax")])

        def decode(self, data):
            pixels = tf.io.decode_jpeg(data, channels=3)
            return tf.image.resize(tf.image.convert_image_dtype(pixels, tf.float32), [24, 24])

        def call(self, data):
            return {"scores": self.net(tf.map_fn(self.decode, data, fn_output_signature=tf.float32))}
    pictures = [tf.io.encode_jpeg((image(30 + 7 * i, 1)[0] * 255).astype(np.uint8)).numpy() for i in range(3)]
    return Classifier(), {"data": tf.TensorSpec([None], tf.string)}, {"data": np.array(pictures, object)}


@module("examples_wide_deep")
def _wide_deep():
    class WideDeep(tf.Module):
        def __init__(self):
            super().__init__()
            self.wide, self.deep = tf.Variable(rng.normal(size=(100, 1)).astype(np.float32)), tf.Variable(rng.normal(size=(20, 4)).astype(np.float32))
            self.dense = keras.Sequential([keras.Input([6]), L.Dense(5, "relu"), L.Dense(1)])

        def call(self, examples):
            f = tf.io.parse_example(examples, {"age": tf.io.FixedLenFeature([], tf.float32, 30.0), "hours": tf.io.FixedLenFeature([1], tf.float32, [1.0]),
                                               "city": tf.io.VarLenFeature(tf.string), "tags": tf.io.VarLenFeature(tf.int64)})
            hashed = tf.SparseTensor(f["city"].indices, tf.strings.to_hash_bucket_fast(f["city"].values, 100), f["city"].dense_shape)
            wide = tf.nn.safe_embedding_lookup_sparse(self.wide, hashed, combiner="sum")
            deep = tf.nn.safe_embedding_lookup_sparse(self.deep, f["tags"], combiner="mean")
            rest = tf.concat([f["age"][:, None] / 100.0, f["hours"], deep], 1)
            return {"logit": wide + self.dense(rest)}

    def example(**features):
        feature = {}
        for name, value in features.items():
            if isinstance(value[0], bytes):
                feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
            elif isinstance(value[0], int):
                feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=value))
            else:
                feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=value))
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    rows = [example(age=[31.5], hours=[2.0], city=[b"Ulm"], tags=[1, 5, 7]), example(hours=[4.0]), example(age=[1.0], city=[b"Bonn", b"Ulm"], tags=[19])]
    return WideDeep(), {"examples": tf.TensorSpec([None], tf.string)}, {"examples": np.array(rows, object)}


@module("spectrogram_net")
def _spectrogram():
    class Audio(tf.Module):
        def __init__(self):
            super().__init__()
            self.mel = tf.Variable(tf.signal.linear_to_mel_weight_matrix(20, 129, 8000, 60.0, 3800.0), trainable=False)
            self.net = keras.Sequential([keras.Input([None, 20]), L.Conv1D(6, 3, activation="relu"), L.GlobalMaxPooling1D(), L.Dense(4, "softmax")])

        def call(self, wave):
            spectrum = tf.abs(tf.signal.stft(wave, 256, 128))
            mel = tf.math.log(spectrum @ self.mel + 1e-3)
            mfcc = tf.signal.mfccs_from_log_mel_spectrograms(mel)
            back = tf.signal.inverse_stft(tf.signal.stft(wave, 256, 128), 256, 128)
            return {"class": self.net(mel), "mfcc": mfcc[..., :13], "wave": back}
    return Audio(), {"wave": tf.TensorSpec([None, None], tf.float32)}, {"wave": rng.normal(size=(2, 2000)).astype(np.float32)}


@module("variational_sampler")
def _sampler():
    class Sampler(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(rng.normal(size=(4, 6)).astype(np.float32))

        def call(self, z, seed):
            noise = tf.random.stateless_normal([tf.shape(z)[0], 4], seed)
            uniform = tf.random.stateless_uniform([5], seed, 0, 10, tf.int32)
            kinds = tf.random.stateless_categorical(z @ self.w, 3, seed)
            cut = tf.random.stateless_truncated_normal([7], seed)
            return {"x": tf.sigmoid((z + noise) @ self.w), "uniform": uniform, "kinds": kinds, "cut": cut}
    return (Sampler(), {"z": tf.TensorSpec([None, 4], tf.float32), "seed": tf.TensorSpec([2], tf.int32)},
            {"z": rng.normal(size=(3, 4)).astype(np.float32), "seed": np.array([7, 11], np.int32)})


@module("ragged_text")
def _ragged():
    class Ragged(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = tf.Variable(rng.normal(size=(50, 6)).astype(np.float32))

        def call(self, text):
            tokens = tf.strings.split(tf.strings.lower(tf.strings.regex_replace(text, r"[^\w\s]", "")))
            ids = tf.strings.to_hash_bucket_strong(tokens, 50, [3, 4])
            vectors = tf.gather(self.table, ids)
            bigrams = tf.strings.ngrams(tokens, 2)
            return {"mean": tf.reduce_mean(vectors, 1), "length": tokens.row_lengths(), "padded": ids.to_tensor(-1), "bigrams": bigrams.to_tensor("-"),
                    "characters": tf.strings.unicode_decode(text, "UTF-8").to_tensor()}
    return Ragged(), {"text": tf.TensorSpec([None], tf.string)}, {"text": np.array(["The quick, brown fox", "größe?", "a b c d"], object)}


@module("counter_state")
def _counter():
    class Counter(tf.Module):
        def __init__(self):
            super().__init__()
            self.count = tf.Variable(0.0, trainable=False)

        def call(self, by):
            self.count.assign_add(tf.reduce_sum(by))
            return {"count": self.count.read_value()}
    return Counter(), {"by": tf.TensorSpec([None], tf.float32)}, {"by": np.array([1, 2.5], np.float32)}


@module("recommender_top_k")
def _recommender():
    class Recommender(tf.Module):
        def __init__(self):
            super().__init__()
            self.users, self.items = tf.Variable(rng.normal(size=(20, 8)).astype(np.float32)), tf.Variable(rng.normal(size=(40, 8)).astype(np.float32))
            self.names = tf.constant([f"item {i}" for i in range(40)])

        def call(self, user):
            scores = tf.linalg.matmul(tf.gather(self.users, user), self.items, transpose_b=True)
            values, indices = tf.math.top_k(scores, 5)
            return {"scores": values, "items": tf.gather(self.names, indices)}
    return Recommender(), {"user": tf.TensorSpec([None], tf.int64)}, {"user": np.array([3, 0, 19], np.int64)}


@module("matrix_factorisation")
def _linear_algebra():
    class Algebra(tf.Module):
        def call(self, a):
            spd = tf.matmul(a, a, transpose_b=True) + 3.0 * tf.eye(4)
            return {"cholesky": tf.linalg.cholesky(spd), "inverse": tf.linalg.inv(spd), "determinant": tf.linalg.det(spd),
                    "solved": tf.linalg.solve(spd, a), "diagonal": tf.linalg.diag_part(spd), "band": tf.linalg.band_part(a, 1, 0)}
    return Algebra(), {"a": tf.TensorSpec([None, 4, 4], tf.float32)}, {"a": rng.normal(size=(2, 4, 4)).astype(np.float32)}


def mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        return keras.Sequential([keras.Input([16, 16, 3]), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(5), L.Activation("softmax", dtype="float32")])
    finally:
        keras.mixed_precision.set_global_policy("float32")


register("mixed_float16", mixed_precision, lambda: image(16))
