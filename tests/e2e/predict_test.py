# SPDX-License-Identifier: Apache-2.0
"""Predict and GetModelStatus over gRPC: answers, and every refusal that one model can raise, word for word."""
import os
import struct
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

    def test_the_order_of_checks(self):
        """Of two mistakes the one that is looked at first is told."""
        broken = tensor([1, 2])
        broken.tensor_content = b"12345"
        words = tensor([b"a"])
        for request, code, said in (
                (predict_request("nope", signature="nope", x=broken), "NOT_FOUND", "Servable"),
                (predict_request("half", signature="nope", z=broken), "FAILED_PRECONDITION", "Serving signature key"),
                (predict_request("half", outputs=["q"], x=broken, z=[1]), "INVALID_ARGUMENT", "input size does not match"),
                (predict_request("half", outputs=["q"], z=broken), "INVALID_ARGUMENT", "Signature input alias: x"),
                (predict_request("half", outputs=["q"], x=broken), "INVALID_ARGUMENT", "tensor parsing error: x"),
                (predict_request("half", outputs=["q"], x=words), "INVALID_ARGUMENT", "output tensor alias not found"),
                (predict_request("half", outputs=["y", "y", "q"], x=words), "INVALID_ARGUMENT", "duplicate output tensor alias: y")):
            answer = predict(self.server, request)
            self.assertEqual((code, said), (answer[0], answer[1][:len(said)]))

    def test_other_ways_to_write_a_message(self):
        """What protobuf takes for the same message: the answer is the same to the byte."""
        def field(number, content, lies=0):
            """`lies`: bytes by which the length is longer than it has to be."""
            return bytes([number << 3 | 2, len(content) | (0x80 if lies else 0)]) + b"\x80" * (lies - 1) + b"\0" * bool(lies) + content

        one, two = struct.pack("<f", 1), struct.pack("<f", 2)
        name, shape, alias = field(1, b"half"), field(2, field(2, b"\x08\x02")), field(1, b"x")
        tensor_proto = b"\x08\x01" + shape + field(5, one + two)
        unknown = bytes.fromhex("a30638054a0278781b1ca406") + b"\xf8\x3e\x07" + b"\xf9\x3e" + bytes(8) + b"\xfd\x3e" + bytes(4)
        inputs = field(2, alias + field(2, tensor_proto))
        wanted = predict(self.server, field(1, name) + inputs)
        self.assertEqual([2.5, 3.0], values(wanted, "y"))
        for how, message in (
                ("backwards", inputs + field(1, name)),
                ("unknown fields and a group", unknown + field(1, unknown + name) + field(2, alias + unknown + field(2, tensor_proto + unknown))),
                ("a scalar twice", field(1, field(1, b"loser") + name) + inputs),
                ("a message in two parts", field(1, b"") + inputs + field(1, name) + field(1, field(3, b"serving_default"))),
                ("an input in two parts", field(1, name) + field(2, field(2, b"\x08\x01" + field(5, one)) + alias + field(2, shape + field(5, two)))),
                ("a list that is not packed", field(1, name) + field(2, alias + field(2, b"\x2d" + one + b"\x08\x01" + shape + b"\x2d" + two))),
                ("partly packed", field(1, name) + field(2, alias + field(2, field(5, one) + field(5, b"") + b"\x2d" + two + b"\x08\x01" + shape))),
                ("of two entries the last", field(1, name) + field(2, alias + field(2, b"\x08\x07")) + inputs),
                ("lengths with more bytes than needed", field(1, name, 3) + field(2, alias + field(2, tensor_proto, 8))),
                ("a number's last bits", field(1, name) + field(2, alias + field(2, b"\x08\x81\x80\x80\x80\xf0\x01" + shape + field(5, one + two)))),
                ("version, label, version", field(1, name + field(2, b"\x08\x09") + field(4, b"x") + field(2, b"\x08\x01")) + inputs),
                ("fields for streams", field(1, name) + inputs + field(5, b"\x08\x02" + field(2, field(1, b"d") + b"\x10\x05") + b"\x18\x01")
                 + field(6, b"me") + field(7, b"\x0a\x02me\x10\x01\x18\x01\x22\x02\x01\x02\x30\x07\x48\x01"))):
            self.assertEqual(wanted, predict(self.server, message), how)

    def test_methods_that_are_not_there(self):
        for method in ("SessionService/SessionRun", "PredictionService/PredictStreamed", "PredictionService/predict", "ModelService/Predict"):
            self.assertEqual("UNIMPLEMENTED", self.server.call_bytes("/tensorflow.serving." + method, b"")[0], method)

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
