#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exchanges a small model's version over and over while four connections ask without pause.

usage: swaps.py [SWAPS]

Every answer must be right and come from a version that was live while it was asked; the slowest are compared with those of the
same clients on a server that exchanges nothing.
"""
import os
import re
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import clients  # noqa: E402
import support  # noqa: E402

IDLE_S = 20


class Client(threading.Thread):
    """Asks until it is told to end; `wrong` holds what was no right answer, `times` the seconds that each took."""

    def __init__(self, swaps, ask):
        super().__init__()
        self.swaps, self.ask, self.wrong, self.times = swaps, ask, [], []

    def run(self):
        while not self.swaps.ended.is_set():
            gone = self.swaps.gone
            begun = time.perf_counter()
            version, values = self.ask()
            self.times.append(time.perf_counter() - begun)
            live = version is None or gone < version <= self.swaps.published
            if values != [2.5, 3.0, 4.5] or not live:
                self.wrong.append((version, values, gone, self.swaps.published))


def grpc_ask(server):
    request = clients.predict_request("m", x=[1, 2, 5]).SerializeToString()
    channel = support.grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)])
    call = channel.unary_unary(clients.PREDICT, request_serializer=None, response_deserializer=support.pb("predict").PredictResponse.FromString)

    def ask():
        try:
            answer = call(request, timeout=30)
            return answer.model_spec.version.value, list(answer.outputs["y"].float_val)
        except support.grpc.RpcError as error:
            return None, error.details()
    return ask


def rest_ask(server):
    connection = clients.http.client.HTTPConnection("localhost", server.rest_port, timeout=30)

    def ask():
        connection.request("POST", "/v1/models/m:predict", '{"instances": [1, 2, 5]}')
        answer = clients.Answer(connection.getresponse())
        return None, answer.json.get("predictions", answer.body)
    return ask


class Swaps:
    def __init__(self, base, swaps):
        self.base, self.swaps = base, swaps
        self.published, self.gone = 1, 0
        self.ended = threading.Event()
        self.manifest = os.path.join(base.path, "versions")
        base.add("one")
        base.add("two")
        self.publish(1)
        self.server = support.Server("--version_quiet_ms=0", rest=True, model_name="m", model_base_path=self.manifest)

    def publish(self, version):
        with open(self.manifest + ".new", "w", encoding="utf-8") as file:
            file.write(f"{version} {('one', 'two')[version % 2]}\n")
        self.published = version
        os.rename(self.manifest + ".new", self.manifest)

    def exchange(self):
        for version in range(2, self.swaps + 2):
            self.publish(version)
            line = self.server.await_log(rf"Done unloading servable version {{name: m version: {version - 1}}}")
            self.gone = int(re.search(r"version: (\d+)", line).group(1))
            del self.server.log[:-4]
            if version % 1000 == 0:
                print(f"  {version} versions", file=sys.stderr, flush=True)

    def under_load(self, work):
        self.ended.clear()
        asks = [grpc_ask(self.server), grpc_ask(self.server), rest_ask(self.server), rest_ask(self.server)]
        group = [Client(self, ask) for ask in asks]
        for client in group:
            client.start()
        work()
        self.ended.set()
        for client in group:
            client.join()
        return group


def show(what, group):
    times = sorted(t for client in group for t in client.times)
    at = {p: 1000 * times[min(int(len(times) * p), len(times) - 1)] for p in (0.5, 0.99, 0.999)}
    print(f"{what:9}  {len(times):9} answers  p50 {at[0.5]:.3f}  p99 {at[0.99]:.3f}  p99.9 {at[0.999]:.3f}  max {1000 * times[-1]:.3f} ms")
    return at[0.999]


def usage(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return rss, len(os.listdir(f"/proc/{server.process.pid}/fd"))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with clients.Base() as base:
        swaps = Swaps(base, count)
        idle = show("idle", swaps.under_load(lambda: time.sleep(IDLE_S)))
        before = usage(swaps.server)
        group = swaps.under_load(swaps.exchange)
        after = usage(swaps.server)
        swapping = show("swapping", group)
        wrong = [w for client in group for w in client.wrong]
        swaps.server.close()
        shutil.rmtree(base.scratch, ignore_errors=True)
        os.mkdir(base.scratch)
    print(f"{count} versions exchanged, {len(wrong)} wrong answers; p99.9 {swapping / idle:.2f} of idle; "
          f"RSS {before[0]} -> {after[0]} KiB, descriptors {before[1]} -> {after[1]}")
    for row in wrong[:5]:
        print("  wrong:", row)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
