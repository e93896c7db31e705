# SPDX-License-Identifier: Apache-2.0
"""Classify, Regress and MultiInference over gRPC and REST, by clients that we did not write. tests/unit has every refusal."""
import os
import tempfile
import unittest

import numpy as np

import support
from clients import MODELS, SERVICE, call, example, fill_input, infer, predict, predict_request, rest, tensor
from model_text import meta_graph, node, signature, write_version


def values(answer):
    return [r.value for r in answer.result.regressions]


class Wine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(model_name="wine", model_base_path=os.path.join(MODELS, "wine"))
        cls.examples = [example(measurements=row) for row in np.random.default_rng(1).normal(10, 5, (3, 13))]
        cls.strings = tensor([e.SerializeToString() for e in cls.examples])

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def predicted(self, signature_name):
        return predict(self.server, predict_request("wine", signature=signature_name, inputs=self.strings)).outputs

    def test_classify(self):
        wanted = self.predicted("classify")
        for _ in range(40):  # often enough to move from the workers to the loops
            answer = infer(self.server, "Classify", "wine", "classify", self.examples)
            self.assertEqual(("wine", 1, "classify"), (answer.model_spec.name, answer.model_spec.version.value,
                                                       answer.model_spec.signature_name))
            rows = answer.result.classifications
            self.assertEqual([3, 3, 3], [len(row.classes) for row in rows])
            self.assertEqual(list(wanted["classes"].string_val), [c.label.encode() for row in rows for c in row.classes])
            self.assertEqual(list(wanted["scores"].float_val), [c.score for row in rows for c in row.classes])

    def test_regress(self):
        answer = infer(self.server, "Regress", "wine", "regress", self.examples, version=1)
        self.assertEqual(list(self.predicted("regress")["outputs"].float_val), values(answer))
        self.assertEqual(("wine", 1, "regress"), (answer.model_spec.name, answer.model_spec.version.value,
                                                  answer.model_spec.signature_name))

    def multi_request(self, *tasks):
        request = support.pb("inference").MultiInferenceRequest()
        for name, signature_name, method in tasks:
            task = request.tasks.add(method_name="tensorflow/serving/" + method)
            task.model_spec.name = name
            task.model_spec.signature_name = signature_name
        fill_input(request.input, self.examples)
        return request

    def test_multi_inference(self):
        request = self.multi_request(("wine", "regress", "regress"), ("wine", "classify", "classify"))
        request.tasks[1].model_spec.version.value = 7  # the first task's version counts
        for _ in range(3):
            regression, classification = call(self.server, "MultiInference", request).results
            self.assertEqual(list(self.predicted("regress")["outputs"].float_val),
                             [r.value for r in regression.regression_result.regressions])
            self.assertEqual(list(self.predicted("classify")["scores"].float_val),
                             [c.score for row in classification.classification_result.classifications for c in row.classes])
            for result, name in ((regression, "regress"), (classification, "classify")):
                self.assertEqual(("wine", 1, name), (result.model_spec.name, result.model_spec.version.value,
                                                     result.model_spec.signature_name))

    def test_multi_inference_without_a_model(self):
        for tasks in ([], [("", "regress", "regress")]):
            self.assertEqual(("INVALID_ARGUMENT", "ModelSpec has no name specified."),
                             call(self.server, "MultiInference", self.multi_request(*tasks)))
        self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(nope)"),
                         call(self.server, "MultiInference", self.multi_request(("nope", "regress", "regress"))))
        self.assertEqual(("UNIMPLEMENTED", "Unsupported signature method_name: tensorflow/serving/predict"),
                         call(self.server, "MultiInference", self.multi_request(("wine", "regress", "predict"))))

    def test_model_and_signature(self):
        for method in ("Classify", "Regress"):
            self.assertEqual(("INVALID_ARGUMENT", "Missing ModelSpec"), self.server.call_bytes(SERVICE + method, b""))
            self.assertEqual(("INVALID_ARGUMENT", "ModelSpec has no name specified."),
                             infer(self.server, method, "", "", self.examples))
            self.assertEqual(("NOT_FOUND", "Servable not found for request: Specific(wine, 2)"),
                             infer(self.server, method, "wine", "", self.examples, version=2))
            self.assertEqual(("INVALID_ARGUMENT", "No signature was found with the name: nope"),
                             infer(self.server, method, "wine", "nope", self.examples))
            self.assertEqual(("INVALID_ARGUMENT", "Input is empty."),
                             infer(self.server, method, "wine", method.lower(), []))
            self.assertEqual("INVALID_ARGUMENT", self.server.call_bytes(SERVICE + method, b"\x0a\xff\xff\xff\xff\x0f")[0])
        self.assertEqual(("INVALID_ARGUMENT", "Expected one output Tensor."),
                         infer(self.server, "Regress", "wine", "classify", self.examples))

    def test_large_requests(self):
        answer = infer(self.server, "Regress", "wine", "regress", self.examples * 2000)
        self.assertEqual(6000, len(values(answer)))
        self.assertEqual(values(answer)[:3], values(answer)[-3:])


class HalfPlusTwo(unittest.TestCase):
    """Exported by TensorFlow 1, with true method names."""

    def test_examples_and_contexts(self):
        with support.Server("--enable_signature_method_name_check", model_name="m",
                            model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as server:
            def ask(*examples, context=None):
                answer = infer(server, "Regress", "m", "regress", examples, context)
                return answer if isinstance(answer, tuple) else values(answer)
            self.assertEqual([3.0, 6.0], ask(example(x=[2]), example(x=[8])))
            # A context stands in for what an example lacks.
            self.assertEqual([3.0, 7.0], ask(example(x=[2]), example(), context=example(x=[10])))
            self.assertEqual(("INVALID_ARGUMENT", "Input is empty."), ask(context=example(x=[10])))
            # Bytes that are no Example.
            request = support.pb("regression").RegressionRequest()
            request.model_spec.name, request.model_spec.signature_name = "m", "regress"
            code, message = server.call_bytes(SERVICE + "Regress", request.SerializeToString() + b"\x12\x06\x0a\x04\x0a\x02\xff\xff")
            self.assertEqual(("INVALID_ARGUMENT", "Could not parse example input, value: '"), (code, message[:39]))
            # The signature's declared method counts, with the flag.
            self.assertEqual(("INVALID_ARGUMENT", "Expected regression signature method_name to be tensorflow/serving/regress. "
                              "Was: tensorflow/serving/predict"), infer(server, "Regress", "m", "", [example(x=[2])]))
            self.assertEqual(("INVALID_ARGUMENT", "Expected classification signature method_name to be tensorflow/serving/classify. "
                              "Was: tensorflow/serving/regress"), infer(server, "Classify", "m", "regress", [example(x=[2])]))
            self.assertEqual([3.0], list(predict(server, predict_request("m", x=[2])).outputs["y"].float_val))


def features(message):
    """An Example as the JSON of the REST API."""
    return {name: [v.decode() for v in f.bytes_list.value] or list(f.float_list.value) for name, f in message.features.feature.items()}


class Rest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "wine"))
        cls.half = support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf1"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.half.close()

    def refused(self, server, method, status, message, body):
        answer = rest(server, "POST", f"/v1/models/m:{method}", body)
        self.assertEqual((status, message), (answer.status, answer.json["error"]))

    def regress(self, body):
        return rest(self.half, "POST", "/v1/models/m:regress", {"signature_name": "regress", **body})

    def test_regress(self):
        for _ in range(40):
            answer = self.regress({"examples": [{"x": 2.0}, {"x": [4.5]}]})
            self.assertEqual((200, b'{\n    "results": [3.0, 4.25]\n}'), (answer.status, answer.body))
        self.assertEqual("application/json", answer.headers["content-type"])
        # A context stands in for what an example lacks; ours are floats, and an integer is none.
        self.assertEqual([7.0, 2.5], self.regress({"context": {"x": 10.0}, "examples": [{}, {"x": 1.0}]}).json["results"])
        answer = self.regress({"examples": [{"x": 1}]})
        self.assertEqual((400, "Name: <unknown>, Key: x, Index: 0.  Data types don't match. Data type: int64 but expected type: float"),
                         (answer.status, answer.json["error"].split("\n")[0]))

    def test_results_that_are_not_finite(self):
        answer = self.regress({"examples": [{"x": NAN} for NAN in (float("nan"), float("inf"), float("-inf"))]})
        self.assertEqual((200, b'{\n    "results": [NaN, Infinity, -Infinity]\n}'), (answer.status, answer.body))

    def test_classify(self):
        examples = [example(measurements=row) for row in np.random.default_rng(2).normal(10, 5, (3, 13))]
        wanted = infer(self.server, "Classify", "m", "classify", examples).result.classifications
        body = {"signature_name": "classify", "examples": [features(e) for e in examples]}
        for path in ("/v1/models/m:classify", "/v1/models/m/versions/1:classify"):
            rows = rest(self.server, "POST", path, body).json["results"]
            self.assertEqual([[c.label for c in row.classes] for row in wanted], [[label for label, _ in row] for row in rows])
            self.assertTrue(np.array_equal(np.float32([[c.score for c in row.classes] for row in wanted]),
                                           np.float32([[score for _, score in row] for row in rows])))
        body["signature_name"] = "regress"
        self.assertEqual(3, len(rest(self.server, "POST", "/v1/models/m:regress", body).json["results"]))
        self.refused(self.server, "regress", 400, "Expected one output Tensor.", {**body, "signature_name": "classify"})

    def test_layout(self):
        """To the byte: the score is an example's length."""
        nodes = node("x", "Placeholder", [], ("dtype", "type: DT_STRING")) + \
            node("one", "Const", [], ("dtype", "type: DT_INT32"), ("value", "tensor { dtype: DT_INT32 tensor_shape { } int_val: 1 }")) + \
            node("length", "StringLength", ["x"]) + \
            node("score", "Cast", ["length"], ("SrcT", "type: DT_INT32"), ("DstT", "type: DT_FLOAT")) + \
            node("scores", "ExpandDims", ["score", "one"], ("T", "type: DT_FLOAT"))
        text = meta_graph(nodes, signature("serving_default", [("inputs", "x", "DT_STRING")], [("scores", "scores", "DT_FLOAT")]))
        with tempfile.TemporaryDirectory() as base:
            write_version(os.path.join(base, "1"), text)
            with support.Server(rest=True, model_name="m", model_base_path=base) as server:
                answer = rest(server, "POST", "/v1/models/m:classify", {"examples": [{"a": 1}, {}]})
                self.assertEqual(b'{\n    "results": [[["", 14.0]], [["", 2.0]]\n    ]\n}', answer.body)

    def test_errors(self):
        missing = 'JSON Value: {\n    "a": 1\n} When method is classify, key \'examples\' is expected and was not found'
        for method in ("classify", "regress"):
            for status, message, body in (
                    (400, "JSON Parse error: The document is empty", b""),
                    (400, "JSON Value: [1] Is not object", b"[1]"),
                    (400, "JSON Value: {\n    \"signature_name\": 5\n} not formatted correctly. 'signature_name' key must be a string value.", b'{"signature_name": 5}'),
                    (400, missing, b'{"a": 1}'),
                    (400, "JSON Value: {\n    \"examples\": {}\n} Expecting 'examples' value to be an list/array", b'{"examples": {}}'),
                    (400, "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array", b'{"examples": []}'),
                    (400, "Example must be JSON object but got JSON Number", b'{"examples": [1]}'),
                    (400, "Example must be JSON object but got JSON Array", b'{"context": [], "examples": [{}]}'),
                    (400, "Unexpected element type in feature: x expecting type: int64", b'{"examples": [{"x": [1, 2.5]}]}'),
                    (400, "Feature: x has element with unexpected JSON type: Null", b'{"examples": [{"x": null}]}'),
                    (400, "Feature: x has uint64_t element. Only int64_t is supported.", b'{"examples": [{"x": 18446744073709551615}]}'),
                    (400, "No signature was found with the name: no", b'{"signature_name": "no", "examples": [{}]}')):
                self.refused(self.server, method, status, message, body)
            # All of the JSON is read before the model is looked for.
            path = f"/v1/models/nope:{method}"
            self.assertEqual(400, rest(self.server, "POST", path, {"examples": [1]}).status)
            answer = rest(self.server, "POST", path, {"examples": [{}]})
            self.assertEqual((404, "Servable not found for request: Latest(nope)"), (answer.status, answer.json["error"]))

    def test_where_it_went_wrong(self):
        for body, path, found in ((b'{"examples": [{}, {"x": [1, 2.5]}]}', "examples[1].x[1]", b"2.5]"),
                                  (b'{"context": {"a": [null]}, "examples": [{}]}', "context.a[0]", b"null"),
                                  (b'{"context": {"a": 1}, "examples": [{}, 7]}', "examples[1]", b"7]"),
                                  (b'{"context": {"a": 1}, "examples": 3}', "examples", b"3}")):
            answer = rest(self.server, "POST", "/v1/models/m:classify", body)
            self.assertEqual((400, ["error", "detail"]), (answer.status, list(answer.json)))
            self.assertEqual({"path": path, "byte": body.index(found)}, answer.json["detail"])
        for body in (b'{"context": {"a": 1}}', b'{"context": {"a": 1}, "examples": [{"b": 2}]}', b"{"):
            self.assertEqual(["error"], list(rest(self.server, "POST", "/v1/models/m:classify", body).json))

    def test_messages(self):
        module = support.pb("regression")
        request = module.RegressionRequest()
        request.model_spec.name = "another"
        request.model_spec.signature_name = "regress"
        fill_input(request.input, [example(x=[2])])
        headers = {"Content-Type": "application/x-protobuf"}
        answer = rest(self.half, "POST", "/v1/models/m:regress", request.SerializeToString(), headers)
        self.assertEqual((200, "application/x-protobuf"), (answer.status, answer.headers["content-type"]))
        response = module.RegressionResponse.FromString(answer.body)
        self.assertEqual(("m", 1, "regress", [3.0]), (response.model_spec.name, response.model_spec.version.value,
                                                      response.model_spec.signature_name, values(response)))
        answer = rest(self.half, "POST", "/v1/models/m:regress", request.SerializeToString(), {**headers, "Accept": "application/json"})
        self.assertEqual({"results": [3.0]}, answer.json)
        answer = rest(self.half, "POST", "/v1/models/m:regress", {"signature_name": "regress", "examples": [{"x": 2.0}]},
                      {"Accept": "application/x-protobuf"})
        self.assertEqual(response, module.RegressionResponse.FromString(answer.body))
        answer = rest(self.half, "POST", "/v1/models/m:regress", b"", {"Content-Type": "application/x-npy"})
        self.assertEqual((400, "application/x-npy is for :predict; examples are expected here"), (answer.status, answer.json["error"]))


class OtherMethods(unittest.TestCase):
    def test_predict_with_the_check_on(self):
        nodes = node("x", "Placeholder", [], ("dtype", "type: DT_FLOAT"))
        text = meta_graph(nodes, signature("serving_default", [("x", "x", "DT_FLOAT")], [("y", "x", "DT_FLOAT")])
                          .replace("tensorflow/serving/predict", "mine"))
        with tempfile.TemporaryDirectory() as base:
            write_version(os.path.join(base, "1"), text)
            with support.Server("--enable_signature_method_name_check", model_name="m", model_base_path=base) as server:
                self.assertEqual(("INTERNAL", "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
                                  "tensorflow/serving/classify, tensorflow/serving/regress}. Was: mine"),
                                 predict(server, predict_request("m", z=[2])))

    def test_one_run_for_all_tasks(self):
        """Two heads give the same random number if they are run at once, and others if each is run by itself."""
        nodes = node("x", "Placeholder", [], ("dtype", "type: DT_STRING")) + \
            node("one", "Const", [], ("dtype", "type: DT_INT32"), ("value", "tensor { dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 1 }")) + \
            node("random", "RandomUniform", ["one"], ("T", "type: DT_INT32"), ("dtype", "type: DT_FLOAT")) + \
            node("same", "Identity", ["random"], ("T", "type: DT_FLOAT"))
        text = meta_graph(nodes, "".join(signature(name, [("inputs", "x", "DT_STRING")], [("outputs", name, "DT_FLOAT")])
                                         for name in ("random", "same")))
        request = support.pb("inference").MultiInferenceRequest()
        for name in ("random", "same"):
            task = request.tasks.add(method_name="tensorflow/serving/regress")
            task.model_spec.name, task.model_spec.signature_name = "m", name
        fill_input(request.input, [example(a=[1])])
        with tempfile.TemporaryDirectory() as base:
            write_version(os.path.join(base, "1"), text)
            with support.Server(model_name="m", model_base_path=base) as server:
                one, two = (result.regression_result.regressions[0].value for result in call(server, "MultiInference", request).results)
                self.assertEqual(one, two)
                one, two = (values(infer(server, "Regress", "m", name, [example(a=[1])]))[0] for name in ("random", "same"))
                self.assertNotEqual(one, two)


if __name__ == "__main__":
    unittest.main()
