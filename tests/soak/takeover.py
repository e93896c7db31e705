#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One server takes over the ports of another under load, over and over; clients of both protocols must not notice.

usage: takeover.py [TIMES]
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import clients  # noqa: E402
import support  # noqa: E402


class Client(threading.Thread):
    def __init__(self, ended, ask):
        super().__init__()
        self.ended, self.ask, self.failed, self.count, self.slowest = ended, ask, [], 0, 0

    def run(self):
        while not self.ended.is_set():
            begun = time.perf_counter()
            try:
                values = self.ask()
            except Exception as error:  # whatever a client may meet is counted
                values = repr(error)
            self.count += 1
            self.slowest = max(self.slowest, time.perf_counter() - begun)
            if values != [2.5, 3.0, 4.5]:
                self.failed.append(values)


def grpc_ask(port):
    channel = support.grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
    call = channel.unary_unary(clients.PREDICT, request_serializer=None, response_deserializer=support.pb("predict").PredictResponse.FromString)
    request = clients.predict_request("m", x=[1, 2, 5]).SerializeToString()
    return lambda: list(call(request, timeout=20).outputs["y"].float_val)


def rest_ask(port, keeps):
    """With a connection that is kept, as long as the server says so; or a new one each time."""
    state = {}

    def ask():
        connection = state.pop("connection", None) or clients.http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/v1/models/m:predict", '{"instances": [1, 2, 5]}')
        response = connection.getresponse()
        answer = clients.Answer(response)
        if keeps and not response.will_close:
            state["connection"] = connection
        else:
            connection.close()
        return answer.json["predictions"]
    return ask


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    named = {"port": support.free_port(), "rest_api_port": support.free_port(), "model_name": "m",
             "model_base_path": os.path.join(clients.MODELS, "half_plus_two_tf2")}
    server = support.Server("--reuse_port", rest=True, **named)
    ended = threading.Event()
    asks = [grpc_ask(named["port"]), grpc_ask(named["port"]), rest_ask(named["rest_api_port"], True), rest_ask(named["rest_api_port"], False)]
    group = [Client(ended, ask) for ask in asks]
    for client in group:
        client.start()
    for _ in range(times):
        successor = support.Server("--reuse_port", rest=True, **named)
        server.close()
        server = successor
    ended.set()
    for client in group:
        client.join()
    server.close()
    failed = [f for client in group for f in client.failed]
    print(f"{times} times taken over, {sum(c.count for c in group)} requests, {len(failed)} failed; the slowest of each client: "
          + " ".join(f"{1000 * c.slowest:.0f} ms of {c.count}" for c in group), failed[:5])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
