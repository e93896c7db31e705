#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a client of a small model notices while a large one is reloaded without pause on the same server.

usage: reload.py [MEGABYTES [SECONDS]]

The load client spins on a core of its own; the server's loops are pinned to the other one, and its loading threads, of lower priority, have
whatever is left of both. Needs `make build/bench/load`.
"""
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import big_model  # noqa: E402
import clients  # noqa: E402
import support  # noqa: E402

ROUNDS = 3


class Reloads(threading.Thread):
    """Publishes one version of the large model after the other."""

    def __init__(self, server, manifest, version):
        super().__init__()
        self.server, self.manifest, self.ended, self.version = server, manifest, threading.Event(), version

    def run(self):
        while not self.ended.is_set():
            self.version += 1
            with open(self.manifest + ".new", "w", encoding="utf-8") as file:
                file.write(f"{self.version} big\n")
            os.rename(self.manifest + ".new", self.manifest)
            self.server.await_log(rf"Successfully loaded servable version {{name: big version: {self.version}}}")
            if self.version > 1:
                self.server.await_log(rf"Done unloading servable version {{name: big version: {self.version - 1}}}")
            self.server.log.clear()


def measure(server, folder, seconds):
    """Milliseconds at percentiles, of one call in flight on one connection: two loops that spin would take turns on their core."""
    body = os.path.join(folder, "request.pb")
    with open(body, "wb") as file:
        file.write(clients.predict_request("small", x=[1, 2, 5]).SerializeToString())
    done = subprocess.run(["taskset", "-c", "1", os.path.join(support.BUILD, "bench", "load"), "-c", "1", "-t", str(seconds), "-s", "grpc",
                           f"127.0.0.1:{server.port}", clients.PREDICT, body], capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def pin_loops(server, core):
    """Else the system moves one to the client's core, and it waits there for the end of the client's slice."""
    tasks = f"/proc/{server.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as file:
            if file.read().strip() == "net":
                os.sched_setaffinity(int(task), {core})


def show(what, row):
    print(f"{what:10} {row['requests']:9} calls, {row['failures']} failed; " +
          "  ".join(f"{k[:-3]} {row[k] / 1000:.3f}" for k in ("p50_us", "p99_us", "p999_us")) + " ms")


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with clients.Base() as base:
        base.add("small")
        os.rename(os.path.join(base.path, "small"), os.path.join(base.path, "1"))
        os.mkdir(os.path.join(base.path, "small"))
        os.rename(os.path.join(base.path, "1"), os.path.join(base.path, "small", "1"))
        big_model.write_model(os.path.join(base.path, "big"), megabytes)
        manifest = os.path.join(base.path, "versions")
        with open(manifest, "w", encoding="utf-8"):
            pass
        config = os.path.join(base.scratch, "models.conf")
        with open(config, "w", encoding="utf-8") as file:
            rows = (("small", os.path.join(base.path, "small")), ("big", manifest))
            file.write("model_config_list { " + "".join(f"config {{ name: '{n}' base_path: '{p}' model_platform: 'tensorflow' }}\n"
                                                        for n, p in rows) + "}\n")
        server = support.Server("--version_quiet_ms=0", "--open_ports_early", model_config_file=config)
        server.await_log("Successfully loaded servable version {name: small version: 1}")
        pin_loops(server, 0)
        version = 0
        for _ in range(ROUNDS):
            show("idle", measure(server, base.scratch, seconds))
            reloads = Reloads(server, manifest, version)
            reloads.start()
            row = measure(server, base.scratch, seconds)
            reloads.ended.set()
            reloads.join()
            show("reloading", row)
            print(f"           {reloads.version - version} versions of {megabytes} MiB")
            version = reloads.version
        server.close()


if __name__ == "__main__":
    main()
