# SPDX-License-Identifier: Apache-2.0
"""Predict and GetModelStatus over gRPC: answers, and every refusal that one model can raise, word for word."""
import os
import unittest

import grpc
import numpy as np

import support
from clients import MODELS, PREDICT, predict, predict_request, status, tensor


def values(answer, alias):
    return list(answer.outputs[alias].float_val)


class HalfPlusTwo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def refused(self, request, code, message):
        self.assertEqual((code, message), predict(self.server, request))

    def test_answers_and_echoes_the_model_spec(self):
        # Often enough to move from the workers to the loops.
        for _ in range(40):
            answer = predict(self.server, predict_request("half", x=[1, 2, 5]))
            self.assertEqual([2.5, 3.0, 4.5], values(answer, "y"))
            self.assertEqual(("half", 1, "serving_default"), (answer.model_spec.name, answer.model_spec.version.value,
                                                              answer.model_spec.signature_name))
        answer = predict(self.server, predict_request("half", version=1, signature="serving_default", outputs=["y"], x=[8]))
        self.assertEqual([6.0], values(answer, "y"))

    def test_large_and_empty_batches(self):
        for size in (0, 1, 1000, 300_000):
            answer = predict(self.server, predict_request("half", x=np.arange(size, dtype=np.float32)))
            self.assertTrue(np.array_equal(values(answer, "y"), np.arange(size, dtype=np.float32) * 0.5 + 2))

    def test_compressed_messages(self):
        request = predict_request("half", x=np.zeros(100_000, np.float32)).SerializeToString()
        call = self.server.channel.unary_unary(PREDICT)
        plain = call(request, timeout=60)
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            self.assertEqual(plain, call(request, timeout=60, compression=compression))

    def test_model_lookup(self):
        self.refused(b"", "INVALID_ARGUMENT", "Missing ModelSpec")
        self.refused(predict_request("", x=[1]), "INVALID_ARGUMENT", "ModelSpec has no name specified.")
        self.refused(predict_request("nope", x=[1]), "NOT_FOUND", "Servable not found for request: Latest(nope)")
        self.refused(predict_request("half", version=7, x=[1]), "NOT_FOUND",
                     "Servable not found for request: Specific(half, 7)")
        self.refused(predict_request("half", version=-1, x=[1]), "NOT_FOUND",
                     "Servable not found for request: Specific(half, -1)")
        for model in ("half", "nope"):
            self.refused(predict_request(model, label="stable", x=[1]), "INVALID_ARGUMENT",
                         "Unrecognized servable version label: stable")

    def test_signature_and_aliases(self):
        self.refused(predict_request("half", signature="other", x=[1]), "FAILED_PRECONDITION",
                     'Serving signature key "other" not found.')
        self.refused(predict_request("half"), "INVALID_ARGUMENT",
                     "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}.")
        self.refused(predict_request("half", x=[1], z=[1], a=[2]), "INVALID_ARGUMENT",
                     "input size does not match signature: 3!=1 len({a,x,z}) != len({x}). Sent extra: {a,z}. "
                     "Missing but required: {}.")
        self.refused(predict_request("half", z=[1]), "INVALID_ARGUMENT",
                     "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value "
                     "provided. Inputs expected to be in the request {z}, or default input alias set: ")

    def test_values_and_filter(self):
        broken = tensor([1, 2])
        broken.tensor_content = b"12345"
        self.refused(predict_request("half", x=broken), "INVALID_ARGUMENT", "tensor parsing error: x")
        self.refused(predict_request("half", outputs=["y", "q"], x=[1]), "INVALID_ARGUMENT",
                     "output tensor alias not found in signature: q Outputs expected to be in the set {y}.")
        self.refused(predict_request("half", outputs=["y", "y"], x=[1]), "INVALID_ARGUMENT", "duplicate output tensor alias: y")
        code, message = predict(self.server, predict_request("half", x=tensor([b"a"])))
        self.assertEqual("INVALID_ARGUMENT", code)
        self.assertIn("float", message)
        self.assertIn("string", message)

    def test_long_messages_are_cut(self):
        name = "n" * 2000
        code, message = predict(self.server, predict_request(name, x=[1]))
        self.assertEqual("NOT_FOUND", code)
        self.assertEqual(("Servable not found for request: Latest(" + name)[:1024] + "...TRUNCATED", message)

    def test_bytes_that_are_no_message(self):
        code, message = predict(self.server, b"\x0a\xff\xff\xff\xff\x0f")
        self.assertEqual("INVALID_ARGUMENT", code)
        self.assertIn("PredictRequest", message)

    def test_methods_that_are_not_there(self):
        self.assertEqual("UNIMPLEMENTED", self.server.call_bytes("/tensorflow.serving.SessionService/SessionRun", b"")[0])

    def test_status(self):
        for version in (None, 1):
            answer = status(self.server, "half", version)
            self.assertEqual([(1, 30, 0, "")], [(s.version, s.state, s.status.error_code, s.status.error_message)
                                                for s in answer.model_version_status])
        self.assertEqual(("NOT_FOUND", "Could not find any versions of model nope"), status(self.server, "nope"))
        self.assertEqual(("NOT_FOUND", "Could not find any versions of model "), status(self.server, ""))
        self.assertEqual(("NOT_FOUND", "Could not find version 9 of model half"), status(self.server, "half", 9))
        self.assertEqual(("NOT_FOUND", "Could not find version 9 of model nope"), status(self.server, "nope", 9))
        self.assertEqual(("INVALID_ARGUMENT", "Missing ModelSpec"),
                         self.server.call_bytes("/tensorflow.serving.ModelService/GetModelStatus", b""))


    def test_metadata(self):
        messages = support.pb("get_model_metadata")

        def ask(model="half", fields=("signature_def",), version=None):
            request = messages.GetModelMetadataRequest()
            request.metadata_field.extend(fields)
            if model is not None:
                request.model_spec.name = model
            if version is not None:
                request.model_spec.version.value = version
            answer = self.server.call_bytes("/tensorflow.serving.PredictionService/GetModelMetadata", request.SerializeToString())
            return answer if isinstance(answer, tuple) else messages.GetModelMetadataResponse.FromString(answer)

        answer = ask()
        self.assertEqual(("half", 1, ""), (answer.model_spec.name, answer.model_spec.version.value, answer.model_spec.signature_name))
        self.assertEqual(["signature_def"], list(answer.metadata))
        signatures = messages.SignatureDefMap()
        self.assertTrue(answer.metadata["signature_def"].Unpack(signatures))
        with open(os.path.join(MODELS, "half_plus_two_tf2", "1", "saved_model.pb"), "rb") as file:
            saved = support.pb("saved_model", "tensorflow.core.protobuf").SavedModel.FromString(file.read())
        self.assertEqual(dict(saved.meta_graphs[0].signature_def), dict(signatures.signature_def))
        for refused, message in ((ask(model=None, fields=()), "Missing ModelSpec"),
                                 (ask(fields=()), "GetModelMetadataRequest must specify at least one metadata_field"),
                                 (ask("nope", ("signature_def", "x")), "Metadata field x is not supported"),
                                 (ask(""), "ModelSpec has no name specified.")):
            self.assertEqual(("INVALID_ARGUMENT", message), refused)
        self.assertEqual(("NOT_FOUND", "Servable not found for request: Specific(half, 2)"), ask(version=2))


class OtherModels(unittest.TestCase):
    def test_exported_by_tensorflow_1(self):
        with support.Server(model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as server:
            answer = predict(server, predict_request("m", x=np.float32([[1], [2]])))
            self.assertEqual([2.5, 3.0], values(answer, "y"))
            self.assertEqual([2, 1], [d.size for d in answer.outputs["y"].tensor_shape.dim])

    def test_convolutions(self):
        with support.Server(model_name="m", model_base_path=os.path.join(MODELS, "digits")) as server:
            images = np.zeros((5, 8, 8, 1), np.float32)
            answer = predict(server, predict_request("m", x=images))
            self.assertEqual("INVALID_ARGUMENT", answer[0])
            answer = predict(server, predict_request("m", image=images))
            self.assertEqual({"digit", "scores"}, set(answer.outputs))
            self.assertEqual([5, 10], [d.size for d in answer.outputs["scores"].tensor_shape.dim])
            answer = predict(server, predict_request("m", outputs=["digit"], image=images))
            self.assertEqual(["digit"], list(answer.outputs))

    def test_a_deadline_that_is_too_near(self):
        with support.Server(model_name="m", model_base_path=os.path.join(MODELS, "digits")) as server:
            answer = predict(server, predict_request("m", image=np.zeros((50_000, 8, 8, 1), np.float32)), timeout=0.02)
            self.assertEqual("DEADLINE_EXCEEDED", answer[0])
            self.assertFalse(isinstance(predict(server, predict_request("m", image=np.zeros((1, 8, 8, 1), np.float32))), tuple))

    def test_strings_out_and_tensor_content(self):
        with support.Server("--enable_serialization_as_tensor_content", model_name="m",
                            model_base_path=os.path.join(MODELS, "wine")) as server:
            answer = predict(server, predict_request("m", measurements=np.ones((2, 13), np.float32)))
            self.assertEqual(2 * 3 * 4, len(answer.outputs["scores"].tensor_content))
            self.assertEqual(0, len(answer.outputs["scores"].float_val))


if __name__ == "__main__":
    unittest.main()
