#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One server takes over the ports of another under load, over and over; clients of both protocols must not notice.

usage: takeover.py [TIMES] [CONNECTIONS]

The load clients of bench/ (`make benches`) ask as fast as the server answers, on so many connections each, and one connection per request
comes from Python beside them.
"""
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import clients  # noqa: E402
import support  # noqa: E402

LONG_S = 3600  # more than it takes


class Load:
    def __init__(self, protocol, port, connections, path, body):
        command = [support.program("bench/load"), "-r", "-c", str(connections), "-t", str(LONG_S), protocol, f"127.0.0.1:{port}", path, body]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        """What it counted, or what it died of."""
        if self.process.poll() is None:
            self.process.terminate()
        out, err = self.process.communicate()
        return (json.loads(out), err) if out else (None, err)


class NewConnections(threading.Thread):
    def __init__(self, server):
        super().__init__()
        self.server, self.ended, self.count, self.failed = server, threading.Event(), 0, []

    def run(self):
        while not self.ended.is_set():
            try:
                answer = clients.rest(self.server, "POST", "/v1/models/m:predict", {"instances": [1, 2, 5]}).json
            except Exception as error:  # whatever a client may meet is counted
                answer = repr(error)
            self.count += 1
            if answer != {"predictions": [2.5, 3.0, 4.5]}:
                self.failed.append(answer)


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    named = {"port": support.free_port(), "rest_api_port": support.free_port(), "model_name": "m",
             "model_base_path": os.path.join(clients.MODELS, "half_plus_two_tf2")}
    server = support.Server("--reuse_port", rest=True, **named)
    with clients.Base() as base:
        message, text = os.path.join(base.scratch, "request.pb"), os.path.join(base.scratch, "request.json")
        with open(message, "wb") as file:
            file.write(clients.predict_request("m", x=[1, 2, 5]).SerializeToString())
        with open(text, "w", encoding="ascii") as file:
            file.write('{"instances": [1, 2, 5]}')
        loads = [Load("grpc", named["port"], connections, clients.PREDICT, message),
                 Load("http", named["rest_api_port"], connections, "/v1/models/m:predict", text)]
        fresh = NewConnections(server)
        fresh.start()
        for _ in range(times):
            successor = support.Server("--reuse_port", rest=True, **named)
            server.close()
            server = successor
        fresh.ended.set()
        fresh.join()
        bad = len(fresh.failed)
        for name, load in zip(("gRPC", "REST"), loads):
            found, err = load.end()
            bad += not found or found["failures"]
            print(f"{name}: " + (f"{found['requests']} requests, {found['per_second']} a second, {found['failures']} failed, p99.9 {found['p999_us']} us, "
                                 f"{found['reconnections']} connections came anew" if found else err.strip()))
        server.close()
    print(f"{times} times taken over; connections for one request: {fresh.count}, {len(fresh.failed)} failed", fresh.failed[:5])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
