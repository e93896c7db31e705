# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests and the replay of goldens share: stubs from proto/, and a server that is started and watched.

The stubs are made by protoc into the build folder when proto/ is newer than they are. Nothing here sleeps to wait: the server's own
log line says that it listens.
"""
import importlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading

import grpc

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
STUBS = os.path.join(ROOT, "build", "stubs")
READY = re.compile(r"Running gRPC ModelServer at [\d.]+:(\d+)")
REST_READY = re.compile(r"Exporting HTTP/REST API at:localhost:(\d+)")
START_TIMEOUT_S = 60


class ServerError(Exception):
    pass


def program(name):
    return os.path.join(BUILD, name)


def _newest(folder):
    return max(os.path.getmtime(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)


def _make_stubs():
    proto = os.path.join(ROOT, "proto")
    stamp = os.path.join(STUBS, "made")
    if os.path.exists(stamp) and os.path.getmtime(stamp) >= _newest(proto):
        return
    files = [os.path.relpath(os.path.join(d, f), proto) for d, _, names in os.walk(proto) for f in names
             if f.endswith(".proto")]
    os.makedirs(STUBS, exist_ok=True)
    subprocess.run(["protoc", "-I", proto, f"--python_out={STUBS}", *sorted(files)], check=True)
    with open(stamp, "w", encoding="utf-8"):
        pass


def pb(name, package="tensorflow_serving.apis"):
    """The generated module of proto/<package>/<name>.proto."""
    if STUBS not in sys.path:
        _make_stubs()
        sys.path.insert(0, STUBS)
    return importlib.import_module(f"{package}.{name}_pb2")


def status_name(error):
    return error.code().name


class Server:
    """build/tensord with one model, on free ports. The log is kept in self.log (a list of lines)."""

    def __init__(self, *flags, rest=False, env=None, wait=True, command=None, **named):
        self.command = command or [program("tensord")]
        self.flags = list(flags)
        self.named = {"port": 0, "rest_api_port": 0, **named}
        self.rest = rest
        self.env = env
        self.wait = wait
        self.process = self.channel = None
        self.start()

    def start(self):
        named = dict(self.named)
        if self.rest and not named["rest_api_port"]:
            named["rest_api_port"] = free_port()
        if not named["port"]:
            named["port"] = free_port()
        command = [*self.command, *self.flags] + [f"--{k}={v}" for k, v in named.items()]
        self.log, self.rest_port = [], named["rest_api_port"]
        self.port = named["port"]
        self.ready, self.ended = threading.Event(), threading.Event()
        self.logged = threading.Condition()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **(self.env or {})})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if self.wait and not self._wait_ready():
            self.process.kill()
            self.reader.join()
            raise ServerError("\n".join(self.log[-8:]) or "no output")
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            with self.logged:
                self.log.append(text)
                self.logged.notify_all()
            if (REST_READY if self.rest else READY).search(text):
                self.ready.set()
        self.ended.set()
        self.ready.set()
        with self.logged:
            self.logged.notify_all()

    def await_log(self, pattern, count=1, timeout=START_TIMEOUT_S):
        """Waits until so many lines match; the last of them."""
        def found():
            lines = [line for line in self.log if re.search(pattern, line)]
            return lines[-1:] if len(lines) >= count else self.ended.is_set()
        with self.logged:
            lines = self.logged.wait_for(found, timeout)
        if not isinstance(lines, list):
            raise ServerError(f"no line '{pattern}' in:\n" + "\n".join(self.log[-20:]))
        return lines[0]

    def _wait_ready(self):
        return self.ready.wait(START_TIMEOUT_S) and not self.ended.is_set()

    def call_bytes(self, method, request, timeout=60, metadata=None):
        """The answer's bytes, or (code's name, message)."""
        call = self.channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        try:
            return call(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            return status_name(error), error.details()

    def restart(self):
        self.close()
        self.start()

    def close(self):
        """SIGTERM; the exit code must be 0."""
        if self.channel:
            self.channel.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise ServerError("the server did not end on SIGTERM:\n" + "\n".join(self.log[-8:])) from None
        self.reader.join()
        if code != 0:
            raise ServerError(f"the server ended with {code}:\n" + "\n".join(self.log[-20:]))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


_given = set()


def free_port():
    """Below the ports that the system gives to clients, so that nobody is given it before the server has it; another one each time."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                _given.add(port)
                return port
            except OSError:
                continue
