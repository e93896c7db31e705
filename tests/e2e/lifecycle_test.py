# SPDX-License-Identifier: Apache-2.0
"""Versions come and go while requests run; folders that are missing, broken, or become whole later."""
import os
import unittest

import support
from clients import Base, Load, predict, predict_request, rest, states, status

LOADED = r"Successfully loaded servable version \{name: m version: %d\}"
UNLOADED = r"Done unloading servable version \{name: m version: %d\}"


def truncate(relative, size):
    def change(folder):
        os.truncate(os.path.join(folder, relative), size)
    return change


def scribble(folder):
    with open(os.path.join(folder, "saved_model.pb"), "r+b") as file:
        file.write(b"\xff" * 64)


class Versions(unittest.TestCase):
    def test_a_config_beside_the_model(self):
        """Empty, of TFRT's, or no message: what it overrides are sessions, and the original reads it only if a platform's configuration says so."""
        for content in (b"", b"\x12\x02\x08\x01", b"\xff"):
            def add_config(folder, content=content):
                os.mkdir(os.path.join(folder, "assets.extra"))
                with open(os.path.join(folder, "assets.extra", "saved_model_config.pb"), "wb") as file:
                    file.write(content)
            with Base() as base:
                base.add(1, change=add_config)
                with support.Server(model_name="m", model_base_path=base.path) as server:
                    self.assertEqual([3.0], list(predict(server, predict_request("m", x=[2])).outputs["y"].float_val))

    def test_a_newer_version_is_taken_without_a_failed_request(self):
        with Base() as base:
            base.add(1)
            with support.Server(rest=True, model_name="m", model_base_path=base.path) as server:
                load = Load(server)
                for version in (2, 5):
                    base.add(version)
                    server.await_log(LOADED % version)
                server.await_log(UNLOADED % 1)
                server.await_log(UNLOADED % 2)
                self.assertRegex(server.await_log(LOADED % 5), r" in [\d.]+ ms: reading the graph [\d.]+ ms, compiling .* MiB of tensors$")
                load.await_version(5)
                answer = predict(server, predict_request("m", x=[1]))
                load.end()
                self.assertEqual([], load.failed)
                self.assertEqual({1, 2, 5}, load.versions)
                self.assertGreater(load.rest_answers, 0)
                self.assertEqual(5, answer.model_spec.version.value)
                self.assertEqual({1: "END", 2: "END", 5: "AVAILABLE"}, states(server, "m"))
                self.assertEqual(("NOT_FOUND", "Servable not found for request: Specific(m, 1)"),
                                 predict(server, predict_request("m", version=1, x=[1])))

    def test_when_the_newest_goes_the_next_one_comes_back(self):
        with Base() as base:
            base.add("00000007")
            base.add(9)
            with support.Server(model_name="m", model_base_path=base.path) as server:
                self.assertEqual({9: "AVAILABLE"}, states(server, "m"))
                base.remove(9)
                server.await_log(UNLOADED % 9)
                self.assertEqual({9: "END", 7: "AVAILABLE"}, states(server, "m"))
                base.remove("00000007")
                server.await_log(UNLOADED % 7)
                self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(m)"),
                                 predict(server, predict_request("m", x=[1])))
                base.add(7)
                server.await_log(LOADED % 7, count=2)
                self.assertEqual([2.5], list(predict(server, predict_request("m", x=[1])).outputs["y"].float_val))

    def test_a_bad_version_does_not_replace_a_good_one(self):
        with Base() as base:
            base.add(1)
            with support.Server("--max_num_load_retries=1", "--load_retry_interval_micros=1000", rest=True, model_name="m",
                                model_base_path=base.path) as server:
                base.add(2, change=scribble)
                server.await_log(r"Encountered an error for servable version \{name: m version: 2\}: .*saved_model.pb")
                server.await_log(r"Loading servable version \{name: m version: 2\} failed, try 1 of 2: ")
                self.assertEqual(1, predict(server, predict_request("m", x=[1])).model_spec.version.value)
                bad = status(server, "m", 2).model_version_status[0]
                self.assertEqual(50, bad.state)
                self.assertNotEqual(0, bad.status.error_code)
                self.assertIn("saved_model.pb", bad.status.error_message)
                page = rest(server, "GET", "/v1/models/m").json["model_version_status"]
                self.assertEqual([("2", "END"), ("1", "AVAILABLE")], [(s["version"], s["state"]) for s in page])
                base.remove(2)
                base.add(3)
                server.await_log(UNLOADED % 1)
                self.assertEqual(3, predict(server, predict_request("m", x=[1])).model_spec.version.value)


    def test_a_version_that_is_copied_slowly(self):
        with Base() as base:
            base.add(1)
            with support.Server("--max_num_load_retries=0", model_name="m", model_base_path=base.path) as server:
                data = os.path.join("variables", "variables.data-00000-of-00001")
                aside = os.path.join(base.scratch, "data")
                base.add(2, change=lambda folder: os.rename(os.path.join(folder, data), aside))
                server.await_log(r"Encountered an error for servable version \{name: m version: 2\}")
                self.assertEqual(1, predict(server, predict_request("m", x=[1])).model_spec.version.value)
                os.rename(aside, os.path.join(base.path, "2", data))
                server.await_log(UNLOADED % 1)
                self.assertEqual(2, predict(server, predict_request("m", x=[1])).model_spec.version.value)


class Start(unittest.TestCase):
    def test_a_base_path_that_comes_later(self):
        with Base() as base:
            path = os.path.join(base.path, "later")
            server = support.Server(rest=True, wait=False, model_name="m", model_base_path=path)
            try:
                server.await_log("Could not find base path .*/later for servable m with error NOT_FOUND")
                server.await_log("Waiting for a version of servable m$")
                base.add("incomplete")
                os.mkdir(path)
                os.rename(os.path.join(base.path, "incomplete"), os.path.join(path, "1"))
                server.await_log("Exporting HTTP/REST API at:localhost:")
                self.assertEqual([2.5], list(predict(server, predict_request("m", x=[1])).outputs["y"].float_val))
            finally:
                server.close()

    def test_being_told_to_end_while_it_waits(self):
        with Base() as base:
            server = support.Server(wait=False, model_name="m", model_base_path=base.path)
            server.await_log("Waiting for a version")
            server.close()  # checks the exit code
            self.assertFalse([line for line in server.log if "Running gRPC" in line])

    def check_failure(self, change, *needles):
        with Base() as base:
            base.add(4, change=change)
            server = support.Server("--max_num_load_retries=0", wait=False, model_name="m", model_base_path=base.path)
            self.assertEqual(255, server.process.wait(30))
            server.reader.join()
            server.channel.close()
            said = "\n".join(server.log)
            self.assertIn("\nFailed to start server. Error: UNKNOWN: 1 servable(s) did not become available: "
                          "{{{name: m version: 4} due to error: ", said)
            for needle in needles:
                self.assertIn(needle, said[said.index("Failed to start"):])

    def test_models_that_can_not_be_loaded(self):
        self.check_failure(scribble, "/4/saved_model.pb")
        self.check_failure(truncate("saved_model.pb", 1000), "/4/saved_model.pb")
        self.check_failure(lambda folder: os.remove(os.path.join(folder, "saved_model.pb")), "NOT_FOUND", "/4")
        self.check_failure(truncate("variables/variables.data-00000-of-00001", 100), "variables")
        self.check_failure(truncate("variables/variables.index", 20), "variables.index")

    def test_tags_that_the_model_does_not_have(self):
        with Base() as base:
            base.add(1)
            server = support.Server("--max_num_load_retries=0", "--saved_model_tags=serve,gpu", wait=False, model_name="m",
                                    model_base_path=base.path)
            self.assertEqual(255, server.process.wait(30))
            server.reader.join()
            server.channel.close()
            self.assertIn("Could not find meta graph def matching supplied tags: { serve gpu }", server.log[-1])


if __name__ == "__main__":
    unittest.main()
