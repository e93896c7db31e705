#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the start takes: one large model out of the page cache; many models at once, beside one thread that loads them one by one.

usage: start.py [MEGABYTES [MODELS]]
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import big_model  # noqa: E402
import clients  # noqa: E402
import support  # noqa: E402

ROUNDS = 5


def median_start(*flags, **named):
    """Milliseconds from the command to the open port; and the server's CPU milliseconds until then."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        server = support.Server("--version_quiet_ms=0", *flags, **named)
        took = time.perf_counter() - begun
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as file:
            cpu = sum(int(t) for t in file.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
        times.append((1000 * took, 1000 * cpu))
        server.close()
    return sorted(times)[ROUNDS // 2]


def large(base, megabytes):
    big_model.write_model(os.path.join(base.path, "large", "1"), megabytes)
    took, _ = median_start(model_name="m", model_base_path=os.path.join(base.path, "large"))
    print(f"a model of {megabytes} MiB, files in the page cache: {took:.0f} ms from the command to the open port")


def many(base, count):
    source = os.path.join(base.path, "many")
    for i in range(count):
        os.makedirs(os.path.join(source, str(i)))
        base.add(f"many/{i}/1", model="digits")
    config = os.path.join(base.scratch, "models.conf")
    with open(config, "w", encoding="utf-8") as file:
        models = "".join(f"config {{ name: 'm{i}' base_path: '{source}/{i}' model_platform: 'tensorflow' }}\n" for i in range(count))
        file.write(f"model_config_list {{ {models} }}\n")
    together, cpu = median_start(f"--model_config_file={config}")
    alone, _ = median_start(f"--model_config_file={config}", "--num_load_threads=1")
    print(f"{count} models at the start: {together:.0f} ms with a thread a core ({cpu / together:.1f} cores busy), {alone:.0f} ms with one thread: "
          f"{alone / together:.2f} times as long")


def main():
    with clients.Base() as base:
        large(base, int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
        many(base, int(sys.argv[2]) if len(sys.argv) > 2 else 200)


if __name__ == "__main__":
    main()
