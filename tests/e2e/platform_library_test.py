# SPDX-License-Identifier: Apache-2.0
"""Platforms of their own: a library built outside of the tree with the installed headers alone, served beside a SavedModel."""
import os
import shutil
import subprocess
import tempfile
import unittest

import support
from clients import MODELS, predict, predict_request, rest, states, status, tensor

# What a library may do wrong, as C.
BROKEN = {
    "empty": "int nothing;",
    "abi": "static const struct tensord_platform_library l = {.abi = 7, .platform_size = sizeof(struct tensord_platform)}; return &l;",
    "lacks": "static const struct tensord_platform p = {.name = \"p\"};"
             "static const struct tensord_platform_library l = {TENSORD_SERVABLE_ABI, sizeof p, 1, &p}; return &l;",
}
# A platform whose answers are wrong in the way that the input's name says.
WRONG = r"""
#include <string.h>
#include <tensord/servable.h>
static const struct tensord_servable_host *host;
static int load(struct tensord_servable_call *call, const char *path, void **object) { (void)call, (void)path; *object = &host; return 0; }
static void unload(void *object) { (void)object; }
static int predict(struct tensord_servable_call *call, void *object)
{
    struct tensord_string name;
    struct tensord_tensor input, output;
    int64_t dims[] = {2, -1};
    int code = host->input(call, 0, &name, &input);
    (void)object;
    if (code)
        return code;
    if (!strncmp(name.bytes, "silent", name.length))
        return TENSORD_NOT_FOUND;
    if (!strncmp(name.bytes, "type", name.length))
        return host->output(call, "y", 99, 1, dims, &output);
    if (!strncmp(name.bytes, "shape", name.length))
        return host->output(call, "y", TENSORD_FLOAT, 2, dims, &output);
    if (!strncmp(name.bytes, "twice", name.length))
        host->output(call, "y", TENSORD_FLOAT, 1, dims, &output);
    if (!strncmp(name.bytes, "missing", name.length))
        return host->find_input(call, "none", &input);
    return host->output(call, "y", TENSORD_FLOAT, 1, dims, &output);
}
const struct tensord_platform_library *tensord_platform_library(const struct tensord_servable_host *given)
{
    static const struct tensord_platform platform = {.name = "wrong", .load = load, .unload = unload, .predict = predict};
    static const struct tensord_platform_library library = {TENSORD_SERVABLE_ABI, sizeof platform, 1, &platform};
    host = given;
    return &library;
}
"""
ANSWERS = {
    "silent": ("NOT_FOUND", "platform wrong failed"),
    "type": ("INVALID_ARGUMENT", "output `y` has no type 99"),
    "shape": ("INVALID_ARGUMENT", "output `y` of -1 rows"),
    "twice": ("INTERNAL", "output `y` is one too many"),
    "missing": ("INVALID_ARGUMENT", "the request has no input `none`"),
}


class PlatformLibraries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.headers = os.path.join(cls.folder, "include")
        shutil.copytree(os.path.join(support.ROOT, "include", "tensord"), os.path.join(cls.headers, "tensord"))
        with open(os.path.join(support.ROOT, "examples", "shout", "shout.c"), encoding="utf-8") as file:
            cls.shout = cls.build("shout", file.read())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def build(cls, name, text):
        source = os.path.join(cls.folder, name + ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        library = source.replace(".c", ".so")
        subprocess.run(["cc", "-std=c11", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{cls.headers}", source, "-o", library],
                       check=True)
        return library

    def models(self, **platforms):
        """A configuration file; base paths are folders of that name."""
        config = os.path.join(self.folder, "models.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("model_config_list {\n")
            for name, (platform, path) in platforms.items():
                file.write(f"config {{ name: '{name}' base_path: '{path}' model_platform: '{platform}' }}\n")
            file.write("}\n")
        return config

    def version(self, name, number, suffix):
        folder = os.path.join(self.folder, name, str(number))
        os.makedirs(folder)
        if suffix is not None:
            with open(os.path.join(folder, "suffix"), "w", encoding="utf-8") as file:
                file.write(suffix)
        return os.path.join(self.folder, name)

    def shouted(self, server, **options):
        answer = predict(server, predict_request("loud", text=tensor([b"ab", b""]), **options))
        return answer if isinstance(answer, tuple) else (answer.model_spec.version.value, list(answer.outputs["loud"].string_val))

    def test_a_platform_beside_saved_models(self):
        base = self.version("loud", 1, "!\n")
        config = self.models(loud=("shout", base), half=("tensorflow", os.path.join(MODELS, "half_plus_two_tf2")))
        with support.Server(f"--platform_library={self.shout}", "--version_quiet_ms=0", "--max_num_load_retries=0", rest=True,
                            model_config_file=config) as server:
            self.assertEqual([3.0], list(predict(server, predict_request("half", x=[2])).outputs["y"].float_val))
            answer = predict(server, predict_request("loud", text=tensor([b"ab", b""])))
            self.assertEqual([b"AB!", b"!"], list(answer.outputs["loud"].string_val))
            self.assertEqual([3, 1], list(answer.outputs["length"].int64_val))
            self.assertEqual(("loud", 1, "serving_default"),
                             (answer.model_spec.name, answer.model_spec.version.value, answer.model_spec.signature_name))
            answer = predict(server, predict_request("loud", outputs=["length"], text=tensor([b"ab"])))
            self.assertEqual(["length"], list(answer.outputs))
            self.assertEqual(("INVALID_ARGUMENT", "output tensor alias not found in signature: none"), self.shouted(server, outputs=["none"]))
            self.assertEqual(("INVALID_ARGUMENT", "the request has no input `text`"), predict(server, predict_request("loud", x=[1])))
            self.assertEqual(("INVALID_ARGUMENT", "`text` are strings"), predict(server, predict_request("loud", text=[1])))
            # A version that waits for its file, one that comes, one that is bad.
            self.version("loud", 2, None)
            while 2 not in states(server, "loud"):
                pass
            waits = status(server, "loud", 2).model_version_status[0]
            self.assertIn(f"{base}/2/suffix is not there", waits.status.error_message)
            with open(os.path.join(base, "2", "suffix"), "w", encoding="utf-8") as file:
                file.write("?\n")
            server.await_log(r"Done unloading servable version \{name: loud version: 1\}")
            self.assertEqual((2, [b"AB?", b"?"]), self.shouted(server))
            self.version("loud", 3, "")
            server.await_log(r"Encountered an error for servable version \{name: loud version: 3\}: INVALID_ARGUMENT: .*/3/suffix: a line is expected")
            self.assertEqual((2, [b"AB?", b"?"]), self.shouted(server))
            self.assertTrue(any("shout: the suffix of" in line for line in server.log))
            self.assertEqual(400, rest(server, "POST", "/v1/models/loud:predict", {"inputs": {"text": ["a"]}}).status)

    def test_answers_that_are_wrong(self):
        os.makedirs(os.path.join(self.folder, "w", "1"))
        library = self.build("wrong", WRONG)
        config = self.models(w=("wrong", os.path.join(self.folder, "w")))
        with support.Server(f"--platform_library={library}", "--version_quiet_ms=0", model_config_file=config) as server:
            for how, wanted in ANSWERS.items():
                self.assertEqual(wanted, predict(server, predict_request("w", **{how: [1]})), how)
            self.assertEqual([0, 0], list(predict(server, predict_request("w", well=[1])).outputs["y"].float_val))
            self.assertEqual(("INVALID_ARGUMENT", "input 0 of 0"), predict(server, predict_request("w")))

    def test_libraries_that_are_none(self):
        head = ("#include <tensord/servable.h>\nconst struct tensord_platform_library *tensord_platform_library("
                "const struct tensord_servable_host *host)\n{ (void)host; %s }\n")
        empty = self.build("empty", BROKEN["empty"])
        lacks = self.build("lacks", head % BROKEN["lacks"])
        abi = self.build("abi", head % BROKEN["abi"])
        for flags, message in (
                ([self.shout, self.shout], "there is a platform shout already"),
                ([empty], "no platform library: it has no function tensord_platform_library"),
                ([abi], "made for ABI 7 of tensord/servable.h, this build has 1"),
                ([lacks], "a platform lacks its name, load(), unload() or predict()"),
                ([os.path.join(self.folder, "none.so")], "the platform library can not be opened"),
        ):
            with self.assertRaises(support.ServerError) as raised:
                support.Server(*[f"--platform_library={f}" for f in flags], model_name="m",
                               model_base_path=os.path.join(MODELS, "half_plus_two_tf2")).close()
            self.assertIn(message, str(raised.exception))
