#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A million requests of clients that behave, beside clients that do not: not one wrong answer, memory and descriptors as before.

usage: rough.py [REQUESTS of each protocol [FLAG of the server...]]

The good ones are the load clients of bench/ (`make benches`), which compare every answer and end with the first that is wrong or cut. The
others cut connections at any byte, send frames and headers that are none, let answers lie, cancel their calls.
"""
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import clients  # noqa: E402
import support  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ROUGH_THREADS = 8


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


HEAD = b"\x83\x86" + literal(b":path", clients.PREDICT.encode()) + literal(b":authority", b"a") + literal(b"content-type", b"application/grpc")


class Rough(threading.Thread):
    """Does one thing after the other that no client should do."""

    def __init__(self, server, seed):
        super().__init__()
        self.server, self.random, self.ended, self.done = server, random.Random(seed), threading.Event(), {}
        message = clients.predict_request("m", x=[1, 2, 5] * 1000).SerializeToString()
        self.message = b"\0" + struct.pack(">I", len(message)) + message
        body = json.dumps({"instances": [1, 2, 5] * 3000}).encode()
        self.rest = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def grpc(self):
        """A good beginning: preface, settings, a request."""
        begin = PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, HEAD)
        return begin + frame(0, 1, 1, self.message)

    def send(self, port, data, reads=0):
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", self.random.random() < 0.5, 0))
            try:
                connection.sendall(data)
                if reads:
                    connection.recv(reads)
            except OSError:
                pass  # it has had enough of us

    def cut_grpc(self):
        data = self.grpc()
        self.send(self.server.port, data[:self.random.randrange(len(data))])

    def cut_rest(self):
        self.send(self.server.rest_port, self.rest[:self.random.randrange(len(self.rest))])

    def noise(self):
        self.send(self.random.choice([self.server.port, self.server.rest_port]), self.random.randbytes(self.random.randrange(1, 5000)), 100)

    def flip_grpc(self):
        data = bytearray(self.grpc())
        for _ in range(self.random.randrange(1, 4)):
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        self.send(self.server.port, bytes(data), 100)

    def bad_frames(self):
        bad = self.random.choice([frame(0, 0, 0, b"x"), frame(8, 0, 0, b"\0\0\0\0"), frame(8, 0, 1, b"\x7f\xff\xff\xff"), frame(3, 0, 7, b"1234"),
                                  frame(9, 4, 1, b"x"), frame(1, 4, 2, HEAD), b"\xff\xff\xff\0\0\0\0\0\1", frame(6, 0, 0, b"short"), frame(5, 4, 1, b"")])
        self.send(self.server.port, PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, HEAD) + bad, 100)

    def resets(self):
        data = PREFACE + frame(4, 0, 0, b"")
        for stream in range(1, 2 * self.random.randrange(2, 100), 2):
            data += frame(1, 4, stream, HEAD) + frame(0, 1, stream, self.message) + frame(3, 0, stream, struct.pack(">I", 8))
        self.send(self.server.port, data)

    def no_window(self):
        """Many answers are asked for, none may be sent."""
        data = PREFACE + frame(4, 0, 0, struct.pack(">HI", 4, 0))
        for stream in range(1, 61, 2):
            data += frame(1, 4, stream, HEAD) + frame(0, 1, stream, self.message)
        self.send(self.server.port, data, 100)

    def let_answers_lie(self):
        self.send(self.server.rest_port, self.rest * 30, 1)

    def slowly(self):
        with socket.create_connection(("127.0.0.1", self.server.rest_port), 60) as connection:
            for byte in self.rest[:self.random.randrange(1, 60)]:
                connection.sendall(bytes([byte]))

    def cancel(self):
        call = self.server.channel.unary_unary(clients.PREDICT, request_serializer=None, response_deserializer=None)
        calls = [call.future(self.message[5:], timeout=60) for _ in range(10)]
        for one in calls:
            one.cancel()

    def run(self):
        ways = [self.cut_grpc, self.cut_rest, self.noise, self.flip_grpc, self.bad_frames, self.resets, self.no_window, self.let_answers_lie, self.slowly,
                self.cancel]
        while not self.ended.is_set():
            way = self.random.choice(ways)
            way()
            self.done[way.__name__] = self.done.get(way.__name__, 0) + 1


def measure(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return rss, len(os.listdir(f"/proc/{server.process.pid}/fd"))


def load(server, requests, connections):
    with clients.Base() as base:
        message, text = os.path.join(base.scratch, "request.pb"), os.path.join(base.scratch, "request.json")
        with open(message, "wb") as file:
            file.write(clients.predict_request("m", x=[1, 2, 5]).SerializeToString())
        with open(text, "w", encoding="ascii") as file:
            file.write('{"instances": [1, 2, 5]}')
        tool = support.program("bench/load")
        processes = [subprocess.Popen([tool, "-c", str(connections), "-n", str(requests), *rest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                     for rest in (["-m", "8", "grpc", f"127.0.0.1:{server.port}", clients.PREDICT, message],
                                  ["http", f"127.0.0.1:{server.rest_port}", "/v1/models/m:predict", text])]
        return [process.communicate()[0].strip() for process in processes]


def all_over(server, descriptors):
    """Waits until the connections of the rough ones are gone: those that never end are cut after 10 s for their headers."""
    while measure(server)[1] > descriptors:
        pass
    return measure(server)


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with support.Server("--max_connections=2000", *sys.argv[2:], rest=True, model_name="m", model_base_path=os.path.join(clients.MODELS, "half_plus_two_tf2")) as server:
        load(server, 20_000, 16)
        group, seen = [], []
        for quarter in range(4):  # the first brings pools and arenas to their size
            if quarter:
                seen.append(all_over(server, seen[0][1] if seen else 1 << 30))
            threads = [Rough(server, 100 * quarter + seed) for seed in range(ROUGH_THREADS)]
            for one in threads:
                one.start()
            results = load(server, requests // 4, 16)
            for one in threads:
                one.ended.set()
            for one in threads:
                one.join()
            group += threads
            for result in results:
                print(result)
                if '"failures": 0' not in result:
                    return 1
        seen.append(all_over(server, seen[0][1]))
        done = {}
        for one in group:
            for name, count in one.done.items():
                done[name] = done.get(name, 0) + count
        print(f"{2 * requests} good requests, 0 failed; beside them {sum(done.values())} rough clients:", done)
        print("RSS KiB and descriptors after each quarter:", seen)
        answer = clients.predict(server, clients.predict_request("m", x=[1, 2, 5]))
        return 0 if list(answer.outputs["y"].float_val) == [2.5, 3.0, 4.5] and seen[-1][0] < 1.1 * seen[0][0] else 1


if __name__ == "__main__":
    sys.exit(main())
