#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads and unloads a large model over and over, asks it once each time, and watches what stays behind.

usage: cycles.py [CYCLES [MEGABYTES]]
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import big_model  # noqa: E402
import clients  # noqa: E402
import support  # noqa: E402
from swaps import usage  # noqa: E402

WARM = 20  # cycles before what is there counts as the start
ALLOWED = 1.02


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with clients.Base() as base:
        big_model.write_model(os.path.join(base.path, "big"), megabytes)
        manifest = os.path.join(base.path, "versions")

        def publish(text):
            with open(manifest + ".new", "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(manifest + ".new", manifest)
        publish("1 big\n")
        server = support.Server("--version_quiet_ms=0", rest=True, model_name="m", model_base_path=manifest)
        request = clients.predict_request("m", x=[list(range(big_model.WIDTH))]).SerializeToString()
        seen = []
        for cycle in range(cycles + WARM):
            answer = clients.predict(server, request)
            assert list(answer.outputs["y"].float_val) == list(range(big_model.WIDTH))
            publish("")
            server.await_log("Done unloading")
            seen.append(usage(server))
            server.log.clear()
            publish("1 big\n")
            server.await_log("Successfully loaded")
            server.log.clear()
            if cycle % 100 == WARM:
                print(f"  {cycle} cycles: {seen[-1][0]} KiB, {seen[-1][1]} descriptors", file=sys.stderr, flush=True)
        server.close()
    (rss, fds), (last, last_fds) = seen[WARM - 1], seen[-1]
    print(f"{cycles} cycles of {megabytes} MiB: unloaded, the server holds {rss} KiB at first, {last} KiB at the end ({last / rss:.3f}), "
          f"{fds} and {last_fds} descriptors")
    return 0 if last <= ALLOWED * rss and last_fds <= fds else 1


if __name__ == "__main__":
    sys.exit(main())
