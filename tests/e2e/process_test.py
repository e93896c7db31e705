# SPDX-License-Identifier: Apache-2.0
"""The process: flags, listeners, and how it ends."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import grpc
import numpy as np

import support
from clients import MODELS, PREDICT, Base, predict, predict_request, rest

HALF = os.path.join(MODELS, "half_plus_two_tf2")


def run(*arguments):
    return subprocess.run([support.program("tensord"), *arguments], capture_output=True, text=True, timeout=30)


def has_ipv6():
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
            return True
        except OSError:
            return False


class Flags(unittest.TestCase):
    def test_help_and_version(self):
        done = run("--help")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("--model_base_path", done.stdout)
        done = run("--version")
        self.assertEqual(0, done.returncode)
        self.assertRegex(done.stdout, r"\ATensorFlow ModelServer: .+\nTensorFlow Library: .+\n\Z")

    def test_values_that_are_none(self):
        done = run("--port=many", "--model_base_path=/x")
        self.assertEqual(255, done.returncode)
        self.assertIn("--port: a 32 bit integer is expected, not 'many'", done.stdout)
        self.assertIn("usage:", done.stdout)

    def test_what_can_not_start(self):
        for arguments, error in (
                ((), "INVALID_ARGUMENT: Both server_options.model_base_path and server_options.model_config_file are empty!"),
                (("--port=0", "--model_base_path=/x"), "INVALID_ARGUMENT: At least one of server_options.grpc_port or "
                 "server_options.grpc_socket_path must be set."),
                (("--batching_parameters_file=/b", "--model_base_path=/x"), "INVALID_ARGUMENT: server_options.batching_parameters_file "
                 "is set without setting server_options.enable_batching to true.")):
            done = run(*arguments)
            self.assertEqual((255, f"Failed to start server. Error: {error}\n"), (done.returncode, done.stdout))

    def test_thread_pool_factories(self):
        """The original reads the file, too, and finds no factory."""
        known = "type.googleapis.com/tensorflow.serving.ModelWarmupOptions"
        any_of = "thread_pool_factory_config { type_url: '%s' value: '%s' }"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pools.pbtxt")
            for text, error in (
                    ("thread_pool_factory_config { [%s] { model_name: 'm' } }" % known, "Couldn't find factory for config proto message "
                     "type tensorflow.serving.ModelWarmupOptions\nconfig=model_name: \"m\"\n"),
                    (any_of % (known, r"\377"), "Malformed content of Any: type_url: \"%s\"\nvalue: \"\\377\"\n" % known),
                    (any_of % ("type.googleapis.com/other.Factory", ""), "Unable to find compiled-in proto descriptor of type other.Factory"),
                    (any_of % ("other.Factory", ""), "Supplied config's type_url could not be parsed: other.Factory"),
                    ("", "Supplied config's type_url could not be parsed: "),
                    ("thread_pool_factory_config { [type.googleapis.com/other.Factory] {} }", f"Invalid protobuf file: '{path}'"),
                    ("threads: 3", f"Invalid protobuf file: '{path}'")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = run(f"--thread_pool_factory_config_file={path}", f"--model_base_path={HALF}", "--port=0", "--grpc_socket_path=" + path)
                self.assertEqual((255, f"Failed to start server. Error: INVALID_ARGUMENT: {error}\n"), (done.returncode, done.stdout))
            done = run(f"--thread_pool_factory_config_file={folder}/none", f"--model_base_path={HALF}")
            self.assertEqual((255, "Failed to start server. Error: NOT_FOUND: "), (done.returncode, done.stdout[:42]))

    def test_an_unknown_flag_does_not_stop_it(self):
        with support.Server("--no_such_flag", "--rest_api_num_threads=4", model_name="m", model_base_path=HALF) as server:
            self.assertIn("unknown argument: --no_such_flag", server.log)
            server.await_log("--rest_api_num_threads is accepted, but has no effect")
            self.assertFalse(isinstance(predict(server, predict_request("m", x=[1])), tuple))

    def test_values_as_arguments_of_their_own(self):
        with support.Server("--model_name", "own", "--model_base_path", HALF) as server:
            server.await_log("Building single TensorFlow model file config:  model_name: own model_base_path: " + HALF)
            self.assertEqual("own", predict(server, predict_request("own", x=[1])).model_spec.name)

    def test_the_default_name(self):
        with support.Server(model_base_path=HALF) as server:
            self.assertEqual([2.5], list(predict(server, predict_request("default", x=[1])).outputs["y"].float_val))

    def test_threads_that_load(self):
        with support.Server("--num_load_threads=1", "--num_unload_threads=1", model_name="m", model_base_path=HALF) as server:
            self.assertEqual([2.5], list(predict(server, predict_request("m", x=[1])).outputs["y"].float_val))

    def test_flags_without_an_effect(self):
        """What stock command lines may have, with values that its server takes: said once each, and the answers stay the same."""
        flags = ("--rest_api_num_threads=1", "--flush_filesystem_caches=false", "--tensorflow_intra_op_parallelism=1",
                 "--tensorflow_inter_op_parallelism=1", "--tensorflow_session_config_file=/nowhere", "--per_process_gpu_memory_fraction=0.5",
                 "--grpc_max_threads=1", "--remove_unused_fields_from_bundle_metagraph=false", "--xla_cpu_compilation_enabled",
                 "--xla_gpu_compilation_enabled=true", "--mixed_precision=bfloat16", "--skip_initialize_tpu=true",
                 "--enable_grpc_healthcheck_service=true")
        with support.Server(*flags, "--tensorflow_session_parallelism=2", "--tensorflow_intra_op_parallelism=0", rest=True, model_name="m",
                            model_base_path=HALF) as server:
            for flag in (*flags, "--tensorflow_session_parallelism"):
                server.await_log(flag.split("=")[0] + " is accepted, but has no effect here")
            self.assertEqual([2.5], list(predict(server, predict_request("m", x=[1])).outputs["y"].float_val))
            self.assertEqual([2.5], rest(server, "POST", "/v1/models/m:predict", {"instances": [1]}).json["predictions"])

    def test_tiny_runs_move_to_the_loops(self):
        with support.Server("--verbose", model_name="m", model_base_path=HALF) as server:
            for _ in range(100):
                predict(server, predict_request("m", x=[1]))
            server.await_log("signature serving_default: tiny, runs on the loops")


class Listeners(unittest.TestCase):
    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = run(f"--port={port}", f"--model_base_path={HALF}")
            self.assertEqual(255, done.returncode)
            self.assertEqual("Failed to start server. Error: INVALID_ARGUMENT: Failed to BuildAndStart gRPC server\n", done.stdout)
            self.assertIn(f"0.0.0.0:{port}", done.stderr)
            # Without REST it goes on.
            with support.Server(model_name="m", model_base_path=HALF, rest_api_port=port) as server:
                server.await_log(f"Failed to start HTTP Server at localhost:{port}")
                self.assertFalse(isinstance(predict(server, predict_request("m", x=[1])), tuple))

    def test_one_port_for_both(self):
        port = support.free_port()
        with support.Server(model_name="m", model_base_path=HALF, port=port, rest_api_port=port) as server:
            server.await_log("http_port cannot be same as grpc_port")
            self.assertFalse(isinstance(predict(server, predict_request("m", x=[1])), tuple))

    def test_what_a_container_runs(self):
        """Model and folder by the environment, arguments behind; the server gets the container's signals."""
        port, rest_port = support.free_port(), support.free_port()
        script = os.path.join(support.ROOT, "tools", "docker", "tf_serving_entrypoint.sh")
        env = {"PATH": support.BUILD + ":" + os.environ["PATH"], "MODEL_BASE_PATH": MODELS, "MODEL_NAME": "half_plus_two_tf2"}
        with support.Server(command=[script], rest=True, env=env, port=port, rest_api_port=rest_port) as server:
            answer = rest(server, "POST", "/v1/models/half_plus_two_tf2:predict", {"instances": [1.0, 2.0, 5.0]})
            self.assertEqual('{"predictions":[2.5,3.0,4.5]}', "".join(answer.body.decode().split()))

    @staticmethod
    def names_over(path):
        """The model that answers on the socket, by the texts for one that there is not."""
        with grpc.insecure_channel("unix:" + path) as channel:
            call = channel.unary_unary(PREDICT, request_serializer=None, response_deserializer=support.pb("predict").PredictResponse.FromString)
            names = []
            for name in ("m", "n"):
                try:
                    names.append(call(predict_request(name, x=[1]).SerializeToString(), timeout=30).model_spec.name)
                except grpc.RpcError as error:
                    assert error.code().name == "NOT_FOUND"
            return names

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s.sock")
            for _ in range(2):  # the second time a stale file may be in the way
                with support.Server(model_name="m", model_base_path=HALF, grpc_socket_path=path) as server:
                    server.await_log(f"Running gRPC ModelServer at UNIX socket {path} ...")
                    self.assertEqual(["m"], self.names_over(path))
                    # Another one takes the path; it has no port at all.
                    command = [support.program("tensord"), "--port=0", f"--grpc_socket_path={path}", "--model_name=n", f"--model_base_path={HALF}"]
                    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as other:
                        for line in other.stdout:
                            if "Running gRPC ModelServer" in line:
                                break
                        self.assertIn("UNIX socket", line)
                        self.assertEqual(["n"], self.names_over(path))
                        other.terminate()
                    self.assertFalse(isinstance(predict(server, predict_request("m", x=[1])), tuple))

    def test_addresses_of_the_ports(self):
        """gRPC is there for IPv4, REST for both, as far as the machine has IPv6."""
        with support.Server(rest=True, model_name="m", model_base_path=HALF) as server:
            server.await_log(f"Running gRPC ModelServer at 0.0.0.0:{server.port} ...")
            for port in (server.port, server.rest_port):
                socket.create_connection(("127.0.0.1", port), 30).close()
            if not has_ipv6():
                self.skipTest("no IPv6")
            socket.create_connection(("::1", server.rest_port), 30).close()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("::1", server.port), 30)


class End(unittest.TestCase):
    def begin_request(self, server):
        """A request of which the last byte is missing, and that byte."""
        body = json.dumps({"instances": [1.0, 2.0, 5.0]}).encode()
        connection = socket.create_connection(("localhost", server.rest_port), 30)
        connection.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body[:-1]))
        # The server has read it when it answers somebody who came later on the same loop; any loop does to be sure.
        for _ in range(8):
            rest(server, "GET", "/v1/models/m")
        return connection, body[-1:]

    def test_requests_in_flight_finish(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = support.Server(rest=True, model_name="m", model_base_path=HALF)
            connection, rest_of_it = self.begin_request(server)
            server.process.send_signal(number)
            server.await_log("no new connections, requests in flight finish")
            connection.sendall(rest_of_it)
            answer = b""
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            connection.close()
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
            self.assertTrue(answer.endswith(b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'), answer)
            self.assertEqual(0, server.process.wait(30))
            server.close()
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("localhost", server.rest_port), 5)

    def test_a_long_call_finishes(self):
        with support.Server("--verbose", model_name="m", model_base_path=os.path.join(MODELS, "digits")) as server:
            request = predict_request("m", image=np.ones((50_000, 8, 8, 1), np.float32)).SerializeToString()
            call = server.channel.unary_unary(PREDICT, request_serializer=None, response_deserializer=None)
            future = call.future(request, timeout=60)
            self.assertTrue(call(predict_request("m", image=np.ones((1, 8, 8, 1), np.float32)).SerializeToString(), timeout=60))
            server.process.send_signal(signal.SIGTERM)
            self.assertGreater(len(future.result(timeout=60)), 50_000 * 10 * 4)
            self.assertEqual(0, server.process.wait(30))

    def test_a_load_that_is_to_be_tried_again_is_not_waited_for(self):
        with Base() as base:
            base.add(1)
            with support.Server("--load_retry_interval_micros=600000000", model_name="m", model_base_path=base.path) as server:
                base.add(2, change=lambda folder: os.remove(os.path.join(folder, "saved_model.pb")))
                server.await_log(r"Loading servable version \{name: m version: 2\} failed, try 1 of 6")
                self.assertEqual(1, predict(server, predict_request("m", x=[1])).model_spec.version.value)
                server.close()

    def test_a_second_signal_ends_at_once(self):
        server = support.Server(rest=True, model_name="m", model_base_path=HALF)
        connection, _ = self.begin_request(server)
        server.process.send_signal(signal.SIGTERM)
        server.await_log("no new connections")
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, server.process.wait(30))
        connection.close()
        server.channel.close()
        server.reader.join()


if __name__ == "__main__":
    unittest.main()
