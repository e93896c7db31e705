# SPDX-License-Identifier: Apache-2.0
"""Details of the REST API and of Predict that re-implementations get wrong (reference 2 and 12), each as a client sees it."""
import gzip
import os
import socket
import tempfile
import unittest

import numpy as np

import support
from clients import MODELS, predict, predict_request, rest, tensor
from model_text import meta_graph, node, signature, write_version

PREDICT = "/v1/models/m:predict"
DTYPES = {"f": "DT_FLOAT", "d": "DT_DOUBLE", "i": "DT_INT32", "b": "DT_INT8", "l": "DT_INT64", "u": "DT_UINT32", "v": "DT_UINT64",
          "t": "DT_BOOL", "s": "DT_STRING", "h": "DT_HALF", "w": "DT_UINT16"}


def echo_model():
    """A signature for each dtype that gives back its input, x as y (s also as y_bytes); one without inputs; one with defaults."""
    nodes = "".join(node(key, "Placeholder", [], ("dtype", "type: " + dtype)) for key, dtype in DTYPES.items())
    nodes += node("g", "Placeholder", [], ("dtype", "type: DT_FLOAT")) + node("sum", "Add", ["f", "g"], ("T", "type: DT_FLOAT"))
    nodes += node("c", "Const", [], ("dtype", "type: DT_FLOAT"), ("value", "tensor { dtype: DT_FLOAT tensor_shape { } float_val: 7 }"))
    signatures = "".join(signature(key, [("x", key, dtype)], [("y_bytes" if key == "s" else "y", key, dtype)])
                         for key, dtype in DTYPES.items())
    signatures += signature("text", [("x", "s", "DT_STRING")], [("y", "s", "DT_STRING")])
    signatures += signature("nothing", [], [("y", "c", "DT_FLOAT")])
    signatures += signature("scalar_out", [("x", "f", "DT_FLOAT")], [("y", "c", "DT_FLOAT")])
    signatures += signature("two", [("x", "f", "DT_FLOAT"), ("y", "g", "DT_FLOAT")], [("x", "f", "DT_FLOAT"), ("y", "g", "DT_FLOAT")])
    default = "defaults { key: 'y' value { dtype: DT_FLOAT tensor_shape { } float_val: 100 } } "
    added = signature("defaults", [("x", "f", "DT_FLOAT"), ("y", "g", "DT_FLOAT")], [("z", "sum", "DT_FLOAT")])
    return meta_graph(nodes, signatures + added.replace("method_name", default + "method_name"))


class Echo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = tempfile.TemporaryDirectory()
        write_version(os.path.join(cls.base.name, "1"), echo_model())
        cls.server = support.Server(rest=True, model_name="m", model_base_path=cls.base.name)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.base.cleanup()

    def post(self, body):
        return rest(self.server, "POST", PREDICT, body)

    def test_signatures_without_inputs(self):
        answer = predict(self.server, predict_request("m", signature="nothing"))
        self.assertEqual([7.0], list(answer.outputs["y"].float_val))
        answer = self.post('{"signature_name": "nothing", "inputs": {}}')
        self.assertEqual((400, "Failed to get input map for signature: nothing"), (answer.status, answer.json["error"]))

    def test_defaults(self):
        def ask(**inputs):
            answer = predict(self.server, predict_request("m", signature="defaults", **inputs))
            return answer if isinstance(answer, tuple) else list(answer.outputs["z"].float_val)
        self.assertEqual([101.0, 102.0], ask(x=[1, 2]))
        self.assertEqual([4.0], ask(x=[1], y=[3]))
        self.assertEqual(("INVALID_ARGUMENT", "Signature input alias: x(feed name: f:0) not found in request and no default value provided. "
                          "Inputs expected to be in the request {y}, or default input alias set: y"), ask(y=[1]))
        self.assertEqual(("INVALID_ARGUMENT", "Inputs contains invalid name. Used request inputs: x, request input: q,x"), ask(x=[1], q=[1]))
        self.assertEqual(("INVALID_ARGUMENT", "input size does not match signature: 3!=2 len({q,x,y}) != len({x,y}). Sent extra: {q}. "
                          "Missing but required: {}."), ask(x=[1], y=[1], q=[1]))
        # JSON has no defaults.
        answer = self.post('{"signature_name": "defaults", "inputs": {"x": [1]}}')
        self.assertEqual((400, "Missing named input: y in 'inputs' object."), (answer.status, answer.json["error"]))

    def test_output_filter_keeps_its_order(self):
        answer = predict(self.server, predict_request("m", signature="two", outputs=["y", "x"], x=[1], y=[2]))
        self.assertEqual({"x": [1.0], "y": [2.0]}, {a: list(t.float_val) for a, t in answer.outputs.items()})
        answer = predict(self.server, predict_request("m", signature="two", outputs=["y"], x=[1], y=[2]))
        self.assertEqual(["y"], list(answer.outputs))

    def test_values_of_tensor_protos(self):
        """The last value is repeated, none is zero, surplus is dropped; content must fit."""
        for given, size, wanted in (([1, 2], 4, [1, 2, 2, 2]), ([], 3, [0, 0, 0]), ([1, 2, 3], 2, [1, 2])):
            proto = tensor(np.zeros(size, np.float32))
            proto.tensor_content = b""
            proto.float_val.extend(given)
            answer = predict(self.server, predict_request("m", signature="f", x=proto))
            self.assertEqual(wanted, list(answer.outputs["y"].float_val))
        proto = tensor(np.zeros(3, np.float32))
        proto.tensor_content += b"1234"
        self.assertEqual(("INVALID_ARGUMENT", "tensor parsing error: x"), predict(self.server, predict_request("m", signature="f", x=proto)))

    def test_layouts(self):
        two = '{"signature_name": "two", '
        for body, wanted in (
                ('{"signature_name": "f", "instances": [9e6, 999999, 0.5, 3e-4, 3e-5, 555557.5, -0.0, 1e6]}',
                 '{\n    "predictions": [9e+06, 999999.0, 0.5, 0.0003, 3e-05, 555557.5, -0.0, 1e+06\n    ]\n}'),
                ('{"signature_name": "f", "instances": [NaN, Infinity, -Infinity, Inf, 1e60, -1e60, 1e-60]}',
                 '{\n    "predictions": [NaN, Infinity, -Infinity, Infinity, Infinity, -Infinity, 0.0\n    ]\n}'),
                ('{"signature_name": "f", "instances": [[1, 2], [3, 4]]}', '{\n    "predictions": [[1.0, 2.0], [3.0, 4.0]\n    ]\n}'),
                ('{"signature_name": "f", "instances": [[], []]}', '{\n    "predictions": [[], []\n    ]\n}'),
                ('{"signature_name": "f", "inputs": 3}', '{\n    "outputs": 3.0\n}'),
                ('{"signature_name": "d", "inputs": [0.1, 1e300]}', '{\n    "outputs": [\n        0.1,\n        1e+300\n    ]\n}'),
                ('{"signature_name": "t", "instances": [true, false]}', '{\n    "predictions": [true, false\n    ]\n}'),
                ('{"signature_name": "l", "instances": [9223372036854775807]}', '{\n    "predictions": [9223372036854775807\n    ]\n}'),
                ('{"signature_name": "v", "instances": [18446744073709551615]}', '{\n    "predictions": [18446744073709551615\n    ]\n}'),
                ('{"signature_name": "text", "instances": ["a", {"b64": "Yg"}]}', '{\n    "predictions": ["a", "b"\n    ]\n}'),
                ('{"signature_name": "s", "inputs": ["a"]}', '{\n    "outputs": [\n        {\n            "b64": "YQ=="\n        }\n    ]\n}'),
                (two + '"instances": [{"x": 1, "y": 2}, {"y": 4, "x": 3}]}',
                 '{\n    "predictions": [\n        {\n            "x": 1.0,\n            "y": 2.0\n        },\n        {\n'
                 '            "x": 3.0,\n            "y": 4.0\n        }\n    ]\n}'),
                (two + '"inputs": {"x": 1, "y": [2], "z": "more than is wanted"}}',
                 '{\n    "outputs": {\n        "x": 1.0,\n        "y": [\n            2.0\n        ]\n    }\n}')):
            answer = self.post(body)
            self.assertEqual((200, wanted), (answer.status, answer.body.decode()), body)

    def test_bytes_in_strings(self):
        """What is not UTF-8 goes in and out as it is."""
        answer = self.post(b'{"signature_name": "text", "\xfe": 1, "instances": ["\xff\xc3", "\\u0000\\udc00"]}')
        self.assertEqual((200, b'{\n    "predictions": ["\xff\xc3", "\\u0000\xed\xb0\x80"\n    ]\n}'), (answer.status, answer.body))

    def test_refusals(self):
        two = '{"signature_name": "two", '
        row = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
        for status, message, body in (
                (400, "JSON Value: {\n    \"signature_name\": \"f\",\n    \"instances\": [1],\n    \"inputs\": [1]\n} Not formatted correctly "
                 "expecting only one of 'inputs' or 'instances' keys to exist ", '{"signature_name": "f", "instances": [1], "inputs": [1]}'),
                (400, "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
                 '{"signature_name": "f", "instances": [[1, 2], [3, 4], [5, 6, 7]]}'),
                (400, "Failed to process element: 2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [2] but got: [1,2]",
                 '{"signature_name": "f", "instances": [[1, 2], [3, 4], [[5, 6]]]}'),
                (400, "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map",
                 two + '"instances": [1, 2]}'),
                (400, "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map",
                 two + '"inputs": [1, 2]}'),
                (400, "Tensor name: y has no shape information ", '{"signature_name": "scalar_out", "instances": [1]}'),
                (400, row + "JSON Value: 1.0 Type: Number is not of expected type: int32", '{"signature_name": "i", "instances": [1.0]}'),
                (400, row + "JSON Value: 2147483648 Type: Number is not of expected type: int32", '{"signature_name": "i", "instances": [2147483648]}'),
                (400, row + "JSON Value: 1 Type: Number is not of expected type: bool", '{"signature_name": "t", "instances": [1]}'),
                (400, row + "JSON Value: -1 Type: Number is not of expected type: uint32", '{"signature_name": "u", "instances": [-1]}'),
                (501, "Conversion of JSON Value: 1 to type: half", '{"signature_name": "h", "inputs": [1]}'),
                (400, "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: uint16",
                 '{"signature_name": "w", "instances": [1]}')):
            answer = self.post(body)
            self.assertEqual((status, message), (answer.status, answer.json["error"]), body)

    def test_where_it_went_wrong(self):
        two = '{"signature_name": "two", '
        for body, detail in (
                ('{"signature_name": "f", "instances": [[1, 2], [3, "x"]]}', ("x", "float", "instances[1][1]", '"x"]')),
                ('{"signature_name": "f", "instances": [[1, 2], [3]]}', ("x", "float", "instances[1]", "[3]]")),
                ('{"signature_name": "l", "inputs": [1, 2.5]}', ("x", "int64", "inputs[1]", "2.5]")),
                (two + '"instances": [{"x": 1, "y": 2}, {"x": 1, "y": [true]}]}', ("y", "float", "instances[1].y[0]", "true")),
                (two + '"instances": [{"x": 1, "y": 2}, {"x": 1, "q": 3}]}', (None, None, "instances[1].q", '"q"')),
                (two + '"instances": [{"x": 1, "y": 2}, {"x": 1}]}', (None, None, "instances[1]", '{"x": 1}]')),
                (two + '"instances": [{"x": 1, "y": 2}, 7]}', (None, None, "instances[1]", "7]")),
                (two + '"inputs": {"x": 1}}', (None, None, "inputs", '{"x"')),
                ('{"signature_name": "f", "inputs": [[1, 2], 3]}', ("x", "float", "inputs[1]", "3]")),
                ('{"signature_name": "s", "inputs": [{"b64": "?"}]}', ("x", "string", "inputs[0]", '{"b64"'))):
            answer = self.post(body)
            got = answer.json["detail"]
            self.assertEqual((400, ["error", "detail"]), (answer.status, list(answer.json)))
            self.assertEqual(detail[:3], (got.get("input"), got.get("expected"), got["path"]), body)
            self.assertTrue(body[got["byte"]:].startswith(detail[3]), f"{body} {got}")
        # What is not about a value has none.
        for body in ("{", "{}", '{"signature_name": "no", "inputs": 1}', '{"signature_name": "two", "inputs": {"x": [1, 2], "y": [1]}}'):
            self.assertEqual([], [key for key in self.post(body).json if key == "detail"], body)

    def test_deep_nesting(self):
        deep = "[" * 500_000 + "1" + "]" * 500_000
        self.assertEqual([1.0], self.post('{"signature_name": "f", "instances": [1], "nested": ' + deep + "}").json["predictions"])
        answer = self.post('{"signature_name": ' + deep + "}")
        self.assertEqual(400, answer.status)
        self.assertTrue(answer.json["error"].endswith("'signature_name' key must be a string value."))


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def raw(self, text):
        with socket.create_connection(("localhost", self.server.rest_port), timeout=30) as s:
            s.sendall(text.encode() if isinstance(text, str) else text)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def test_head(self):
        answer = rest(self.server, "HEAD", "/v1/models/m")
        self.assertEqual((400, b""), (answer.status, answer.body))
        answer = self.raw("HEAD /v1/models/m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\n"), answer)

    def test_chunked_bodies(self):
        body = b'{"instances": [1, 2]}'
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:6], body[6:]))
        for trailer in (b"", b"X: y\r\n"):
            answer = self.raw(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                              + chunks + b"0\r\n" + trailer + b"\r\n")
            self.assertIn(b"[2.5, 3.0\n    ]", answer)

    def test_http_1_0(self):
        body = '{"instances": [1]}'
        answer = self.raw(f"POST /v1/models/m:predict HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertIn(b"[2.5\n    ]", answer)

    def test_whole_urls_as_targets(self):
        self.assertIn(b"AVAILABLE", self.raw("GET http://somewhere/v1/models/m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))

    def test_a_compressed_body_may_grow_to_100_mib(self):
        def ask(size):
            text = b'{"instances": [1]}'
            return rest(self.server, "POST", PREDICT, gzip.compress(text + b" " * (size - len(text)), 1), {"Content-Encoding": "gzip"})
        self.assertEqual([2.5], ask(100 << 20).json["predictions"])
        answer = ask((100 << 20) + 1)
        self.assertEqual((400, "JSON Parse error: The document is empty"), (answer.status, answer.json["error"]))


class Labels(unittest.TestCase):
    def test_labels_in_urls_and_specs(self):
        with tempfile.TemporaryDirectory() as scratch:
            config = os.path.join(scratch, "models.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"model_config_list {{ config {{ name: 'm' base_path: '{MODELS}/half_plus_two_tf1' model_platform: 'tensorflow' "
                           "version_labels { key: 'st able' value: 1 } } }")
            with support.Server("--allow_version_labels_for_unavailable_models", rest=True, model_config_file=config) as server:
                url = "/v1/models/m/labels/st%20able"
                self.assertEqual([2.5], rest(server, "POST", url + ":predict", {"instances": [1]}).json["predictions"])
                body = {"signature_name": "regress", "examples": [{"x": 1.0}]}
                self.assertEqual([2.5], rest(server, "POST", url + ":regress", body).json["results"])
                self.assertEqual("1", rest(server, "GET", url + "/metadata").json["model_spec"]["version"])
                self.assertEqual("AVAILABLE", rest(server, "GET", "/v1/models/m/labels/none").json["model_version_status"][0]["state"])
                answer = predict(server, predict_request("m", label="st able", x=[1]))
                self.assertEqual((1, ""), (answer.model_spec.version.value, answer.model_spec.version_label))


if __name__ == "__main__":
    unittest.main()
