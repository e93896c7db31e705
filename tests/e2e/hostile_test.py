# SPDX-License-Identifier: Apache-2.0
"""Clients that mean harm: the server answers or hangs up, goes on serving, and gives back what they took."""
import os
import random
import socket
import unittest

import support
from clients import MODELS, predict, predict_request, rest

RSS_GROWTH_MAX_KB = 64 * 1024
SEED = 20261125


def usage(server):
    """(open descriptors, resident KiB)"""
    pid = server.process.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return len(os.listdir(f"/proc/{pid}/fd")), rss


def throw(port, data):
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass


class Hostile(unittest.TestCase):
    def setUp(self):
        self.server = support.Server(rest=True, model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"))
        self.random = random.Random(SEED)
        self.check_alive()
        self.before = usage(self.server)

    def tearDown(self):
        self.check_alive()
        self.server.channel.close()
        # Connections go when the loops get to it: the next answers say that they did.
        for _ in range(100):
            rest(self.server, "GET", "/v1/models/m")
            descriptors, rss = usage(self.server)
            if descriptors <= self.before[0]:
                break
        self.assertLessEqual(descriptors, self.before[0])
        if "san-" not in support.BUILD:
            self.assertLess(rss - self.before[1], RSS_GROWTH_MAX_KB)
        self.server.close()

    def check_alive(self):
        self.assertEqual([2.5], list(predict(self.server, predict_request("m", x=[1])).outputs["y"].float_val))
        self.assertEqual([2.5], rest(self.server, "POST", "/v1/models/m:predict", {"instances": [1]}).json["predictions"])

    def test_random_bytes(self):
        for port in (self.server.port, self.server.rest_port):
            for size in (1, 10, 100, 1000, 100_000):
                for _ in range(10):
                    throw(port, self.random.randbytes(size))
                    throw(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.random.randbytes(size))
                    throw(port, b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n" + self.random.randbytes(size))

    def test_deep_json(self):
        for depth in (1000, 10_000, 500_000):
            for text in ("[" * depth, "[" * depth + "]" * depth, '{"instances": ' + "[" * depth + "1" + "]" * depth + "}",
                         '{"inputs": ' + '{"x":' * depth + "1" + "}" * depth + "}", '{"signature_name": ' + "[" * depth + "}"):
                answer = rest(self.server, "POST", "/v1/models/m:predict", text)
                self.assertEqual(400, answer.status)
                self.assertTrue(answer.json["error"])

    def test_flipped_bits(self):
        good = predict_request("m", version=1, signature="serving_default", outputs=["y"], x=[1, 2, 5]).SerializeToString()
        codes = set()
        for _ in range(1500):
            bad = bytearray(good)
            for _ in range(self.random.randint(1, 4)):
                bad[self.random.randrange(len(bad))] ^= 1 << self.random.randrange(8)
            answer = predict(self.server, bytes(bad[:self.random.randint(len(bad) // 2, len(bad))]))
            codes.add(answer[0] if isinstance(answer, tuple) else "OK")
        self.assertIn("INVALID_ARGUMENT", codes)
        self.assertFalse(codes & {"UNAVAILABLE", "INTERNAL", "UNKNOWN"}, codes)

    def test_claims_that_are_too_large(self):
        for dims in ([1 << 62], [1 << 40, 1 << 40], [-1], [1 << 31], [0, -5]):
            request = predict_request("m", x=[1])
            del request.inputs["x"].tensor_shape.dim[:]
            request.inputs["x"].tensor_content = b""
            for size in dims:
                request.inputs["x"].tensor_shape.dim.add().size = size
            answer = predict(self.server, request)
            self.assertIsInstance(answer, tuple, dims)
            self.assertIn(answer[0], ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"), dims)

    def test_json_of_odd_shapes(self):
        pieces = ['{', '}', '[', ']', '"instances"', '"inputs"', '"x"', '"b64"', ':', ',', '1', '-0.5e3', '1e999', '"a"', 'null', 'true',
                  'NaN', '-Infinity', '"\\u0000"', '"\\ud800"']
        for _ in range(1500):
            text = "".join(self.random.choice(pieces) for _ in range(self.random.randint(1, 12)))
            if self.random.random() < 0.5:
                text = '{"instances": [' + text + "]}"
            answer = rest(self.server, "POST", "/v1/models/m:predict", text)
            self.assertIn(answer.status, (200, 400), text)


if __name__ == "__main__":
    unittest.main()
