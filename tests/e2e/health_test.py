# SPDX-License-Identifier: Apache-2.0
"""What probes, dashboards and people ask: health over gRPC and HTTP, the list of models, the page of metrics."""
import os
import re
import unittest

import support
from clients import MODELS, Base, call, example, fill_input, infer, predict, predict_request, rest, states

CHECK = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = 1, 2


def health(server, service=""):
    """The status, or (code's name, message). The messages have one field each; stubs of a package grpc.health would hide grpc's own."""
    name = service.encode()
    answer = server.call_bytes(CHECK, b"\x0a" + bytes([len(name)]) + name)
    return answer[1] if isinstance(answer, bytes) and len(answer) == 2 and answer[0] == 8 else answer


def pages(server):
    return [rest(server, "GET", path).status for path in ("/livez", "/startupz", "/readyz")]


class Health(unittest.TestCase):
    def test_a_server_that_is_up(self):
        with support.Server(rest=True, model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2")) as server:
            for service in ("", "PredictionService", "ModelService", "tensorflow.serving.PredictionService", "half"):
                self.assertEqual(SERVING, health(server, service), service)
            self.assertEqual(("NOT_FOUND", "unknown service"), health(server, "none"))
            self.assertEqual([200, 200, 200], pages(server))
            self.assertEqual({"models": [{"name": "half", "versions": [{"version": 1, "state": "AVAILABLE"}]}]},
                             rest(server, "GET", "/v1/models").json)

    def test_a_server_that_loads(self):
        with Base() as base:
            with support.Server("--open_ports_early", rest=True, model_name="m", model_base_path=base.path) as server:
                self.assertEqual(NOT_SERVING, health(server))
                self.assertEqual(NOT_SERVING, health(server, "m"))
                self.assertEqual([200, 503, 503], pages(server))
                base.add(1)
                server.await_log("Successfully loaded")
                while health(server) != SERVING:  # it is told a moment after the log line
                    pass
                self.assertEqual(SERVING, health(server, "m"))
                self.assertEqual([200, 200, 200], pages(server))
                base.remove(1)
                server.await_log("Done unloading")
                self.assertEqual((SERVING, NOT_SERVING), (health(server), health(server, "m")))


class Metrics(unittest.TestCase):
    def start(self, text, model="half_plus_two_tf2"):
        base = Base().__enter__()
        self.addCleanup(base.__exit__)
        path = os.path.join(base.scratch, "monitoring.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        server = support.Server(f"--monitoring_config_file={path}", rest=True, model_name="half",
                                model_base_path=os.path.join(MODELS, model))
        self.addCleanup(server.close)
        return server

    def test_the_page(self):
        server = self.start("prometheus_config { enable: true }")
        answer = rest(server, "GET", "/monitoring/prometheus/metrics")
        self.assertEqual((200, "text/plain"), (answer.status, answer.headers["content-type"]))
        lines = answer.body.decode().splitlines()
        for line in lines:
            self.assertRegex(line, r'^(# TYPE [\w:]+ (counter|gauge|histogram)|# HELP \w+ .*\.|[\w:]+\{(\w+="[^"]*",?)*\} \S+)$')
        self.assertIn('tensord_model_versions{model="half",state="AVAILABLE"} 1', lines)
        of = 'tensord_model_%s{model="half",version="1"%s} '
        values = {line.rsplit(" ", 1)[0] + " ": float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}
        self.assertGreater(values[of % ("load_duration_seconds", ',stage="read"')], 0)
        self.assertGreater(values[of % ("memory_estimate_bytes", "")], 1000)
        self.assertGreaterEqual(values[of % ("mapped_bytes", "")], values[of % ("mapped_resident_bytes", "")])
        self.assertTrue([line for line in lines if re.match(
            r':tensorflow:cc:saved_model:load_attempt_count\{model_path=".*/half_plus_two_tf2/1",status="success"\} 1$', line)])

    def test_families_without_series_have_their_types(self):
        lines = rest(self.start("prometheus_config { enable: true }"), "GET", "/monitoring/prometheus/metrics").body.decode().splitlines()
        for name, kind in (("request_count", "counter"), ("request_latency", "histogram"), ("runtime_latency", "histogram"),
                           ("request_example_counts", "histogram"), ("request_example_count_total", "counter"),
                           ("model_warmup_latency", "histogram"), ("model_warmup_records_read", "counter"), ("mlmd_map", "gauge"),
                           ("request_log_count", "counter")):
            self.assertIn(f"# TYPE :tensorflow:serving:{name} {kind}", lines)
            self.assertFalse([line for line in lines if line.startswith(f":tensorflow:serving:{name}{{")])

    def test_requests_are_counted(self):
        server = self.start("prometheus_config { enable: true }")
        for _ in range(3):
            predict(server, predict_request("half", x=[1]))
        predict(server, predict_request("half", z=[1]))
        predict(server, predict_request("none", x=[1]))
        predict(server, b"\xff")
        rest(server, "POST", "/v1/models/half:predict", {"instances": [1]})
        rest(server, "POST", "/v1/models/half:predict", "{")
        rest(server, "GET", "/v1/models/half")
        rest(server, "GET", "/v1/nonsense")
        rest(server, "OPTIONS", "/v1/models/half:predict", headers={"Origin": "http://a"})
        rest(server, "OPTIONS", "/v1/models/half:predict")
        lines = rest(server, "GET", "/monitoring/prometheus/metrics").body.decode().splitlines()
        counted = {}
        for line in lines:
            found = re.match(r'(:tensorflow:serving:(?:request_count|re\w+_latency_count|runtime_latency_count))\{(.*)\} (\d+)$', line)
            if found:
                counted[found.group(1).split(":")[-1], found.group(2)] = int(found.group(3))
        self.assertEqual({
            ("request_count", 'model_name="half",status="OK"'): 5,
            ("request_count", 'model_name="half",status="INVALID_ARGUMENT"'): 2,
            ("request_count", 'model_name="none",status="NOT_FOUND"'): 1,
            ("request_count", 'model_name="",status="INVALID_ARGUMENT"'): 2,
            ("request_count", 'model_name="",status="OK"'): 1,
            ("request_count", 'model_name="",status="FAILED_PRECONDITION"'): 1,
            ("request_latency_count", 'model_name="",API="",entrypoint="REST"'): 1,
            ("request_latency_count", 'model_name="half",API="Predict",entrypoint="GRPC"'): 3,
            ("request_latency_count", 'model_name="half",API="predict",entrypoint="REST"'): 1,
            ("request_latency_count", 'model_name="half",API="",entrypoint="REST"'): 1,
            ("runtime_latency_count", 'model_name="half",API="Predict",runtime="TF1"'): 4,
        }, counted)
        self.assertIn(':tensorflow:serving:request_latency_bucket{model_name="half",API="Predict",entrypoint="GRPC",le="+Inf"} 3', lines)

    def test_what_is_not_counted(self):
        server = self.start("prometheus_config { enable: true }", model="half_plus_two_tf1")
        request = support.pb("inference").MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "half", "regress"
        fill_input(request.input, [example(x=[1])])
        self.assertEqual(3.0 - 0.5, call(server, "MultiInference", request).results[0].regression_result.regressions[0].value)
        self.assertEqual({1: "AVAILABLE"}, states(server, "half"))
        metadata = support.pb("get_model_metadata").GetModelMetadataRequest(metadata_field=["signature_def"])
        metadata.model_spec.name = "half"
        self.assertIsInstance(server.call_bytes("/tensorflow.serving.PredictionService/GetModelMetadata", metadata.SerializeToString()), bytes)
        page = rest(server, "GET", "/monitoring/prometheus/metrics").body.decode()
        self.assertNotIn(":tensorflow:serving:request_count{", page)
        self.assertNotIn(":tensorflow:serving:request_latency_count{", page)

    def test_any_method_gets_the_page(self):
        server = self.start("prometheus_config { enable: true }")
        for method in ("POST", "PUT", "DELETE"):
            answer = rest(server, method, "/monitoring/prometheus/metrics", "x")
            self.assertEqual((200, "text/plain"), (answer.status, answer.headers["content-type"]))
            self.assertIn(b"# TYPE :tensorflow:serving:request_count counter\n", answer.body)

    def test_classify_and_regress_are_counted(self):
        server = self.start("prometheus_config: { enable: true }", model="half_plus_two_tf1")
        examples = [example(x=[2])]
        for _ in range(2):
            self.assertEqual([3.0], [r.value for r in infer(server, "Regress", "half", "regress", examples).result.regressions])
        infer(server, "Classify", "half", "regress", examples)
        rest(server, "POST", "/v1/models/half:regress", {"signature_name": "regress", "examples": [{"x": 1.0}]})
        page = rest(server, "GET", "/monitoring/prometheus/metrics").body.decode()
        for name, labels, count in (("request_count", 'model_name="half",status="OK"', 3),
                                    ("request_count", 'model_name="half",status="INVALID_ARGUMENT"', 1),
                                    ("request_latency_count", 'model_name="half",API="Regress",entrypoint="GRPC"', 2),
                                    ("request_latency_count", 'model_name="half",API="regress",entrypoint="REST"', 1)):
            self.assertIn(f":tensorflow:serving:{name}{{{labels}}} {count}\n", page)

    def test_where_it_is_and_that_it_is_not(self):
        server = self.start("prometheus_config: { enable: true, path: '/metrics' }")
        self.assertEqual(200, rest(server, "GET", "/metrics?x=1").status)
        self.assertEqual(404, rest(server, "GET", "/monitoring/prometheus/metrics").status)
        self.assertEqual(404, rest(self.start(""), "GET", "/monitoring/prometheus/metrics").status)

    def test_files_that_are_none(self):
        for text, said in (("prometheus_config { enable: maybe }", "MonitoringConfig: 1:"),
                           ("prometheus_config { enable: true path: 'metrics' }", "a path that begins with '/' is expected, not 'metrics'")):
            with self.assertRaises(support.ServerError) as failed:
                self.start(text)
            self.assertIn(said, str(failed.exception))

    def test_a_file_without_a_rest_port(self):
        """Nobody could read the page, and as in the original nobody reads the file."""
        with support.Server("--monitoring_config_file=/nowhere", model_name="half", model_base_path=os.path.join(MODELS, "half_plus_two_tf2")) as server:
            server.await_log("--monitoring_config_file has no effect")
            self.assertEqual([2.5], list(predict(server, predict_request("half", x=[1])).outputs["y"].float_val))


if __name__ == "__main__":
    unittest.main()
