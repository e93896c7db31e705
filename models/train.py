#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains and exports the example models in this folder: python3 models/train.py [NAME...]

Needs tensorflow (2.21 made what is committed) and scikit-learn, which ships the data:

    digits             a small convolutional network on 8x8 images of digits; Keras, exported by TensorFlow 2
    wine               three kinds of wine from 13 measurements; tf.Example in, classify and regress signatures beside predict
    half_plus_two_tf1  y = x / 2 + 2 with reference variables and a main op, as TensorFlow 1 exports it
    half_plus_two_tf2  the same as a TensorFlow 2 function with resource variables

Seeds are fixed; weights still differ a little from one version of TensorFlow to the next.
"""
import os
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))


def target(name):
    path = os.path.join(HERE, name, "1")
    shutil.rmtree(path, ignore_errors=True)
    return path


def tidy_up(path):
    """Files that no server reads."""
    for name in ("fingerprint.pb", "keras_metadata.pb"):
        if os.path.exists(os.path.join(path, name)):
            os.remove(os.path.join(path, name))


def digits():
    from sklearn.datasets import load_digits
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[..., None]
    keras = tf.keras
    model = keras.Sequential([
        keras.Input((8, 8, 1), name="image"),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images[:1500], data.target[:1500], epochs=12, batch_size=32, verbose=0)
    print("digits: accuracy on unseen images", model.evaluate(images[1500:], data.target[1500:], verbose=0)[1])

    def serve(image):
        scores = model(image, training=False)
        return {"scores": scores, "digit": tf.argmax(scores, axis=1)}

    # tf.saved_model.save() of a Keras 3 model loses the variables' connection to the checkpoint; this way keeps it.
    path = target("digits")
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, [tf.TensorSpec([None, 8, 8, 1], tf.float32, name="image")])
    archive.write_out(path, verbose=False)
    tidy_up(path)


class Wine(tf.Module):
    def __init__(self, features, labels):
        super().__init__()
        width = features.shape[1]
        self.mean = tf.Variable(features.mean(0), trainable=False, dtype=tf.float32)
        self.scale = tf.Variable(features.std(0), trainable=False, dtype=tf.float32)
        init = tf.keras.initializers.GlorotUniform(seed=1)
        self.hidden = tf.Variable(init((width, 16)))
        self.hidden_bias = tf.Variable(tf.zeros(16))
        self.output = tf.Variable(init((16, len(labels))))
        self.output_bias = tf.Variable(tf.zeros(len(labels)))
        self.labels = tf.constant(labels)

    def logits(self, features):
        hidden = tf.nn.relu(tf.matmul((features - self.mean) / self.scale, self.hidden) + self.hidden_bias)
        return tf.matmul(hidden, self.output) + self.output_bias

    def parse(self, examples):
        spec = {"measurements": tf.io.FixedLenFeature([13], tf.float32)}
        return tf.io.parse_example(examples, spec)["measurements"]

    @tf.function(input_signature=[tf.TensorSpec([None, 13], tf.float32, name="measurements")])
    def predict(self, measurements):
        scores = tf.nn.softmax(self.logits(measurements))
        return {"scores": scores, "kind": tf.gather(self.labels, tf.argmax(scores, axis=1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        scores = tf.nn.softmax(self.logits(self.parse(inputs)))
        classes = tf.tile(self.labels[None, :], [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": tf.reduce_max(self.logits(self.parse(inputs)), axis=1)}


def wine():
    from sklearn.datasets import load_wine
    data = load_wine()
    features = data.data.astype(np.float32)
    tf.random.set_seed(1)
    model = Wine(features, ["barolo", "grignolino", "barbera"])
    optimizer = tf.keras.optimizers.Adam(0.05)
    weights = [model.hidden, model.hidden_bias, model.output, model.output_bias]
    for _ in range(100):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(data.target, model.logits(features)))
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    right = np.mean(np.argmax(model.logits(features), 1) == data.target)
    print("wine: accuracy on the training data", right)
    path = target("wine")
    tf.saved_model.save(model, path, signatures={"serving_default": model.predict, "classify": model.classify,
                                                 "regress": model.regress})
    tidy_up(path)


def half_plus_two_tf1():
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        a = v1.Variable(0.5, name="a", use_resource=False)
        b = v1.Variable(2.0, name="b", use_resource=False)
        serialized = v1.placeholder(tf.string, name="tf_example")
        example = tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([1], tf.float32)})
        x = tf.identity(example["x"], name="x")
        y = tf.add(tf.multiply(a, x), b, name="y")
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def
        path = target("half_plus_two_tf1")
        builder = v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map={
            "serving_default": signature({"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict"),
            "regress": signature({"inputs": info(serialized)}, {"outputs": info(y)}, "tensorflow/serving/regress"),
        }, main_op=v1.tables_initializer())
        builder.save()
    tidy_up(path)


class HalfPlusTwo(tf.Module):
    def __init__(self):
        super().__init__()
        self.a = tf.Variable(0.5)
        self.b = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x):
        return {"y": self.a * x + self.b}


def half_plus_two_tf2():
    model = HalfPlusTwo()
    path = target("half_plus_two_tf2")
    tf.saved_model.save(model, path, signatures={"serving_default": model.serve})
    tidy_up(path)


MODELS = {f.__name__: f for f in (digits, wine, half_plus_two_tf1, half_plus_two_tf2)}

if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        MODELS[name]()
