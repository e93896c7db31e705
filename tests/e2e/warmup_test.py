# SPDX-License-Identifier: Apache-2.0
"""Requests that a version runs before it is available."""
import json
import os
import struct
import sys
import unittest

import support
from clients import Base, predict, predict_request, rest, status

sys.path.insert(0, os.path.join(support.ROOT, "tests", "soak"))
from big_model import masked_crc  # noqa: E402

RECORDS = "tf_serving_warmup_requests"


def log_of(**kind):
    log = support.pb("prediction_log").PredictionLog()
    for name, request in kind.items():
        getattr(log, name).request.CopyFrom(request)
    return log.SerializeToString()


def tfrecord(records):
    out = b""
    for record in records:
        length = struct.pack("<Q", len(record))
        out += length + struct.pack("<I", masked_crc(length)) + record + struct.pack("<I", masked_crc(record))
    return out


def regress_request(text="serving_default"):
    request = support.pb("regression").RegressionRequest()
    request.model_spec.signature_name = text
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(2)
    return request


def multi_request(*signatures):
    request = support.pb("inference").MultiInferenceRequest()
    for name in signatures:
        task = request.tasks.add()
        task.model_spec.name, task.model_spec.signature_name = "m", name
        task.method_name = "tensorflow/serving/regress"
    request.input.CopyFrom(regress_request().input)
    return request


GOOD = predict_request("another name", x=[1, 2])
BAD = predict_request("m", z=[1])


class Warmup(unittest.TestCase):
    def with_file(self, name, data):
        def change(folder):
            os.makedirs(os.path.join(folder, "assets.extra"))
            with open(os.path.join(folder, "assets.extra", name), "wb") as file:
                file.write(data)
        return change

    def start(self, base, *flags):
        config = os.path.join(base.scratch, "monitoring.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("prometheus_config { enable: true path: '/metrics' }")
        server = support.Server("--max_num_load_retries=0", f"--monitoring_config_file={config}", *flags, rest=True, model_name="m",
                                model_base_path=base.path)
        self.addCleanup(server.close)
        return server

    def check_runs(self, name, data, count, *flags):
        with Base() as base:
            base.add(1, change=self.with_file(name, data))
            server = self.start(base, *flags)
            if count is None:
                self.assertFalse([line for line in server.log if "warmup" in line])
            else:
                server.await_log(f"Number of warmup records read: {count}\\.")
                page = rest(server, "GET", "/metrics").body.decode()
                self.assertRegex(page, r':model_warmup_records_read{model_path=".*%s",status="OK"} %d\n' % (name, count))
            self.assertEqual([2.5], list(predict(server, predict_request("m", x=[1])).outputs["y"].float_val))

    def test_requests_are_run(self):
        self.check_runs(RECORDS, tfrecord([log_of(predict_log=GOOD)] * 3), 3)
        self.check_runs(RECORDS, tfrecord([log_of(predict_log=GOOD)] * 3), 3, "--num_request_iterations_for_warmup=5")
        self.check_runs(RECORDS, tfrecord([log_of(predict_log=BAD)] * 3), None, "--enable_model_warmup=false")
        lines = [{"instances": [1, 2]}, {"signature_name": "serving_default", "inputs": {"x": [3]}}]
        self.check_runs("warmup_requests.jsonl", "\n\n".join(map(json.dumps, lines)).encode(), 2)

    def test_requests_of_every_kind(self):
        good = [log_of(regress_log=regress_request("regress")), log_of(multi_inference_log=multi_request("regress"))]
        bad = [(log_of(classify_log=support.pb("classification").ClassificationRequest()), "tensorflow/serving/predict"), (log_of(regress_log=regress_request("none")), "none"),
               (log_of(multi_inference_log=multi_request("regress", "regress")), "Duplicate")]
        for records, said in [(good, None)] + [([*good, record], said) for record, said in bad]:
            with Base() as base:
                base.add(1, model="half_plus_two_tf1", change=self.with_file(RECORDS, tfrecord(records)))
                if said is None:
                    self.start(base).await_log("Number of warmup records read: 2\\.")
                    continue
                with self.assertRaises(support.ServerError) as failed:
                    self.start(base)
                self.assertIn(said, str(failed.exception))

    def test_what_fails_keeps_the_version_away(self):
        big = log_of(predict_log=GOOD)
        for name, data, code, said in (
                (RECORDS, tfrecord([log_of(predict_log=GOOD), log_of(predict_log=BAD)]), 3, "Signature input alias: x"),
                (RECORDS, tfrecord([b"\xff\xff"]), 3, "Failed to parse warmup record: "),
                (RECORDS, b"no such thing", 15, "Please verify your warmup data is in TFRecord format."),
                (RECORDS, tfrecord([big] * 1001), 3, "Number of warmup records exceeds the maximum (1000) at "),
                (RECORDS, tfrecord([log_of()]), 12, "Unsupported log_type for warmup: 0"),
                ("warmup_requests.jsonl", b'{"instances": [1]}\n{"instances": 7}', 3, "warmup_requests.jsonl")):
            with Base() as base:
                base.add(1)
                server = self.start(base)
                base.add(2, change=self.with_file(name, data))
                server.await_log(r"Encountered an error for servable version \{name: m version: 2\}")
                failed = status(server, "m", 2).model_version_status[0].status
                self.assertEqual(code, failed.error_code, failed.error_message)
                self.assertIn(said, failed.error_message)
                self.assertEqual(1, predict(server, predict_request("m", x=[1])).model_spec.version.value)


if __name__ == "__main__":
    unittest.main()
