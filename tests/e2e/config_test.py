# SPDX-License-Identifier: Apache-2.0
"""Many models from a configuration: from a file, by request, exchanged while requests run; labels and policies."""
import os
import shutil
import signal
import threading
import unittest

from google.protobuf import text_format

import support
from clients import LONG_AGO, MODELS, Base, predict, predict_request, rest, states, status, tensor

RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
STATES = {10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}


def model(name, base_path, more="", platform="model_platform: 'tensorflow'"):
    return f"config {{ name: '{name}' base_path: '{base_path}' {platform} {more} }}\n"


def config(*models):
    return "model_config_list {\n" + "".join(models) + "}\n"


def reload(server, text, timeout=60):
    """None, or (code's name, message)."""
    request = support.pb("model_management").ReloadConfigRequest()
    text_format.Parse(text, request.config)
    answer = server.call_bytes(RELOAD, request.SerializeToString(), timeout=timeout)
    if isinstance(answer, tuple):
        return answer
    response = support.pb("model_management").ReloadConfigResponse.FromString(answer)
    assert response.status.error_code == 0 and not response.status.error_message
    return None


def ask(server, name, **spec):
    """The version that answers, or (code's name, message)."""
    answer = predict(server, predict_request(name, x=[1], **spec))
    return answer if isinstance(answer, tuple) else answer.model_spec.version.value


class Configured(unittest.TestCase):
    def setUp(self):
        self.base = Base().__enter__()
        self.addCleanup(self.base.__exit__)
        self.path = self.base.path
        for name, versions in (("a", (1, 2)), ("b", (7,)), ("bad", (1,))):
            os.mkdir(os.path.join(self.path, name))
            for version in versions:
                self.base.add(f"{name}/{version}", change=self.spoil if name == "bad" else None)

    @staticmethod
    def spoil(folder):
        with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
            file.write(b"\xff" * 100)

    def of(self, name, more="", **named):
        return model(name, os.path.join(self.path, name), more, **named)

    def write(self, text):
        path = os.path.join(self.base.scratch, "models.conf")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return path

    def start(self, text, *flags, **named):
        server = support.Server("--max_num_load_retries=0", *flags, rest=True, model_config_file=self.write(text), **named)
        self.addCleanup(server.close)
        return server

    @staticmethod
    def await_loaded(server, name, *versions):
        for version in versions:
            server.await_log(rf"Successfully loaded servable version \{{name: {name} version: {version}\}}")


class Config(Configured):
    def test_many_models_and_policies(self):
        server = self.start("model_config_list: { config: [ { name: 'a', base_path: '%s/a', model_type: TENSORFLOW;\n"
                            "  model_version_policy: < all: {} > }, # a comment\n"
                            " { name: \"b\" base_path: '%s' '/b' model_platform: 'tensorflow' } ], }" % (self.path, self.path))
        self.assertEqual(7, ask(server, "b"))
        self.await_loaded(server, "a", 1, 2)
        self.assertEqual((2, 1), (ask(server, "a"), ask(server, "a", version=1)))
        self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(default)"), ask(server, "default"))
        self.assertIsNone(reload(server, config(self.of("a", "model_version_policy { specific { versions: 1 } }"), self.of("b"))))
        server.await_log(r"Done unloading servable version \{name: a version: 2\}")
        self.assertEqual(1, ask(server, "a"))
        self.assertIsNone(reload(server, config(self.of("a", "model_version_policy { latest { num_versions: 2 } }"))))
        server.await_log(r"Successfully loaded servable version \{name: a version: 2\}", count=2)
        server.await_log(r"Done unloading servable version \{name: b version: 7\}")
        self.assertEqual((2, 1), (ask(server, "a"), ask(server, "a", version=1)))
        self.assertEqual({7: "END"}, states(server, "b"))

    def test_labels(self):
        server = self.start(config(self.of("a", "model_version_policy { all {} }")))
        self.await_loaded(server, "a", 1, 2)
        both = "model_version_policy { all {} } version_labels { key: 'stable' value: 1 } version_labels { key: 'canary' value: %d }"
        self.assertIsNone(reload(server, config(self.of("a", both % 2))))
        self.assertEqual((1, 2), (ask(server, "a", label="stable"), ask(server, "a", label="canary")))
        body = {"instances": [1]}
        self.assertEqual(200, rest(server, "POST", "/v1/models/a/labels/canary:predict", body).status)
        self.assertEqual(("INVALID_ARGUMENT", "Unrecognized servable version label: beta"), ask(server, "a", label="beta"))
        self.assertEqual(400, rest(server, "POST", "/v1/models/a/labels/beta:predict", body).status)
        self.assertEqual(("FAILED_PRECONDITION", "Request to assign label to version 3 of model a, which is not currently available "
                          "for inference"), reload(server, config(self.of("a", both % 3))))
        self.assertEqual(2, ask(server, "a", label="canary"))

    def test_labels_of_versions_to_come(self):
        ahead = config(self.of("a", "version_labels { key: 'next' value: 3 }"))
        server = self.start(ahead, "--allow_version_labels_for_unavailable_models")
        self.assertEqual(("NOT_FOUND", "Servable not found for request: Specific(a, 3)"), ask(server, "a", label="next"))
        self.base.add("a/3")
        server.await_log(r"Successfully loaded servable version \{name: a version: 3\}")
        self.assertEqual(3, ask(server, "a", label="next"))

    def test_labels_at_the_start(self):
        """Nothing is available then."""
        with self.assertRaises(support.ServerError) as failed:
            self.start(config(self.of("a", "version_labels { key: 'stable' value: 2 }")))
        self.assertIn("Failed to start server. Error: FAILED_PRECONDITION: Request to assign label to version 2 of model a, which is not "
                      "currently available for inference", str(failed.exception))

    def test_files_that_ask_for_nothing(self):
        for text in ("", "model_config_list {}"):
            server = self.start(text, model_name="other", model_base_path=os.path.join(self.path, "a"))
            self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(other)"), ask(server, "other"))
            self.assertIsNone(reload(server, config(self.of("a"))))
            self.assertEqual(2, ask(server, "a"))
            self.assertIsNone(reload(server, "model_config_list {}"))
            server.await_log(r"Done unloading servable version \{name: a version: 2\}")
            self.assertEqual(("NOT_FOUND", "Servable not found for request: Latest(a)"), ask(server, "a"))

    def test_a_reload_does_not_wait_for_versions(self):
        server = self.start(config(self.of("a", "model_version_policy { specific { versions: 1 } }")))
        self.base.add("a/3", change=self.spoil)
        self.assertIsNone(reload(server, config(self.of("a", "model_version_policy { specific { versions: 3 } }"))))
        server.await_log(r"Encountered an error for servable version \{name: a version: 3\}")
        self.assertEqual(1, ask(server, "a"))

    def test_another_platform(self):
        path = os.path.join(self.path, "colours")
        os.mkdir(path)

        def publish(version, text):
            with open(os.path.join(self.base.scratch, "map"), "w", encoding="utf-8") as file:
                file.write(text)
            os.utime(os.path.join(self.base.scratch, "map"), (LONG_AGO, LONG_AGO))
            os.rename(os.path.join(self.base.scratch, "map"), os.path.join(path, str(version)))
        publish(1, "red,#f00\r\ngreen,#0f0\n\n,nothing\nlist,a,b\n")
        server = self.start(config(self.of("a"), model("colours", path, platform="model_platform: 'hashmap'")))

        def look_up(*keys, **more):
            answer = predict(server, predict_request("colours", keys=tensor(list(keys)), **more))
            if isinstance(answer, tuple):
                return answer
            return {name: list(t.string_val or t.bool_val) for name, t in answer.outputs.items()}
        self.assertEqual({"values": [b"#f00", b"", b"nothing", b"a,b"], "found": [True, False, True, True]},
                         look_up(b"red", b"blue", b"", b"list"))
        self.assertEqual({"values": [b"#0f0"]}, look_up(b"green", outputs=["values"]))
        self.assertEqual(("FAILED_PRECONDITION", 'Serving signature key "other" not found.'), look_up(b"red", signature="other"))
        self.assertEqual(("INVALID_ARGUMENT", "`keys` are strings, not float"), predict(server, predict_request("colours", keys=[1])))
        self.assertEqual("INVALID_ARGUMENT", predict(server, predict_request("colours", x=[1]))[0])
        self.assertEqual("Servable type doesn't match the asked for type.",
                         rest(server, "POST", "/v1/models/colours:predict", {"instances": ["red"]}).json["error"])
        publish(2, "red,#e00\nno comma\n")
        server.await_log(r"Encountered an error for servable version \{name: colours version: 2\}: INVALID_ARGUMENT: .*line 2: 'key,value' is ex")
        publish(3, "red,#e00\n")
        server.await_log(r"Successfully loaded servable version \{name: colours version: 3\}")
        self.assertEqual({"values": [b"#e00"], "found": [True]}, look_up(b"red"))
        self.assertEqual(2, ask(server, "a"))

    def test_requests_that_ask_for_the_wrong_thing(self):
        server = self.start(config(self.of("a")))
        for text, code, message in (
                ("", "INVALID_ARGUMENT", "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
                 "currently supported"),
                ("custom_model_config {}", "INVALID_ARGUMENT", "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                 "ModelConfigList is currently supported"),
                (config(self.of("b"), self.of("b")), "INVALID_ARGUMENT", "Illegal to list model b multiple times in config list"),
                (config(model("b", "b")), "INVALID_ARGUMENT",
                 "Expected model b to have an absolute path or URI; got base_path()=b"),
                (config(self.of("b", platform="")), "INVALID_ARGUMENT", "Illegal setting neither ModelServerConfig::model_type "
                 "(deprecated) nor ModelServerConfig::model_platform, model name is b"),
                (config(self.of("b", "model_type: TENSORFLOW")), "INVALID_ARGUMENT", "Illegal setting both "
                 "ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform, model name is b"),
                (config(self.of("b", platform="model_type: OTHER")), "INVALID_ARGUMENT", "ModelServerConfig::model_type choice 2 not supported."),
                (config(self.of("b", platform="model_platform: 'torch'")), "INVALID_ARGUMENT",
                 "Model b requests unsupported platform torch")):
            self.assertEqual((code, message), reload(server, text), text)
            self.assertEqual(2, ask(server, "a"))
            self.assertEqual("NOT_FOUND", ask(server, "b")[0])

    def test_a_file_with_a_custom_config(self):
        with self.assertRaises(support.ServerError) as failed:
            self.start("custom_model_config {}")
        self.assertIn("ModelServer does not yet support custom model config.", str(failed.exception))

    def test_metrics_of_a_reload(self):
        """Each name once; what there is not, and histograms, do not increase; of several series the first counts."""
        server = self.start(config(self.of("a")))
        request = support.pb("model_management").ReloadConfigRequest()
        text_format.Parse(config(self.of("a"), self.of("b")), request.config)
        loads, requests = "/tensorflow/cc/saved_model/load_attempt_count", "/tensorflow/serving/request_count"
        request.metric_names.extend([requests, loads, "none", loads, "/tensorflow/serving/request_latency"])

        def increases():
            answer = server.call_bytes(RELOAD, request.SerializeToString(), timeout=60)
            response = support.pb("model_management").ReloadConfigResponse.FromString(answer)
            return {m.name: m.int64_value_increase for m in response.metric if m.WhichOneof("value_increase")}
        nothing = {loads: 0, requests: 0, "none": 0, "/tensorflow/serving/request_latency": 0}
        self.assertEqual(nothing, increases())  # b's series is not the first
        self.assertIsNone(reload(server, config(self.of("b"))))
        server.await_log(r"Done unloading servable version \{name: a version: 2\}")
        self.assertEqual({**nothing, loads: 1}, increases())
        self.assertEqual(nothing, increases())

    def test_a_bad_model_does_not_keep_good_ones_away(self):
        server = self.start(config(self.of("a")))
        code, message = reload(server, config(self.of("a"), self.of("bad"), self.of("b")))
        self.assertEqual("UNKNOWN", code)
        self.assertIn("1 model(s) did not become available: {{{name: bad version: 1} due to error: ", message)
        self.assertEqual((2, 7), (ask(server, "a"), ask(server, "b")))
        # A reload that waits for a model that does not come is ended by one that does not want it any more.
        waiting = []
        wants_more = config(self.of("a"), model("late", os.path.join(self.path, "late")))
        thread = threading.Thread(target=lambda: waiting.append(reload(server, wants_more)))
        thread.start()
        server.await_log("Could not find base path .*/late")
        self.assertIsNone(reload(server, config(self.of("a"))))
        thread.join()
        self.assertEqual([None], waiting)

    def test_start_with_a_bad_model(self):
        text = config(self.of("a"), self.of("bad"))
        with self.assertRaises(support.ServerError) as failed:
            self.start(text)
        self.assertIn("1 servable(s) did not become available: {{{name: bad version: 1} due to error: ", str(failed.exception))
        server = self.start(text, "--start_without_failed_models")
        self.assertEqual(2, ask(server, "a"))

    def test_files_that_are_none(self):
        for text, said in (("model_config_list {\n config { nam: 'a' } }", r"ModelServerConfig: 2:"), ("model_config_list {", "Invalid protobuf")):
            with self.assertRaises(support.ServerError) as failed:
                self.start(text)
            self.assertRegex(str(failed.exception), said)
            self.assertIn("Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '", str(failed.exception))
        with self.assertRaises(support.ServerError) as failed:
            support.Server("--model_config_file=/nowhere/models.conf")
        self.assertIn("/nowhere/models.conf", str(failed.exception))

    def check_file_is_read_again(self, server, nudge):
        self.write(config(self.of("a"), self.of("b")))
        nudge()
        server.await_log("models.conf is in force: 2 models")
        server.await_log(r"Successfully loaded servable version \{name: b version: 7\}")
        self.write("model_config_list { config { nonsense } }")
        nudge()
        server.await_log("models.conf: all stays as it was: INVALID_ARGUMENT: Invalid protobuf file")
        self.assertEqual((2, 7), (ask(server, "a"), ask(server, "b")))
        self.write(config(self.of("b")))
        nudge()
        server.await_log(r"Done unloading servable version \{name: a version: 2\}")
        self.assertEqual(7, ask(server, "b"))

    def test_the_file_is_read_again_on_sighup(self):
        server = self.start(config(self.of("a")))
        self.check_file_is_read_again(server, lambda: server.process.send_signal(signal.SIGHUP))

    def test_the_file_is_read_again_every_so_often(self):
        server = self.start(config(self.of("a")), "--model_config_file_poll_wait_seconds=1")
        self.check_file_is_read_again(server, lambda: None)

    def test_an_early_port_tells_the_state(self):
        os.mkdir(os.path.join(self.path, "late"))
        server = self.start(config(self.of("a"), self.of("late")), "--open_ports_early")
        self.assertEqual(("UNAVAILABLE", "Servable not found for request: Latest(late): the model is not ready yet, no version is known"),
                         ask(server, "late"))
        self.assertEqual(503, rest(server, "POST", "/v1/models/late:predict", {"instances": [1]}).status)
        self.assertEqual("NOT_FOUND", ask(server, "none")[0])
        self.base.add("late/1")
        server.await_log(r"Successfully loaded servable version \{name: late version: 1\}")
        self.assertEqual(1, ask(server, "late"))


class Platforms(Configured):
    """--platform_config_file: what there is besides is not."""
    SAVED_MODELS = "[type.googleapis.com/tensorflow.serving.SavedModelBundleSourceAdapterConfig]"
    HASHMAP = "[type.googleapis.com/tensorflow.serving.HashmapSourceAdapterConfig]"

    def start_with(self, *platforms):
        path = os.path.join(self.base.scratch, "platforms.conf")
        with open(path, "w", encoding="utf-8") as file:
            for name, adapter in platforms:
                file.write(f"platform_configs {{ key: '{name}' value {{ source_adapter_config {{ {adapter} }} }} }}\n")
        return self.start(config(self.of("a")), f"--platform_config_file={path}", "--max_num_load_retries=0")

    def test_what_it_says_counts(self):
        server = self.start_with(("tensorflow", self.SAVED_MODELS + " { legacy_config { saved_model_tags: 'serve' session_config {} } }"),
                                 ("hashmap", self.HASHMAP + " {}"))
        self.assertEqual(2, ask(server, "a"))
        server.await_log("session_config is accepted, but has no effect here")

    def test_refusals(self):
        for platforms, said in (([("hashmap", self.HASHMAP + " {}")], "INVALID_ARGUMENT: Model a requests unsupported platform tensorflow"),
                                ([("tensorflow", self.SAVED_MODELS + " { legacy_config { saved_model_tags: 'gpu' } }")], "matching supplied tags: { gpu }"),
                                ([("tensorflow", self.HASHMAP + " {}")], "a source_adapter_config of type tensorflow.serving.SavedModelBundle"),
                                ([("tensorflow", "")], "a source_adapter_config of type tensorflow.serving.SavedModelBundle"),
                                ([("tensorflow", self.SAVED_MODELS + " { legacy_config { batching_parameters { num_batch_threads { value: 0 } } } }")],
                                 "num_batch_threads must be positive; was 0"),
                                ([("tensorflow", self.SAVED_MODELS + " { legacy_config { enable_saved_model_config: true } }")],
                                 "Saved model config functionality is not implemented."), ([("tensorflow", "oops")], "Invalid protobuf file")):
            with self.assertRaises(support.ServerError) as failed:
                self.start_with(*platforms)
            self.assertIn(said, str(failed.exception))


class Copies(unittest.TestCase):
    """Versions that are copied into place, file by file."""

    def message(self, server, version):
        answer = status(server, "m", version).model_version_status[0]
        return STATES[answer.state], answer.status.error_message

    def test_a_half_copied_version_waits(self):
        source = os.path.join(MODELS, "half_plus_two_tf2", "1")
        with Base() as base:
            base.add(1)
            with support.Server("--version_quiet_ms=100", rest=True, model_name="m", model_base_path=base.path) as server:
                target = os.path.join(base.path, "2")
                os.makedirs(os.path.join(target, "variables"))
                shutil.copy(os.path.join(source, "saved_model.pb"), target)
                shutil.copy(os.path.join(source, "variables", "variables.index"), os.path.join(target, "variables"))
                while isinstance(status(server, "m", 2), tuple):
                    pass
                state, message = self.message(server, 2)
                self.assertEqual("START", state)
                self.assertIn("Not loaded yet: ", message)
                self.assertEqual(1, ask(server, "m"))
                shutil.copy(os.path.join(source, "variables", "variables.data-00000-of-00001"), os.path.join(target, "variables"))
                server.await_log(r"Successfully loaded servable version \{name: m version: 2\}")
                self.assertEqual(2, ask(server, "m"))
                self.assertFalse([line for line in server.log if "failed" in line])

    def test_files_that_change_later_are_told(self):
        with Base() as base:
            base.add(1)
            with support.Server("--version_quiet_ms=0", model_name="m", model_base_path=base.path) as server:
                os.utime(os.path.join(base.path, "1", "saved_model.pb"), (LONG_AGO + 9, LONG_AGO + 9))
                os.mkdir(os.path.join(base.path, "nudge"))
                server.await_log(r"Servable version \{name: m version: 1\}: The files in .*/1 have changed since it was loaded")
                state, message = self.message(server, 1)
                self.assertEqual("AVAILABLE", state)
                self.assertIn("have changed since it was loaded", message)
                self.assertEqual(1, ask(server, "m"))

    def test_a_manifest_publishes(self):
        with Base() as base:
            base.add("one")
            base.add("two")
            manifest = os.path.join(base.path, "versions")

            def publish(text):
                with open(manifest + ".new", "w", encoding="utf-8") as file:
                    file.write(text)
                os.rename(manifest + ".new", manifest)
            publish("1 one\n")
            with support.Server(model_name="m", model_base_path=manifest) as server:
                self.assertEqual(1, ask(server, "m"))
                publish("1 one\n20 two\n")
                server.await_log(r"Successfully loaded servable version \{name: m version: 20\} ")
                self.assertEqual(20, ask(server, "m"))


if __name__ == "__main__":
    unittest.main()
