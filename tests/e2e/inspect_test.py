# SPDX-License-Identifier: Apache-2.0
"""tensorctl inspect and ops: what a model has and whether it can be served, without its weights."""
import os
import re
import subprocess
import unittest

import support
from clients import MODELS, Base
from model_text import meta_graph, node, signature, write_version


def tensorctl(*arguments):
    return subprocess.run([support.program("tensorctl"), *arguments], capture_output=True, timeout=60, text=True)


class Inspect(unittest.TestCase):
    def test_a_model_that_can_be_served(self):
        done = tensorctl("inspect", os.path.join(MODELS, "digits"))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        for line in (r"^  can be served \(checked in [\d.]+ [mu]s\)$", r"^    in  image   float\[\?,8,8,1\]  ", r"^dtypes: float .*string",
                     r"^variables: 17 tensors, 108.9 KiB$", r"^memory: about 199.0 KiB "):
            self.assertRegex(done.stdout, re.compile(line, re.M))
        self.assertNotIn("plan:", done.stdout)

    def test_weights_are_not_read(self):
        def spoil(folder):
            data = os.path.join(folder, "variables", "variables.data-00000-of-00001")
            with open(data, "r+b") as file:
                file.write(os.urandom(os.path.getsize(data)))
        with Base() as base:
            base.add(1, model="digits", change=spoil)
            self.assertEqual(0, tensorctl("inspect", base.path).returncode)
            done = tensorctl("inspect", "--run", base.path)
            self.assertEqual(1, done.returncode)
            self.assertIn("Checksum does not match", done.stderr)

    def test_how_it_runs(self):
        done = tensorctl("inspect", "--run", os.path.join(MODELS, "digits"))
        self.assertRegex(done.stdout, r"  loads in [\d.]+ [mu]s\n")
        self.assertRegex(done.stdout, r"    plan: \d+ steps, .* a run: on the ")

    def test_ops_that_are_missing_are_all_named(self):
        graph = node("x", "Placeholder", [], ("dtype", "type: DT_FLOAT")) + node("a", "NoSuchOp", ["x"]) + node("b", "NorThisOne", ["a"])
        with Base() as base:
            write_version(os.path.join(base.path, "1"), meta_graph(graph, signature("serving_default", [("x", "x", 1)], [("y", "b", 1)])))
            done = tensorctl("inspect", base.path)
            self.assertEqual(1, done.returncode)
            self.assertIn("  can not be served: UNIMPLEMENTED\n", done.stdout)
            self.assertIn("NoSuchOp* 1", done.stdout)
            self.assertIn("the model needs 2 ops that this build lacks: NoSuchOp (1 node, first a), NorThisOne (1 node, first b)", done.stderr)

    def test_the_state_of_a_server(self):
        def spoil(folder):
            os.truncate(os.path.join(folder, "saved_model.pb"), 100)
        with Base() as base:
            base.add(1)
            with support.Server("--max_num_load_retries=0", rest=True, model_name="half", model_base_path=base.path) as server:
                base.add(20261125, change=spoil)
                server.await_log("Encountered an error")
                done = tensorctl("status", f"localhost:{server.rest_port}")
                self.assertEqual((0, ""), (done.returncode, done.stderr))
                head, bad, good = done.stdout.splitlines()
                self.assertEqual(["MODEL", "VERSION", "STATE"], head.split())
                self.assertRegex(bad, r"^half +20261125  END +\S.*saved_model.pb")
                self.assertEqual(["half", "1", "AVAILABLE"], good.split())
                port = server.rest_port
        done = tensorctl("status", f"localhost:{port}")
        self.assertEqual(1, done.returncode)
        self.assertIn("Connection refused", done.stderr)

    def test_ops_are_listed(self):
        done = tensorctl("ops")
        self.assertRegex(done.stdout, re.compile(r"^MatMul +T: float double ", re.M))
        self.assertNotIn("\n_", done.stdout)


if __name__ == "__main__":
    unittest.main()
