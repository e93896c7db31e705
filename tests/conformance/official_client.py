#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Serving's own end-to-end tests, retold: the official client (pip install tensorflow-serving-api) against build/tensord.

usage: official_client.py TESTDATA [unittest arguments]

TESTDATA holds TensorFlow Serving's test models; a folder may be called saved_model_half_plus_two_cpu, as there, or
tfs_half_plus_two_cpu. Not a part of `make check`: it wants TensorFlow.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import grpc
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from tensorflow_serving.apis import (classification_pb2, get_model_metadata_pb2, get_model_status_pb2, inference_pb2,
                                     model_management_pb2, model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc,
                                     regression_pb2)

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.path.join(ROOT, os.environ.get("BUILD", "build"), "tensord")
TESTDATA = ""
TIMEOUT_S = 30
HALF, HALF_TF2, THREE, TWO_VERSIONS = "half_plus_two_cpu", "half_plus_two_tf2_cpu", "half_plus_three", "half_plus_two_2_versions"


def model_path(name):
    for prefix in ("saved_model_", "tfs_", ""):
        path = os.path.join(TESTDATA, prefix + name)
        if os.path.isdir(path):
            return path
    raise unittest.SkipTest(f"{name} is not in {TESTDATA}")


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """As the original's harness starts it, and waits for it."""

    def __init__(self, *flags, socket_path=None):
        self.port, self.rest_port = free_port(), free_port()
        self.folder = tempfile.TemporaryDirectory()
        self.socket = socket_path or os.path.join(self.folder.name, "tf-serving.sock")
        self.log = []
        self.process = subprocess.Popen(
            [PROGRAM, f"--port={self.port}", f"--rest_api_port={self.rest_port}", "--rest_api_timeout_in_ms=5000",
             f"--grpc_socket_path={self.socket}", "--grpc_channel_arguments=grpc.so_reuseaddr=1", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.target = f"localhost:{self.port}"

    def read_log(self):
        with self.process.stdout as lines:
            self.log.extend(lines)

    def await_ready(self):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "intentionally_missing_model"
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.stub().Predict(request, 5)
            except grpc.RpcError as error:
                if "Servable" in error.details():
                    return self
            time.sleep(0.1)
        raise AssertionError("not ready: " + "".join(self.log[-5:]))

    def stub(self, target=None):
        return prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(target or self.target))

    def models(self):
        return model_service_pb2_grpc.ModelServiceStub(grpc.insecure_channel(self.target))

    def rest(self, path, body=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}", data, timeout=TIMEOUT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def __enter__(self):
        return self.await_ready()

    def __exit__(self, *exception):
        self.process.terminate()
        self.end()

    def end(self):
        """The exit status; the log is whole then."""
        status = self.process.wait(TIMEOUT_S)
        self.reader.join()
        self.folder.cleanup()
        return status


def serve(name, *flags):
    return Server("--model_name=default", f"--model_base_path={model_path(name)}", *flags)


def example(**features):
    result = tf.train.Example()
    for name, value in features.items():
        result.features.feature[name].float_list.value.append(value)
    return result


class Case(unittest.TestCase):
    def check_predict(self, server, expected, name="default", signature="", filtered=False, batch=False, version=123, target=None,
                      value=2.0, output="y"):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = signature
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([[value]] if batch else [value], dtype=tf.float32))
        if filtered:
            request.output_filter.append(output)
        answer = server.stub(target).Predict(request, TIMEOUT_S)
        self.assertEqual(1, answer.outputs[output].dtype)
        self.assertEqual([expected], list(answer.outputs[output].float_val))
        self.check_spec(answer.model_spec, name, signature or "serving_default", version)

    def check_spec(self, spec, name, signature, version=123):
        self.assertEqual((name, signature, version), (spec.name, spec.signature_name, spec.version.value))

    def check_error(self, code, pattern, call, request):
        with self.assertRaises(grpc.RpcError) as error:
            call(request, TIMEOUT_S)
        self.assertEqual(code, error.exception.code().name)
        self.assertRegex(error.exception.details(), pattern)


class EndToEnd(Case):
    """The original's tensorflow_model_server_test, test by test."""

    def test_get_model_status(self):
        with serve(HALF) as server:
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = "default"
            answer = server.models().GetModelStatus(request, TIMEOUT_S)
            self.assertEqual([(123, 30, 0, "")], [(s.version, s.state, s.status.error_code, s.status.error_message)
                                                  for s in answer.model_version_status])

    def test_get_model_metadata(self):
        with serve(HALF) as server:
            request = get_model_metadata_pb2.GetModelMetadataRequest()
            request.model_spec.name = "default"
            request.metadata_field.append("signature_def")
            answer = server.stub().GetModelMetadata(request, TIMEOUT_S)
            self.check_spec(answer.model_spec, "default", "")
            self.assertEqual(["signature_def"], list(answer.metadata))
            signatures = get_model_metadata_pb2.SignatureDefMap()
            self.assertTrue(answer.metadata["signature_def"].Unpack(signatures))
            self.assertEqual("tf_example:0", signatures.signature_def["regress_x_to_y"].inputs["inputs"].name)

    def test_classify(self):
        for name in (HALF, HALF_TF2):
            with serve(name) as server:
                request = classification_pb2.ClassificationRequest()
                request.model_spec.name = "default"
                request.model_spec.signature_name = "classify_x_to_y"
                request.input.example_list.examples.append(example(x=2.0))
                answer = server.stub().Classify(request, TIMEOUT_S)
                self.assertEqual([[3.0]], [[c.score for c in row.classes] for row in answer.result.classifications])
                self.assertEqual("", answer.result.classifications[0].classes[0].label)
                self.check_spec(answer.model_spec, "default", "classify_x_to_y")

    def test_regress(self):
        for name in (HALF, HALF_TF2):
            with serve(name) as server:
                request = regression_pb2.RegressionRequest()
                request.model_spec.name = "default"
                request.model_spec.signature_name = "regress_x_to_y"
                request.input.example_list.examples.append(example(x=2.0))
                answer = server.stub().Regress(request, TIMEOUT_S)
                self.assertEqual([3.0], [r.value for r in answer.result.regressions])
                self.check_spec(answer.model_spec, "default", "regress_x_to_y")

    def test_multi_inference(self):
        for name in (HALF, HALF_TF2):
            with serve(name) as server:
                request = inference_pb2.MultiInferenceRequest()
                request.input.example_list.examples.append(example(x=2.0))
                for signature, method in (("regress_x_to_y", "regress"), ("classify_x_to_y", "classify")):
                    task = request.tasks.add()
                    task.model_spec.name, task.model_spec.signature_name = "default", signature
                    task.method_name = "tensorflow/serving/" + method
                answer = server.stub().MultiInference(request, TIMEOUT_S)
                self.assertEqual(2, len(answer.results))
                self.assertEqual(3.0, answer.results[0].regression_result.regressions[0].value)
                self.assertEqual(3.0, answer.results[1].classification_result.classifications[0].classes[0].score)
                for result, task in zip(answer.results, request.tasks):
                    self.check_spec(result.model_spec, "default", task.model_spec.signature_name)

    def test_predict(self):
        for name in (HALF, HALF_TF2):
            with serve(name) as server:
                for filtered in (False, True):
                    self.check_predict(server, 3.0, filtered=filtered)
                    self.check_predict(server, 3.0, filtered=filtered, signature="serving_default")

    def config(self, *names):
        return "model_config_list: {\n" + "".join(
            f'  config: {{\n    name: "{name}",\n    base_path: "{model_path(path)}",\n    model_platform: "tensorflow"\n  }},\n'
            for name, path in names) + "}\n"

    def write_config(self, folder, *names):
        path = os.path.join(folder, "models.conf")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(self.config(*names))
        os.replace(path + ".new", path)
        return path

    def test_good_model_config(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.write_config(folder, ("half_plus_two", HALF), ("half_plus_three", THREE))
            with Server(f"--model_config_file={path}") as server:
                for filtered in (False, True):
                    self.check_predict(server, 3.0, "half_plus_two", filtered=filtered)
                    self.check_predict(server, 4.0, "half_plus_three", filtered=filtered)

    def test_bad_model_config(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bad.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write("improperly formatted file")
            server = Server(f"--model_config_file={path}")
            self.assertNotEqual(0, server.end())
            self.assertIn("Error parsing text-format tensorflow.serving.ModelServerConfig", "".join(server.log))

    def test_model_config_reload(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.write_config(folder, ("half_plus_two", HALF))
            with Server(f"--model_config_file={path}", "--model_config_file_poll_wait_seconds=1") as server:
                self.check_predict(server, 3.0, "half_plus_two")
                self.write_config(folder, ("half_plus_three", THREE))
                time.sleep(4)
                self.check_predict(server, 4.0, "half_plus_three")

    def test_model_config_reload_with_zero_poll_period(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.write_config(folder, ("half_plus_two", HALF))
            with Server(f"--model_config_file={path}", "--model_config_file_poll_wait_seconds=0") as server:
                self.write_config(folder, ("half_plus_three", THREE))
                time.sleep(2)
                self.check_predict(server, 3.0, "half_plus_two")

    def test_reload_by_rpc(self):
        with serve(HALF) as server:
            request = model_management_pb2.ReloadConfigRequest()
            text_format.Parse(self.config(("default", HALF), ("three", THREE)), request.config)
            answer = server.models().HandleReloadConfigRequest(request, TIMEOUT_S)
            self.assertEqual((0, ""), (answer.status.error_code, answer.status.error_message))
            self.check_predict(server, 4.0, "three")

    def test_good_grpc_channel_arguments(self):
        with serve(HALF, "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb") as server:
            self.check_predict(server, 3.0)

    def test_classify_rest(self):
        with serve(HALF) as server:
            status, body = server.rest("/v1/models/default:classify", {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}]})
            self.assertEqual((200, {"results": [[["", 3.0]]]}), (status, json.loads(body)))

    def test_regress_rest(self):
        with serve(HALF) as server:
            status, body = server.rest("/v1/models/default:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}]})
            self.assertEqual((200, {"results": [3.0]}), (status, json.loads(body)))

    def test_predict_rest(self):
        with serve(HALF) as server:
            status, body = server.rest("/v1/models/default:predict", {"instances": [2.0, 3.0, 4.0]})
            self.assertEqual((200, {"predictions": [3.0, 3.5, 4.0]}), (status, json.loads(body)))
            status, body = server.rest("/v1/models/default:predict", {"inputs": [2.0, 3.0, 4.0]})
            self.assertEqual((200, {"outputs": [3.0, 3.5, 4.0]}), (status, json.loads(body)))
            # The docker tests compare the text without its blanks.
            status, body = server.rest("/v1/models/default:predict", b'{"instances": [1.0,2.0,5.0]}')
            self.assertEqual('{"predictions":[2.5,3.0,4.5]}', re.sub(r"\s", "", body.decode()))

    def test_get_status_rest(self):
        with serve(HALF) as server:
            status, body = server.rest("/v1/models/default")
            self.assertEqual((200, {"model_version_status": [{"version": "123", "state": "AVAILABLE",
                                                              "status": {"error_code": "OK", "error_message": ""}}]}),
                             (status, json.loads(body)))

    def test_get_model_metadata_rest(self):
        with serve(HALF) as server:
            status, body = server.rest("/v1/models/default/metadata")
            answer = json.loads(body)
            self.assertEqual((200, {"name": "default", "signature_name": "", "version": "123"}), (status, answer["model_spec"]))
            shape = {"dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}], "unknown_rank": False}
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            self.assertEqual({"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "x:0"}},
                              "outputs": {"y": {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "y:0"}},
                              "method_name": "tensorflow/serving/predict", "defaults": {}}, signatures["serving_default"])

    def test_prometheus_endpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "monitoring.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write('prometheus_config: {\n  enable: true,\n  path: "/monitoring/prometheus/metrics"\n}\n')
            with serve(HALF, f"--monitoring_config_file={path}") as server:
                status, body = server.rest("/monitoring/prometheus/metrics")
                self.assertEqual(200, status)
                self.assertIn(b"# TYPE", body)

    def test_profiler_service_with_valid_trace_request(self):
        with serve(HALF) as server, tempfile.TemporaryDirectory() as folder:
            stop = threading.Event()

            def ask():
                while not stop.is_set():
                    server.rest("/v1/models/default:predict", {"instances": [2.0, 3.0, 4.0]})

            thread = threading.Thread(target=ask)
            thread.start()
            try:
                tf.profiler.experimental.client.trace(f"grpc://{server.target}", folder, 1000)
                summary = tf.profiler.experimental.client.monitor(f"grpc://{server.target}", 200, 2)
            finally:
                stop.set()
                thread.join()
            files = glob.glob(os.path.join(folder, "plugins", "profile", "*", "localhost_*.xplane.pb"))
            self.assertEqual(1, len(files))
            with open(files[0], "rb") as file:
                space = xplane_pb2.XSpace.FromString(file.read())
            self.assertEqual(["/host:CPU", "Task Environment"], [plane.name for plane in space.planes])
            self.assertIn("predict", [metadata.name for metadata in space.planes[0].event_metadata.values()])
            self.assertRegex(summary, r"^Timestamp: .*\n\d+ requests in ")

    def test_predict_unix_socket(self):
        with serve(HALF) as server:
            self.check_predict(server, 3.0, target="unix:" + server.socket)

    def test_saved_by_tensorflow(self):
        class Product(tf.Module):
            def __init__(self):
                super().__init__()
                self.v1, self.v2 = tf.Variable(3.0), tf.Variable(2.0)

            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def product(self, x):
                return {"y": self.v1 * self.v2 * x}

            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def two(self, x):
                return {"y": tf.constant([2.0])}

        module = Product()
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module, os.path.join(folder, "1"), {"serving_default": module.product, "custom": module.two})
            with Server("--model_name=default", f"--model_base_path={folder}") as server:
                self.check_predict(server, 12.0, version=1)
                self.check_predict(server, 2.0, version=1, signature="custom")

    def test_saved_by_keras(self):
        def dense():
            model = tf.keras.Sequential([tf.keras.layers.Input(shape=(1,), name="x"), tf.keras.layers.Dense(1, kernel_initializer="ones")])
            model.compile(optimizer="sgd", loss="mse")
            return model

        identity = tf.keras.Sequential([tf.keras.layers.Input(shape=(1,), name="x"), tf.keras.layers.Lambda(lambda x: x)])
        with tf.distribute.MirroredStrategy().scope():
            distributed = dense()
        for model in (identity, distributed):
            with tempfile.TemporaryDirectory() as folder:
                model.export(os.path.join(folder, "1"), verbose=False)
                with Server("--model_name=default", f"--model_base_path={folder}") as server:
                    self.check_predict(server, 2.0, batch=True, version=1, output="output_0")

    def test_tf_text(self):
        with serve("tf_text_regression") as server:
            self.check_predict(server, 3.0, version=1)

    def test_counter(self):
        with serve("counter") as server:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = "default"
            for signature, delta, expected in (("get_counter", None, 0), ("incr_counter", None, 1), ("incr_counter_by", 5.0, 6),
                                               ("get_counter", None, 6), ("reset_counter", None, 0)):
                request.inputs.clear()
                request.model_spec.signature_name = signature
                if delta:
                    request.inputs["delta"].CopyFrom(tf.make_tensor_proto(delta, dtype=tf.float32))
                self.assertEqual([expected], list(server.stub().Predict(request, TIMEOUT_S).outputs["output"].float_val), signature)
            status, body = server.rest("/v1/models/default:predict", {"signature_name": "get_counter", "instances": [1]})
            self.assertEqual((400, "Failed to get input map for signature: get_counter"), (status, json.loads(body)["error"]))


class Refusals(Case):
    """Error behaviour that clients see, on the original's models."""

    def test_methods_on_signatures_that_do_not_fit(self):
        with serve(HALF) as server:
            stub = server.stub()
            regress = regression_pb2.RegressionRequest()
            regress.model_spec.name = "default"
            regress.model_spec.signature_name = "regress_x2_to_y3"
            self.check_error("INVALID_ARGUMENT", "^Input is empty.$", stub.Regress, regress)
            regress.input.example_list.examples.append(example(x=2.0))
            self.check_error("INVALID_ARGUMENT", "float.*string|string.*float", stub.Regress, regress)
            regress.model_spec.signature_name = ""
            self.check_error("INVALID_ARGUMENT", "^No regression inputs found in SignatureDef: inputs {\n  key: \"x\"", stub.Regress, regress)
            regress.model_spec.signature_name = "classify_x_to_y"
            self.check_error("INVALID_ARGUMENT", "^No regression outputs found in SignatureDef: ", stub.Regress, regress)
            regress.model_spec.signature_name = "none"
            self.check_error("INVALID_ARGUMENT", "^No signature was found with the name: none$", stub.Regress, regress)
            classify = classification_pb2.ClassificationRequest()
            classify.model_spec.name = "default"
            classify.model_spec.signature_name = "regress_x_to_y"
            classify.input.example_list.examples.append(example(x=2.0))
            self.check_error("INVALID_ARGUMENT", '^Expected classification signature outputs to contain at least one of "classes" or '
                             '"scores". Signature was: inputs {', stub.Classify, classify)
            classify.model_spec.signature_name = "classify_x_to_y"
            classify.input.example_list.examples[0].features.feature["x"].int64_list.value.append(1)
            self.check_error("INVALID_ARGUMENT", r"Key: x.*Data types don't match. .*[Ee]xpected type: float", stub.Classify, classify)
            classify.input.example_list.examples[0].features.feature.clear()
            self.check_error("INVALID_ARGUMENT", r"Feature: x \(data type: float\) is required but could not be found", stub.Classify, classify)
            classify.ClearField("model_spec")
            self.check_error("INVALID_ARGUMENT", "^Missing ModelSpec$", stub.Classify, classify)

    def test_context(self):
        with serve(HALF) as server:
            request = regression_pb2.RegressionRequest()
            request.model_spec.name, request.model_spec.signature_name = "default", "regress_x_to_y"
            both = request.input.example_list_with_context
            both.context.CopyFrom(example(x=10.0))
            self.check_error("INVALID_ARGUMENT", "^Input is empty.$", server.stub().Regress, request)
            both.examples.append(tf.train.Example())
            both.examples.append(example(x=2.0))
            self.assertEqual([7.0, 3.0], [r.value for r in server.stub().Regress(request, TIMEOUT_S).result.regressions])

    def test_multi_inference(self):
        def request(*tasks, examples=1):
            result = inference_pb2.MultiInferenceRequest()
            result.input.example_list.examples.extend([example(x=2.0)] * examples)
            for name, signature, method in tasks:
                task = result.tasks.add()
                task.model_spec.name, task.model_spec.signature_name, task.method_name = name, signature, "tensorflow/serving/" + method
            return result

        y, y2 = ("default", "regress_x_to_y", "regress"), ("default", "regress_x_to_y2", "regress")
        with serve(HALF) as server:
            call = server.stub().MultiInference
            answer = call(request(y, y2), TIMEOUT_S)
            self.assertEqual([3.0, 4.0], [r.regression_result.regressions[0].value for r in answer.results])
            for tasks, code, text in (
                    ([], "INVALID_ARGUMENT", "^ModelSpec has no name specified.$"),
                    ([y, ("", "", "regress")], "INVALID_ARGUMENT", "^Found ModelSpec with an empty model name.$"),
                    ([y, ("other", "regress_x_to_y2", "regress")], "INVALID_ARGUMENT",
                     "^All ModelSpecs in a MultiInferenceRequest must access the same model name.$"),
                    ([y, y], "INVALID_ARGUMENT", "^Duplicate evaluation of signature: regress_x_to_y$"),
                    ([y, ("default", "no", "regress")], "INVALID_ARGUMENT", "^Requested signature not found in model graph: no$"),
                    ([y, ("default", "", "predict")], "UNIMPLEMENTED", "^Unsupported signature method_name: tensorflow/serving/predict$"),
                    ([("none", "", "regress")], "NOT_FOUND", r"^Servable not found for request: Latest\(none\)$")):
                self.check_error(code, text, call, request(*tasks))
            self.check_error("INVALID_ARGUMENT", "^Input is empty.$", call, request(y, examples=0))

    def test_strict_method_names(self):
        with serve(HALF_TF2, "--enable_signature_method_name_check") as server:
            request = regression_pb2.RegressionRequest()
            request.model_spec.name, request.model_spec.signature_name = "default", "regress_x_to_y"
            request.input.example_list.examples.append(example(x=2.0))
            self.check_error("INVALID_ARGUMENT", "^Expected regression signature method_name to be tensorflow/serving/regress. "
                             "Was: tensorflow/serving/predict$", server.stub().Regress, request)
            self.check_predict(server, 3.0)

    def test_rest(self):
        """http_rest_api_handler_test's cases."""
        label = 'version_labels { key: "good" value: 123 } model_version_policy { specific { versions: 123 } }'
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "models.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'model_config_list {{ config {{ name: "m" base_path: "{model_path(TWO_VERSIONS)}" '
                           f'model_platform: "tensorflow" {label} }} }}')
            with Server(f"--model_config_file={path}", "--allow_version_labels_for_unavailable_models") as server:
                for method, path in (("GET", "/v1/foo"), ("POST", "/v1/foo"), ("GET", "/v1/models/debug/model_name"), ("POST", "/v1/models"),
                                     ("GET", "/v1/models/foo:predict"), ("POST", "/v1/models/foo/version/50:predict"),
                                     ("POST", "/v1/models/foo/versions/HELLO:regress"), ("POST", "/v1/models/foo/metadata"),
                                     ("POST", "/v1/models/foo/label/x:regress"),
                                     ("POST", "/v1/models/foo/versions/50/labels/x:regress")):
                    status, body = server.rest(path, None if method == "GET" else b"")
                    self.assertEqual((400, f"Malformed request: {method} {path}"), (status, json.loads(body)["error"]))
                for path in ("foo", "foo/versions/50", "m/versions/999"):
                    self.assertEqual(404, server.rest(f"/v1/models/{path}:predict", b'{"instances": [1]}')[0])
                for body, text in ((b"", "JSON Parse error: The document is empty"), (b"instances = [1, 2]", "JSON Parse error: Invalid value"),
                                   (b'{"instances": ["x", "y"]}', "not of expected type: float"),
                                   (b'{"signature_name": 100}', "'signature_name' key must be a string value.")):
                    status, answer = server.rest("/v1/models/m:predict", body)
                    self.assertEqual(400, status)
                    self.assertIn(text, json.loads(answer)["error"])
                self.assertIn("Unrecognized servable version label",
                              json.loads(server.rest("/v1/models/m/labels/bad:predict", b'{"instances": [1]}')[1])["error"])
                rows = b'{"instances": [[1.0, 2.0], [3.0, 4.0]]}'
                for url in ("m", "m/versions/123", "m/labels/good"):
                    status, answer = server.rest(f"/v1/models/{url}:predict", rows)
                    self.assertEqual((200, {"predictions": [[2.5, 3.0], [3.5, 4.0]]}), (status, json.loads(answer)))
                    answer = server.rest(f"/v1/models/{url}:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}]})[1]
                    self.assertEqual({"results": [42.0]}, json.loads(answer))
                    answer = server.rest(f"/v1/models/{url}:classify", {"signature_name": "classify_x_to_y", "examples": [{"x": 20.0}]})[1]
                    self.assertEqual({"results": [[["", 12.0]]]}, json.loads(answer))
                    self.assertEqual("123", json.loads(server.rest(f"/v1/models/{url}")[1])["model_version_status"][0]["version"])
                    self.assertIn("classify_x2_to_y3",
                                  json.loads(server.rest(f"/v1/models/{url}/metadata")[1])["metadata"]["signature_def"]["signature_def"])


if __name__ == "__main__":
    if len(sys.argv) < 2 or not os.path.isdir(sys.argv[1]):
        sys.exit(__doc__.strip())
    TESTDATA = os.path.abspath(sys.argv.pop(1))
    unittest.main()
