# SPDX-License-Identifier: Apache-2.0
"""Who may ask what: tokens, a door of its own for administration, places that are taken; sockets and addresses."""
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import grpc

import support
from clients import MODELS, PREDICT, STATUS, predict, predict_request, rest
from model_text import meta_graph, node, signature, write_version

RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
HEALTH = "/grpc.health.v1.Health/Check"
HALF = os.path.join(MODELS, "half_plus_two_tf2")
URL = "/v1/models/half:predict"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def metadata(token):
    return None if token is None else [("authorization", f"Bearer {token}")]


def reload_request():
    request = support.pb("model_management").ReloadConfigRequest()
    config = request.config.model_config_list.config.add()
    config.name, config.base_path, config.model_platform = "half", HALF, "tensorflow"
    return request.SerializeToString()


def code_of(answer):
    return answer[0] if isinstance(answer, tuple) else "OK"


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        """By a rename, as secrets should be exchanged."""
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return path

    def start(self, *flags, **named):
        server = support.Server(*flags, **{"rest": True, "model_name": "half", "model_base_path": HALF, **named})
        self.addCleanup(server.close)
        return server


class Tokens(Folder):
    def predict_code(self, server, token):
        return code_of(predict(server, predict_request("half", x=[1]), metadata=metadata(token)))

    def reload_code(self, server, token):
        return code_of(server.call_bytes(RELOAD, reload_request(), metadata=metadata(token)))

    def rest_status(self, server, token):
        return rest(server, "POST", URL, {"instances": [1]}, {} if token is None else bearer(token)).status

    def test_two_kinds(self):
        server = self.start(inference_token_file=self.write("users", "# a comment\nu1\n\n  u2  \n"), admin_token_file=self.write("admins", "a1=="))
        for token, inference, status, administration in (
                (None, "UNAUTHENTICATED", 401, "UNAUTHENTICATED"), ("u1", "OK", 200, "PERMISSION_DENIED"),
                ("u2", "OK", 200, "PERMISSION_DENIED"), ("a1==", "OK", 200, "OK"), ("a1", "UNAUTHENTICATED", 401, "UNAUTHENTICATED"),
                ("U1", "UNAUTHENTICATED", 401, "UNAUTHENTICATED")):
            self.assertEqual(inference, self.predict_code(server, token), token)
            self.assertEqual(status, self.rest_status(server, token), token)
            self.assertEqual(administration, self.reload_code(server, token), token)
        answer = rest(server, "POST", URL, {"instances": [1]})
        self.assertEqual("Bearer", answer.headers["www-authenticate"])
        self.assertEqual({"error": "A token is expected: Authorization: Bearer TOKEN"}, answer.json)
        self.assertEqual(401, rest(server, "GET", "/v1/models").status)
        self.assertEqual(200, rest(server, "GET", "/v1/models", headers={"Authorization": "bearer  u1"}).status)
        self.assertEqual(401, rest(server, "GET", "/v1/models", headers={"Authorization": "Basic u1"}).status)
        self.assertEqual("UNAUTHENTICATED", code_of(server.call_bytes(STATUS, b"")))

    def test_tensorctl_brings_one(self):
        token = self.write("users", "u1\n")
        server = self.start(inference_token_file=token)

        def ask(*options):
            return subprocess.run([support.program("tensorctl"), "predict", f"localhost:{server.port}/half", "--input", "x=[1, 2]", *options],
                                  capture_output=True, timeout=60, text=True)

        self.assertIn("UNAUTHENTICATED", ask().stderr)
        self.assertIn("2.5", ask("--token-file", token).stdout)
        self.assertEqual(0, ask("--timeout", "0.5", "--token-file", token).returncode)
        for wrong in (["--token-file"], ["--token-file", token + ".missing"], ["--timeout", "0"], ["--timeout", "1s"]):
            self.assertEqual(2, ask(*wrong).returncode, wrong)

    def test_health_is_open(self):
        server = self.start(inference_token_file=self.write("users", "u"))
        for path in ("/livez", "/readyz", "/startupz"):
            self.assertEqual(200, rest(server, "GET", path).status)
        self.assertEqual(b"\x08\x01", server.call_bytes(HEALTH, b""))

    def test_one_kind(self):
        server = self.start(admin_token_file=self.write("admins", "a"))
        self.assertEqual("OK", self.predict_code(server, None))
        self.assertEqual("OK", self.predict_code(server, "whatever"))
        self.assertEqual("UNAUTHENTICATED", self.reload_code(server, None))
        server = self.start(inference_token_file=self.write("users", "u"))
        self.assertEqual("UNAUTHENTICATED", self.reload_code(server, None))
        self.assertEqual("OK", self.reload_code(server, "u"))

    def test_scripts_may_bring_one(self):
        server = self.start("--rest_api_enable_cors_support", inference_token_file=self.write("users", "u"))
        answer = rest(server, "OPTIONS", URL, headers={"Origin": "http://elsewhere"})
        self.assertEqual(200, answer.status)
        self.assertEqual("Content-Type, Authorization", answer.headers["access-control-allow-headers"])

    def test_they_are_exchanged(self):
        path = self.write("users", "old")
        server = self.start(inference_token_file=path)
        self.write("users", "new\nnewer")
        server.await_log("New tokens are in force: 2 for inference, 0 for administration")
        self.assertEqual(["UNAUTHENTICATED", "OK"], [self.predict_code(server, t) for t in ("old", "new")])
        self.write("users", "no token at all")
        server.await_log("The old tokens stay: INVALID_ARGUMENT: .*users: line 1: a token of letters")
        self.assertEqual("OK", self.predict_code(server, "newer"))
        os.remove(path)
        server.process.send_signal(signal.SIGHUP)
        server.await_log("The old tokens stay: NOT_FOUND")
        self.assertEqual("OK", self.predict_code(server, "newer"))

    def test_bad_files_end_the_start(self):
        for text, expected in (("", "there is no token"), ("a b", "line 1: a token of letters"), ("# x\n=", "line 2: a token")):
            with self.assertRaises(support.ServerError) as raised:
                self.start(inference_token_file=self.write("users", text))
            self.assertIn(expected, str(raised.exception))

    def test_a_large_body_is_not_read(self):
        server = self.start(inference_token_file=self.write("users", "u"))
        with socket.create_connection(("localhost", server.rest_port), 30) as connection:
            connection.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n[" % URL.encode())
            self.assertIn(b"HTTP/1.1 401 Unauthorized\r\n", connection.recv(4096))


class Doors(Folder):
    def test_administration_apart(self):
        port, rest_port, path = support.free_port(), support.free_port(), os.path.join(self.folder, "admin")
        server = self.start(admin_port=port, admin_rest_api_port=rest_port, admin_socket_path=path)
        self.assertEqual(("PERMISSION_DENIED", "Administration has a port or socket of its own here"), server.call_bytes(RELOAD, reload_request()))
        self.assertEqual("OK", code_of(predict(server, predict_request("half", x=[1]))))
        for target in (f"127.0.0.1:{port}", "unix:" + path):
            with grpc.insecure_channel(target) as channel:
                channel.unary_unary(RELOAD)(reload_request(), timeout=60)
                channel.unary_unary(PREDICT)(predict_request("half", x=[1]).SerializeToString(), timeout=60)
        connection = http.client.HTTPConnection("127.0.0.1", rest_port, timeout=60)
        connection.request("GET", "/v1/models")
        self.assertEqual(200, connection.getresponse().status)
        connection.close()
        # Not for those on other machines, unless that is asked for.
        self.assertIn(f"Administration over gRPC at 127.0.0.1:{port} ...", "\n".join(server.log))

    def test_sockets_and_their_mode(self):
        path = os.path.join(self.folder, "rest")
        server = self.start(rest_api_socket_path=path, grpc_socket_path=path + ".grpc", socket_mode="0620")
        for name in (path, path + ".grpc"):
            self.assertEqual(0o620, stat.S_IMODE(os.stat(name).st_mode))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"GET /v1/models/half HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b'"state": "AVAILABLE"', b"".join(iter(lambda: connection.recv(65536), b"")))
        server.close()
        self.assertEqual([], os.listdir(self.folder))

    def test_addresses_with_ports(self):
        command = {"grpc_bind": "[::1]:0", "rest_bind": "127.0.0.1:0", "model_name": "half", "model_base_path": HALF}
        server = support.Server(*[f"--{k}={v}" for k, v in command.items()], wait=False)
        self.addCleanup(server.close)
        port = re.search(r"gRPC ModelServer at ::1:(\d+) ", server.await_log("Running gRPC ModelServer")).group(1)
        rest_port = re.search(r":localhost:(\d+) ", server.await_log("Exporting")).group(1)
        with grpc.insecure_channel(f"[::1]:{port}") as channel:
            channel.unary_unary(PREDICT)(predict_request("half", x=[1]).SerializeToString(), timeout=60)
        with socket.create_connection(("127.0.0.1", int(rest_port)), 30) as connection:
            connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(4096))

    def test_what_is_no_address(self):
        for flag in ("--grpc_bind=127.0.0.1:x", "--grpc_bind=127.0.0.1:70000", "--grpc_bind=[::1", "--grpc_bind=nowhere", "--socket_mode=0999"):
            with self.assertRaises(support.ServerError):
                self.start(flag, rest=False)


def forever():
    """A model whose run ends with its deadline."""
    scalar, kinds = "tensor { dtype: DT_FLOAT tensor_shape {} float_val: 1 }", "list { type: DT_FLOAT }"
    yes = "tensor { dtype: DT_BOOL tensor_shape {} bool_val: true }"
    functions = ("function { signature { name: 'always' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: DT_BOOL } }\n"
                 + node("yes", "Const", [], ("dtype", "type: DT_BOOL"), ("value", yes)).replace("node {", "node_def {")
                 + "ret { key: 'y' value: 'yes:output:0' } }\n"
                 "function { signature { name: 'next' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: DT_FLOAT } }\n"
                 + node("one", "Const", [], ("dtype", "type: DT_FLOAT"), ("value", scalar)).replace("node {", "node_def {")
                 + node("sum", "AddV2", ["x", "one:output:0"], ("T", "type: DT_FLOAT")).replace("node {", "node_def {")
                 + "ret { key: 'y' value: 'sum:z:0' } }\n")
    graph = node("x", "Placeholder", [], ("dtype", "type: DT_FLOAT"))
    graph += node("y", "StatelessWhile", ["x"], ("T", kinds), ("cond", "func { name: 'always' }"), ("body", "func { name: 'next' }"))
    return meta_graph(graph, signature("serving_default", [("x", "x", 1)], [("y", "y", 1)]), functions)


class Places(Folder):
    def test_requests_at_a_time(self):
        write_version(os.path.join(self.folder, "1"), forever())
        server = self.start("--max_requests_in_flight=2", model_base_path=self.folder)
        call = server.channel.unary_unary(PREDICT)
        request = predict_request("half", x=1).SerializeToString()
        held = [call.future(request, timeout=300) for _ in range(2)]
        in_a_row = 0
        while in_a_row < 2:  # a probe that finds a place may be in it for a moment longer, and keep another one away
            in_a_row = in_a_row + 1 if rest(server, "POST", URL, "").status == 429 else 0
            held = [call.future(request, timeout=300) if one.done() else one for one in held]
        with self.assertRaises(grpc.RpcError) as raised:
            call(request, timeout=60)
        full = raised.exception
        self.assertEqual(grpc.StatusCode.RESOURCE_EXHAUSTED, full.code())
        self.assertEqual("The server has as many requests as it may: 2 (--max_requests_in_flight)", full.details())
        told = dict(full.trailing_metadata())
        self.assertEqual("1000", told["grpc-retry-pushback-ms"])
        status = support.pb("status", "google.rpc").Status.FromString(told["grpc-status-details-bin"])
        retry = support.pb("error_details", "google.rpc").RetryInfo()
        self.assertTrue(status.details[0].Unpack(retry))
        self.assertEqual((8, full.details(), 1), (status.code, status.message, retry.retry_delay.seconds))
        answer = rest(server, "POST", URL, json.dumps({"inputs": 1}))
        self.assertEqual((429, "1"), (answer.status, answer.headers["retry-after"]))
        # Looking on takes no place.
        self.assertEqual(200, rest(server, "GET", "/v1/models/half").status)
        self.assertEqual(200, rest(server, "GET", "/readyz").status)
        self.assertEqual(b"\x08\x01", server.call_bytes(HEALTH, b""))
        for one in held:
            one.cancel()
        while rest(server, "POST", URL, "").status == 429:  # until their places are free
            pass

    def test_connections(self):
        server = self.start("--max_connections=3")
        some = [socket.create_connection(("localhost", server.rest_port), 30) for _ in range(5)]
        closed = set()
        while len(closed) < 2:
            for connection in select.select(some, [], [], 30)[0]:
                self.assertEqual(b"", connection.recv(1))
                closed.add(connection)
                some.remove(connection)
        for connection in some:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(4096))
        for connection in [*some, *closed]:
            connection.close()

    def test_a_text_that_is_cut_is_whole_in_the_details(self):
        server = self.start()
        name = "n" * 2000
        code = server.channel.unary_unary(PREDICT)
        with self.assertRaises(grpc.RpcError) as raised:
            code(predict_request(name, x=[1]).SerializeToString(), timeout=60)
        error = raised.exception
        self.assertTrue(error.details().endswith("...TRUNCATED"))
        status = support.pb("status", "google.rpc").Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        self.assertEqual(f"Servable not found for request: Latest({name})", status.message)


if __name__ == "__main__":
    unittest.main()
