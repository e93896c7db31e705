# SPDX-License-Identifier: Apache-2.0
"""Predict over REST with binary bodies: PredictRequests and .npy files, on the URLs that JSON has."""
import io
import os
import subprocess
import tempfile
import unittest

import numpy as np

import support
from clients import MODELS, predict, predict_request, rest, tensor
from model_text import meta_graph, node, signature, write_version

PREDICT = "/v1/models/half:predict"
PROTOBUF, NPY, JSON = "application/x-protobuf", "application/x-npy", "application/json"


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def array_of(answer):
    return np.load(io.BytesIO(answer.body))


def post(server, body, kind, accept=None, path=PREDICT):
    return rest(server, "POST", path, body, {"Content-Type": kind, **({"Accept": accept} if accept else {})})


class HalfPlusTwo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(rest=True, model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def refused(self, answer, status, message):
        self.assertEqual((status, JSON, message), (answer.status, answer.headers["content-type"], answer.json["error"]))

    def test_messages(self):
        # Of the model the URL tells, whatever the message says.
        request = predict_request("another", version=7, x=[1, 2, 5]).SerializeToString()
        wanted = predict(self.server, predict_request("half", x=[1, 2, 5]))
        for _ in range(40):  # often enough to move from the workers to the loops
            for path in (PREDICT, "/v1/models/half/versions/1:predict"):
                answer = post(self.server, request, PROTOBUF, path=path)
                self.assertEqual((200, PROTOBUF), (answer.status, answer.headers["content-type"]))
                self.assertEqual(wanted, support.pb("predict").PredictResponse.FromString(answer.body))
        self.assertEqual({"outputs": [2.5, 3.0, 4.5]}, post(self.server, request, PROTOBUF, JSON).json)
        self.assertEqual([2.5, 3.0, 4.5], array_of(post(self.server, request, PROTOBUF, NPY)).tolist())
        self.assertEqual(wanted, support.pb("predict").PredictResponse.FromString(
            post(self.server, '{"instances": [1, 2, 5]}', JSON, PROTOBUF).body))

    def test_bytes_that_say_what_they_are(self):
        body = npy(np.float32([1, 2, 5]))
        answer = post(self.server, body, "application/octet-stream")
        self.assertEqual((NPY, [2.5, 3.0, 4.5]), (answer.headers["content-type"], array_of(answer).tolist()))
        self.assertEqual([2.5], array_of(post(self.server, '{"inputs": [1]}', JSON, "application/octet-stream")).tolist())
        # Or do not: then they are JSON, as to the original everything is.
        self.assertEqual([2.5], post(self.server, '{"instances": [1]}', "application/octet-stream").json["predictions"])
        self.refused(post(self.server, body[1:], "application/octet-stream"), 400, "JSON Parse error: Invalid value. at offset: 1")
        self.refused(post(self.server, body[:20], "application/octet-stream"), 400, "tensor parsing error: x: the .npy header is cut off or unknown")

    def test_refused_messages(self):
        self.refused(post(self.server, predict_request("", x=[1], signature="no").SerializeToString(), PROTOBUF), 400,
                     'Serving signature key "no" not found.')
        self.refused(post(self.server, b"", PROTOBUF), 400, "input size does not match signature: 0!=1 len({}) != len({x}). "
                     "Sent extra: {}. Missing but required: {x}.")
        self.refused(post(self.server, predict_request("", outputs=["q"], x=[1]).SerializeToString(), PROTOBUF), 400,
                     "output tensor alias not found in signature: q Outputs expected to be in the set {y}.")
        answer = post(self.server, b"\x0a\xff\xff\xff\xff\x0f", PROTOBUF)
        self.assertEqual(400, answer.status)
        self.assertIn("PredictRequest", answer.json["error"])
        self.refused(post(self.server, b"", PROTOBUF, path="/v1/models/nope:predict"), 404,
                     "Servable not found for request: Latest(nope)")

    def test_arrays(self):
        for array in (np.float32([1, 2, 5]), np.zeros((0,), np.float32), np.arange(500_000, dtype=np.float32)):
            answer = post(self.server, npy(array), NPY)
            self.assertEqual((200, NPY), (answer.status, answer.headers["content-type"]))
            self.assertTrue(np.array_equal(array * np.float32(0.5) + 2, array_of(answer)))
        self.assertEqual({"outputs": [2.5]}, post(self.server, npy(np.float32([1])), NPY, JSON).json)
        self.assertEqual([2.5], array_of(post(self.server, '{"inputs": [1]}', JSON, NPY + ";q=0.9, text/html")).tolist())
        # What names no form of ours is JSON, as ever.
        self.assertEqual({"predictions": [2.5]}, post(self.server, '{"instances": [1]}', "text/plain", "text/html, */*").json)

    def test_refused_arrays(self):
        self.refused(post(self.server, b"", NPY), 400, "tensor parsing error: x: it is no .npy file")
        self.refused(post(self.server, npy(np.float32([1]))[:-1], NPY), 400,
                     "tensor parsing error: x: the file has 3 bytes of data, its header says otherwise")
        answer = post(self.server, npy(np.float64([1])), NPY)
        self.assertEqual(400, answer.status)
        self.assertIn("double", answer.json["error"])
        self.refused(post(self.server, npy(np.float32([1])), NPY + "; signature_name=no"), 400,
                     'Serving signature name: "no" not found in signature def')
        self.assertEqual(200, post(self.server, npy(np.float32([1])), NPY + "; signature_name=serving_default").status)

    def test_curl(self):
        with tempfile.TemporaryDirectory() as scratch:
            for name, kind, body in (("a.npy", NPY, npy(np.float32([1, 2]))),
                                     ("a.pb", PROTOBUF, predict_request("half", x=[1, 2]).SerializeToString())):
                path = os.path.join(scratch, name)
                with open(path, "wb") as file:
                    file.write(body)
                done = subprocess.run(["curl", "-sS", "-H", "Content-Type: " + kind, "-H", "Accept: " + NPY, "--data-binary", "@" + path,
                                       f"http://localhost:{self.server.rest_port}{PREDICT}"], capture_output=True, check=True)
                self.assertEqual([2.5, 3.0], np.load(io.BytesIO(done.stdout)).tolist())


class OtherModels(unittest.TestCase):
    def test_several_tensors(self):
        nodes = "".join(node(name, "Placeholder", [], ("dtype", "type: DT_FLOAT")) for name in "xy")
        nodes += node("s", "Placeholder", [], ("dtype", "type: DT_STRING"))
        text = meta_graph(nodes, signature("serving_default", [("x", "x", "DT_FLOAT"), ("y", "y", "DT_FLOAT")], [("z", "x", "DT_FLOAT")])
                          + signature("two", [("x", "x", "DT_FLOAT")], [("a", "x", "DT_FLOAT"), ("b", "x", "DT_FLOAT")])
                          + signature("text", [("s", "s", "DT_STRING")], [("s", "s", "DT_STRING")]))
        with tempfile.TemporaryDirectory() as base:
            write_version(os.path.join(base, "1"), text)
            with support.Server(rest=True, model_name="half", model_base_path=base) as server:
                answer = post(server, npy(np.float32([1])), NPY)
                self.assertEqual((400, 'application/x-npy is for signatures with one input; "serving_default" has 2'),
                                 (answer.status, answer.json["error"]))
                answer = post(server, npy(np.float32([1])), NPY + ';signature_name="two"')
                self.assertEqual((400, 'application/x-npy is for answers with one output; "two" has 2'),
                                 (answer.status, answer.json["error"]))
                self.assertEqual({"outputs": {"a": [1.0], "b": [1.0]}}, post(server, npy(np.float32([1])), NPY + "; signature_name=two", JSON).json)
                # A message's filter picks one.
                request = predict_request("", signature="two", outputs=["b"], x=[3])
                self.assertEqual([3.0], array_of(post(server, request.SerializeToString(), PROTOBUF, NPY)).tolist())
                request = predict_request("", signature="text", s=tensor([b"a"]))
                answer = post(server, request.SerializeToString(), PROTOBUF, NPY)
                self.assertEqual((501, "a tensor of string can not be written as .npy"), (answer.status, answer.json["error"]))


if __name__ == "__main__":
    unittest.main()
