# SPDX-License-Identifier: Apache-2.0
"""Requests that a model's logging_config has written to files, and what can be done with these."""
import glob
import os
import signal
import struct
import subprocess
import time
import unittest

from google.protobuf import json_format, text_format

import support
from clients import MODELS, Base, call, example, fill_input, infer, predict, predict_request, rest, tensor

LOG = "predict_log"
RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


def records(path):
    """The PredictionLogs of a TFRecord file; checksums are the C++ side's to check."""
    with open(path, "rb") as file:
        data = file.read()
    while data:
        size, = struct.unpack_from("<Q", data)
        yield support.pb("prediction_log").PredictionLog.FromString(data[12:12 + size])
        data = data[16 + size:]


class Logging(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Base()).scratch
        self.prefix = os.path.join(self.folder, "log")

    def logging(self, kind="tfrecord", rate=1.0, prefix=None):
        return (f"logging_config {{ log_collector_config {{ type: '{kind}' filename_prefix: '{prefix or self.prefix}' }} "
                f"sampling_config {{ sampling_rate: {rate} }} }}")

    def config(self, *loggings, model="half"):
        folder = "half_plus_two_tf1" if model == "half" else model
        return (f"model_config_list {{ config {{ name: '{model}' base_path: '{MODELS}/{folder}' model_platform: 'tensorflow' "
                + " ".join(loggings) + " } }")

    def start(self, *loggings, flags=(), model="half"):
        path = os.path.join(self.folder, "models.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config(*loggings, model=model))
        with open(os.path.join(self.folder, "monitoring.conf"), "w", encoding="utf-8") as file:
            file.write("prometheus_config { enable: true path: '/metrics' }")
        return self.enterContext(support.Server(f"--model_config_file={path}", f"--monitoring_config_file={file.name}", *flags, rest=True))

    def files(self, suffix="tfrecord"):
        return sorted(glob.glob(f"{self.prefix}-*.{suffix}"))

    def counted(self, server, status="OK"):
        line = f':tensorflow:serving:request_log_count{{model_name="half",status_code="{status}"}} '
        found = [row for row in rest(server, "GET", "/metrics").body.decode().splitlines() if row.startswith(line)]
        return int(found[0][len(line):]) if found else 0

    def wait(self, server, count):
        until = time.monotonic() + 30
        while self.counted(server) < count and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(count, self.counted(server))

    def ask(self, server):
        """One of each, over both protocols; five succeed."""
        predict(server, predict_request("half", x=[1, 2]), metadata=(("traceparent", f"00-{'1' * 32}-{'2' * 16}-01"),))
        rest(server, "POST", "/v1/models/half/versions/1:predict", {"instances": [3]})
        infer(server, "Regress", "half", "regress", [example(x=[2])])
        rest(server, "POST", "/v1/models/half:regress", {"signature_name": "regress", "examples": [{"x": 5.0}]})
        request = support.pb("inference").MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "half", "regress"
        fill_input(request.input, [example(x=[6])])
        call(server, "MultiInference", request)
        predict(server, predict_request("half", z=[1]))
        return 5


class RequestLogTest(Logging):
    def check(self, logs):
        kinds = [log.WhichOneof("log_type") for log in logs]
        self.assertEqual(["multi_inference_log", "predict_log", "predict_log", "regress_log", "regress_log"], sorted(kinds))
        for log in logs:
            spec = log.log_metadata.model_spec
            self.assertEqual(("half", 1), (spec.name, spec.version.value))
            self.assertEqual((1.0, ["serve"]), (log.log_metadata.sampling_config.sampling_rate, list(log.log_metadata.saved_model_tags)))
            self.assertLess(abs(time.time() - log.log_metadata.timestamp_secs), 100)
        first, second = (log for log in logs if log.WhichOneof("log_type") == LOG)
        self.assertEqual(predict_request("half", x=[1, 2]), first.predict_log.request)
        self.assertEqual("serving_default", first.log_metadata.model_spec.signature_name)
        self.assertTrue(first.log_metadata.traceparent.startswith("00-" + "1" * 32))
        self.assertEqual([2.5, 3.0], list(first.predict_log.response.outputs["y"].float_val))
        self.assertEqual(("half", 1, [3.0]), (second.predict_log.request.model_spec.name, second.predict_log.request.model_spec.version.value,
                                              list(second.predict_log.request.inputs["x"].float_val)))
        self.assertEqual([3.5], list(second.predict_log.response.outputs["y"].float_val))
        regress = [log.regress_log for log in logs if log.WhichOneof("log_type") == "regress_log"]
        self.assertEqual([3.0, 4.5], [log.response.result.regressions[0].value for log in regress])
        multi = next(log.multi_inference_log for log in logs if log.WhichOneof("log_type") == "multi_inference_log")
        self.assertEqual(5.0, multi.response.results[0].regression_result.regressions[0].value)

    def test_tfrecord_and_json_at_once(self):
        server = self.start(self.logging(), self.logging("json"))
        self.wait(server, 2 * self.ask(server))
        self.check(list(records(*self.files())))
        log = support.pb("prediction_log").PredictionLog
        with open(*self.files("jsonl"), encoding="utf-8") as file:
            self.check([json_format.Parse(line, log()) for line in file])

    def test_a_log_warms_a_model_up(self):
        server = self.start(self.logging())
        self.wait(server, self.ask(server))
        with Base() as base:
            base.add(1, "half_plus_two_tf1", lambda folder: (os.mkdir(f"{folder}/assets.extra"),
                                                             os.link(*self.files(), f"{folder}/assets.extra/tf_serving_warmup_requests")))
            with support.Server(model_name="half", model_base_path=base.path) as other:
                other.await_log("Number of warmup records read: 5")

    def test_classify(self):
        server = self.start(self.logging(), model="wine")
        examples = [example(measurements=[float(i)] * 13) for i in range(3)]
        answer = infer(server, "Classify", "wine", "classify", examples)
        server.close()
        log, = records(*self.files())
        self.assertEqual(answer, log.classify_log.response)
        self.assertEqual(examples, list(log.classify_log.request.input.example_list.examples))

    def test_sampling(self):
        server = self.start(self.logging(rate=0.3))
        for _ in range(1000):
            predict(server, predict_request("half", x=[1]))
        server.close()
        self.assertTrue(200 < len(list(records(*self.files()))) < 400)

    def test_sampling_by_task(self):
        """Nobody has told this task a data centre or a number: the first entry without them counts."""
        by_task = "per_task_sampling_configs { dc: 'a' sampling_rate: 0 } per_task_sampling_configs { task_index: 0 sampling_rate: 0 } " \
            "per_task_sampling_configs { sampling_rate: 1 } per_task_sampling_configs { sampling_rate: 0 } }"
        server = self.start(self.logging(rate=0).replace("sampling_rate: 0 }", "sampling_rate: 0 " + by_task))
        for _ in range(5):
            predict(server, predict_request("half", x=[1]))
        self.wait(server, 5)

    def test_rotation(self):
        server = self.start(self.logging(), flags=("--request_log_file_bytes=300",))
        for i in range(4):
            predict(server, predict_request("half", x=[i]))
        self.wait(server, 4)
        self.assertEqual([2, 2], [len(list(records(path))) for path in self.files()])
        server.process.send_signal(signal.SIGUSR1)
        server.await_log("opening the files of logs again")
        predict(server, predict_request("half", x=[9]))
        self.wait(server, 5)
        self.assertEqual([2, 2, 1], [len(list(records(path))) for path in self.files()])

    def reload(self, server, config):
        request = support.pb("model_management").ReloadConfigRequest()
        text_format.Parse(config, request.config)
        return server.call_bytes(RELOAD, request.SerializeToString())

    def test_reloading(self):
        server = self.start()
        self.assertEqual([], self.files())
        predict(server, predict_request("half", x=[0]))
        self.reload(server, self.config(self.logging()))
        predict(server, predict_request("half", x=[1]))
        self.wait(server, 1)
        answer = self.reload(server, self.config(self.logging("kafka")))
        self.assertEqual(("NOT_FOUND", "Cannot find LogCollector::Factory for type: kafka"), answer)
        answer = self.reload(server, self.config(self.logging(prefix="/nowhere/log")))
        self.assertEqual("NOT_FOUND", answer[0])
        predict(server, predict_request("half", x=[2]))
        self.wait(server, 2)
        self.reload(server, self.config(self.logging(), self.logging("json")))
        predict(server, predict_request("half", x=[3]))
        self.wait(server, 4)
        self.assertEqual(3, len(list(records(*self.files()))))
        self.reload(server, self.config())
        predict(server, predict_request("half", x=[4]))
        self.assertEqual(4, self.counted(server))
        server.close()
        self.assertEqual(3, len(list(records(*self.files()))))

    def test_a_type_that_there_is_not(self):
        with self.assertRaises(support.ServerError) as failed:
            self.start(self.logging("kafka"))
        self.assertIn("Cannot find LogCollector::Factory for type: kafka", str(failed.exception))

    def test_what_can_not_be_written(self):
        server = self.start(self.logging(), flags=("--request_log_file_bytes=1",))
        predict(server, predict_request("half", x=[1]))
        self.wait(server, 1)
        os.rename(self.folder, self.folder + ".gone")
        self.addCleanup(os.rename, self.folder + ".gone", self.folder)
        self.assertEqual([2.5], list(predict(server, predict_request("half", x=[1])).outputs["y"].float_val))
        server.await_log("A request could not be logged: .*No such file")
        self.assertEqual(1, self.counted(server, "NOT_FOUND"))


class ReplayTest(Logging):
    """tensorctl replay."""

    def replay(self, *arguments):
        done = subprocess.run([support.program("tensorctl"), "replay", *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def test_replay(self):
        server = self.start(self.logging(), self.logging("json"))
        self.ask(server)
        server.close()
        for file in (*self.files(), *self.files("jsonl")):
            with support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as other:
                target = f"127.0.0.1:{other.port}"
                code, said = self.replay(file, target, "--compare")
                self.assertEqual(0, code, said)
                self.assertRegex(said, r"^5 requests in .*: 5 answered, 0 failed, 0 differ; ")
                start = time.monotonic()
                self.assertEqual(0, self.replay(file, target, "--rate", "20")[0])
                self.assertGreater(time.monotonic() - start, 0.2)
            with support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2")) as other:
                code, said = self.replay(file, f"127.0.0.1:{other.port}")  # has no signature "regress"
                self.assertEqual((1, 3), (code, said.count("INVALID_ARGUMENT")), said)
            code, said = self.replay(file, target)
            self.assertEqual(1, code)
            self.assertIn("Connection refused", said)

    def test_differences(self):
        log = support.pb("prediction_log").PredictionLog()
        log.predict_log.request.CopyFrom(predict_request("half", x=[1, 2]))
        path = os.path.join(self.folder, "log.jsonl")
        with support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as server:
            for values, tolerance, said in (([2.5, 3.0], "0", None), ([2.5, 3.0002], "1e-4", None),
                                            ([2.5, 3.0002], "1e-5", "record 1 differs: output 'y'[1]: 3, wanted 3.0002"),
                                            ([2.5], "1", "record 1 differs: output 'y': another shape")):
                log.predict_log.response.outputs["y"].CopyFrom(tensor(values))
                with open(path, "w", encoding="utf-8") as file:
                    file.write(json_format.MessageToJson(log, indent=None) + "\n\n")
                code, text = self.replay(path, f"127.0.0.1:{server.port}", "--compare", "--tolerance", tolerance)
                self.assertEqual(0 if said is None else 1, code, text)
                self.assertIn(said or "0 differ", text)

    def test_files_that_are_none(self):
        path = os.path.join(self.folder, "log")
        with support.Server(model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as server:
            for content, said in ((b"\0" * 20, "record 1: corrupted record: the checksum of its length"),
                                  (b'{"predict_log": 5}', "record 1: tensorflow.serving.PredictLog: an object is expected"),
                                  (b"{", "record 1: JSON Parse error"), (b"", "0 requests")):
                with open(path, "wb") as file:
                    file.write(content)
                code, text = self.replay(path, f"127.0.0.1:{server.port}")
                self.assertEqual(1 if content else 0, code, text)
                self.assertIn(said, text)


if __name__ == "__main__":
    unittest.main()
