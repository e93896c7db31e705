#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many registered models of which few are in memory: what the start, rest, first requests and evictions cost.

usage: lazy.py [MODELS [RESIDENT [MEGABYTES [REQUESTS]]]]

The models are links to one that is made first. Exits 1 when an answer is wrong, when more is in memory than the budget allows, or when a
first request takes longer than COLD_MS (without other work on the machine).
"""
import os
import random
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import big_model  # noqa: E402
import clients  # noqa: E402
import support  # noqa: E402

COLD_MS = 200
REST_S = 10


def link_model(made, folder):
    os.makedirs(os.path.join(folder, "1", "variables"))
    for at, _, files in os.walk(made):
        for file in files:
            relative = os.path.relpath(os.path.join(at, file), made)
            os.link(os.path.join(made, relative), os.path.join(folder, "1", relative))


def write_config(base, count):
    path = os.path.join(base.scratch, "models.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("model_config_list {\n")
        for i in range(count):
            file.write(f"config {{ name: 'm{i}' base_path: '{base.path}/m{i}' model_platform: 'tensorflow' }}\n")
        file.write("}\n")
    return path


def rss_mib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        rows = dict(line.split(":", 1) for line in file)
    return tuple(int(rows[key].split()[0]) / 1024 for key in ("VmRSS", "RssAnon"))


def cpu_s(server):
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(server):
    """How many models say that they are in memory."""
    models = clients.rest(server, "GET", "/v1/models").json["models"]
    return sum(v["state"] == "AVAILABLE" and "error_message" not in v for m in models for v in m["versions"])


def ask(server, name, x):
    """Milliseconds of a request; the answer is what was asked."""
    request = clients.predict_request(name, x=x)
    begun = time.monotonic()
    answer = clients.predict(server, request)
    took = (time.monotonic() - begun) * 1000
    if isinstance(answer, tuple) or not np.array_equal(list(answer.outputs["y"].float_val), x.reshape(-1)):
        print("wrong:", answer if isinstance(answer, tuple) else name)
        sys.exit(1)
    return took


def row(what, times):
    times = sorted(times)
    print(f"{what}: {len(times)}, p50 {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms, slowest {times[-1]:.1f} ms")
    return times[-1]


def main():
    count, budget, megabytes, requests = [int(a) for a in sys.argv[1:]] + [5000, 50, 50, 500][len(sys.argv) - 1:]
    with clients.Base() as base:
        made = os.path.join(base.scratch, "made")
        big_model.write_model(made, megabytes)
        size = int(subprocess.run(["du", "-sb", made], capture_output=True, check=True, text=True).stdout.split()[0])
        for i in range(count):
            link_model(made, os.path.join(base.path, f"m{i}"))
        limit = int(size * 1.2 * budget)
        begun = time.monotonic()
        server = support.Server("--lazy_load", f"--model_memory_limit_bytes={limit}", rest=True, model_config_file=write_config(base, count))
        print(f"{count} models of {megabytes} MiB, room for {budget}: port open after {(time.monotonic() - begun) * 1000:.0f} ms, "
              f"RSS {rss_mib(server)[0]:.1f} MiB, {len(os.listdir(f'/proc/{server.process.pid}/task'))} threads")
        time.sleep(1)
        before = cpu_s(server)
        time.sleep(REST_S)
        print(f"at rest: {(cpu_s(server) - before) / REST_S * 100:.1f} % of a core")
        x = np.random.default_rng(1).random((1, big_model.WIDTH), "f4")
        names = [f"m{i}" for i in random.Random(1).sample(range(count), min(count, requests))]
        slowest = row("first requests", [ask(server, name, x) for name in names])
        row("requests for what is in memory", [ask(server, name, x) for name in names[-budget // 2:] * 10])
        kept = resident(server)
        total, anonymous = rss_mib(server)
        print(f"in memory: {kept}; RSS {total:.0f} MiB, of it {anonymous:.0f} not of files")
        server.close()
        if kept > budget or slowest > COLD_MS:
            sys.exit(1)


if __name__ == "__main__":
    main()
