# SPDX-License-Identifier: Apache-2.0
"""--enable_batching: what is put together, what is not, and what a client sees of it."""
import concurrent.futures
import os
import random
import unittest

import numpy as np

import support
from clients import MODELS, Base, call, example, fill_input, infer, predict, predict_request, rest, tensor
from limits_test import const, function
from model_text import meta_graph, node, signature, write_version
from watch_test import Page

FLOAT, STRING = "type: DT_FLOAT", "type: DT_STRING"
FULL_ONLY = "batch_timeout_micros { value: 600000000 } "  # a batch is run when it is full, or never
SOON = "batch_timeout_micros { value: 100000 } "
SESSION = ":tensorflow:serving:batching_session:"


def saved_model():
    """halves: x / 2 + 2; upper: strings; sum: a scalar; both: two inputs and outputs."""
    def const(name, value):
        return node(name, "Const", [], ("dtype", FLOAT), ("value", f"tensor {{ dtype: DT_FLOAT tensor_shape {{}} float_val: {value} }}"))
    graph = "".join(node(n, "Placeholder", [], ("dtype", FLOAT)) for n in ("x", "z")) + node("s", "Placeholder", [], ("dtype", STRING))
    graph += const("half", 0.5) + const("two", 2) + node("scaled", "Mul", ["x", "half"], ("T", FLOAT)) + node("y", "AddV2", ["scaled", "two"], ("T", FLOAT))
    graph += node("t", "StringUpper", ["s"]) + node("added", "AddV2", ["x", "z"], ("T", FLOAT))
    graph += node("axis", "Const", [], ("dtype", "type: DT_INT32"), ("value", "tensor { dtype: DT_INT32 tensor_shape {} int_val: 0 }"))
    graph += node("sum", "Sum", ["x", "axis"], ("T", FLOAT), ("Tidx", "type: DT_INT32"))
    signatures = signature("serving_default", [("x", "x", 1)], [("y", "y", 1)]) + signature("upper", [("s", "s", 7)], [("t", "t", 7)])
    signatures += signature("sum", [("x", "x", 1)], [("y", "sum", 1)]) + signature("both", [("x", "x", 1), ("z", "z", 1)], [("sum", "added", 1), ("y", "y", 1)])
    signatures += signature("nothing", [], [("two", "two", 1)])
    return meta_graph(graph, signatures)


def slow_model():
    """Adds 1 to all of x until one is beyond 2000000."""
    below = const("limit", "DT_FLOAT", "float_val: 2000000") + const("axis", "DT_INT32", "int_val: 0")
    below += node("most", "Max", ["x", "axis:output:0"], ("T", FLOAT), ("Tidx", "type: DT_INT32"))
    below += node("more", "LessEqual", ["most:output:0", "limit:output:0"], ("T", FLOAT))
    counted = const("step", "DT_FLOAT", "float_val: 1") + node("next", "AddV2", ["x", "step:output:0"], ("T", FLOAT))
    graph = node("x", "Placeholder", [], ("dtype", FLOAT))
    graph += node("y", "StatelessWhile", ["x"], ("T", "list { type: DT_FLOAT }"), ("cond", "func { name: 'below' }"), ("body", "func { name: 'counted' }"))
    functions = function("below", FLOAT, "type: DT_BOOL", below) + function("counted", FLOAT, FLOAT, counted)
    return meta_graph(graph, signature("serving_default", [("x", "x", 1)], [("y", "y", 1)]), functions)


def values(answer, name="y"):
    """An output as an array, or the error."""
    if isinstance(answer, tuple):
        return answer
    proto = answer.outputs[name]
    flat = list(proto.string_val) if proto.dtype == 7 else proto.float_val
    return np.array(flat, None if proto.dtype == 7 else np.float32).reshape([d.size for d in proto.tensor_shape.dim]).tolist()


class Batching(unittest.TestCase):
    def start(self, parameters=None, *flags, path=None, **named):
        base = self.enterContext(Base())
        self.folder = base.scratch
        if path is None:
            path = base.path
            write_version(os.path.join(path, "1"), saved_model())
        files = {"batching_parameters_file": parameters, "monitoring_config_file": "prometheus_config { enable: true path: '/metrics' }"}
        for name, text in files.items():
            if text is not None:
                named[name] = os.path.join(base.scratch, name)
                with open(named[name], "w", encoding="utf-8") as file:
                    file.write(text)
        return self.enterContext(support.Server("--enable_batching", *flags, rest=True, model_name="m", model_base_path=path, **named))

    def together(self, *calls):
        """All at once; the answers, in order."""
        pool = self.enterContext(concurrent.futures.ThreadPoolExecutor(len(calls)))
        return [f.result() for f in [pool.submit(c) for c in calls]]

    def ask(self, server, model="m", timeout=60, **inputs):
        signature_name, outputs = inputs.pop("signature_name", ""), inputs.pop("outputs", ())
        request = predict_request(model, signature=signature_name, outputs=outputs, **inputs)
        return lambda: predict(server, request, timeout=timeout)


class WhatIsPutTogetherTest(Batching):
    def test_a_full_batch_is_one_run(self):
        server = self.start("max_batch_size { value: 4 } thread_pool_name { value: 'ours' } num_batch_threads { value: 1 } " + FULL_ONLY)
        answers = self.together(*(self.ask(server, x=[i]) for i in range(2)), self.ask(server, x=[10, 20]))
        self.assertEqual([[2.0], [2.5], [7.0, 12.0]], [values(a) for a in answers])
        self.assertEqual({1}, {a.model_spec.version.value for a in answers})
        page = Page(server)
        self.assertEqual(1, page(SESSION + "wrapped_run_count_total"))
        self.assertEqual(3, page(SESSION + "queuing_latency_count", thread_pool_name="ours"))
        self.assertEqual((3, 4), tuple(page(f"{SESSION}input_batch_size_{of}") for of in ("count", "sum")))
        self.assertEqual((1, 4), tuple(page(f"{SESSION}processed_batch_size_{of}") for of in ("count", "sum")))
        self.assertEqual((1, 0), tuple(page(f"{SESSION}padding_size_{of}", execution_batch_size="4") for of in ("count", "sum")))
        ours = {"model": "m", "version": "1", "signature": "serving_default", "method": "predict", "protocol": "grpc"}
        self.assertEqual(3, page("tensord_request_stage_duration_seconds_count", stage="queue", **ours))

    def test_by_default_nobody_waits(self):
        server = self.start()
        for i in range(3):
            self.assertEqual([2 + i / 2], values(self.ask(server, x=[i])()))
        page = Page(server)
        self.assertEqual(3, page(SESSION + "wrapped_run_count_total"))
        self.assertEqual(3, page(SESSION + "queuing_latency_count", thread_pool_name="model_server_batch_threads"))

    def test_rows_are_added_up_to_an_allowed_size(self):
        server = self.start("max_batch_size { value: 8 } allowed_batch_sizes: [4, 8] " + SOON)
        answers = self.together(*(self.ask(server, x=[[i, i]]) for i in range(3)))
        self.assertEqual([[[2 + i / 2] * 2] for i in range(3)], [values(a) for a in answers])
        page = Page(server)
        padding, runs = (page(f"{SESSION}padding_size_{of}", execution_batch_size="4") for of in ("sum", "count"))
        self.assertEqual((4 * runs, 4 * runs - 3), (page(f"{SESSION}processed_batch_size_sum"), padding))
        self.assertEqual(3, page(SESSION + "queuing_latency_count", thread_pool_name="batch_threads"))

    def test_rest_and_grpc_share_batches(self):
        server = self.start("max_batch_size { value: 3 } " + FULL_ONLY)
        post = lambda body: lambda: rest(server, "POST", "/v1/models/m:predict", body).json  # noqa: E731
        answers = self.together(self.ask(server, x=[2]), post({"instances": [4]}), post({"inputs": [6]}))
        self.assertEqual([[3.0], {"predictions": [4.0]}, {"outputs": [5.0]}], [values(answers[0]), *answers[1:]])
        self.assertEqual(1, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_strings_and_several_tensors(self):
        server = self.start("max_batch_size { value: 4 } " + FULL_ONLY)
        answers = self.together(self.ask(server, signature_name="upper", s=[b"ab", b""]), self.ask(server, signature_name="upper", s=[b"c", b"d" * 300]))
        self.assertEqual([[b"AB", b""], [b"C", b"D" * 300]], [values(a, "t") for a in answers])
        answers = self.together(*(self.ask(server, signature_name="both", x=[i, 1], z=[1, 1]) for i in range(2)))
        self.assertEqual([([1 + i, 2], [2 + i / 2, 2.5]) for i in range(2)], [(values(a, "sum"), values(a)) for a in answers])

    def test_a_choice_of_outputs_waits_for_its_like(self):
        server = self.start("max_batch_size { value: 2 } " + FULL_ONLY)
        both = {"signature_name": "both", "z": [1]}
        answers = self.together(*(self.ask(server, x=[i], outputs=["sum"], **both) for i in range(2)), *(self.ask(server, x=[i], **both) for i in range(2)))
        self.assertEqual([[1], [2], [1], [2]], [values(a, "sum") for a in answers])
        self.assertEqual([1, 1, 2, 2], [len(a.outputs) for a in answers])
        self.assertEqual(2, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_examples(self):
        server = self.start("max_batch_size { value: 3 } " + FULL_ONLY, path=os.path.join(MODELS, "half_plus_two_tf1"))
        regress = lambda *xs: lambda: infer(server, "Regress", "m", "regress", [example(x=[x]) for x in xs])  # noqa: E731
        answers = self.together(regress(2), regress(4, 6))
        self.assertEqual([[3.0], [4.0, 5.0]], [[r.value for r in a.result.regressions] for a in answers])
        request = support.pb("inference").MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = "m", "regress"
        fill_input(request.input, [example(x=[8])])
        body = {"signature_name": "regress", "examples": [{"x": 10.0}, {"x": 12.0}]}
        answers = self.together(lambda: call(server, "MultiInference", request), lambda: rest(server, "POST", "/v1/models/m:regress", body).json)
        self.assertEqual([6.0], [r.value for r in answers[0].results[0].regression_result.regressions])
        self.assertEqual({"results": [7.0, 8.0]}, answers[1])
        self.assertEqual(2, Page(server)(SESSION + "wrapped_run_count_total"))


class SizesTest(Batching):
    def test_a_large_request_is_split(self):
        server = self.start("max_batch_size { value: 10 } max_execution_batch_size { value: 4 } enable_large_batch_splitting { value: true } "
                            "allowed_batch_sizes: [4] num_batch_threads { value: 2 } " + SOON)
        for _ in range(20):
            self.assertEqual([2 + i / 2 for i in range(10)], values(self.ask(server, x=list(range(10)))()))
        words = [str(i).encode() * i + b"a" for i in range(9)]
        self.assertEqual([w.upper() for w in words], values(self.ask(server, signature_name="upper", s=words)(), "t"))
        page = Page(server)
        self.assertEqual(21 * 3, page(SESSION + "wrapped_run_count_total"))
        self.assertEqual(("INVALID_ARGUMENT", "Task size 11 is larger than maximum input batch size 10"), self.ask(server, x=[0] * 11)())

    def test_rows_without_elements(self):
        """A client says how many there are without a byte for each; nothing may be as large as their number."""
        server = self.start("max_batch_size { value: 9223372036854775807 } max_execution_batch_size { value: 4611686018427387904 } "
                            "enable_large_batch_splitting { value: true } num_batch_threads { value: 1 } " + SOON)
        many = [tensor(np.zeros((rows, 0), np.float32)) for rows in (2**40, 2**60, 2**60, 1)]
        answers = self.together(*(self.ask(server, x=x) for x in many))
        self.assertEqual([[d.size for d in x.tensor_shape.dim] for x in many], [[d.size for d in a.outputs["y"].tensor_shape.dim] for a in answers])
        self.assertEqual([3.0], values(self.ask(server, x=[2])()))

    def test_a_full_queue(self):
        server = self.start("max_batch_size { value: 2 } max_enqueued_batches { value: 1 } " + FULL_ONLY)
        pool = self.enterContext(concurrent.futures.ThreadPoolExecutor(1))

        def ask_until_there_is_room():
            while isinstance(answer := self.ask(server, x=[2])(), tuple):
                pass
            return answer
        first = pool.submit(ask_until_there_is_room)
        full = "The batch scheduling queue to which this task was submitted is full; currently 1 batches enqueued and max_enqueued_batches is 1"
        answer = None
        while answer != ("UNAVAILABLE", full):  # until the first one waits there
            answer = self.ask(server, x=[0, 0])()
        answer = rest(server, "POST", "/v1/models/m:predict", {"inputs": [0, 0]})
        self.assertEqual((503, {"error": full}), (answer.status, answer.json))
        self.assertEqual([4.0], values(self.ask(server, x=[4])()))
        self.assertEqual([3.0], values(first.result()))
        self.assertEqual(("INVALID_ARGUMENT", "Task size 3 is larger than maximum input batch size 2"), self.ask(server, x=[0] * 3)())

    def test_inputs_without_a_batch(self):
        server = self.start()
        for inputs, error in (({"x": np.float32(1)}, "Batching Run() input tensors must have at least one dimension"),
                              ({"signature_name": "both", "x": [1, 2], "z": [1]}, "Batching Run() input tensors must have equal 0th-dimension size"),
                              ({"signature_name": "nothing"}, "Batching Run() must have at least one input tensor")):
            inputs = {k: tensor(v) if k in "xz" else v for k, v in inputs.items()}
            self.assertEqual(("INVALID_ARGUMENT", error), self.ask(server, **inputs)())
        self.assertEqual(("FAILED_PRECONDITION", "Batched output tensor has 0 dimensions"), self.ask(server, signature_name="sum", x=[1])())
        self.assertEqual("Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors",
                         self.ask(server, signature_name="sum", x=[[1], [2]])()[1])
        self.assertEqual([], values(self.ask(server, x=tensor(np.zeros(0, np.float32)))()))


class NobodySpoilsItForOthersTest(Batching):
    def test_shapes_that_do_not_go_together(self):
        server = self.start("max_batch_size { value: 4 } " + FULL_ONLY)
        answers = self.together(*(self.ask(server, x=[[1] * width]) for width in (1, 2, 2, 3)))
        self.assertEqual([[[2.5] * width] for width in (1, 2, 2, 3)], [values(a) for a in answers])
        self.assertEqual(3, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_shapes_that_are_padded(self):
        server = self.start("max_batch_size { value: 2 } pad_variable_length_inputs: true " + FULL_ONLY)
        answers = self.together(self.ask(server, x=[[4]]), self.ask(server, x=[[1, 2, 3]]))
        self.assertEqual([[[4.0] * 3], [[2.5, 3.0, 3.5]]], [values(a) for a in answers])
        self.assertEqual(1, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_an_example_that_is_none(self):
        server = self.start("max_batch_size { value: 3 } " + FULL_ONLY, path=os.path.join(MODELS, "half_plus_two_tf1"))
        regress = lambda x: lambda: infer(server, "Regress", "m", "regress", [x])  # noqa: E731
        answers = self.together(regress(example(x=[2])), regress(example(z=[4])), regress(example(x=[6])))
        self.assertEqual([3.0, 5.0], [answers[i].result.regressions[0].value for i in (0, 2)])
        self.assertEqual("INVALID_ARGUMENT", answers[1][0])
        self.assertIn("is required but could not be found", answers[1][1])

    def test_another_dtype(self):
        server = self.start("max_batch_size { value: 2 } " + FULL_ONLY)
        answers = self.together(self.ask(server, x=[2]), self.ask(server, x=tensor([1], np.int32)))
        self.assertEqual([3.0], values(answers[0]))
        self.assertEqual("INVALID_ARGUMENT", answers[1][0])

    def test_who_has_given_up_is_not_run(self):
        server = self.start("max_batch_size { value: 2 } " + FULL_ONLY, rest_api_timeout_in_ms=50)
        self.assertEqual("DEADLINE_EXCEEDED", self.ask(server, timeout=0.05, x=[1])()[0])
        self.assertEqual([3.0], values(self.ask(server, x=[2])()))
        self.assertEqual(1, Page(server)(SESSION + "processed_batch_size_sum"))

    def test_a_run_goes_on_for_who_waits_longest(self):
        base = self.enterContext(Base())
        write_version(os.path.join(base.path, "1"), slow_model())
        server = self.start("max_batch_size { value: 2 } " + FULL_ONLY, path=base.path)
        answers = self.together(self.ask(server, timeout=0.2, x=[0]), self.ask(server, timeout=None, x=[1]))
        self.assertEqual([2000001.0], values(answers[1]))
        self.assertIn(answers[0] if isinstance(answers[0], tuple) else values(answers[0]), [("DEADLINE_EXCEEDED", "Deadline Exceeded"), [2000000.0]])
        self.assertEqual(1, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_a_timeout_while_waiting(self):
        server = self.start("max_batch_size { value: 2 } batch_timeout_micros { value: 200000 } ", rest_api_timeout_in_ms=50)
        answer = rest(server, "POST", "/v1/models/m:predict", {"inputs": [0]})
        self.assertEqual((429, {"error": "Run() timeout exceeded while waiting in batching queue"}), (answer.status, answer.json))


class ModelsTest(Batching):
    def test_each_model_has_its_own_parameters(self):
        base = self.enterContext(Base())
        for name in ("one", "other"):
            write_version(os.path.join(base.path, name, "1"), saved_model())
        with open(os.path.join(base.path, "one", "1", "batching_params.pbtxt"), "w", encoding="utf-8") as file:
            file.write("max_batch_size { value: 2 } " + FULL_ONLY)
        config = os.path.join(base.scratch, "models.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write("model_config_list {" + "".join(f"config {{ name: '{n}' base_path: '{base.path}/{n}' model_platform: 'tensorflow' }}"
                                                       for n in ("one", "other")) + "}")
        server = self.start("thread_pool_name { value: 'pool' } max_batch_size { value: -1 }", "--enable_per_model_batching_parameters", path="",
                            model_config_file=config)
        self.assertEqual([3.0], values(self.ask(server, "other", x=[2])()))
        self.assertFalse(Page(server).has(SESSION + "wrapped_run_count_total"))
        answers = self.together(self.ask(server, "one", x=[2]), self.ask(server, "one", x=[4]))
        self.assertEqual([[3.0], [4.0]], [values(a) for a in answers])
        page = Page(server)
        self.assertEqual((1, 2), (page(SESSION + "wrapped_run_count_total"), page(SESSION + "queuing_latency_count", thread_pool_name="pool")))

    def test_a_version_goes_when_its_requests_have_been_answered(self):
        base = self.enterContext(Base())
        base.add(1)
        server = self.start("max_batch_size { value: 2 } " + FULL_ONLY, path=base.path)
        pool = self.enterContext(concurrent.futures.ThreadPoolExecutor(1))
        first = pool.submit(lambda: predict(server, predict_request("m", version=1, x=[2])))
        base.add(2)
        server.await_log(r"Successfully loaded servable version \{name: m version: 2\}")
        while isinstance(answer := predict(server, predict_request("m", x=[1, 1])), tuple) or answer.model_spec.version.value != 2:
            pass
        self.assertFalse(first.done())
        server.process.terminate()
        self.assertEqual([3.0], values(first.result()))
        self.assertEqual(0, server.process.wait(30))

    def test_a_platform_of_a_file(self):
        base = self.enterContext(Base())
        write_version(os.path.join(base.path, "1"), saved_model())
        platforms = os.path.join(base.scratch, "platforms.conf")
        with open(platforms, "w", encoding="utf-8") as file:
            file.write("platform_configs { key: 'tensorflow' value { source_adapter_config {\n"
                       "[type.googleapis.com/tensorflow.serving.SavedModelBundleSourceAdapterConfig] { legacy_config {\n"
                       "batching_parameters { max_batch_size { value: 2 } " + FULL_ONLY + "} } } } } }")
        server = self.start(path=base.path, platform_config_file=platforms)
        answers = self.together(self.ask(server, x=[2]), self.ask(server, x=[4]))
        self.assertEqual([[3.0], [4.0]], [values(a) for a in answers])
        self.assertEqual(1, Page(server)(SESSION + "wrapped_run_count_total"))

    def test_parameters_that_are_none(self):
        for text, error in (("allowed_batch_sizes: 4", "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 1000"),
                            ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
                            ("max_batch_size: 4", "Invalid protobuf file: '")):
            with self.assertRaises(support.ServerError) as raised:
                self.start(text)
            self.assertIn("Failed to start server. Error: INVALID_ARGUMENT: " + error, str(raised.exception))

    def test_the_file_of_a_version_that_is_none(self):
        base = self.enterContext(Base())
        write_version(os.path.join(base.path, "1"), saved_model())
        with open(os.path.join(base.path, "1", "batching_params.pbtxt"), "w", encoding="utf-8") as file:
            file.write("max_batch_size { value: 4 } allowed_batch_sizes: 2")
        with self.assertRaises(support.ServerError) as raised:
            self.start(None, "--enable_per_model_batching_parameters", "--max_num_load_retries=0", path=base.path)
        self.assertIn("batching_params.pbtxt: Last entry in allowed_batch_sizes must match max_batch_size; last entry was 2; expected 4", str(raised.exception))


class CrowdTest(Batching):
    def test_each_gets_its_own_answer(self):
        server = self.start("max_batch_size { value: 16 } max_execution_batch_size { value: 8 } enable_large_batch_splitting { value: true } "
                            "max_enqueued_batches { value: 1000 } num_batch_threads { value: 3 } batch_timeout_micros { value: 500 }")

        def work(seed):
            chance, wrong = random.Random(seed), 0
            for _ in range(150):
                x = [[chance.randrange(1000)] * chance.choice((1, 1, 1, 2)) for _ in range(1)] * chance.randrange(1, 16)
                wrong += values(self.ask(server, x=x)()) != [[v / 2 + 2 for v in row] for row in x]
            return wrong
        self.assertEqual([0] * 8, self.together(*(lambda s=s: work(s) for s in range(8))))
