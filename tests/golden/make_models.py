#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks TensorFlow for its answers to our example models and stores them in tests/golden/models: python3 make_models.py

Needs tensorflow and tensorflow-serving-api (2.21 made what is committed). The session is the one that TensorFlow Serving links.
For each signature: batches of several sizes in both encodings, extreme numbers, wrong types, wrong shapes. Signatures that take
examples are called by Classify or Regress too; those responses are put together here from what the session returns.
"""
import json
import os
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, regression_pb2

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TARGET = os.path.join(ROOT, "tests", "golden", "models")
RNG = np.random.default_rng(20)
RTOL, ATOL = 1e-5, 1e-6


def example(value, size=13, rng=RNG):
    features = {"x": tf.train.Feature(float_list=tf.train.FloatList(value=[value])),
                "measurements": tf.train.Feature(
                    float_list=tf.train.FloatList(value=rng.normal(10, 5, size).astype(np.float32)))}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def shape_of(info, batch):
    return [batch if d.size < 0 else d.size for d in info.tensor_shape.dim]


def batch_for(info, batch):
    if info.dtype == tf.string.as_datatype_enum:
        return np.array([example(v) for v in RNG.normal(0, 3, batch)], dtype=object).reshape(shape_of(info, batch) or [batch])
    return RNG.normal(0, 2, shape_of(info, batch) or [batch]).astype(tf.as_dtype(info.dtype).as_numpy_dtype)


def cases_for(signature):
    """(name, {alias: array}, typed encoding)"""
    inputs = signature.inputs
    for batch in (1, 3, 32):
        yield f"b{batch}", {a: batch_for(i, batch) for a, i in inputs.items()}, True
    yield "b5_content", {a: batch_for(i, 5) for a, i in inputs.items()}, False
    yield "b0", {a: batch_for(i, 0) for a, i in inputs.items()}, False
    first = sorted(inputs)[0]
    wrong = {a: batch_for(i, 2) for a, i in inputs.items()}
    is_string = inputs[first].dtype == tf.string.as_datatype_enum
    if is_string:
        yield "no_example", {**wrong, first: np.array([b"\x07no example"] * 2, dtype=object)}, True
        yield "missing_feature", {**wrong, first: np.array([tf.train.Example().SerializeToString()], dtype=object)}, True
        yield "short_feature", {**wrong, first: np.array([example(1, size=4)], dtype=object)}, True
        yield "matrix", {**wrong, first: wrong[first].reshape(2, 1)}, True
    else:
        extreme = wrong[first].copy()
        extreme.flat[:4] = [-0.0, 1e-40, 3e38, -3e38][:min(4, extreme.size)]
        yield "extreme", {**wrong, first: extreme}, True
        if wrong[first].ndim < 4:  # of an image TensorFlow's fused convolution refuses what its plain one computes
            yield "wider", {**wrong, first: np.concatenate([wrong[first]] * 2, axis=-1)}, True
        yield "flattened", {**wrong, first: wrong[first].reshape(-1)}, True
    yield "wrong_dtype", {**wrong, first: np.array([1.5]) if is_string else np.array([b"text"], dtype=object)}, True


def to_proto(array, typed):
    proto = tf.make_tensor_proto(array)
    if typed and proto.tensor_content:
        flat = tf.make_ndarray(proto).reshape(-1)
        field = {1: "float_val", 2: "double_val", 3: "int_val", 9: "int64_val"}[proto.dtype]
        getattr(proto, field).extend(flat.tolist())
        proto.tensor_content = b""
    return proto


def fill_response(response, signature, name, arrays):
    response.model_spec.signature_name = name
    for alias, array in arrays.items():
        proto = to_proto(array, True)
        if array.dtype == object:
            proto = tf.make_tensor_proto(array, dtype=tf.string, shape=array.shape)
        response.outputs[alias].CopyFrom(proto)


def run_signature(session, model, name, signature, cases):
    for case, arrays, typed in cases_for(signature):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = name
        for alias, array in arrays.items():
            request.inputs[alias].CopyFrom(to_proto(array, typed))
        stem = f"{model}/1/{name}__{case}.predict"
        row = {"id": stem, "model": model, "version": "1", "signature": name, "method": "predict", "case": case,
               "req": stem + ".req.pb"}
        write(row["req"], request.SerializeToString(deterministic=True))
        try:
            feeds = {signature.inputs[a].name: v for a, v in arrays.items()}
            answers = run(session, signature, feeds)
            response = predict_pb2.PredictResponse()
            fill_response(response, signature, name, dict(zip(sorted(signature.outputs), answers)))
            row.update(res=stem + ".res.pb", rtol=RTOL, atol=ATOL)
            write(row["res"], response.SerializeToString(deterministic=True))
        except tf.errors.OpError as error:
            code = {3: "INVALID_ARGUMENT", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED", 13: "INTERNAL"}[error.error_code]
            row.update(error_code=code, error_message=error.message)
        cases.append(row)


def example_lists(rng):
    """(name, examples, context or None)"""
    def some(count):
        return [example(v, rng=rng) for v in rng.normal(0, 3, count)]
    for batch in (1, 3, 32):
        yield f"b{batch}", some(batch), None
    empty = tf.train.Example().SerializeToString()
    yield "context", [*some(2), empty], some(1)[0]
    yield "missing_feature", [*some(1), empty], None


def result_of(request, response, answers):
    """answers: alias to array."""
    if isinstance(request, regression_pb2.RegressionRequest):
        for value in answers["outputs"].reshape(-1):
            response.result.regressions.add().value = value
        return
    for labels, scores in zip(answers["classes"], answers["scores"]):
        row = response.result.classifications.add()
        for label, score in zip(labels, scores):
            row.classes.add(label=label, score=score)


def infer_signature(session, model, name, signature, cases):
    """Of Classify and Regress."""
    if list(signature.inputs) != ["inputs"]:
        return
    method, request_type, response_type = (
        ("regress", regression_pb2.RegressionRequest, regression_pb2.RegressionResponse) if "outputs" in signature.outputs else
        ("classify", classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse))
    for case, examples, context in example_lists(np.random.default_rng(21)):
        request, response = request_type(), response_type()
        request.model_spec.name = model
        request.model_spec.signature_name = name
        given = request.input.example_list if context is None else request.input.example_list_with_context
        given.examples.extend(tf.train.Example.FromString(e) for e in examples)
        if context is not None:
            given.context.ParseFromString(context)
        stem = f"{model}/1/{name}__{case}.{method}"
        row = {"id": stem, "model": model, "version": "1", "signature": name, "method": method, "case": case, "req": stem + ".req.pb"}
        write(row["req"], request.SerializeToString(deterministic=True))
        joined = np.array([(context or b"") + e for e in examples], dtype=object)
        try:
            answers = dict(zip(sorted(signature.outputs), run(session, signature, {signature.inputs["inputs"].name: joined})))
            response.model_spec.CopyFrom(request.model_spec)
            response.model_spec.version.value = 1
            result_of(request, response, answers)
            row.update(res=stem + ".res.pb", rtol=RTOL, atol=ATOL)
            write(row["res"], response.SerializeToString(deterministic=True))
        except tf.errors.OpError as error:
            row.update(error_code="INVALID_ARGUMENT", error_message=error.message)
        cases.append(row)


def run(session, signature, feeds):
    """The C session's own Run: the Python one would refuse a wrong type by itself, in other words."""
    from tensorflow.python.client import pywrap_tf_session
    tensor = session.graph.get_tensor_by_name
    return pywrap_tf_session.TF_SessionRun_wrapper(
        session._session, None, {tensor(n)._as_tf_output(): v for n, v in feeds.items()},
        [tensor(signature.outputs[a].name)._as_tf_output() for a in sorted(signature.outputs)], [], None)


def write(name, data):
    path = os.path.join(TARGET, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def main():
    shutil.rmtree(TARGET, ignore_errors=True)
    cases = []
    for model in ("digits", "wine", "half_plus_two_tf1", "half_plus_two_tf2"):
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            meta = tf.compat.v1.saved_model.load(session, ["serve"], os.path.join(ROOT, "models", model, "1"))
            for name in sorted(n for n in meta.signature_def if not n.startswith("__")):
                run_signature(session, model, name, meta.signature_def[name], cases)
                infer_signature(session, model, name, meta.signature_def[name], cases)
    with open(os.path.join(TARGET, "cases.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, sort_keys=True) for c in cases) + "\n]\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
