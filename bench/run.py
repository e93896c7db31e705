#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every speed and memory claim of tensord beside its peer or floor, measured in the same run. See bench/README.md.

Environment: BUILD (the build folder), PEERS (a peers folder, optional), ROWS (groups, comma-separated), ROUNDS, SECONDS (of one
measurement), KEEP=1 (writes bench/RESULTS.md).
"""
import datetime
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from model_text import meta_graph, node, signature, write_version  # noqa: E402

BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
PEERS = os.environ.get("PEERS") and os.path.abspath(os.environ["PEERS"])
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = float(os.environ.get("SECONDS", "0.5"))
SERVER_CPU, LOAD_CPU = "0", str(min(1, os.cpu_count() - 1))
PREDICT = "/tensorflow.serving.PredictionService/Predict"
START_TIMEOUT_S = 60
IMAGE = [1, 224, 224, 3]


class Missing(Exception):
    """A peer that is not here."""


# ---- the servers ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tree(pid):
    """The process and its descendants. Threads may end while we look."""
    pids = [pid]
    for p in pids:
        for task in os.listdir(f"/proc/{p}/task"):
            try:
                with open(f"/proc/{p}/task/{task}/children", encoding="ascii") as f:
                    pids += map(int, f.read().split())
            except FileNotFoundError:
                pass
    return pids


class Server:
    """A process on the server's core. `ask` is the REST request whose answer says that it is up; `fields` are what load has to send besides."""

    fields = ()

    def __init__(self, name, command, ask, env=None, cwd=None):
        self.name, self.ask = name, ask
        self.started = time.perf_counter()
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CPU, *command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, cwd=cwd, env={**os.environ, **(env or {})})
        while not self.answers():
            if self.process.poll() is not None or time.perf_counter() - self.started > START_TIMEOUT_S:
                self.stop()
                raise RuntimeError(f"{name} does not start: {' '.join(command)}")
            time.sleep(0.0002)
        self.start_ms = (time.perf_counter() - self.started) * 1e3

    def answers(self):
        port, path, body, wanted = self.ask
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n" \
               f"Content-Length: {len(body)}\r\n\r\n" if body else f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.sendall(head.encode() + body)
                while piece := s.recv(65536):
                    answer += piece
        except OSError:
            return False
        return wanted in answer

    def cpu(self):
        return sum(time.clock_gettime((~p << 3) | 2) for p in tree(self.process.pid))

    def rss_mb(self):
        pages = 0
        for p in tree(self.process.pid):
            with open(f"/proc/{p}/statm", encoding="ascii") as f:
                pages += int(f.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


SMALL_JSON = b'{"instances": [1.0]}'


def watched(folder):
    """Every request is counted and timed for a page of metrics."""
    config = f"{folder}/monitoring.conf"
    with open(config, "w", encoding="utf-8") as f:
        f.write("prometheus_config { enable: true }")
    return tensord("half_plus_two", f"--monitoring_config_file={config}", name="with metrics")


def tensord(model="half_plus_two", *flags, name="tensord"):
    base = f"{ROOT}/models/half_plus_two_tf1" if model == "half_plus_two" else os.path.join(f"{HERE}/models", model)
    model = os.path.basename(model)
    grpc, rest = free_port(), free_port()
    ask = (rest, "/v1/models/half_plus_two:predict", SMALL_JSON, b"2.5")
    if name == "with tokens":
        ask = (rest, "/readyz", b"", b"ok")
    elif model != "half_plus_two":
        ask = (rest, f"/v1/models/{model}", b"", b"AVAILABLE")
    server = Server(name, [f"{BUILD}/tensord", f"--port={grpc}", f"--rest_api_port={rest}", f"--model_name={model}",
                           f"--model_base_path={base}", *flags], ask)
    server.grpc, server.rest = (grpc, PREDICT), (rest, f"/v1/models/{model}:predict")
    return server


def mini_tfs(model="half_plus_two"):
    """Enough threads that no call is refused."""
    program = peer("mini_tfs")
    grpc, rest = free_port(), free_port()
    server = Server("mini_tfs", [program, "--lib", tensorflow(), "--max_threads", "1024", "--port", str(grpc),
                                 "--rest_port", str(rest), f"half_plus_two={ROOT}/models/half_plus_two_tf1/1",
                                 f"image_head={HERE}/models/image_head/1"],
                    (rest, "/v1/models/half_plus_two:predict", SMALL_JSON, b"2.5"), {"TF_CPP_MIN_LOG_LEVEL": "3"})
    server.grpc, server.rest = (grpc, PREDICT), (rest, f"/v1/models/{model}:predict")
    return server


def echo(model="half_plus_two"):
    grpc, rest = free_port(), free_port()
    server = Server("our network alone", [f"{BUILD}/bench/echo_server", str(grpc), str(rest)], (rest, "/", b"", b"{}"))
    server.grpc, server.rest = (grpc, "/echo.Echo/" + ("Sink" if model == "image_head" else "Call")), (rest, "/sink")
    return server


NGINX = """
worker_processes 1; daemon off; pid {dir}/pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{{"predictions": [2.5]}}'; }} }} }}
"""


def nginx(folder):
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Missing("nginx")
    port = free_port()
    with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as f:
        f.write(NGINX.format(dir=folder, port=port))
    server = Server("nginx return", [program, "-e", "/dev/null", "-p", folder, "-c", f"{folder}/nginx.conf"],
                    (port, "/", b"", b"2.5"))
    server.rest = (port, "/")
    return server


def peer(name):
    if not PEERS or not os.path.exists(f"{PEERS}/{name}"):
        raise Missing(name)
    return f"{PEERS}/{name}"


def tensorflow():
    """The wheel's folder: the two libraries lie in it."""
    for folder in (f"{PEERS}/tensorflow", *sorted(os.path.join(d, "tensorflow") for d, _, _ in os.walk(f"{PEERS}/venv/lib")
                                                  if d.endswith("site-packages"))):
        if os.path.exists(f"{folder}/libtensorflow_cc.so.2"):
            return folder
    raise Missing("TensorFlow's libraries")


# ---- what is asked ----

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def predict_request(model, shape, values):
    dims = b"".join(field(2, field(1, d)) for d in shape)
    tensor = field(1, 1) + field(2, dims) + field(4, struct.pack(f"<{len(values)}f", *values))
    return field(1, field(1, model.encode())) + field(2, field(1, b"x") + field(2, tensor))


def image():
    state, values = 1, []
    for _ in range(IMAGE[1] * IMAGE[2] * IMAGE[3]):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        values.append(round(state / 0x7FFFFFFF, 7))
    return values


def write_requests(folder):
    values = image()
    pixels = [values[i:i + 3] for i in range(0, len(values), 3)]
    rows = [pixels[i:i + IMAGE[2]] for i in range(0, len(pixels), IMAGE[2])]
    for name, body in (("half_plus_two.pb", predict_request("half_plus_two", [1], [1.0])), ("half_plus_two.json", SMALL_JSON),
                       ("image_head.pb", predict_request("image_head", IMAGE, values)),
                       ("image_head.json", json.dumps({"instances": [rows]}).encode())):
        with open(f"{folder}/{name}", "wb") as f:
            f.write(body)


# ---- measuring ----

def run_json(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def load(server, protocol, shape, body, seconds=SECONDS, answer="/dev/null", kind="application/json"):
    """CPU microseconds of the server per request. `shape`: connections, calls in flight on each, whether the client spins."""
    connections, in_flight, spins = shape
    port, path = server.grpc if protocol == "grpc" else server.rest
    before = server.cpu()
    result = run_json(["taskset", "-c", LOAD_CPU, f"{BUILD}/bench/load", *(["-s"] if spins else []), "-c", str(connections),
                       "-m", str(in_flight), "-t", str(seconds), "-a", answer, "-y", kind, *server.fields, protocol, f"127.0.0.1:{port}", path, body])
    return (server.cpu() - before) * 1e6 / (result["requests"] + 1)


def check_answer(server, protocol, model, path):
    """Load compares answers with the first one; this says that the first one is right. Floors answer what they like."""
    if server.name not in ("tensord", "mini_tfs"):
        return
    with open(path, "rb") as f:
        answer = f.read()
    wanted = [2.5] if model == "half_plus_two" else image()[:3]
    if protocol == "http":
        right = all(abs(a - b) < 1e-6 for a, b in zip(numbers(json.loads(answer)["predictions"]), wanted, strict=True))
    else:
        right = struct.pack(f"<{len(wanted)}f", *wanted) in answer
    if not right:
        raise RuntimeError(f"{server.name} answers {model} with {answer!r}")


def numbers(value):
    return [n for v in value for n in numbers(v)] if isinstance(value, list) else [value]


class Table:
    """Rows as they come. `ours` are the rounds' values, `others` (name, theirs, most that ours / theirs may be, or None)."""

    def __init__(self):
        self.lines, self.missed, self.left_out = [], 0, set()
        self.put(["what", "unit", "tensord", "beside", "theirs", "ours / theirs", "at most", ""])
        self.put(["--", "--", "--:", "--", "--:", "--:", "--:", "--"])

    def put(self, cells):
        self.lines.append("| " + " | ".join(cells) + " |")
        print(self.lines[-1], flush=True)

    def row(self, what, unit, ours, others=(), limit=None):
        mine = statistics.median(ours)
        for i, (name, theirs, most) in enumerate(others):
            value = statistics.median(theirs)
            # Rounds alternate, so each round has its own ratio.
            ratio = statistics.median(a / b for a, b in zip(ours, theirs)) if len(ours) == len(theirs) else mine / value
            self.put([what if not i else "", unit if not i else "", number(mine) if not i else "", name, number(value),
                      f"{ratio:.3f}", f"{most:.3f}" if most else "", self.verdict(not most or ratio <= most, most)])
        if limit or not others:
            self.put([what if not others else "", unit, number(mine), "limit" if limit else "", number(limit) if limit else "",
                      f"{mine / limit:.3f}" if limit else "", "1.000" if limit else "", self.verdict(not limit or mine < limit, limit)])

    def verdict(self, good, asked):
        self.missed += not good
        return ("yes" if good else "**no**") if asked else ""


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def start_all(table, makers):
    servers = []
    for make in makers:
        try:
            servers.append(make())
        except Missing as missing:
            table.left_out.add(str(missing))
    return servers


def ping(request, answer, spins):
    """us CPU of an exchange of so many bytes between two processes that do nothing else, with what HTTP/2 or HTTP/1 adds left out."""
    command = [f"{BUILD}/bench/ping", *(["-s"] if spins else []), str(request), str(answer), str(SECONDS)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def one_round(table, makers, protocol, rows, model, folder):
    """{(row, server's name): CPU of a request}, fresh servers. They take turns row by row."""
    cost = {}
    body = f"{folder}/{model}.{'pb' if protocol == 'grpc' else 'json'}"
    servers = start_all(table, makers)
    try:
        for what, shape, _ in rows:
            for s in servers:
                load(s, protocol, shape, body, 0.1, f"{folder}/answer")
                check_answer(s, protocol, model, f"{folder}/answer")
            for s in servers:
                cost[what, s.name] = load(s, protocol, shape, body)
            if shape[:2] == (1, 1):
                cost[what, "bare sockets"] = ping(os.path.getsize(body), os.path.getsize(f"{folder}/answer"), spins=shape[2])
    finally:
        for s in servers:
            s.stop()
    return cost


def loads(table, makers, protocol, rows, model, folder):
    """`rows` are (what, the load's shape, target beside mini_tfs). Each round starts the servers anew: how threads settle differs from
    one start to the next, by a factor of two for mini_tfs."""
    rounds = [one_round(table, makers, protocol, rows, model, folder) for _ in range(ROUNDS)]
    for what, _, most in rows:
        names = [name for row, name in rounds[0] if row == what]
        costs = {name: [r[what, name] for r in rounds] for name in names}
        table.row(what, "us CPU", costs.pop("tensord"), [(n, c, most if n == "mini_tfs" else None) for n, c in costs.items()])


def grpc_rows(table, folder):
    loads(table, [tensord, mini_tfs, echo], "grpc",
          [("gRPC Predict half_plus_two, 1 in flight", (1, 1, True), 1 / 8), ("10 in flight", (1, 10, True), 1 / 15),
           ("100 in flight", (1, 100, True), 1 / 15), ("1 in flight, a client that sleeps", (1, 1, False), None),
           ("100 in flight, a client that sleeps", (1, 100, False), None)], "half_plus_two", folder)


def pairs(table, folder, servers, rows, body="half_plus_two"):
    """One server with something and one without, both at once, in turn: their difference is smaller than that of two starts."""
    for what, shape, most in rows:
        costs = [[], []]
        for i in range(8 * ROUNDS + 1):
            for k in (0, 1) if i % 2 else (1, 0):
                costs[k].append(load(servers[k], "grpc", shape, f"{folder}/{body}.pb", SECONDS / 4))
        table.row(what, "us CPU", costs[0][1:], [("without", costs[1][1:], most)])
    for s in servers:
        s.stop()


def watch_rows(table, folder):
    """What counting and timing adds."""
    pairs(table, folder, [watched(folder), tensord()],
          [("gRPC Predict half_plus_two with metrics, 1 in flight", (1, 1, True), 1.01), ("10 in flight", (1, 10, True), 1.02),
           ("100 in flight", (1, 100, True), 1.02)])


def write_dense(folder):
    """Three products whose weights are constants that loading makes: an answer of four bytes and 6 MB of weights to go through for it."""
    sizes, nodes, last = (512, 1024, 1024, 1), "node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } }\n", "x"
    for i, (rows, columns) in enumerate(zip(sizes, sizes[1:], strict=False)):
        nodes += (f"node {{ name: 'dims{i}' op: 'Const' attr {{ key: 'dtype' value {{ type: DT_INT32 }} }} attr {{ key: 'value' value {{ tensor {{\n"
                  f"  dtype: DT_INT32 tensor_shape {{ dim {{ size: 2 }} }} int_val: {rows} int_val: {columns} }} }} }} }}\n"
                  f"node {{ name: 'fill{i}' op: 'Const' attr {{ key: 'dtype' value {{ type: DT_FLOAT }} }} attr {{ key: 'value' value {{ tensor {{\n"
                  f"  dtype: DT_FLOAT tensor_shape {{}} float_val: 0.01 }} }} }} }}\n"
                  f"node {{ name: 'w{i}' op: 'Fill' input: 'dims{i}' input: 'fill{i}' attr {{ key: 'T' value {{ type: DT_FLOAT }} }} }}\n"
                  f"node {{ name: 'y{i}' op: 'MatMul' input: '{last}' input: 'w{i}' attr {{ key: 'T' value {{ type: DT_FLOAT }} }} }}\n")
        last = f"y{i}"
    info = "{ name: '%s:0' dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim { size: %d } } }"
    os.makedirs(f"{folder}/dense/1")
    with open(f"{folder}/dense/1/saved_model.pbtxt", "w", encoding="ascii") as f:
        f.write(f"saved_model_schema_version: 1 meta_graphs {{ meta_info_def {{ tags: 'serve' }} graph_def {{ {nodes} }}\n"
                f"signature_def {{ key: 'serving_default' value {{ inputs {{ key: 'x' value {info % ('x', sizes[0])} }}\n"
                f"outputs {{ key: 'y' value {info % (last, sizes[-1])} }} method_name: 'tensorflow/serving/predict' }} }} }}\n")
    with open(f"{folder}/dense.pb", "wb") as f:
        f.write(predict_request("dense", [1, sizes[0]], [1.0] * sizes[0]))
    return f"{folder}/dense"


def batching_rows(table, folder):
    """What batching with its defaults saves, on one core, where a row is expensive, and what it costs where it is not."""
    batched, dense = ("--enable_batching",), write_dense(folder)
    pairs(table, folder, [tensord(dense, *batched), tensord(dense)],
          [("gRPC Predict, 6 MB of weights, with batching, 8 x 8 in flight", (8, 8, True), 0.5), ("8 x 32 in flight", (8, 32, True), 0.5)], "dense")
    pairs(table, folder, [tensord("half_plus_two", *batched), tensord()], [("gRPC Predict half_plus_two with batching, 1 in flight", (1, 1, True), 1.05),
                                                                           ("100 in flight", (1, 100, True), 1.1)])


def secure_rows(table, folder):
    """What a token adds, and TLS: that with h2load, for our client has none."""
    tokens = f"{folder}/tokens"
    with open(tokens, "w", encoding="ascii") as f:
        f.write("".join(f"token-number-{i}\n" for i in range(10)))
    guarded = tensord("half_plus_two", f"--inference_token_file={tokens}", name="with tokens")
    guarded.fields = ["-H", "authorization: Bearer token-number-7"]
    pairs(table, folder, [guarded, tensord()], [("gRPC Predict half_plus_two with a token of ten, 1 in flight", (1, 1, True), None),
                                                 ("100 in flight", (1, 100, True), None)])
    if not shutil.which("h2load") or not shutil.which("openssl"):
        table.left_out.add("h2load or openssl")
        return
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
    with open(f"{folder}/ssl.conf", "w", encoding="ascii") as out:  # for gRPC only: over REST it is asked whether it is there
        for name, file in (("server_key", "key.pem"), ("server_cert", "cert.pem")):
            with open(f"{folder}/{file}", encoding="ascii") as f:
                out.write(f"{name}: " + " ".join(f'"{line}\\n"' for line in f.read().splitlines()) + "\n")
    servers = [tensord("half_plus_two", f"--ssl_config_file={folder}/ssl.conf", name="with TLS"), tensord()]
    for what, in_flight in (("gRPC Predict half_plus_two over TLS, 1 in flight, h2load", 1), ("100 in flight", 100)):
        costs = [[], []]
        for i in range(2 * ROUNDS + 1):
            for k in (0, 1) if i % 2 else (1, 0):
                costs[k].append(load_h2load(servers[k], in_flight, f"{folder}/half_plus_two.pb", k == 0))
        table.row(what, "us CPU", costs[0][1:], [("without", costs[1][1:], None)])
    for s in servers:
        s.stop()


def load_h2load(server, in_flight, body, tls):
    """CPU microseconds of the server per request."""
    port, path = server.grpc
    count = 20_000 if in_flight == 1 else 100_000
    framed = body + ".framed"
    with open(body, "rb") as f, open(framed, "wb") as out:
        message = f.read()
        out.write(b"\0" + struct.pack(">I", len(message)) + message)
    before = server.cpu()
    done = subprocess.run(["taskset", "-c", LOAD_CPU, "h2load", "-n", str(count), "-c", "1", "-m", str(in_flight), "-d", framed, "-H",
                           "content-type: application/grpc", "-H", "te: trailers", f"http{'s' * tls}://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, check=True)
    if f"{count} succeeded, 0 failed" not in done.stdout:
        sys.exit(f"h2load: {done.stdout}")
    return (server.cpu() - before) * 1e6 / count


def rest_rows(table, folder):
    loads(table, [tensord, mini_tfs, lambda: nginx(folder), echo], "http",
          [("REST Predict half_plus_two, 1 connection", (1, 1, True), 1 / 6), ("10 connections", (10, 1, True), 1 / 4),
           ("100 connections", (100, 1, True), 1 / 4), ("1 connection, a client that sleeps", (1, 1, False), None),
           ("100 connections, a client that sleeps", (100, 1, False), None)], "half_plus_two", folder)


def image_rows(table, folder):
    makers = [lambda: tensord("image_head"), lambda: mini_tfs("image_head"), lambda: echo("image_head")]
    loads(table, makers, "grpc", [("gRPC Predict, a tensor of 602 KB, small answer", (1, 1, True), 0.45)], "image_head", folder)
    loads(table, makers, "http", [("REST Predict, the same as 1.7 MB of JSON", (1, 1, True), 0.5)], "image_head", folder)


FLOATS = 2_000_000
BINARY = [("a PredictRequest", "grpc", "pb", None, None), ("REST, the same message", "http", "pb", "application/x-protobuf", 1.1),
          (".npy", "http", "npy", "application/x-npy", 1.1), ("JSON, instances", "http", "rows.json", "application/json", 5), ("JSON, inputs", "http", "json", "application/json", 5)]


def write_floats(folder):
    values = [i % 1000 / 8 for i in range(FLOATS)]
    raw = struct.pack(f"<{FLOATS}f", *values)
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({FLOATS},), }}".ljust(117) + "\n"
    for name, body in (("pb", predict_request("half_plus_two", [FLOATS], values)), ("json", json.dumps({"inputs": values}).encode()),
                       ("rows.json", json.dumps({"instances": values}).encode()),
                       ("npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + raw)):
        with open(f"{folder}/floats.{name}", "wb") as f:
            f.write(body)
    return struct.pack("<8f", *(value / 2 + 2 for value in values[-8:]))


def binary_rows(table, folder):
    """2 M floats to half_plus_two and back, in each of the forms that a request may have, beside gRPC. Answers end with the right ones."""
    last, rounds = write_floats(folder), []
    for _ in range(ROUNDS):
        server, cost = tensord(), {}
        for what, protocol, ending, kind, _ in BINARY:
            cost[what] = load(server, protocol, (1, 1, True), f"{folder}/floats.{ending}", max(SECONDS, 1), f"{folder}/answer", kind or "none")
            with open(f"{folder}/answer", "rb") as f:
                answer = f.read()
            right = next(iter(json.loads(answer).values()))[-8:] == list(struct.unpack("<8f", last)) if "json" in ending else last in answer[-200:]
            if not right:
                raise RuntimeError(f"{what} is answered with {answer[-200:]!r}")
        server.stop()
        rounds.append(cost)
    grpc = [r[BINARY[0][0]] for r in rounds]
    for what, _, _, _, most in BINARY[1:]:
        table.row(f"{what}: 2 M floats in and out", "us CPU", [r[what] for r in rounds], [("gRPC", grpc, most)])


def start_rows(table, folder):
    """From spawn to the first right answer, and memory then and after load."""
    body = f"{folder}/half_plus_two.pb"
    times, fresh, loaded = {}, {}, {}
    for _ in range(ROUNDS):
        for s in start_all(table, [tensord, mini_tfs, echo]):
            times.setdefault(s.name, []).append(s.start_ms)
            fresh.setdefault(s.name, []).append(s.rss_mb())
            load(s, "grpc", (8, 100, True), body, 0.3)
            loaded.setdefault(s.name, []).append(s.rss_mb())
            s.stop()
    for what, unit, values, limit in (("start to first answer, half_plus_two", "ms", times, 50),
                                      ("resident memory, half_plus_two served", "MB", fresh, 20),
                                      ("the same after 8 x 100 calls in flight", "MB", loaded, None)):
        table.row(what, unit, values["tensord"], [(n, v, None) for n, v in values.items() if n != "tensord"], limit)


# How much of tfcaller's time each may take.
PEER_MODELS = [("half_plus_two", 1 / 3), ("mnist_softmax", 1 / 3), ("recommend_nn", 1 / 3), ("regression_dnn", 1 / 3),
               ("openmv_mobilenet", 1), ("potato_cnn", 1), ("cifar_conv", 1), ("mlp", 1),
               ("taxi_wide_deep", 1 / 2), ("babyweight", 1 / 2), ("wide_deep_example", 1 / 2), ("iris_parse", 1 / 2), ("census_classify", 1 / 2),
               ("keras_lstm", 1 / 3), ("keras_gru", 1 / 3), ("lstm", 1 / 2), ("gru", 1 / 2), ("securitai_lstm", 1 / 2), ("bert_mini", 1.1),
               *((name, 1.3) for name in ("factorization", "dqn_policy", "mnist_conv", "mnist_batch_norm", "basic_pitch", "chain200", "wide_deep", "dlrm",
                                          "text_cnn", "unet", "mobilenet_v2", "efficientnet_b0", "resnet50", "bert_base", "decoder_step"))]


def engine(model, request):
    return run_json(["taskset", "-c", SERVER_CPU, f"{BUILD}/bench/engine", model, request, str(SECONDS)])


def engine_rows(table, folder):
    """One thread, batch 1. The peer runs every op on the calling thread."""
    try:
        tf_run = [peer("tf_run"), "--lib", tensorflow()]
    except Missing as missing:
        table.left_out.add(str(missing))
        ours = [engine(f"{ROOT}/models/half_plus_two_tf1/1", f"{folder}/half_plus_two.pb") for _ in range(ROUNDS)]
        table.row("engine alone, half_plus_two", "us", [o["p50_us"] for o in ours])
        table.row("load of half_plus_two", "ms", [o["load_ms"] for o in ours])
        return
    for name, most in PEER_MODELS:
        where = f"{PEERS}/work/{name}"
        if not os.path.exists(f"{where}/b1.pb"):
            table.left_out.add(f"work/{name}")
            continue
        ours, theirs, loads_ms, their_loads, firsts, their_firsts = [], [], [], [], [], []
        for _ in range(ROUNDS):
            mine = engine(f"{where}/model", f"{where}/b1.pb")
            other = run_json(["taskset", "-c", SERVER_CPU, *tf_run, "--threads", "1", "--inter", "-1",
                             "--seconds", str(SECONDS), f"{where}/model", f"{where}/b1.pb"])
            ours.append(mine["p50_us"]), theirs.append(other["p50_us"])
            firsts.append(mine["load_ms"] + mine["first_us"] / 1e3), their_firsts.append(other["load_ms"] + other["first_ms"])
            loads_ms.append(mine["load_ms"]), their_loads.append(other["load_ms"])
        table.row(f"engine alone, {name}", "us", ours, [("tfcaller", theirs, most)])
        if name == "bert_base":
            table.row("bert_base from its files to its first answer", "ms", firsts, [("TensorFlow", their_firsts, 1 / 3)])
        table.row(f"load of {name}", "ms", loads_ms, [("TensorFlow", their_loads, None)])


def graph_rows(table, folder):
    """Import and plan of many nodes: twice as many take twice as long."""
    kinds, loads_ms = ("Tanh", "Neg", "Exp", "Sqrt"), {}
    for count in (25_000, 50_000):
        nodes = node("x", "Placeholder", [], ("dtype", "type: DT_FLOAT"))
        nodes += "".join(node(f"n{i}", kinds[i % 4], [f"n{i - 1}" if i else "x"], ("T", "type: DT_FLOAT")) for i in range(count))
        text = meta_graph(nodes, signature("serving_default", [("x", "x", 1)], [("y", f"n{count - 1}", 1)]))
        write_version(f"{folder}/chain{count}", text)
        loads_ms[count] = [engine(f"{folder}/chain{count}", f"{folder}/half_plus_two.pb")["load_ms"] for _ in range(ROUNDS)]
    table.row("a graph of 50,000 nodes from its text to its plan", "ms", loads_ms[50_000],
              [("25,000 nodes", loads_ms[25_000], None)], 1000)


def parser_rows(table, folder):
    """Times, not megabytes a second: less is better everywhere in the table."""
    path = f"{folder}/image_head.json"
    with open(path, encoding="ascii") as f:
        text = f.read()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(run_json(["taskset", "-c", SERVER_CPU, f"{BUILD}/bench/micro", "json", path])["ns"] / 1e3)
        before = time.perf_counter()
        json.loads(text)
        theirs.append((time.perf_counter() - before) * 1e6)
    table.row("JSON, 1.7 MB with 150,528 floats, parsed", "us", ours, [("Python's json", theirs, None)])
    ours = [run_json(["taskset", "-c", SERVER_CPU, f"{BUILD}/bench/micro", "predict", f"{folder}/half_plus_two.pb"])["ns"]
            for _ in range(ROUNDS)]
    table.row("a PredictRequest of 50 bytes, decoded", "ns", ours)


def build_rows(table, folder):
    """Everything from nothing, two jobs."""
    before = time.perf_counter()
    subprocess.run(["make", "-j2", f"BUILD={folder}/build", "all"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    table.row("build of both programs from nothing, 2 jobs", "s", [time.perf_counter() - before])


GROUPS = {"grpc": grpc_rows, "rest": rest_rows, "watch": watch_rows, "batching": batching_rows, "secure": secure_rows, "image": image_rows, "binary": binary_rows, "start": start_rows, "engine": engine_rows, "graph": graph_rows,
          "parser": parser_rows, "build": build_rows}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"


def main():
    table = Table()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        write_requests(folder)
        for name in os.environ.get("ROWS", ",".join(GROUPS)).split(","):
            if name not in GROUPS:
                sys.exit(f"ROWS: no group {name}; there are {', '.join(GROUPS)}")
            GROUPS[name](table, folder)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    about = [f"{datetime.date.today()}, commit {commit}; {machine()}.",
             f"{ROUNDS} rounds of {SECONDS} s, servers in turn, medians; load average {load_before:.1f} before, {os.getloadavg()[0]:.1f} after.",
             f"`make bench{' PEERS=dir' if PEERS else ''}`" + (f"; left out: {', '.join(sorted(table.left_out))}" if table.left_out else "")]
    print("\n" + "\n".join(about))
    if os.environ.get("KEEP"):
        with open(f"{HERE}/RESULTS.md", "w", encoding="utf-8") as f:
            f.write("# Results\n\nWhat the rows are: README.md. " + "\n".join(about) + "\n\n" + "\n".join(table.lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
