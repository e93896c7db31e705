# SPDX-License-Identifier: Apache-2.0
"""The REST API: URLs, answers to the byte, headers, and every refusal that one model can raise, word for word."""
import gzip
import json
import os
import subprocess
import unittest

import numpy as np

import support
from clients import MODELS, rest

PREDICT = "/v1/models/half:predict"


def error_body(message):
    return ('{\n    "error": ' + json.dumps(message, ensure_ascii=False) + "\n}").encode()


class HalfPlusTwo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(rest=True, model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def refused(self, status, message, method, path, body=None, headers=None):
        answer = rest(self.server, method, path, body, headers)
        if "detail" not in answer.json:
            self.assertEqual(error_body(message), answer.body)
        self.assertEqual((status, message), (answer.status, answer.json["error"]), f"{method} {path} {body!r:.80}")
        self.assertEqual("application/json", answer.headers["content-type"])

    def test_rows(self):
        for _ in range(40):
            answer = rest(self.server, "POST", PREDICT, '{"instances": [1.0, 2.0, 5.0]}')
            self.assertEqual((200, b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'), (answer.status, answer.body))
        self.assertEqual("application/json", answer.headers["content-type"])
        self.assertNotIn("access-control-allow-origin", answer.headers)
        for body in ('{"instances": [{"x": 1}, {"x": 2}]}', '{"signature_name": "serving_default", "instances": [1, 2]} trailing',
                     '\ufeff{"instances": [1, 2], "instances": [9], "what": {}}'.encode()):
            self.assertEqual([2.5, 3.0], rest(self.server, "POST", PREDICT, body).json["predictions"])

    def test_columns(self):
        answer = rest(self.server, "POST", PREDICT, {"inputs": [1, 2]})
        self.assertEqual(b'{\n    "outputs": [\n        2.5,\n        3.0\n    ]\n}', answer.body)
        self.assertEqual({"outputs": [2.5]}, rest(self.server, "POST", PREDICT, {"inputs": {"x": [1]}}).json)

    def test_urls_with_versions(self):
        self.assertEqual(200, rest(self.server, "POST", "/v1/models/half/versions/1:predict", {"instances": [1]}).status)
        self.assertEqual(200, rest(self.server, "POST", "/V1/MODELS/half/versions/001:predict", {"instances": [1]}).status)
        self.assertEqual(200, rest(self.server, "POST", "/v1/models/h%61lf:predict", {"instances": [1]}).status)
        self.refused(404, "Servable not found for request: Specific(half, 2)", "POST", "/v1/models/half/versions/2:predict",
                     {"instances": [1]})
        self.refused(404, "Servable not found for request: Latest(half?x=1)", "POST", "/v1/models/half?x=1:predict",
                     {"instances": [1]})
        self.refused(400, "Unrecognized servable version label: stable", "POST", "/v1/models/half/labels/stable:predict",
                     {"instances": [1]})

    def test_malformed_requests(self):
        for method, path in (("POST", "/v1/models/half:PREDICT"), ("POST", PREDICT + "?x=1"), ("POST", "/v1/models/half"),
                             ("PUT", PREDICT), ("DELETE", "/v1/models/half"), ("GET", "/v1/models/half/"), ("GET", PREDICT),
                             ("POST", "/v1/models/half/versions/1/labels/x:predict"), ("PATCH", "/v1/"), ("GET", "/v1/x")):
            self.refused(400, f"Malformed request: {method} {path}", method, path, "{}")
        for method, path in (("GET", "/v1/models/half/versions/99999999999999999999"), ("GET", "/v1/models/half%zz"),
                             ("POST", "/v1/models/half/versions/9223372036854775808:predict")):
            answer = rest(self.server, method, path, "{}")
            self.assertEqual((400, b"", "application/json"), (answer.status, answer.body, answer.headers["content-type"]))
        answer = rest(self.server, "GET", "/somewhere")
        self.assertEqual((404, "text/html"), (answer.status, answer.headers["content-type"]))

    def test_json_errors(self):
        for body, message in (
                (b"", "JSON Parse error: The document is empty"),
                (b"{", "JSON Parse error: Missing a name for object member. at offset: 1"),
                (b'{"instances": [1, 2}', "JSON Parse error: Missing a comma or ']' after an array element. at offset: 19"),
                (b"nope", "JSON Parse error: Invalid value. at offset: 1"),
                (b"[1, 2]", "JSON Value: [1, 2] Is not object"),
                (b"7", "JSON Value: 7 Is not object"),
                (b'{"signature_name": 5}', "JSON Value: {\n    \"signature_name\": 5\n} not formatted correctly. 'signature_name' key must be a string value."),
                (b'{"signature_name": "no", "instances": [1]}', 'Serving signature name: "no" not found in signature def'),
                (b"{}", "Missing 'inputs' or 'instances' key"),
                (b'{"instances": 1}', "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"),
                (b'{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
                (b'{"instances": ["a"]}', 'Failed to process element: 0 of \'instances\' list. Error: INVALID_ARGUMENT: JSON Value: '
                 '"a" Type: String is not of expected type: float'),
                (b'{"instances": [{"y": 1}]}', "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: "
                 "JSON object: does not have named input: y"),
                (b'{"instances": [{}]}', "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x"),
                (b'{"instances": [{"x": 1}, 2]}', "Expecting object but got list at item 1 of input list"),
                (b'{"instances": [1, {"x": 2}]}', "Expecting value/list but got object at item 1 of input list"),
                (b'{"inputs": {"y": [1]}}', "Missing named input: x in 'inputs' object.")):
            self.refused(400, message, "POST", PREDICT, body)

    def test_the_order_of_checks(self):
        # What can not be parsed is told before the model is looked for; all else after.
        self.refused(400, "JSON Parse error: The document is empty", "POST", "/v1/models/nope:predict", b"")
        self.refused(404, "Servable not found for request: Latest(nope)", "POST", "/v1/models/nope:predict", b"{}")
        self.refused(404, "Servable not found for request: Latest(nope)", "POST", "/v1/models/nope:predict", b'{"instances": 1}')

    def test_status(self):
        body = (b'{\n "model_version_status": [\n  {\n   "version": "1",\n   "state": "AVAILABLE",\n   "status": {\n'
                b'    "error_code": "OK",\n    "error_message": ""\n   }\n  }\n ]\n}\n')
        for path in ("/v1/models/half", "/v1/models/half/versions/1", "/v1/models/half/labels/any", "/v1/models/half/METADATA"):
            answer = rest(self.server, "GET", path)
            self.assertEqual((200, body, "application/json"), (answer.status, answer.body, answer.headers["content-type"]), path)
        self.refused(404, "Could not find any versions of model nope", "GET", "/v1/models/nope")
        self.refused(404, "Could not find any versions of model half?x", "GET", "/v1/models/half?x")
        self.refused(404, "Could not find version 3 of model half", "GET", "/v1/models/half/versions/3")

    def test_metadata(self):
        shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
        for path in ("/v1/models/half/metadata", "/v1/models/half/versions/1/metadata"):
            answer = rest(self.server, "GET", path)
            self.assertEqual((200, "application/json"), (answer.status, answer.headers["content-type"]))
            self.assertEqual({"name": "half", "signature_name": "", "version": "1"}, answer.json["model_spec"])
            self.assertEqual({
                "inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "serving_default_x:0"}},
                "outputs": {"y": {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "StatefulPartitionedCall:0"}},
                "method_name": "tensorflow/serving/predict", "defaults": {}},
                answer.json["metadata"]["signature_def"]["signature_def"]["serving_default"])
        self.refused(404, "Servable not found for request: Latest(nope)", "GET", "/v1/models/nope/metadata")
        self.refused(400, "Unrecognized servable version label: x", "GET", "/v1/models/half/labels/x/metadata")
        self.refused(400, "Missing model name in request.", "GET", "/v1/models/versions/1/metadata")

    def test_preflight(self):
        for origin, status in (("http://a", 200), ("https://b:1", 200), ("null", 400), (None, 400)):
            answer = rest(self.server, "OPTIONS", PREDICT, headers={"Origin": origin} if origin else {})
            self.assertEqual((status, b""), (answer.status, answer.body))
            self.assertNotIn("content-type", answer.headers)

    def test_compressed_requests(self):
        body = json.dumps({"instances": [1.0] * 5000}).encode()
        answer = rest(self.server, "POST", PREDICT, gzip.compress(body), {"Content-Encoding": "gzip"})
        self.assertEqual([2.5] * 5000, answer.json["predictions"])
        self.assertNotIn("content-encoding", answer.headers)
        members = gzip.compress(body[:100]) + gzip.compress(body[100:])
        self.assertEqual([2.5] * 5000, rest(self.server, "POST", PREDICT, members, {"Content-Encoding": "identity, gzip"}).json["predictions"])
        for spoiled in (gzip.compress(body)[:50], gzip.compress(body)[:-1], gzip.compress(body) + b"more", body, b""):
            self.refused(400, "JSON Parse error: The document is empty", "POST", PREDICT, spoiled, {"Content-Encoding": "gzip"})

    def test_types_that_mean_nothing(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "x"):
            self.assertEqual([2.5], rest(self.server, "POST", PREDICT, {"instances": [1]}, {"Content-Type": kind}).json["predictions"])

    def test_long_messages_are_whole(self):
        name = "n" * 3000
        self.refused(404, f"Servable not found for request: Latest({name})", "POST", f"/v1/models/{name}:predict", {"instances": [1]})

    def test_large_bodies(self):
        values = list(range(200_000))
        answer = rest(self.server, "POST", PREDICT, {"instances": values})
        self.assertTrue(np.array_equal(np.float32(answer.json["predictions"]), np.float32(values) * np.float32(0.5) + 2))

    def test_curl(self):
        done = subprocess.run(["curl", "-sS", "-d", '{"instances": [1.0, 2.0, 5.0]}', f"http://localhost:{self.server.rest_port}{PREDICT}"],
                              capture_output=True, check=True)
        self.assertEqual({"predictions": [2.5, 3.0, 4.5]}, json.loads(done.stdout))
        # One connection, two requests; a body that is announced first.
        url = f"http://127.0.0.1:{self.server.rest_port}/v1/models/half"
        done = subprocess.run(["curl", "-sS", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null", "-o", "/dev/null", url, url],
                              capture_output=True, check=True)
        self.assertEqual(b"200 1\n200 0\n", done.stdout)
        done = subprocess.run(["curl", "-sS", "-H", "Expect: 100-continue", "--data-binary", "@-", url + ":predict"],
                              input=json.dumps({"instances": [0] * 100000}).encode(), capture_output=True, check=True)
        self.assertEqual(100000, len(json.loads(done.stdout)["predictions"]))


class OtherModels(unittest.TestCase):
    def test_several_outputs(self):
        with support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "digits")) as server:
            images = np.zeros((2, 8, 8, 1)).tolist()
            rows = rest(server, "POST", "/v1/models/m:predict", {"instances": images}).json["predictions"]
            self.assertEqual([{"digit", "scores"}] * 2, [set(row) for row in rows])
            columns = rest(server, "POST", "/v1/models/m:predict", {"inputs": {"image": images}}).json["outputs"]
            self.assertEqual([row["scores"] for row in rows], columns["scores"])
            answer = rest(server, "POST", "/v1/models/m:predict", {"instances": [1, 2]})
            self.assertEqual(400, answer.status)
            self.assertTrue(answer.json["error"])

    def test_a_run_that_takes_too_long(self):
        with support.Server("--rest_api_timeout_in_ms=1", rest=True, model_name="m",
                            model_base_path=os.path.join(MODELS, "digits")) as server:
            # Reading so much takes longer than a millisecond already.
            answer = rest(server, "POST", "/v1/models/m:predict", {"instances": np.zeros((20_000, 8, 8, 1)).tolist()})
            self.assertEqual((504, error_body("Timed out waiting for notification")), (answer.status, answer.body))

    def test_strings(self):
        with support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "wine")) as server:
            rows = rest(server, "POST", "/v1/models/m:predict", {"instances": np.ones((2, 13)).tolist()}).json["predictions"]
            self.assertEqual([str, str], [type(row["kind"]) for row in rows])

    def test_cors(self):
        with support.Server("--rest_api_enable_cors_support", rest=True, model_name="half",
                            model_base_path=os.path.join(MODELS, "half_plus_two_tf2")) as server:
            for answer in (rest(server, "GET", "/v1/models/half"), rest(server, "POST", PREDICT, "x"),
                           rest(server, "OPTIONS", PREDICT, headers={"Origin": "http://a"})):
                self.assertEqual(("*", "POST, GET", "Content-Type"), tuple(answer.headers["access-control-allow-" + name]
                                                                           for name in ("origin", "methods", "headers")))


if __name__ == "__main__":
    unittest.main()
