# SPDX-License-Identifier: Apache-2.0
"""Watching a server: the page of metrics as Prometheus's own client reads it, and traces."""
import json
import os
import re
import signal
import time
import unittest
from collections import namedtuple

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

import support
from clients import MODELS, PREDICT, Base, call, example, fill_input, predict, predict_request, rest

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
Series = namedtuple("Series", "value exemplar")


class Page:
    """{(name, labels): value} of all series; the parser calls each counter's ..._total."""

    def __init__(self, server, accept=None):
        answer = rest(server, "GET", "/metrics", headers={"Accept": accept} if accept else {})
        self.type, self.text = answer.headers["content-type"], answer.body.decode()
        self.families = {f.name: f for f in (openmetrics if accept else prometheus)(self.text)}
        self.series = {(s.name, tuple(sorted(s.labels.items()))): Series(s.value, s.exemplar) for f in self.families.values() for s in f.samples}

    def __call__(self, name, **labels):
        return self.series[name, tuple(sorted(labels.items()))].value

    def has(self, name, **labels):
        return (name, tuple(sorted(labels.items()))) in self.series


class WatchTest(unittest.TestCase):
    def start(self, *flags, model="half_plus_two_tf1", path=None):
        base = self.enterContext(Base())
        config = os.path.join(base.scratch, "monitoring.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("prometheus_config { enable: true path: '/metrics' }")
        return self.enterContext(support.Server(f"--monitoring_config_file={config}", *flags, rest=True, model_name="half",
                                                model_base_path=path or os.path.join(MODELS, model)))

    def test_requests_by_version_and_signature(self):
        server = self.start()
        for _ in range(3):
            predict(server, predict_request("half", x=[1]))
        rest(server, "POST", "/v1/models/half:predict", {"instances": [1, 2]})
        rest(server, "POST", "/v1/models/half:regress", {"signature_name": "regress", "examples": [{"x": 1.0}]})
        predict(server, predict_request("half", z=[1]))
        predict(server, predict_request("none", x=[1]))
        rest(server, "GET", "/v1/models/half")
        page = Page(server)
        self.assertEqual("text/plain", page.type)
        ours = {"model": "half", "version": "1", "signature": "serving_default", "method": "predict", "protocol": "grpc"}
        self.assertEqual(3, page("tensord_requests_total", code="OK", **ours))
        self.assertEqual(1, page("tensord_requests_total", code="INVALID_ARGUMENT", **ours))
        self.assertEqual(1, page("tensord_requests_total", code="OK", **{**ours, "protocol": "rest"}))
        self.assertEqual(1, page("tensord_requests_total", code="OK", **{**ours, "protocol": "rest", "method": "regress", "signature": "regress"}))
        unknown = {"model": "", "version": "", "signature": ""}
        self.assertEqual(1, page("tensord_requests_total", code="NOT_FOUND", **{**ours, **unknown}))
        self.assertEqual(1, page("tensord_requests_total", code="OK", method="status", protocol="rest", **unknown))
        self.assertEqual(3, page("tensord_request_duration_seconds_count", **ours))
        stages = [page("tensord_request_stage_duration_seconds_sum", stage=s, **ours) for s in ("read", "parse", "queue", "run", "encode")]
        self.assertAlmostEqual(page("tensord_request_duration_seconds_sum", **ours), sum(stages), delta=1e-6)
        for stage in ("read", "parse", "queue", "run", "encode", "write"):
            self.assertEqual(3, page("tensord_request_stage_duration_seconds_count", stage=stage, **ours))
        self.assertEqual(1, page("tensord_connections", protocol="grpc"))
        self.assertGreater(page("tensord_network_receive_bytes_total", protocol="grpc"), 200)
        self.assertEqual(0, page("tensord_requests_in_flight") - 1)  # the page's own
        for name, family in page.families.items():
            self.assertTrue(family.documentation or name.startswith(":"), name)

    def test_openmetrics(self):
        server = self.start()
        predict(server, predict_request("half", x=[1]), metadata=(("traceparent", TRACEPARENT),))
        predict(server, predict_request("half", x=[1]))
        page = Page(server, OPENMETRICS)
        self.assertEqual("application/openmetrics-text; version=1.0.0; charset=utf-8", page.type)
        self.assertTrue(page.text.endswith("\n# EOF\n"))
        self.assertEqual(2, page(":tensorflow:serving:request_count_total", model_name="half", status="OK"))
        exemplars = [s.exemplar for s in page.series.values() if s.exemplar]
        self.assertEqual([{"trace_id": TRACE}], [e.labels for e in exemplars])
        self.assertGreater(float(exemplars[0].timestamp), 1.7e9)

    def test_names_of_models_that_there_are_not_are_bounded(self):
        server = self.start()
        for i in range(300):
            predict(server, predict_request(f"none{i}", x=[1]))
        page = Page(server)
        names = {dict(labels)["model_name"] for name, labels in page.series if name == ":tensorflow:serving:request_count_total"}
        self.assertLessEqual(len(names), 202)
        self.assertEqual(100, page(":tensorflow:serving:request_count_total", model_name="other", status="other"))

    def test_names_that_are_no_utf8_do_not_spoil_the_page(self):
        server = self.start()
        for path in ("a%ffb", "%c3", "a%0Ab", "a%00b", "%C3%A9" * 300):
            self.assertEqual(404, rest(server, "GET", f"/v1/models/{path}").status)
        predict(server, predict_request("x" + "\u00e9" * 300, x=[1]))
        page = Page(server)  # decodes it
        names = {dict(labels)["model_name"] for name, labels in page.series if name == ":tensorflow:serving:request_count_total"}
        cut = {name for name in names if len(name) > 3}
        self.assertEqual({"a", "", "a\nb", "a\0b"}, names - cut)
        self.assertEqual(({"\u00e9"}, {"x", "\u00e9"}), tuple(set(name) for name in sorted(cut, reverse=True)))

    def test_the_examples_of_multi_inference(self):
        server = self.start()
        request = support.pb("inference").MultiInferenceRequest()
        for name in ("regress", "regress2"):
            task = request.tasks.add(method_name="tensorflow/serving/regress")
            task.model_spec.name, task.model_spec.signature_name = "half", name
        del request.tasks[1:]
        fill_input(request.input, [example(x=[1]), example(x=[2]), example(x=[3])])
        self.assertEqual(1, len(call(server, "MultiInference", request).results))
        page = Page(server)
        self.assertEqual(3, page(":tensorflow:serving:request_example_count_total", model="half"))
        self.assertEqual((1, 0), tuple(page(":tensorflow:serving:request_example_counts_bucket", model="half", le=le) for le in ("4", "2")))
        self.assertFalse(page.has(":tensorflow:serving:request_count_total", model_name="half", status="OK"))
        self.assertEqual(1, page("tensord_requests_total", model="half", version="1", signature="", method="multi_inference", protocol="grpc", code="OK"))

    def test_a_version_that_goes(self):
        base = self.enterContext(Base())
        base.add(1)
        server = self.start(path=base.path)
        predict(server, predict_request("half", x=[1]))
        base.add(2)
        server.await_log("Done unloading")
        predict(server, predict_request("half", x=[1]))
        page = Page(server)
        self.assertEqual(2, page(":tensorflow:serving:request_count_total", model_name="half", status="OK"))
        self.assertEqual(2, page(":tensorflow:serving:request_latency_count", model_name="half", API="Predict", entrypoint="GRPC"))
        self.assertEqual({"2"}, {dict(labels)["version"] for name, labels in page.series if name == "tensord_request_duration_seconds_count"})

    def test_versions_that_machine_learning_metadata_knows(self):
        def add_uuid(folder):
            os.mkdir(os.path.join(folder, "assets.extra"))
            with open(os.path.join(folder, "assets.extra", "mlmd_uuid"), "w", encoding="utf-8") as file:
                file.write("test_mlmd_uuid")
        base, gauge = self.enterContext(Base()), ":tensorflow:serving:mlmd_map"
        base.add(1, change=add_uuid)
        server = self.start(path=base.path)
        page = Page(server)
        self.assertEqual((0, "gauge"), (page(gauge, model_name="half", version="1"), page.families[gauge].type))
        base.add(2)
        server.await_log("Done unloading")
        self.assertNotIn("mlmd_map{", Page(server).text)

    def test_attempts_to_load(self):
        def spoil(folder):
            os.truncate(os.path.join(folder, "saved_model.pb"), 100)
        base, attempts = self.enterContext(Base()), ":tensorflow:cc:saved_model:load_attempt_count_total"
        base.add(1)
        server = self.start("--max_num_load_retries=2", "--load_retry_interval_micros=1", path=base.path)
        base.add(2, change=spoil)
        server.await_log("Encountered an error for servable version")
        page, path = Page(server), os.path.join(base.path, "%d")
        self.assertEqual(1, page(attempts, model_path=path % 1, status="success"))
        self.assertEqual(3, page(attempts, model_path=path % 2, status="fail"))
        latencies = {labels for name, labels in page.series if name == ":tensorflow:cc:saved_model:load_latency_total"}
        self.assertEqual({(("model_path", path % 1),)}, latencies)

    def test_limits_of_buckets(self):
        server = self.start()
        predict(server, predict_request("half", x=[1]))
        request = support.pb("inference").MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "half", "regress"
        fill_input(request.input, [example(x=[1])])
        call(server, "MultiInference", request)
        page = Page(server)
        for name, first, factor, count in (("request_latency", 10, 1.8, 33), ("runtime_latency", 10, 1.8, 33), ("request_example_counts", 1, 2, 15)):
            limits = sorted({float(dict(labels)["le"]) for series, labels in page.series if series == f":tensorflow:serving:{name}_bucket"})
            self.assertEqual([float("%g" % (first * factor ** i)) for i in range(count)] + [float("inf")], limits)

    def test_stages_of_a_load(self):
        page = Page(self.start())
        stages = {dict(labels)["stage"]: s.value for (name, labels), s in page.series.items()
                  if name == ":tensorflow:cc:saved_model:load_latency_by_stage_count"}
        self.assertEqual({"restore_graph": 1, "init_graph": 1}, stages)


class LogTest(unittest.TestCase):
    def start(self, *flags):
        self.folder = self.enterContext(Base()).scratch
        self.path = os.path.join(self.folder, "access.log")
        return self.enterContext(support.Server(f"--access_log={self.path}", *flags, rest=True, model_name="half",
                                                model_base_path=os.path.join(MODELS, "half_plus_two_tf1")))

    def lines(self, count, path=None):
        """As many lines as there are to be, once they are there."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with open(path or self.path, encoding="utf-8") as file:
                text = file.read()
            if text.count("\n") >= count:
                break
            time.sleep(0.01)
        self.assertEqual(count, text.count("\n"), text)
        return text.splitlines()

    def ask(self, server):
        predict(server, predict_request("half", x=[1]), metadata=(("traceparent", TRACEPARENT),))
        predict(server, predict_request('no "such"\n\u00e9 ' + "x" * 300, x=[1]))
        rest(server, "POST", "/v1/models/half:regress", {"signature_name": "regress", "examples": [{"x": 1.0}]})
        rest(server, "GET", "/livez")
        server.call_bytes("/no.such/Method", b"")
        return 5

    def test_a_line_for_each_request_as_json(self):
        server = self.start("--log_format=json")
        lines = {(line["path"], line.get("code")): line for line in map(json.loads, self.lines(self.ask(server)))}
        first = lines[PREDICT, "OK"]
        self.assertRegex(first["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertRegex(first["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(("grpc", "predict", "half", 1, "serving_default", TRACE),
                         tuple(first[k] for k in ("protocol", "method", "model", "version", "signature", "trace")))
        parts = [first[f"{stage}_us"] for stage in ("read", "parse", "queue", "run", "encode", "write")]
        self.assertLessEqual(abs(first["total_us"] - sum(parts)), len(parts))
        wrong = lines[PREDICT, "NOT_FOUND"]
        self.assertTrue(wrong["model"].startswith('no "such"\n'), wrong)
        self.assertEqual((len(wrong["model"]), "version" in wrong), (200, False))
        regress = lines["/v1/models/half:regress", "OK"]
        self.assertEqual(("rest", "POST", 200, "regress"), tuple(regress[k] for k in ("protocol", "verb", "status", "signature")))
        self.assertEqual(200, lines["/livez", None]["status"])
        self.assertTrue(all(json.loads(line)["message"] for line in server.log))

    def test_the_same_as_text(self):
        server = self.start()
        lines = self.lines(self.ask(server))
        for line in lines:
            self.assertRegex(line, r'^(\w+=([^ "=]+|"([^"\\]|\\.)*")( |$))+$')
        self.assertIn(" code=OK bytes_in=", lines[0])
        self.assertTrue(re.search(f" trace={TRACE} span=[0-9a-f]{{16}}$", lines[0]))

    def test_rotation(self):
        server = self.start()
        rest(server, "GET", "/livez")
        self.lines(1)
        os.rename(self.path, self.path + ".1")
        server.process.send_signal(signal.SIGUSR1)
        while not os.path.exists(self.path):
            time.sleep(0.01)
        rest(server, "GET", "/readyz")
        self.assertIn("/livez", self.lines(1, self.path + ".1")[0])
        self.assertIn("/readyz", self.lines(1)[0])

    def test_levels(self):
        server = self.start()
        for count, level in enumerate(("debug", "info", "debug"), 1):
            server.process.send_signal(signal.SIGUSR2)
            self.assertTrue(server.await_log("the log's level is now", count).endswith(level))

    def test_flags_that_are_none(self):
        for flag, said in (("--log_format=xml", "text or json is expected"), ("--log_level=loud", "debug, info, warning or error is expected"),
                           ("--access_log=/nowhere/log", "/nowhere/log: No such file")):
            with self.assertRaises(support.ServerError) as failed:
                support.Server(flag, model_name="half", model_base_path=MODELS)
            self.assertIn(said, str(failed.exception))


class TraceTest(unittest.TestCase):
    def check(self, response, flags="01"):
        self.assertRegex(response, f"^00-{TRACE}-[0-9a-f]{{16}}-{flags}$")
        self.assertNotIn(PARENT, response)

    def test_traces_are_answered(self):
        with support.Server(rest=True, model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf1")) as server:
            answer = rest(server, "POST", "/v1/models/half:predict", {"instances": [1]}, headers={"TraceParent": TRACEPARENT})
            self.check(answer.headers["traceresponse"])
            answer = rest(server, "GET", "/v1/models/none", headers={"traceparent": TRACEPARENT[:-1] + "0"})
            self.check(answer.headers["traceresponse"], "00")
            for wrong in (TRACEPARENT.upper(), TRACEPARENT + "-x", "", "00-" + "0" * 32 + f"-{PARENT}-01"):
                answer = rest(server, "GET", "/v1/models/half", headers={"traceparent": wrong})
                self.assertEqual((200, None), (answer.status, answer.headers.get("traceresponse")))
            method = server.channel.unary_unary(PREDICT, request_serializer=None, response_deserializer=None)
            _, done = method.with_call(predict_request("half", x=[1]).SerializeToString(), metadata=(("traceparent", TRACEPARENT),))
            self.check(dict(done.initial_metadata())["traceresponse"])
            with self.assertRaises(Exception) as failed:
                method.with_call(predict_request("none", x=[1]).SerializeToString(), metadata=(("traceparent", TRACEPARENT),))
            self.check(dict([*failed.exception.initial_metadata(), *failed.exception.trailing_metadata()])["traceresponse"])


if __name__ == "__main__":
    unittest.main()
