# SPDX-License-Identifier: Apache-2.0
"""The server called by @grpc/grpc-js, which has an HTTP/2 stack of its own. Left out, and said so, where node or the packages are not to be had."""
import json
import os
import shutil
import subprocess
import unittest

import clients
import support

PACKAGES = ["@grpc/grpc-js", "@grpc/proto-loader"]
FOLDER = os.path.join(support.ROOT, "build", "node")


def why_not():
    """Installs the packages once; None, or why they are not there."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    if all(os.path.isdir(os.path.join(FOLDER, "node_modules", *p.split("/"))) for p in PACKAGES):
        return None
    os.makedirs(FOLDER, exist_ok=True)
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", FOLDER, *PACKAGES],
                              capture_output=True, text=True, timeout=90)
    except subprocess.TimeoutExpired:
        return "npm took too long"
    return None if done.returncode == 0 else "npm could not fetch " + " ".join(PACKAGES)


class GrpcJsTest(unittest.TestCase):
    def test_predict_and_status(self):
        reason = why_not()
        if reason:
            print(f"\nleft out: @grpc/grpc-js ({reason})")
            self.skipTest(reason)
        base = os.path.join(clients.MODELS, "half_plus_two_tf2")
        with support.Server(model_name="half_plus_two", model_base_path=base) as server:
            done = subprocess.run(
                ["node", os.path.join(support.ROOT, "tests", "e2e", "client.js"), f"127.0.0.1:{server.port}", "half_plus_two",
                 os.path.join(support.ROOT, "proto")],
                capture_output=True, text=True, timeout=60, env={**os.environ, "NODE_PATH": os.path.join(FOLDER, "node_modules")})
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["values"], [[2.5, 3, 4.5]] * 50)
        self.assertEqual(answer["spec"]["name"], "half_plus_two")
        self.assertEqual(answer["spec"]["version"], {"value": "1"})
        self.assertEqual(answer["spec"]["signature_name"], "serving_default")
        self.assertEqual(answer["missing"], {"code": 5, "details": "Servable not found for request: Latest(nobody)"})
        self.assertEqual([v["state"] for v in answer["status"]["model_version_status"]], ["AVAILABLE"])


if __name__ == "__main__":
    unittest.main()
