# SPDX-License-Identifier: Apache-2.0
"""How the end-to-end tests talk to a server: grpcio with generated stubs, and Python's HTTP client."""
import http.client
import json
import os
import shutil
import tempfile
import threading

import numpy as np

import support

PREDICT = "/tensorflow.serving.PredictionService/Predict"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
SERVICE = "/tensorflow.serving.PredictionService/"
METHODS = {"Classify": ("classification", "Classification"), "Regress": ("regression", "Regression"),
           "MultiInference": ("inference", "MultiInference")}
LONG_AGO = 1_700_000_000
MODELS = os.path.join(support.ROOT, "models")
DTYPES = {np.dtype(np.float32): (1, "float_val"), np.dtype(np.int64): (9, "int64_val"), np.dtype(np.int32): (3, "int_val")}


def tensor(values, dtype=np.float32):
    """A TensorProto; strings come as a list of bytes."""
    proto = support.pb("tensor", "tensorflow.core.framework").TensorProto()
    if isinstance(values, list) and values and isinstance(values[0], bytes):
        proto.dtype = 7
        proto.tensor_shape.dim.add().size = len(values)
        proto.string_val.extend(values)
        return proto
    array = np.array(values, dtype)
    proto.dtype, _ = DTYPES[array.dtype]
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    proto.tensor_content = array.tobytes()
    return proto


def predict_request(model, version=None, label=None, signature="", outputs=(), **inputs):
    request = support.pb("predict").PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(value if hasattr(value, "dtype") and not isinstance(value, np.ndarray) else tensor(value))
    request.output_filter.extend(outputs)
    return request


def predict(server, request, **options):
    """A PredictResponse, or (code's name, message)."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    answer = server.call_bytes(PREDICT, data, **options)
    return support.pb("predict").PredictResponse.FromString(answer) if isinstance(answer, bytes) else answer


def example(**features):
    """Numbers as floats, lists of bytes as they are."""
    message = support.pb("example", "tensorflow.core.example").Example()
    for name, values in features.items():
        feature = message.features.feature[name]
        (feature.bytes_list if isinstance(values[0], bytes) else feature.float_list).value.extend(values)
    return message


def fill_input(message, examples, context=None):
    kind = message.example_list if context is None else message.example_list_with_context
    kind.SetInParent()
    kind.examples.extend(examples)
    if context is not None:
        kind.context.CopyFrom(context)


def call(server, method, request):
    """The response, or (code's name, message)."""
    module, name = METHODS[method]
    answer = server.call_bytes(SERVICE + method, request.SerializeToString())
    return answer if isinstance(answer, tuple) else getattr(support.pb(module), name + "Response").FromString(answer)


def infer(server, method, model, signature_name, examples, context=None, version=None):
    module, name = METHODS[method]
    request = getattr(support.pb(module), name + "Request")()
    request.model_spec.name = model
    request.model_spec.signature_name = signature_name
    if version is not None:
        request.model_spec.version.value = version
    fill_input(request.input, examples, context)
    return call(server, method, request)


def status(server, model, version=None):
    request = support.pb("get_model_status").GetModelStatusRequest()
    request.model_spec.name = model
    if version is not None:
        request.model_spec.version.value = version
    answer = server.call_bytes(STATUS, request.SerializeToString())
    return support.pb("get_model_status").GetModelStatusResponse.FromString(answer) if isinstance(answer, bytes) else answer


def states(server, model):
    """{version: state's name}"""
    answer = status(server, model)
    if isinstance(answer, tuple):
        return answer
    kind = type(answer.model_version_status[0])
    return {s.version: kind.State.Name(s.state) for s in answer.model_version_status}


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = {k.lower(): v for k, v in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)


def rest(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("localhost", server.rest_port, timeout=60)
    try:
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Base:
    """A folder for versions that come and go; `add` is a rename, as copying into it should be."""

    def __enter__(self):
        self.scratch = tempfile.mkdtemp(prefix="tensord-e2e-")
        self.path = os.path.join(self.scratch, "base")
        os.mkdir(self.path)
        return self

    def __exit__(self, *exception):
        shutil.rmtree(self.scratch)

    def add(self, version, model="half_plus_two_tf2", change=None):
        """`change(folder)` may spoil it; its files look as if they had been written long ago."""
        made = os.path.join(self.scratch, "incoming")
        shutil.copytree(os.path.join(MODELS, model, "1"), made)
        if change:
            change(made)
        for folder, _, files in os.walk(made):
            for name in [".", *files]:
                os.utime(os.path.join(folder, name), (LONG_AGO, LONG_AGO), follow_symlinks=False)
        os.rename(made, os.path.join(self.path, str(version)))

    def remove(self, version):
        gone = os.path.join(self.scratch, "gone")
        os.rename(os.path.join(self.path, str(version)), gone)
        shutil.rmtree(gone)


class Load:
    """Threads that ask all the time, over gRPC and REST; `failed` holds every answer that is none, `versions` those that answered."""

    def __init__(self, server, model="m"):
        self.server, self.model, self.stop = server, model, threading.Event()
        self.failed, self.versions, self.rest_answers = [], set(), 0
        self.answered = threading.Condition()
        self.threads = [threading.Thread(target=work) for work in (self._grpc, self._grpc, self._rest)]
        for thread in self.threads:
            thread.start()

    def _grpc(self):
        request = predict_request(self.model, x=[1, 2, 5]).SerializeToString()
        while not self.stop.is_set():
            answer = predict(self.server, request)
            if isinstance(answer, tuple) or list(answer.outputs["y"].float_val) != [2.5, 3.0, 4.5]:
                self.failed.append(answer)
            else:
                with self.answered:
                    self.versions.add(answer.model_spec.version.value)
                    self.answered.notify_all()

    def await_version(self, version):
        with self.answered:
            self.answered.wait_for(lambda: version in self.versions, 60)

    def _rest(self):
        while not self.stop.is_set():
            answer = rest(self.server, "POST", f"/v1/models/{self.model}:predict", {"instances": [1, 2, 5]})
            if answer.status != 200 or answer.json != {"predictions": [2.5, 3.0, 4.5]}:
                self.failed.append(answer.body)
            self.rest_answers += 1

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
