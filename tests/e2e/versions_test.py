# SPDX-License-Identifier: Apache-2.0
"""tensorctl versions: a running server is pinned to a version, and let go."""
import os
import subprocess
import unittest

import support
from clients import Base, Load, predict, predict_request, states

UNLOADED = r"Done unloading servable version \{name: m version: %d\}"
CONFIG = "/tensord.Administration/GetConfig"


def tensorctl(*arguments):
    return subprocess.run([support.program("tensorctl"), "versions", *arguments], capture_output=True, timeout=60, text=True)


def scribble(folder):
    with open(os.path.join(folder, "saved_model.pb"), "r+b") as file:
        file.write(b"\xff" * 64)


class VersionsTest(unittest.TestCase):
    def setUp(self):
        self.base = Base().__enter__()
        self.addCleanup(self.base.__exit__)

    def start(self, policy="", labels="", *flags, **named):
        config = os.path.join(self.base.scratch, "models.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("model_config_list { config { name: 'm' base_path: '%s' model_platform: 'tensorflow' %s %s } }"
                       % (self.base.path, policy, labels))
        server = support.Server("--version_quiet_ms=0", "--max_num_load_retries=0", *flags, rest=True, model_config_file=config, **named)
        self.addCleanup(server.close)
        self.target = f"localhost:{server.port}/m"
        return server

    def version(self, server):
        return predict(server, predict_request("m", x=[1])).model_spec.version.value

    def test_a_rollback_to_what_is_loaded_and_back(self):
        for version in (1, 2):
            self.base.add(version)
        server = self.start("model_version_policy { latest { num_versions: 2 } }", "version_labels { key: 'old' value: 1 }",
                            "--allow_version_labels_for_unavailable_models")
        load = Load(server)
        done = tensorctl(self.target, "pin", "1")
        self.assertEqual((0, "m: version 1 is pinned; it was available already\n", ""), (done.returncode, done.stdout, done.stderr))
        server.await_log(UNLOADED % 2)
        self.assertEqual(1, self.version(server))
        self.assertEqual(1, sum("Loading servable version {name: m version: 1}" in line for line in server.log))
        listed = tensorctl(self.target)
        self.assertEqual(["m: " + self.base.path, "pinned: 1", "label old: 1", "                   2  END        ",
                          "                   1  AVAILABLE  "], listed.stdout.splitlines())
        self.assertEqual("m: the latest 2\n", tensorctl(self.target, "unpin", "2").stdout)
        load.await_version(2)
        load.end()
        self.assertEqual([], load.failed)
        self.assertIn("the latest 2\n", tensorctl(self.target, "list").stdout)

    def test_a_version_that_has_to_be_loaded(self):
        for version in (1, 2):
            self.base.add(version)
        server = self.start()
        self.assertEqual({2: "AVAILABLE"}, states(server, "m"))
        load = Load(server)
        done = tensorctl(self.target, "pin", "1")
        self.assertEqual((0, "m: version 1 is pinned\n"), (done.returncode, done.stdout))
        server.await_log(UNLOADED % 2)
        load.end()
        self.assertEqual([], load.failed)
        self.assertEqual(1, self.version(server))

    def test_what_does_not_come_changes_nothing(self):
        self.base.add(2)
        self.base.add(1, change=scribble)
        server = self.start()
        before = server.call_bytes(CONFIG, b"")
        done = tensorctl(self.target, "pin", "1")
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertRegex(done.stderr, r"^tensorctl versions: \w+: version 1: .*saved_model.pb.* \(the configuration is as it was\)\n$")
        done = tensorctl(self.target, "pin", "7")
        self.assertEqual((1, f"tensorctl versions: NOT_FOUND: there is no version 7 under {self.base.path} (the configuration is as it was)\n"),
                         (done.returncode, done.stderr))
        self.assertEqual(before, server.call_bytes(CONFIG, b""))
        self.assertEqual(2, self.version(server))

    def test_a_server_of_one_model_and_one_of_lazy_models(self):
        for version in (1, 2):
            self.base.add(version)
        with support.Server("--lazy_load", "--version_quiet_ms=0", model_name="m", model_base_path=self.base.path) as server:
            done = tensorctl(f"localhost:{server.port}/m", "pin", "1")
            self.assertEqual((0, "m: version 1 is pinned\n"), (done.returncode, done.stdout))
            self.assertEqual(1, self.version(server))

    def test_a_token_and_a_door(self):
        self.base.add(1)
        tokens = os.path.join(self.base.scratch, "tokens")
        with open(tokens, "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chmod(tokens, 0o600)
        socket = os.path.join(self.base.scratch, "admin")
        server = self.start("", "", f"--admin_token_file={tokens}", f"--admin_socket_path={socket}")
        self.assertIn("PERMISSION_DENIED", tensorctl(self.target).stderr)
        self.assertIn("UNAUTHENTICATED", tensorctl(f"unix:{socket}/m").stderr)
        done = tensorctl(f"unix:{socket}/m", "list", "--token-file", tokens)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual("PERMISSION_DENIED", server.call_bytes(CONFIG, b"")[0])

    def test_command_lines(self):
        for arguments in (["--help"], ["m", "--help"], ["m", "list", "--help"], ["m", "pin", "41", "-h"]):
            done = tensorctl(*arguments)
            self.assertEqual((0, ""), (done.returncode, done.stderr), arguments)
            self.assertIn("usage: tensorctl versions", done.stdout)
        for arguments in ([], ["m", "pin"], ["m", "pin", "x"], ["m", "unpin", "0"], ["m", "drop"], ["m", "list", "1"], ["m", "--timeout"]):
            self.assertEqual(2, tensorctl(*arguments).returncode, arguments)
        self.base.add(1)
        server = self.start()
        done = tensorctl(f"localhost:{server.port}/other")
        self.assertEqual((1, "tensorctl versions: NOT_FOUND: the server has no model 'other'\n"), (done.returncode, done.stderr))
