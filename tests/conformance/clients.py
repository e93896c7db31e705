#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients and proxies that we did not write, over plain TCP, TLS, mutual TLS and Unix sockets: every method, the same answers everywhere.

usage: clients.py [--write]      (writes docs/clients.md)

Wants curl, nghttp2's nghttp and h2load, nginx, HAProxy, node with npm, and what the end-to-end tests want. Not a part of `make check`.
"""
import http.client
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import grpc  # noqa: E402

import clients  # noqa: E402
import grpc_js_test  # noqa: E402
import support  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from tls_test import Authority  # noqa: E402

TRANSPORTS = ("plain", "TLS", "mutual TLS", "Unix socket")
PREDICTION = ("tensorflow_serving/apis/prediction_service.proto", "tensorflow.serving.PredictionService")
MODELS = ("tensorflow_serving/apis/model_service.proto", "tensorflow.serving.ModelService")
HEALTH = ("grpc/health/v1/health.proto", "grpc.health.v1.Health")
ROW = [13.2, 1.78, 2.14, 11.2, 100.0, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050.0]
NAMES = ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins",
         "color_intensity", "hue", "od280_od315", "proline")
NO = "cannot"


def spec(signature=""):
    return {"name": "wine", "signature_name": signature}


def feature_names():
    """As the model's ParseExample calls them."""
    with open(os.path.join(clients.MODELS, "wine", "1", "saved_model.pb"), "rb") as file:
        graph = support.pb("saved_model", "tensorflow.core.protobuf").SavedModel.FromString(file.read()).meta_graphs[0].graph_def
    for function in graph.library.function:
        for node in function.node_def:
            if node.op == "Const" and "dense_keys" in node.name:
                return [name.decode() for name in node.attr["value"].tensor.string_val]
    raise SystemExit("the wine model has no ParseExampleV2")


def requests():
    """(service, method, request as JSON, modules and names of request and answer)."""
    features = feature_names()
    values = {features[0]: {"float_list": {"value": ROW}}} if len(features) == 1 else {n: {"float_list": {"value": [v]}} for n, v in zip(features, ROW)}
    examples = {"example_list": {"examples": [{"features": {"feature": values}}]}}
    tensor = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": 1}, {"size": 13}]}, "float_val": ROW}
    return [
        (PREDICTION, "Predict", {"model_spec": spec(), "inputs": {"measurements": tensor}}, "predict.Predict"),
        (PREDICTION, "Classify", {"model_spec": spec("classify"), "input": examples}, "classification.Classification"),
        (PREDICTION, "Regress", {"model_spec": spec("regress"), "input": examples}, "regression.Regression"),
        (PREDICTION, "MultiInference", {"tasks": [{"model_spec": spec("classify"), "method_name": "tensorflow/serving/classify"},
                                                  {"model_spec": spec("regress"), "method_name": "tensorflow/serving/regress"}], "input": examples},
         "inference.MultiInference"),
        (PREDICTION, "GetModelMetadata", {"model_spec": spec(), "metadata_field": ["signature_def"]}, "get_model_metadata.GetModelMetadata"),
        (MODELS, "GetModelStatus", {"model_spec": {"name": "wine"}}, "get_model_status.GetModelStatus"),
        (HEALTH, "Check", {"service": "wine"}, None),
    ]


class Serving:
    """grpc.health.v1 has no Python module here: grpcio's own package has that name."""
    ASKED, TOLD = b"\x0a\x04wine", b"\x08\x01"

    @staticmethod
    def FromString(data):
        return {Serving.TOLD: "SERVING"}.get(data, data)


def messages(name):
    """The classes of request and answer."""
    if not name:
        return None, Serving
    module, stem = name.split(".")
    return getattr(support.pb(module), stem + "Request"), getattr(support.pb(module), stem + "Response")


def encoded(row):
    request, _ = messages(row[3])
    if not request:
        return Serving.ASKED
    return json_format.ParseDict(row[2], request()).SerializeToString()


class Stand:
    """A server, and how to reach it over one transport."""

    def __init__(self, transport, folder, authority):
        self.transport, self.folder, self.authority = transport, folder, authority
        self.tls, self.mutual, self.unix = "TLS" in transport, transport == "mutual TLS", transport == "Unix socket"
        self.sockets = {"grpc": os.path.join(folder, "grpc"), "rest": os.path.join(folder, "rest")}
        flags = [f"--grpc_socket_path={self.sockets['grpc']}", f"--rest_api_socket_path={self.sockets['rest']}", "--socket_mode=0666"]
        if self.tls:
            flags += [f"--tls_cert_file={authority.path('server.pem')}", f"--tls_key_file={authority.path('server.key')}"]
        if self.mutual:
            flags += [f"--tls_client_ca_file={authority.path('root.pem')}"]
        self.server = support.Server(*flags, rest=True, model_name="wine", model_base_path=os.path.join(clients.MODELS, "wine"))
        self.target = "unix:" + self.sockets["grpc"] if self.unix else f"localhost:{self.server.port}"
        self.rest = f"http{'s' * self.tls}://localhost:{self.server.rest_port}"

    def credentials(self):
        pair = (self.authority.read("client.key"), self.authority.read("client.pem")) if self.mutual else (None, None)
        return grpc.ssl_channel_credentials(self.authority.read("root.pem"), *pair)

    def curl_flags(self, protocol):
        flags = ["--cacert", self.authority.path("root.pem")] if self.tls else []
        flags += ["--cert", self.authority.path("client.pem"), "--key", self.authority.path("client.key")] if self.mutual else []
        return flags + (["--unix-socket", self.sockets[protocol]] if self.unix else [])


def channel_to(target, credentials=None):
    return grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)


def grpcio(stand, target=None, secure=None):
    """The answers of all methods, in the order of requests()."""
    secure = stand.tls if secure is None else secure
    with channel_to(target or stand.target, stand.credentials() if secure else None) as channel:
        for row in requests():
            call = channel.unary_unary(f"/{row[0][1]}/{row[1]}", request_serializer=None, response_deserializer=messages(row[3])[1].FromString)
            yield row[1], call(encoded(row), timeout=20, wait_for_ready=True)


def check_grpcio(stand):
    return same(stand, dict(grpcio(stand)))


def same(stand, answers):
    """Are they what grpcio gets from the same server over its Unix socket or port?"""
    expected = dict(grpcio(stand))
    return all(answers[name] == value for name, value in expected.items()) and len(answers) == len(expected)


def without_wrappers(value):
    """Int64Value is a message for grpc-js, a number in protobuf's JSON."""
    if isinstance(value, list):
        return [without_wrappers(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: v["value"] if k == "version" and isinstance(v, dict) else without_wrappers(v) for k, v in value.items()}


def check_grpc_js(stand):
    reason = grpc_js_test.why_not()
    if reason:
        raise SystemExit(reason)
    arguments = [stand.target, os.path.join(ROOT, "proto")]
    arguments += [stand.authority.path("root.pem")] if stand.tls else []
    arguments += [stand.authority.path("client.key"), stand.authority.path("client.pem")] if stand.mutual else []
    asked = json.dumps([[*row[0], row[1], row[2]] for row in requests()])
    done = subprocess.run(["node", os.path.join(ROOT, "tests", "conformance", "clients.js"), *arguments], input=asked, capture_output=True, text=True,
                          timeout=120, env={**os.environ, "NODE_PATH": os.path.join(grpc_js_test.FOLDER, "node_modules")}, check=True)
    answers = json.loads(done.stdout)
    for row, answer in zip(requests(), answers):
        if "code" in answer:
            return False
        if row[1] == "GetModelMetadata":  # its Any is bytes there
            del answer["metadata"]
    got = {row[1]: json_format.ParseDict(without_wrappers(answer), messages(row[3])[1](), ignore_unknown_fields=True) if row[3] else answer["status"]
           for row, answer in zip(requests(), answers)}
    expected = dict(grpcio(stand))
    expected["GetModelMetadata"].ClearField("metadata")
    return got == expected


def framed(folder):
    path = os.path.join(folder, "framed")
    message = encoded(requests()[0])
    with open(path, "wb") as file:
        file.write(b"\0" + struct.pack(">I", len(message)) + message)
    return path


def is_predict_answer(stand, data):
    return len(data) > 5 and messages("predict.Predict")[1].FromString(data[5:5 + struct.unpack(">I", data[1:5])[0]]) == dict(grpcio(stand))["Predict"]


GRPC_HEADERS = ["-H", "content-type: application/grpc", "-H", "te: trailers"]


def check_curl_grpc(stand):
    url = f"http{'s' * stand.tls}://localhost:{stand.server.port}{clients.PREDICT}"
    done = subprocess.run(["curl", "-sS", "--http2" if stand.tls else "--http2-prior-knowledge", *stand.curl_flags("grpc"), *GRPC_HEADERS,
                           "--data-binary", "@" + framed(stand.folder), url], capture_output=True, timeout=60, check=True)
    return is_predict_answer(stand, done.stdout)


def check_nghttp(stand):
    if stand.unix:
        return NO
    url = f"http{'s' * stand.tls}://localhost:{stand.server.port}{clients.PREDICT}"
    flags = [f"--cert={stand.authority.path('client.pem')}", f"--key={stand.authority.path('client.key')}"] if stand.mutual else []
    done = subprocess.run(["nghttp", *flags, *GRPC_HEADERS, "-H", ":method: POST", "-d", framed(stand.folder), url], capture_output=True, timeout=60, check=True)
    return is_predict_answer(stand, done.stdout)


def check_h2load(stand):
    if stand.mutual:
        return NO  # it has no client certificate
    url = f"http{'s' * stand.tls}://localhost:{stand.server.port}{clients.PREDICT}"
    base = ["--base-uri=unix:" + stand.sockets["grpc"]] if stand.unix else []
    done = subprocess.run(["h2load", "-n", "5000", "-c", "4", "-m", "10", *base, *GRPC_HEADERS, "-d", framed(stand.folder), url], capture_output=True,
                          text=True, timeout=60, check=True)
    return "5000 succeeded, 0 failed, 0 errored" in done.stdout and "status codes: 5000 2xx" in done.stdout


def rest_expected(stand):
    answer = dict(grpcio(stand))
    return {"predict": answer["Predict"].outputs["scores"].float_val, "regress": answer["Regress"].result.regressions[0].value}


def is_rest_answer(stand, method, text):
    answer, expected = json.loads(text), rest_expected(stand)
    if method == "predict":
        return all(abs(a - b) < 1e-6 for a, b in zip(answer["predictions"][0]["scores"], expected["predict"]))
    if method == "regress":
        return abs(answer["results"][0] - expected["regress"]) < 1e-5
    return len(answer["results"][0]) == 3


def rest_bodies():
    features = feature_names()
    example = {features[0]: ROW} if len(features) == 1 else dict(zip(features, ROW))
    return {"predict": {"instances": [ROW]}, "classify": {"signature_name": "classify", "examples": [example]},
            "regress": {"signature_name": "regress", "examples": [example]}}


def check_curl(stand, base=None, flags=None):
    flags = stand.curl_flags("rest") if flags is None else flags
    for method, body in rest_bodies().items():
        done = subprocess.run(["curl", "-sS", "--fail-with-body", *flags, "-d", json.dumps(body), f"{base or stand.rest}/v1/models/wine:{method}"],
                              capture_output=True, text=True, timeout=60, check=True)
        if not is_rest_answer(stand, method, done.stdout):
            return False
    done = subprocess.run(["curl", "-sS", *flags, f"{base or stand.rest}/v1/models/wine"], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)["model_version_status"][0]["state"] == "AVAILABLE"


# ---- proxies: a plain front, the transport behind it ----

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {trust}
    upstream inference {{ server {grpc}; keepalive 4; }}
    upstream rest {{ server {rest}; keepalive 4; }}
    server {{ listen 127.0.0.1:{front} http2; location / {{ grpc_pass grpc{s}://inference; }} }}
    server {{ listen 127.0.0.1:{front_rest}; location / {{
        proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost; proxy_pass http{s}://rest; }} }}
}}
"""
NGINX_TRUST = "grpc_ssl_trusted_certificate {root}; grpc_ssl_verify on; grpc_ssl_name localhost; proxy_ssl_trusted_certificate {root}; " \
              "proxy_ssl_verify on; proxy_ssl_name localhost;"
NGINX_CLIENT = " grpc_ssl_certificate {pem}; grpc_ssl_certificate_key {key}; proxy_ssl_certificate {pem}; proxy_ssl_certificate_key {key};"
HAPROXY = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend inference
    bind 127.0.0.1:{front} proto h2
    default_backend inference
frontend rest
    bind 127.0.0.1:{front_rest}
    default_backend rest
backend inference
    server one {grpc} {h2}
backend rest
    server one {rest} {h1}
"""


def behind(stand, command, front, front_rest):
    """All methods through a proxy that runs."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 20
        for port in (front, front_rest):
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"{command[0]} does not start: {process.stderr.read()}")
        return same(stand, dict(grpcio(stand, f"127.0.0.1:{front}", secure=False))) and check_curl(stand, f"http://127.0.0.1:{front_rest}", [])
    finally:
        process.terminate()
        process.wait()


def check_nginx(stand):
    front, front_rest = support.free_port(), support.free_port()
    paths = {"root": stand.authority.path("root.pem"), "pem": stand.authority.path("client.pem"), "key": stand.authority.path("client.key")}
    trust = NGINX_TRUST.format(**paths) * stand.tls + NGINX_CLIENT.format(**paths) * stand.mutual
    config = os.path.join(stand.folder, "nginx.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(NGINX.format(folder=stand.folder, trust=trust, s="s" * stand.tls, front=front, front_rest=front_rest,
                                grpc="unix:" + stand.sockets["grpc"] if stand.unix else f"127.0.0.1:{stand.server.port}",
                                rest="unix:" + stand.sockets["rest"] if stand.unix else f"127.0.0.1:{stand.server.rest_port}"))
    return behind(stand, [shutil.which("nginx") or "/usr/sbin/nginx", "-e", f"{stand.folder}/nginx.log", "-c", config], front, front_rest)


def check_haproxy(stand):
    front, front_rest = support.free_port(), support.free_port()
    ssl = f"ssl verify required ca-file {stand.authority.path('root.pem')} verifyhost localhost " * stand.tls
    if stand.mutual:
        both = stand.authority.path("both.pem")
        with open(both, "wb") as file:
            file.write(stand.authority.read("client.pem") + stand.authority.read("client.key"))
        ssl += f"crt {both} "
    config = os.path.join(stand.folder, "haproxy.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(HAPROXY.format(front=front, front_rest=front_rest, h2=ssl + ("alpn h2" if stand.tls else "proto h2"), h1=ssl,
                                  grpc="unix@" + stand.sockets["grpc"] if stand.unix else f"127.0.0.1:{stand.server.port}",
                                  rest="unix@" + stand.sockets["rest"] if stand.unix else f"127.0.0.1:{stand.server.rest_port}"))
    return behind(stand, [shutil.which("haproxy") or "/usr/sbin/haproxy", "-f", config], front, front_rest)


CHECKS = [("grpcio with the public protos", "all methods over gRPC", check_grpcio), ("@grpc/grpc-js", "all methods over gRPC", check_grpc_js),
          ("curl, HTTP/2", "Predict over gRPC", check_curl_grpc), ("nghttp", "Predict over gRPC", check_nghttp),
          ("h2load", "5,000 Predict over gRPC, 4 x 10 in flight", check_h2load), ("curl, HTTP/1.1", "predict, classify, regress, status over REST", check_curl),
          ("nginx in front (grpc_pass, proxy_pass)", "all methods over gRPC and REST", check_nginx),
          ("HAProxy in front", "all methods over gRPC and REST", check_haproxy)]


def versions():
    def first(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr).group()
    with open(os.path.join(grpc_js_test.FOLDER, "node_modules", "@grpc", "grpc-js", "package.json"), encoding="utf-8") as file:
        js = json.load(file)["version"]
    return f"grpcio {grpc.__version__}, grpc-js {js}, curl {first('curl', '--version')}, nghttp2 {first('nghttp', '--version')}, " \
           f"nginx {first('nginx', '-v')}, HAProxy {first('haproxy', '-v')}"


def main():
    table = {name: [] for name, _, _ in CHECKS}
    failed = False
    for transport in TRANSPORTS:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)  # for the workers of proxies
            stand = Stand(transport, folder, Authority(folder))
            for name, _, check in CHECKS:
                try:
                    result = check(stand)
                except (subprocess.SubprocessError, grpc.RpcError, OSError, http.client.HTTPException, KeyError, ValueError) as error:
                    print(f"{name} over {transport}: {error} {getattr(error, 'stderr', '')}")
                    result = False
                failed |= result is False
                table[name].append({True: "yes", False: "**no**", NO: NO}[result])
            stand.server.close()
    lines = [f"| client | what | {' | '.join(TRANSPORTS)} |", "|---|---|" + "---|" * len(TRANSPORTS)]
    lines += [f"| {name} | {what} | {' | '.join(table[name])} |" for name, what, _ in CHECKS]
    text = "<!-- Written by tests/conformance/clients.py --write; do not edit. -->\n# Clients tried\n\n" \
           "Programs that we did not write, against the wine model over each transport. \"Yes\": every answer is the right one. \"Cannot\": the client has\n" \
           "no such thing. TensorFlow Serving's own client from pip has a script of its own, [official_client.py](../tests/conformance/official_client.py).\n\n" \
           + "\n".join(lines) + f"\n\nWith {versions()}.\n"
    print(text)
    if "--write" in sys.argv:
        with open(os.path.join(ROOT, "docs", "clients.md"), "w", encoding="utf-8") as file:
            file.write(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
