# SPDX-License-Identifier: Apache-2.0
"""--lazy_load: models are loaded by their first requests, and make room for others.

A model that takes long to load is a hash map whose file is a pipe: opening it takes until somebody writes.
"""
import os
import shutil
import threading
import time
import unittest

import support
from clients import MODELS, Base, Load, predict, predict_request, rest, states, status
from health_test import SERVING, health

RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
ASLEEP = "Not in memory: the next request for it loads it"
LOADING = r"Loading servable version \{name: %s version: %d\}"
LOADED = r"Successfully loaded servable version \{name: %s version: %d\}"
UNLOADED = r"Done unloading servable version \{name: %s version: %d\}"


def size_of(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


class Models(Base):
    """Base paths, each with versions; and a server that has them all as lazy models."""

    def put(self, name, version, change=None):
        os.makedirs(os.path.join(self.path, name), exist_ok=True)
        self.add(os.path.join(name, str(version)), change=change)

    def put_slow(self, name):
        folder = os.path.join(self.path, name, "1")
        os.makedirs(folder)
        os.mkfifo(os.path.join(folder, "hashmap.csv"))
        self.slow = os.path.join(folder, "hashmap.csv")

    def let_load(self):
        with open(self.slow, "wb"):
            pass

    def server(self, *flags, kept=(), **named):
        """`kept`: the models that are always loaded."""
        config = os.path.join(self.scratch, "models.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("model_config_list {\n")
            for name in sorted(os.listdir(self.path)):
                kind = "hashmap" if name.startswith("slow") else "tensorflow"
                file.write(f"config {{ name: '{name}' base_path: '{self.path}/{name}' model_platform: '{kind}' "
                           f"always_loaded: {'true' if name in kept else 'false'} }}\n")
            file.write("}\n")
        return support.Server("--lazy_load", "--version_quiet_ms=0", *flags, rest=True, model_config_file=config, **named)


def in_memory(server):
    models = rest(server, "GET", "/v1/models").json["models"]
    return {m["name"] for m in models for v in m["versions"] if v["state"] == "AVAILABLE" and "error_message" not in v}


def ask(server, name, **options):
    """The version that answered, or (code's name, message)."""
    answer = predict(server, predict_request(name, x=[1], **options))
    return answer if isinstance(answer, tuple) else answer.model_spec.version.value


def ask_slow(server, answers, timeout=60):
    request = predict_request("slow", keys=[b"k"])
    answers.append(predict(server, request, timeout=timeout))


class FirstRequests(unittest.TestCase):
    def test_each_way_in_loads_the_model(self):
        with Models() as models:
            for name in ("a", "b", "c", "d", "e"):
                models.put(name, 1)
            with models.server() as server:
                self.assertEqual(set(), in_memory(server))
                self.assertEqual((SERVING, SERVING), (health(server), health(server, "a")))
                self.assertEqual(200, rest(server, "GET", "/readyz").status)
                one = status(server, "a").model_version_status[0]
                self.assertEqual((30, 0, ASLEEP), (one.state, one.status.error_code, one.status.error_message))
                self.assertEqual(1, ask(server, "a"))
                answer = rest(server, "POST", "/v1/models/b:predict", {"instances": [1, 2, 5]})
                self.assertEqual({"predictions": [2.5, 3.0, 4.5]}, answer.json)
                self.assertEqual(200, rest(server, "GET", "/v1/models/c/metadata").status)
                metadata = support.pb("get_model_metadata").GetModelMetadataRequest(metadata_field=["signature_def"])
                metadata.model_spec.name = "d"
                metadata.model_spec.version.value = 1
                self.assertIsInstance(server.call_bytes("/tensorflow.serving.PredictionService/GetModelMetadata",
                                                        metadata.SerializeToString()), bytes)
                self.assertEqual({"a", "b", "c", "d"}, in_memory(server))
                self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(x)"), ask(server, "x"))
                self.assertEqual(("NOT_FOUND", "Servable not found for request: Specific(e, 2)"), ask(server, "e", version=2))
                self.assertEqual({"a", "b", "c", "d"}, in_memory(server))

    def test_requests_wait_together_and_hold_up_nobody(self):
        with Models() as models:
            models.put("quick", 1)
            models.put_slow("slow")
            with models.server() as server:
                answers = []
                waiting = [threading.Thread(target=ask_slow, args=(server, answers)) for _ in range(16)]
                for thread in waiting:
                    thread.start()
                server.await_log(LOADING % ("slow", 1))
                for _ in range(50):
                    self.assertEqual(1, ask(server, "quick"))
                late = []
                ask_slow(server, late, timeout=0.2)
                self.assertEqual("DEADLINE_EXCEEDED", late[0][0])
                self.assertEqual({1: "LOADING"}, states(server, "slow"))
                self.assertEqual([], answers)
                models.let_load()
                for thread in waiting:
                    thread.join()
                self.assertEqual(16, sum(not isinstance(a, tuple) for a in answers))
                self.assertEqual(1, sum("Loading servable version {name: slow" in line for line in server.log))

    def test_a_load_that_takes_long_says_so(self):
        with Models() as models:
            models.put_slow("slow")
            with models.server("--load_report_seconds=1") as server:
                waiting = threading.Thread(target=ask_slow, args=(server, []))
                waiting.start()
                server.await_log(r"Still loading servable version \{name: slow version: 1\}: beginning, 0.0 MiB of tensors so far, "
                                 r"about 0.0 MiB expected, [23] s", count=1)
                models.let_load()
                waiting.join()

    def test_the_time_limit_of_rest(self):
        with Models() as models:
            models.put_slow("slow")
            with models.server("--rest_api_timeout_in_ms=200") as server:
                answer = rest(server, "GET", "/v1/models/slow/metadata")
                self.assertEqual(504, answer.status)
                models.let_load()
                server.await_log(LOADED % ("slow", 1))

    def test_the_server_ends_while_a_request_waits(self):
        with Models() as models:
            models.put_slow("slow")
            answers = []
            with models.server() as server:
                waiting = threading.Thread(target=ask_slow, args=(server, answers))
                waiting.start()
                server.await_log(LOADING % ("slow", 1))
                server.process.terminate()
                server.process.wait(30)
                waiting.join()
            self.assertEqual("UNAVAILABLE", answers[0][0])


class Room(unittest.TestCase):
    def test_the_one_that_was_not_used_for_the_longest_goes(self):
        with Models() as models:
            for name in ("a", "b", "c"):
                models.put(name, 1)
            limit = int(size_of(os.path.join(models.path, "a")) * 1.2 * 2.5)
            with models.server(f"--model_memory_limit_bytes={limit}") as server:
                for name in ("a", "b", "a"):
                    self.assertEqual(1, ask(server, name))
                    time.sleep(0.2)  # more than a tick of use
                self.assertEqual(1, ask(server, "c"))
                self.assertEqual({"a", "c"}, in_memory(server))
                self.assertEqual(1, ask(server, "b"))
                self.assertEqual({"b", "c"}, in_memory(server))

    def test_models_that_are_always_loaded(self):
        with Models() as models:
            for name in ("a", "b", "c"):
                models.put(name, 1)
            limit = int(size_of(os.path.join(models.path, "a")) * 1.2 * 2.5)
            with models.server(f"--model_memory_limit_bytes={limit}", kept=("a",)) as server:
                self.assertEqual({"a"}, in_memory(server))
                self.assertEqual([1, 1, 1], [ask(server, name) for name in ("b", "c", "b")])
                self.assertEqual({"a", "b"}, in_memory(server))
                # Another one is from now on: it is loaded without a request, in the place of one that is lazy now.
                answer = server.call_bytes("/tensord.Administration/GetConfig", b"")
                config = support.pb("administration", "tensord").GetConfigResponse.FromString(answer).config
                self.assertEqual([True, False, False], [m.always_loaded for m in config.model_config_list.config])
                for model in config.model_config_list.config:
                    model.always_loaded = model.name == "c"
                request = support.pb("model_management").ReloadConfigRequest(config=config)
                self.assertIsInstance(server.call_bytes(RELOAD, request.SerializeToString()), bytes)
                while "c" not in in_memory(server):
                    pass
                self.assertEqual([1, 1, 1], [ask(server, name) for name in ("a", "b", "a")])
                self.assertIn("c", in_memory(server))

    def test_more_models_than_room_under_load(self):
        with Models() as models:
            names = [f"m{i}" for i in range(12)]
            for name in names:
                models.put(name, 1)
            limit = int(size_of(os.path.join(models.path, "m0")) * 1.2 * 3.5)
            with models.server(f"--model_memory_limit_bytes={limit}") as server:
                wrong = []

                def work(offset):
                    for i in range(60):
                        answer = ask(server, names[(offset * 5 + i) % 12])
                        if answer != 1:
                            wrong.append(answer)
                threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual([], wrong)
                self.assertLessEqual(len(in_memory(server)), 3)

    def test_one_that_never_fits(self):
        with Models() as models:
            models.put("a", 1)
            with models.server("--model_memory_limit_bytes=100") as server:
                code, message = ask(server, "a")
                self.assertEqual("RESOURCE_EXHAUSTED", code)
                self.assertRegex(message, r"^Insufficient resources to load servable \{name: a version: 1\}: it needs \d+ bytes")


def scribble(folder):
    with open(os.path.join(folder, "saved_model.pb"), "r+b") as file:
        file.write(b"\xff" * 64)


class Versions(unittest.TestCase):
    def test_a_load_that_fails(self):
        with Models() as models:
            models.put("a", 1, change=scribble)
            with models.server() as server:
                first = ask(server, "a")
                self.assertIn("saved_model.pb", first[1])
                self.assertEqual(first, ask(server, "a"))
                server.await_log(r"Encountered an error for servable version \{name: a version: 1\}")
                self.assertEqual(1, sum("Loading servable version" in line for line in server.log))
                self.assertEqual({1: "END"}, states(server, "a"))
                shutil.copy(os.path.join(MODELS, "half_plus_two_tf2", "1", "saved_model.pb"),
                            os.path.join(models.path, "a", "1", "saved_model.pb"))
                while isinstance(ask(server, "a"), tuple):
                    pass
                self.assertEqual({1: "AVAILABLE"}, states(server, "a"))

    def test_versions_of_a_model_in_use(self):
        with Models() as models:
            models.put("a", 1)
            with models.server() as server:
                self.assertEqual(1, ask(server, "a"))
                load = Load(server, "a")
                models.put("a", 2)
                server.await_log(UNLOADED % ("a", 1))
                load.await_version(2)
                models.put("a", 3, change=scribble)
                server.await_log(r"Encountered an error for servable version \{name: a version: 3\}")
                load.end()
                self.assertEqual([], load.failed)
                self.assertEqual(2, ask(server, "a"))

    def test_versions_of_a_model_that_sleeps(self):
        with Models() as models:
            models.put("a", 1)
            with models.server() as server:
                models.put("a", 2)
                while 2 not in states(server, "a"):
                    pass
                self.assertEqual({1: "END", 2: "AVAILABLE"}, states(server, "a"))
                self.assertEqual(2, ask(server, "a"))
                self.assertFalse(any("Loading servable version {name: a version: 1}" in line for line in server.log))
                models.remove(os.path.join("a", "2"))
                server.await_log(UNLOADED % ("a", 2))
                self.assertEqual(1, ask(server, "a"))

    def test_a_bad_version_does_not_replace_one_that_has_answered(self):
        with Models() as models:
            models.put("a", 1)
            models.put("b", 1)
            limit = int(size_of(os.path.join(models.path, "a")) * 1.2 * 1.5)
            with models.server(f"--model_memory_limit_bytes={limit}") as server:
                self.assertEqual(1, ask(server, "a"))
                self.assertEqual(1, ask(server, "b"))
                server.await_log(UNLOADED % ("a", 1))
                models.put("a", 2, change=scribble)
                while 2 not in states(server, "a"):
                    pass
                self.assertEqual(1, ask(server, "a"))
                self.assertEqual({1: "AVAILABLE", 2: "END"}, states(server, "a"))


