# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS on both ports, with clients of OpenSSL, BoringSSL (grpcio) and curl; certificates that change while connections are open."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import grpc
import numpy as np

import support
from clients import MODELS, PREDICT, predict_request

EXTENSIONS = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class Authority:
    """A root and what it signs, as PEM files in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.make("root", "/CN=tensord test root", root=True)
        self.make("server", "/CN=localhost")
        self.make("client", "/CN=a client")
        self.make("stranger", "/CN=somebody else", root=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def make(self, name, subject, root=False):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", subject,
                   "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem")]
        if not root:
            command += ["-CA", self.path("root.pem"), "-CAkey", self.path("root.key"), "-addext", EXTENSIONS]
        subprocess.run(command, check=True, capture_output=True)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.authority = Authority(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return self.authority.path(name)

    def start(self, *flags, **named):
        server = support.Server(*flags, rest=True, model_name="m", model_base_path=os.path.join(MODELS, "half_plus_two_tf2"), **named)
        self.addCleanup(server.close)
        return server

    def files(self, client_ca=None):
        flags = [f"--tls_cert_file={self.path('server.pem')}", f"--tls_key_file={self.path('server.key')}"]
        return flags + ([f"--tls_client_ca_file={self.path(client_ca)}"] if client_ca else [])

    def grpc_call(self, server, x=(1, 2, 5), client=None, **options):
        pair = (self.authority.read(client + ".key"), self.authority.read(client + ".pem")) if client else (None, None)
        credentials = grpc.ssl_channel_credentials(self.authority.read("root.pem"), *pair)
        with grpc.secure_channel(f"localhost:{server.port}", credentials, [("grpc.max_receive_message_length", -1)]) as channel:
            call = channel.unary_unary(PREDICT, request_serializer=None, response_deserializer=support.pb("predict").PredictResponse.FromString)
            answer = call(predict_request("m", x=np.array(x, np.float32)).SerializeToString(), timeout=20, **options)
            return list(answer.outputs["y"].float_val)

    def curl(self, server, *flags, body='{"instances": [1, 2, 5]}'):
        return subprocess.run(["curl", "-sS", "--cacert", self.path("root.pem"), *flags, "--data-binary", "@-",
                               f"https://localhost:{server.rest_port}/v1/models/m:predict"], input=body.encode(), capture_output=True, timeout=60)

    def client_context(self, client=None):
        context = ssl.create_default_context(cafile=self.path("root.pem"))
        if client:
            context.load_cert_chain(self.path(client + ".pem"), self.path(client + ".key"))
        return context

    def test_both_ports(self):
        server = self.start(*self.files())
        self.assertEqual([2.5, 3.0, 4.5], self.grpc_call(server))
        for version in ("--tlsv1.2", "--tlsv1.3"):
            done = self.curl(server, version, "--tls-max", version[-3:])
            self.assertIn(b'"predictions": [2.5, 3.0, 4.5', done.stdout, done.stderr)
        self.assertNotEqual(0, self.curl(server, "--tls-max", "1.1").returncode)
        # The other port's protocol is refused in the handshake.
        context = self.client_context()
        context.set_alpn_protocols(["h2"])
        with self.assertRaises(ssl.SSLError), socket.create_connection(("localhost", server.rest_port), 5) as raw:
            context.wrap_socket(raw, server_hostname="localhost").close()

    def test_large_messages(self):
        server = self.start(*self.files())
        values = np.arange(3_000_000, dtype=np.float32)
        self.assertEqual(3_000_000, len(self.grpc_call(server, x=values)))
        body = '{"instances": [' + ",".join(["1.5"] * 500_000) + "]}"
        self.assertEqual(500_000, self.curl(server, body=body).stdout.count(b"2.75"))

    def test_clients_that_must_show_a_certificate(self):
        server = self.start(*self.files(client_ca="root.pem"))
        self.assertEqual([2.5, 3.0, 4.5], self.grpc_call(server, client="client"))
        self.assertIn(b"2.5", self.curl(server, "--cert", self.path("client.pem"), "--key", self.path("client.key")).stdout)
        for client in (None, "stranger"):
            with self.assertRaises(grpc.RpcError) as failed:
                self.grpc_call(server, client=client)
            self.assertEqual(grpc.StatusCode.UNAVAILABLE, failed.exception.code())
        self.assertNotEqual(0, self.curl(server).returncode)

    def test_the_originals_file(self):
        flag = self.ssl_config(server_key="server.key", server_cert="server.pem", custom_ca="root.pem")
        with open(flag.partition("=")[2], "a", encoding="utf-8") as file:
            file.write("client_verify: true\n")
        server = self.start(flag)
        self.assertEqual([2.5, 3.0, 4.5], self.grpc_call(server, client="client"))
        for client in (None, "stranger"):
            with self.assertRaises(grpc.RpcError):
                self.grpc_call(server, client=client)
        plain = http.client.HTTPConnection("localhost", server.rest_port, timeout=20)
        plain.request("GET", "/v1/models/m")
        self.assertEqual(200, plain.getresponse().status)
        plain.close()

    def ssl_config(self, **more):
        def text(name):
            return "\n".join(f'"{line}\\n"' for line in self.authority.read(name).decode().splitlines())
        config = self.path("ssl.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("".join(f"{field}: {text(name)}\n" for field, name in more.items()))
        return f"--ssl_config_file={config}"

    def test_the_originals_file_without_clients(self):
        path = self.path("s.sock")
        server = self.start(self.ssl_config(server_key="server.key", server_cert="server.pem", custom_ca="root.pem"), f"--grpc_socket_path={path}")
        for client in (None, "client", "stranger"):  # nobody asks who it is
            self.assertEqual([2.5, 3.0, 4.5], self.grpc_call(server, client=client))
        credentials = grpc.ssl_channel_credentials(self.authority.read("root.pem"))
        request = predict_request("m", x=[1]).SerializeToString()
        with grpc.secure_channel(f"unix:{path}", credentials, [("grpc.ssl_target_name_override", "localhost")]) as channel:
            self.assertTrue(channel.unary_unary(PREDICT)(request, timeout=20))
        for target in (f"unix:{path}", f"localhost:{server.port}"):
            with grpc.insecure_channel(target) as channel, self.assertRaises(grpc.RpcError):
                channel.unary_unary(PREDICT)(request, timeout=20)

    def test_files_of_the_original_that_are_none(self):
        def write(text):
            with open(self.path("text.conf"), "w", encoding="utf-8") as file:
                file.write(text)
            return f"--ssl_config_file={file.name}"
        for flag, said in ((lambda: "--ssl_config_file=/nowhere", "NOT_FOUND: /nowhere: No such file"),
                           (lambda: write("no such field: 1"), "INVALID_ARGUMENT: Invalid protobuf file: '"),
                           (lambda: write(""), "TLS: no certificate and no key are given"),
                           (lambda: self.ssl_config(server_key="client.key", server_cert="server.pem"), "TLS: the private key can not be used")):
            with self.assertRaises(support.ServerError) as failed:
                self.start(flag())
            self.assertIn("Failed to start server. Error: ", str(failed.exception))
            self.assertIn(said, str(failed.exception))

    def shown(self, server):
        with socket.create_connection(("localhost", server.rest_port), 20) as raw:
            with self.client_context().wrap_socket(raw, server_hostname="localhost") as shaken:
                return shaken.getpeercert()["serialNumber"]

    def check_exchange(self, nudge):
        server = self.start(*self.files())
        before = self.shown(server)
        open_one = http.client.HTTPSConnection("localhost", server.rest_port, timeout=20, context=self.client_context())
        open_one.request("GET", "/v1/models/m")
        self.assertEqual(200, open_one.getresponse().read() and 200)
        self.authority.make("server", "/CN=localhost")
        nudge(server)
        server.await_log("TLS: new connections get the new certificate")
        self.assertNotEqual(before, self.shown(server))
        open_one.request("GET", "/v1/models/m")
        self.assertIn(b"AVAILABLE", open_one.getresponse().read())
        open_one.close()
        now = self.shown(server)
        with open(self.path("server.pem"), "w", encoding="utf-8") as file:
            file.write("no certificate")
        nudge(server)
        server.await_log("TLS: the old certificate stays: INVALID_ARGUMENT: TLS: the certificate can not be used")
        self.assertEqual(now, self.shown(server))
        self.authority.make("server", "/CN=localhost")

    def test_certificates_that_change(self):
        self.check_exchange(lambda server: None)
        self.check_exchange(lambda server: server.process.send_signal(signal.SIGHUP))

    def test_certificates_that_are_none(self):
        with open(self.path("empty"), "w", encoding="utf-8"):
            pass
        for cert, key, said in (("root.pem", "server.key", "TLS: the private key can not be used: key values mismatch"),
                                ("server.key", "server.key", "TLS: the certificate can not be used"),
                                ("server.pem", "server.pem", "TLS: the private key can not be used"),
                                ("empty", "server.key", "TLS: the certificate can not be used"),
                                ("nowhere.pem", "server.key", "nowhere.pem: No such file")):
            with self.assertRaises(support.ServerError) as failed:
                self.start(f"--tls_cert_file={self.path(cert)}", f"--tls_key_file={self.path(key)}")
            self.assertIn("Failed to start server. Error: ", str(failed.exception))
            self.assertIn(said, str(failed.exception))
        with self.assertRaises(support.ServerError) as failed:
            self.start(f"--tls_cert_file={self.path('server.pem')}")
        self.assertIn("--tls_cert_file and --tls_key_file go together", str(failed.exception))

    def test_peers_that_do_not_shake_hands(self):
        server = self.start(*self.files())
        for data in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", os.urandom(1000), b"\x16\x03\x01\xff\xff" + bytes(2000)):
            for port in (server.port, server.rest_port):
                with socket.create_connection(("localhost", port), 20) as peer:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                    try:
                        while peer.recv(4096):
                            pass
                    except ConnectionResetError:
                        pass
        self.assertEqual([2.5, 3.0, 4.5], self.grpc_call(server))


if __name__ == "__main__":
    unittest.main()
