# SPDX-License-Identifier: Apache-2.0
"""tensorflow.ProfilerService: what a profile has of requests, runs and versions; its end, its refusals; Monitor's words."""
import http.client
import os
import queue
import re
import shutil
import tempfile
import threading
import time
import unittest

import grpc

import support
from clients import MODELS, Base, Load, predict, predict_request

SERVICE = "/tensorflow.ProfilerService/"
HALF = os.path.join(MODELS, "half_plus_two_tf2")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STAGES = ["read", "parse", "queue", "run", "encode", "write"]
LONG_MS = 600_000
STARTED = "Profile session started"


def messages():
    return support.pb("profiler_service", "tsl.profiler.protobuf")


def request(duration_ms, session="s", level=2, emit=True):
    made = messages().ProfileRequest(emit_xspace=emit, session_id=session, host_name="localhost")
    made.opts.version, made.opts.host_tracer_level, made.opts.duration_ms = 1, level, duration_ms
    return made


class Call:
    """A Profile under way, on a channel of its own."""

    def __init__(self, server, made, await_start=True):
        before = sum(STARTED in line for line in server.log)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.max_receive_message_length", -1)])
        stub = self.channel.unary_unary(SERVICE + "Profile", None, messages().ProfileResponse.FromString)
        self.future = stub.future(made.SerializeToString(), timeout=60)
        if await_start:
            server.await_log(STARTED, before + 1)

    def result(self):
        """The response, or (code's name, message)."""
        try:
            return self.future.result()
        except grpc.RpcError as error:
            return support.status_name(error), error.details()
        finally:
            self.channel.close()


def profile(server, made):
    return Call(server, made, await_start=False).result()


def terminate(server, session):
    made = messages().TerminateRequest(session_id=session)
    return server.call_bytes(SERVICE + "Terminate", made.SerializeToString())


def monitor(server, duration_ms=0, level=1, timestamp=False):
    made = messages().MonitorRequest(duration_ms=duration_ms, monitoring_level=level, timestamp=timestamp)
    answer = server.call_bytes(SERVICE + "Monitor", made.SerializeToString())
    return messages().MonitorResponse.FromString(answer).data if isinstance(answer, bytes) else answer


class Event:
    def __init__(self, plane, line, event):
        names = {number: metadata.name for number, metadata in plane.stat_metadata.items()}
        self.line, self.name = line.name, plane.event_metadata[event.metadata_id].name
        self.begin, self.end = event.offset_ps, event.offset_ps + event.duration_ps
        self.values = {names[stat.metadata_id]: getattr(stat, stat.WhichOneof("value")) for stat in event.stats}

    def is_in(self, other):
        return self.line == other.line and other.begin <= self.begin and self.end <= other.end


def events_of(space):
    plane = space.planes[0]
    return [Event(plane, line, event) for line in plane.lines for event in line.events]


class Profiler(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(rest=True, model_name="half", model_base_path=HALF)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def recorded(self, made, ask):
        """What a profile has of what `ask` does, ended when that is done."""
        call = Call(self.server, made)
        ask()
        self.assertEqual(b"", terminate(self.server, made.session_id))
        answer = call.result()
        self.assertNotIsInstance(answer, tuple)
        return answer

    def ask_both(self):
        header = [("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01")]
        self.assertNotIsInstance(predict(self.server, predict_request("half", x=[1, 2, 5]), metadata=header), tuple)
        # A request is noted right after its answer is out, and before the next one on its connection.
        connection = http.client.HTTPConnection("localhost", self.server.rest_port, timeout=60)
        for method, path, body, status in (("POST", "/v1/models/half:predict", '{"instances": [1, 2, 5]}', 200),
                                           ("GET", "/v1/models/nobody", None, 404), ("GET", "/livez", None, 200)):
            connection.request(method, path, body)
            answer = connection.getresponse()
            self.assertEqual(status, answer.status, answer.read())
            answer.read()
        connection.close()

    def test_says_that_it_is_there(self):
        self.server.await_log("Profiler service is enabled")

    def test_requests_and_their_stages(self):
        answer = self.recorded(request(LONG_MS), self.ask_both)
        self.assertFalse(answer.empty_trace)
        self.assertEqual(0, len(answer.tool_data))
        self.assertEqual(["/host:CPU", "Task Environment"], [plane.name for plane in answer.xspace.planes])
        self.assertEqual([], list(answer.xspace.warnings))
        events = events_of(answer.xspace)
        requests = [e for e in events if e.line.startswith("requests of") and "model" in e.values]
        self.assertEqual([("predict", "grpc", "OK"), ("predict", "rest", "OK"), ("status", "rest", "NOT_FOUND")],
                         sorted((e.name, e.values["protocol"], e.values["code"]) for e in requests))
        for event in requests:
            self.assertEqual("nobody" if event.name == "status" else "half", event.values["model"])
            self.assertLess(event.begin, event.end)
            # Stages follow each other without a gap, and fill the whole.
            stages = [e for e in events if e is not event and e.is_in(event)]
            self.assertLessEqual({e.name for e in stages}, set(STAGES))
            self.assertEqual([event.begin, *(e.end for e in stages)], [*(e.begin for e in stages), event.end])
            if event.values["code"] == "OK":
                self.assertEqual((1, "serving_default"), (event.values["version"], event.values["signature"]))
                self.assertIn("run", [e.name for e in stages])
        traced = [e.values["trace"] for e in requests if "trace" in e.values]
        self.assertEqual([TRACE], traced)

    def test_runs_and_their_ops(self):
        events = events_of(self.recorded(request(LONG_MS), self.ask_both).xspace)
        ops = [e for e in events if ":" in e.name]
        runs = [e for e in events if e.name == "run" and not e.line.startswith("requests of")]
        self.assertEqual(2, len(runs))
        self.assertTrue(ops)
        for op in ops:
            self.assertTrue(any(op.is_in(run) for run in runs), op.name)
        # Threads do one thing after the other.
        for line in {e.line for e in runs}:
            own = sorted((e for e in events if e.line == line and e.name == "predict"), key=lambda e: e.begin)
            for before, after in zip(own, own[1:]):
                self.assertLessEqual(before.end, after.begin)

    def test_levels(self):
        events = events_of(self.recorded(request(LONG_MS, level=1), self.ask_both).xspace)
        self.assertTrue(events)
        self.assertFalse([e for e in events if ":" in e.name])
        answer = self.recorded(request(LONG_MS, level=0), self.ask_both)
        self.assertTrue(answer.empty_trace)
        self.assertEqual([], events_of(answer.xspace))
        # Options that were not set are TensorFlow's own.
        made = messages().ProfileRequest(emit_xspace=True, session_id="s", duration_ms=LONG_MS)
        self.assertTrue([e for e in events_of(self.recorded(made, self.ask_both).xspace) if ":" in e.name])

    def test_a_file_for_the_client(self):
        with tempfile.TemporaryDirectory() as folder:
            made = request(LONG_MS, emit=False)
            made.repository_root = os.path.join(folder, "repository")
            answer = self.recorded(made, self.ask_both)
            self.assertEqual([], os.listdir(folder))
        self.assertFalse(answer.HasField("xspace"))
        self.assertEqual(["xplane.pb"], [data.name for data in answer.tool_data])
        space = support.pb("xplane", "tsl.profiler.protobuf").XSpace.FromString(answer.tool_data[0].data)
        self.assertIn("predict", {e.name for e in events_of(space)})

    def test_most_events(self):
        made = request(LONG_MS)
        made.max_events = 20
        space = self.recorded(made, lambda: [self.ask_both() for _ in range(5)]).xspace
        self.assertLessEqual(len(events_of(space)), 20)
        self.assertRegex(space.warnings[0], "events were left out")

    def test_ends_by_itself(self):
        answer = profile(self.server, request(50))
        self.assertTrue(answer.empty_trace)
        start, stop = [stat.uint64_value for stat in answer.xspace.planes[1].stats]
        self.assertGreaterEqual(stop - start, 50_000_000)
        self.assertLess(abs(time.time_ns() - stop), 60e9)
        # Options that do not say how long leave it to the request; a beginning in the past is now.
        made = request(0)
        made.opts.start_timestamp_ns, made.duration_ms = 1, 20
        start, stop = [stat.uint64_value for stat in profile(self.server, made).xspace.planes[1].stats]
        self.assertGreaterEqual(stop - start, 20_000_000)

    def test_begins_when_it_is_to(self):
        made = request(10)
        made.opts.start_timestamp_ns = time.time_ns() + 100_000_000
        start = profile(self.server, made).xspace.planes[1].stats[0].uint64_value
        self.assertGreaterEqual(start, made.opts.start_timestamp_ns - 2_000_000)

    def test_one_at_a_time(self):
        call = Call(self.server, request(LONG_MS, session="first"))
        self.assertEqual(("INTERNAL", "Another profiling session active."), profile(self.server, request(1)))
        self.assertEqual(b"", terminate(self.server, "second"))
        self.assertEqual(("INTERNAL", "Another profiling session active."), profile(self.server, request(1)))
        self.assertEqual(b"", terminate(self.server, "first"))
        self.assertNotIsInstance(call.result(), tuple)
        # One that was terminated before it began is another one.
        self.assertEqual(b"", terminate(self.server, "later"))
        start, stop = [s.uint64_value for s in profile(self.server, request(30, session="later")).xspace.planes[1].stats]
        self.assertGreaterEqual(stop - start, 30_000_000)

    def test_a_client_that_goes_ends_it(self):
        for go in (lambda call: call.future.cancel(), lambda call: call.channel.close()):
            call = Call(self.server, request(LONG_MS))
            go(call)
            while isinstance(profile(self.server, request(1)), tuple):
                pass

    def test_refusals(self):
        self.assertEqual(("INVALID_ARGUMENT", "duration_ms: at most 3600000 are possible, not 3600001"),
                         profile(self.server, request(3_600_001)))
        late = request(1)
        late.opts.start_timestamp_ns = time.time_ns() + 10**16
        self.assertEqual("INVALID_ARGUMENT", profile(self.server, late)[0])
        self.assertEqual("INVALID_ARGUMENT", monitor(self.server, 2**64 - 1)[0])
        for method in ("Profile", "Terminate", "Monitor"):
            self.assertEqual("INVALID_ARGUMENT", self.server.call_bytes(SERVICE + method, b"\x0a")[0])

    def test_monitor(self):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(monitor(self.server, 1000, level=2, timestamp=True)))
        thread.start()
        while thread.is_alive():
            self.ask_both()
        thread.join()
        text = answers[0]
        self.assertRegex(text, r"^Timestamp: \d\d:\d\d:\d\d\n")
        all_requests = int(re.search(r"^(\d+) requests in 1\.\d s", text, re.M).group(1))
        parts = [int(n) for n in re.findall(r"half, version 1, signature serving_default, predict over \w+: (\d+) requests", text)]
        self.assertEqual(2, len(parts))
        self.assertEqual(all_requests, sum(parts))
        self.assertGreater(min(parts), 0)
        self.assertRegex(text, "mean of each stage: read .* ms, parse .* run .* write")
        self.assertRegex(monitor(self.server), "^0 requests in ")

    def test_too_many_monitors(self):
        stub = self.server.channel.unary_unary(SERVICE + "Monitor", None, None)
        made = messages().MonitorRequest(duration_ms=LONG_MS).SerializeToString()
        refused, calls = queue.Queue(), []
        for _ in range(9):
            calls.append(stub.future(made, timeout=60))
            calls[-1].add_done_callback(refused.put)
        call = refused.get(timeout=60)
        self.assertEqual((grpc.StatusCode.RESOURCE_EXHAUSTED, "8 calls of Monitor are under way"),
                         (call.code(), call.details()))
        for call in calls:
            call.cancel()
        while isinstance(monitor(self.server), tuple):
            pass


class Versions(unittest.TestCase):
    def test_loads_and_unloads_under_load(self):
        with Base() as base:
            base.add(1)
            server = support.Server(rest=True, model_name="m", model_base_path=base.path, version_quiet_ms=0,
                                    file_system_poll_wait_seconds=1)
            call = Call(server, request(LONG_MS))
            load = Load(server)
            load.await_version(1)
            base.add(2)
            server.await_log("Done unloading servable version {name: m version: 1}")
            load.await_version(2)
            terminate(server, "s")
            events = events_of(call.result().xspace)
            load.end()
            server.close()
        self.assertEqual([], load.failed)
        found = {(e.name, e.values["version"], e.values["code"]): e for e in events if e.name in ("load", "unload")}
        self.assertEqual({("load", 2, "OK"), ("unload", 1, "OK")}, set(found))
        loading = found["load", 2, "OK"]
        self.assertLessEqual({"read", "compile", "restore"}, {e.name for e in events if e.is_in(loading)})
        self.assertEqual({1, 2}, {e.values["version"] for e in events if e.name == "predict"})


class Batches(unittest.TestCase):
    def test_requests_wait_for_their_batch(self):
        with tempfile.NamedTemporaryFile("w", suffix=".pbtxt") as parameters:
            parameters.write("max_batch_size { value: 4 } batch_timeout_micros { value: 60000000 } max_enqueued_batches { value: 9 } "
                             "num_batch_threads { value: 1 }")
            parameters.flush()
            server = support.Server("--enable_batching", model_name="half", model_base_path=HALF, batching_parameters_file=parameters.name)
        call = Call(server, request(LONG_MS))
        threads = [threading.Thread(target=predict, args=(server, predict_request("half", x=x))) for x in ([1], [2, 3], [4])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        terminate(server, "s")
        events = events_of(call.result().xspace)
        server.close()
        batches = [e for e in events if e.name == "batch"]
        self.assertEqual([(3, 4, 0, "serving_default")],
                         [tuple(e.values[name] for name in ("requests", "rows", "padded", "signature")) for e in batches])
        requests = [e for e in events if e.name == "predict"]
        self.assertEqual(3, len(requests))
        for event in requests:
            self.assertRegex(event.line, "^requests of ")
            stages = [e for e in events if e is not event and e.is_in(event)]
            self.assertEqual([event.begin, *(e.end for e in stages)], [*(e.begin for e in stages), event.end])
            self.assertIn("queue", [e.name for e in stages])
            run = next(e for e in stages if e.name == "run")
            self.assertTrue(batches[0].begin <= run.begin < run.end <= batches[0].end)
        ops = [e for e in events if ":" in e.name]
        self.assertTrue(ops)
        for op in ops:
            self.assertTrue(op.is_in(batches[0]))


class Life(unittest.TestCase):
    def test_the_end_of_the_server_ends_it(self):
        server = support.Server(model_name="half", model_base_path=HALF)
        call = Call(server, request(LONG_MS))
        server.close()
        self.assertTrue(call.result().empty_trace)

    def test_switched_off(self):
        server = support.Server(model_name="half", model_base_path=HALF, enable_profiler="false")
        for method in ("Profile", "Terminate", "Monitor"):
            self.assertEqual("UNIMPLEMENTED", server.call_bytes(SERVICE + method, b"")[0])
        server.close()
        self.assertFalse([line for line in server.log if "Profiler" in line])

    def test_belongs_to_administration(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        files = {}
        for kind in ("inference", "admin"):
            files[kind] = os.path.join(folder, kind)
            with open(files[kind], "w", encoding="utf-8") as file:
                file.write(kind + "-token\n")
        server = support.Server(model_name="half", model_base_path=HALF, inference_token_file=files["inference"],
                                admin_token_file=files["admin"])
        self.addCleanup(server.close)

        def ask(token):
            header = [("authorization", f"Bearer {token}")] if token else None
            answer = server.call_bytes(SERVICE + "Profile", request(1).SerializeToString(), metadata=header)
            return answer[0] if isinstance(answer, tuple) else "OK"

        self.assertEqual(["UNAUTHENTICATED", "PERMISSION_DENIED", "OK"],
                         [ask(None), ask("inference-token"), ask("admin-token")])


if __name__ == "__main__":
    unittest.main()
