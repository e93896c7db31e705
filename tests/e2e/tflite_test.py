# SPDX-License-Identifier: Apache-2.0
"""--prefer_tflite_model: versions that have a model.tflite, beside a SavedModel, instead of one, or none. make_tflite.py made the models."""
import concurrent.futures
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

import support
from clients import MODELS, predict, predict_request, rest
from support import program
from warmup_test import log_of, tfrecord

TFLITE = os.path.join(support.ROOT, "tests", "e2e", "tflite")
HALF_PLUS_TWO = os.path.join(MODELS, "half_plus_two_tf2", "1")


def made(kind):
    return os.path.join(TFLITE, kind)


def values(answer, alias):
    return list(answer.outputs[alias].float_val)


class Tflite(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="tflite_e2e.")
        self.addCleanup(shutil.rmtree, self.base)

    def version(self, number, *sources):
        """A version's folder with the files of these."""
        folder = os.path.join(self.base, str(number))
        for source in sources:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        return folder

    def serve(self, *flags, prefer=True, **named):
        flags = [*flags, "--prefer_tflite_model"] if prefer else flags
        server = support.Server(*flags, model_name="half", model_base_path=self.base, rest=True, **named)
        self.addCleanup(server.close)
        return server

    def half(self, server, expected, x=2.0, alias="x", output="y", **more):
        self.assertEqual([expected], values(predict(server, predict_request("half", **{alias: [x]}, **more)), output))

    def test_signature_made_of_names(self):
        self.version(1, made("names"))
        server = self.serve("--num_tflite_pools=2", "--num_tflite_interpreters_per_pool=3")
        for batch in ([2.0], [[2.0]], [1.0, 2.0, 5.0]):
            answer = predict(server, predict_request("half", x=batch))
            flat = [x[0] if isinstance(x, list) else x for x in batch]
            self.assertEqual([x * .5 + 3 for x in flat], values(answer, "y"))
        self.assertEqual("serving_default", answer.model_spec.signature_name)
        answer = rest(server, "POST", "/v1/models/half:predict", '{"instances": [1.0, 2.0, 5.0]}')
        self.assertEqual([3.5, 4.0, 5.5], answer.json["predictions"])
        answer = rest(server, "GET", "/v1/models/half/metadata")
        signature = answer.json["metadata"]["signature_def"]["signature_def"]["serving_default"]
        self.assertEqual("tensorflow/serving/predict", signature["method_name"])
        self.assertEqual("y:0", signature["outputs"]["y"]["name"])
        self.assertEqual("-1", signature["inputs"]["x"]["tensor_shape"]["dim"][0]["size"])

    def test_signatures_of_metadata(self):
        self.version(1, made("metadata"))
        self.half(self.serve(), 4.0, alias="in", output="out")

    def test_signatures_of_the_schema(self):
        self.version(1, made("schema"))
        server = self.serve()
        self.half(server, 4.0, alias="in", output="out")
        self.half(server, 3.0, x=3.0, alias="in", output="same", signature="other")

    def test_which_file_counts(self):
        for preferred, sources, expected in ((True, [HALF_PLUS_TWO], 3.0), (True, [HALF_PLUS_TWO, made("names")], 4.0),
                                             (False, [HALF_PLUS_TWO, made("names")], 3.0)):
            with self.subTest(preferred=preferred, sources=sources):
                self.version(1, *sources)
                with support.Server(*["--prefer_tflite_model"] * preferred, model_name="half", model_base_path=self.base) as server:
                    self.half(server, expected)

    def test_requests_of_before(self):
        folder = self.version(1, made("names"))
        os.mkdir(os.path.join(folder, "assets.extra"))
        with open(os.path.join(folder, "assets.extra", "tf_serving_warmup_requests"), "wb") as file:
            file.write(tfrecord([log_of(predict_log=predict_request("half", x=[1, 2]))]))
        self.half(self.serve(), 4.0)

    def test_by_a_platform_config(self):
        path = os.path.join(self.base, "platforms")
        with open(path, "w", encoding="utf-8") as file:
            file.write("""platform_configs { key: "tensorflow" value { source_adapter_config {
                [type.googleapis.com/tensorflow.serving.SavedModelBundleSourceAdapterConfig] { legacy_config { prefer_tflite_model: true } } } } }""")
        self.version(1, made("names"))
        self.half(self.serve(prefer=False, platform_config_file=path), 4.0)

    def test_in_batches(self):
        self.version(1, made("names"))
        server = self.serve("--enable_batching")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda x: predict(server, predict_request("half", x=[x])), range(64)))
        self.assertEqual([[x * .5 + 3] for x in range(64)], [values(answer, "y") for answer in answers])

    def test_wrong_requests(self):
        self.version(1, made("names"))
        server = self.serve()
        code, message = predict(server, predict_request("half", z=[1.0]))
        self.assertEqual("INVALID_ARGUMENT", code)
        self.assertIn("Signature input alias: x", message)
        request = predict_request("half", x=[1.0])
        request.inputs["x"].dtype = 3
        code, message = predict(server, request)
        self.assertEqual("INVALID_ARGUMENT", code)

    def test_operators_that_are_missing(self):
        self.version(1, made("missing"))
        done = subprocess.run([program("tensord"), f"--port={support.free_port()}", "--max_num_load_retries=0", "--model_name=half", f"--model_base_path={self.base}", "--prefer_tflite_model"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(255, done.returncode)
        for name in ("TFLite.SVDF", "TFLite.CUSTOM TheirOwn"):
            self.assertIn(name, done.stdout)

    def test_a_file_that_is_cut_off(self):
        self.version(1, made("names"))
        server = self.serve(file_system_poll_wait_seconds=1, max_num_load_retries=0)
        with open(os.path.join(made("metadata"), "model.tflite"), "rb") as file:
            data = file.read()
        folder = os.path.join(self.base, "2")
        os.mkdir(folder)
        path = os.path.join(folder, "model.tflite")
        with open(path, "wb") as file:
            file.write(data[:len(data) // 2])
        # Nobody writes to it any more: loading it says what is wrong.
        server.await_log(r"Encountered an error for servable version \{name: half version: 2\}: INVALID_ARGUMENT: .*model.tflite: .* out of the file")
        self.half(server, 4.0)
        with open(path, "wb") as file:
            file.write(data)
        server.await_log(r"Successfully loaded servable version \{name: half version: 2\}")
        self.half(server, 4.0, alias="in", output="out")

    def test_tensorctl(self):
        folder = self.version(1, HALF_PLUS_TWO, made("names"))
        alone = made("names")
        for arguments, expected in (([folder], 3.0), ([folder, "--prefer-tflite"], 4.0), ([alone], 4.0)):
            done = subprocess.run([program("tensorctl"), "run", *arguments, "--input", "x=[2.0]"], capture_output=True, text=True, check=True)
            self.assertEqual([expected], json.loads(done.stdout)["outputs"])
        done = subprocess.run([program("tensorctl"), "inspect", alone], capture_output=True, text=True, check=True)
        self.assertIn("can be served", done.stdout)


if __name__ == "__main__":
    unittest.main()
