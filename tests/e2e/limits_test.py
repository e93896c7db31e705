# SPDX-License-Identifier: Apache-2.0
"""What one request may take: memory and time, of models that take as much as they are asked for."""
import os
import shutil
import socket
import tempfile
import threading
import unittest

import numpy as np

import support
from clients import PREDICT, predict, predict_request, rest, tensor
from model_text import meta_graph, node, signature, write_version

LIMIT = 64 << 20
FLOAT, INT = "type: DT_FLOAT", "type: DT_INT32"
FOREVER_COUNT = 16  # more than there are workers


def const(name, dtype, value):
    return node(name, "Const", [], ("dtype", f"type: {dtype}"), ("value", f"tensor {{ dtype: {dtype} tensor_shape {{}} {value} }}"))


def function(name, arg, result, body):
    """A function of one tensor, `x`."""
    return (f"function {{ signature {{ name: '{name}' input_arg {{ name: 'x' {arg} }} output_arg {{ name: 'y' {result} }} }}\n"
            + body.replace("node {", "node_def {") + "ret { key: 'y' value: 'out:0' } }\n").replace("'out:0'", f"'{result_of(body)}'")


def result_of(body):
    """The last node's first output, as a function's body names it."""
    last = body.strip().split("\n")[-1]
    name, op = last.split("'")[1], last.split("'")[3]
    return f"{name}:{ {'ConcatV2': 'output', 'LessEqual': 'z', 'AddV2': 'z'}[op] }:0"


def loop(name, body):
    return node(name, "StatelessWhile", ["x"], ("T", "list { type: DT_FLOAT }"), ("cond", "func { name: 'always' }"),
                ("body", f"func {{ name: '{body}' }}"))


def saved_model():
    graph = node("dims", "Placeholder", [], ("dtype", INT)) + node("x", "Placeholder", [], ("dtype", FLOAT))
    graph += const("one", "DT_FLOAT", "float_val: 1") + node("fill", "Fill", ["dims", "one"], ("T", FLOAT))
    graph += node("outer", "MatMul", ["x", "x"], ("T", FLOAT), ("transpose_a", "b: true"))
    graph += loop("grow", "doubled") + loop("forever", "counted")
    scalar = const("zero", "DT_FLOAT", "float_val: 0")
    functions = function("always", FLOAT, "type: DT_BOOL", scalar + const("axis", "DT_INT32", "int_val: 0")
                         + node("shape", "Size", ["x"], ("T", FLOAT)) + node("yes", "LessEqual", ["axis:output:0", "shape:output:0"], ("T", INT)))
    functions += function("doubled", FLOAT, FLOAT, const("axis", "DT_INT32", "int_val: 0")
                          + node("both", "ConcatV2", ["x", "x", "axis:output:0"], ("T", FLOAT), ("N", "i: 2")))
    functions += function("counted", FLOAT, FLOAT, const("step", "DT_FLOAT", "float_val: 1")
                          + node("next", "AddV2", ["x", "step:output:0"], ("T", FLOAT)))
    signatures = signature("serving_default", [("x", "x", 1)], [("y", "outer", 1)])
    signatures += signature("fill", [("dims", "dims", 3)], [("y", "fill", 1)])
    signatures += "".join(signature(n, [("x", "x", 1)], [("y", n, 1)]) for n in ("grow", "forever"))
    return meta_graph(graph, signatures, functions)


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        write_version(os.path.join(cls.folder, "1"), saved_model())
        cls.server = support.Server(f"--request_memory_limit_bytes={LIMIT}", "--rest_api_timeout_in_ms=100", rest=True, model_name="m",
                                    model_base_path=cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder)

    def check_refused(self, request, *parts):
        code, message = predict(self.server, request)
        self.assertEqual("RESOURCE_EXHAUSTED", code, message)
        for part in parts + (f"; a request may hold {LIMIT} bytes (--request_memory_limit_bytes), all together ",):
            self.assertIn(part, message)

    def test_a_tensor_of_any_size(self):
        for dims in ([1 << 14, 1 << 14], [LIMIT // 4], [1 << 30, 1 << 30, 0]):
            request = predict_request("m", signature="fill", dims=tensor(dims, np.int32))
            if 0 in dims:
                self.assertEqual(0, len(predict(self.server, request).outputs["y"].float_val))
                continue
            shape = ",".join(map(str, dims))
            self.check_refused(request, f"OOM when allocating tensor with shape[{shape}] and type float", "[[{{node fill}}]]")
        answer = rest(self.server, "POST", "/v1/models/m:predict", {"signature_name": "fill", "inputs": [1 << 14, 1 << 14]})
        self.assertEqual((429, "1"), (answer.status, answer.headers["retry-after"]))
        small = predict(self.server, predict_request("m", signature="fill", dims=tensor([3], np.int32)))
        self.assertEqual([1, 1, 1], list(small.outputs["y"].float_val))

    def test_a_bound_plan(self):
        n = 1 << 12
        self.check_refused(predict_request("m", x=np.zeros((1, n), np.float32)), f"shape[{n},{n}] and type float", "[[{{node outer}}]]")
        self.assertEqual([1], list(predict(self.server, predict_request("m", x=[[1]])).outputs["y"].float_val))

    def test_a_loop_that_grows(self):
        self.check_refused(predict_request("m", signature="grow", x=[1, 2, 3]), "OOM when allocating tensor with shape[", "[[{{function_node doubled}}{{node both}}]]")

    def test_loops_without_an_end_stop_at_their_deadlines(self):
        forever = predict_request("m", signature="forever", x=1)
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(predict(self.server, forever, timeout=0.2)[0])) for _ in range(FOREVER_COUNT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(["DEADLINE_EXCEEDED"] * FOREVER_COUNT, codes)
        answer = rest(self.server, "POST", "/v1/models/m:predict", {"signature_name": "forever", "inputs": 1})
        self.assertEqual(504, answer.status, answer.body)
        # The workers are free again.
        self.assertEqual([1], list(predict(self.server, predict_request("m", x=[[1]])).outputs["y"].float_val))

    def check_workers_are_free(self, server):
        self.assertEqual([1], list(predict(server, predict_request("m", x=[[1]])).outputs["y"].float_val))

    def test_clients_that_give_up(self):
        with support.Server("--rest_api_timeout_in_ms=0", rest=True, model_name="m", model_base_path=self.folder) as server:
            # Some run, the others wait for a worker.
            call = server.channel.unary_unary(PREDICT)
            forever = predict_request("m", signature="forever", x=1)
            calls = [call.future(forever.SerializeToString()) for _ in range(FOREVER_COUNT)]
            self.assertEqual("DEADLINE_EXCEEDED", predict(server, forever, timeout=0.3)[0])
            for call in calls:
                call.cancel()
            self.check_workers_are_free(server)
            # Connections that are closed while they wait for an answer.
            body = b'{"signature_name": "forever", "inputs": 1}'
            request = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            for _ in range(FOREVER_COUNT):
                with socket.create_connection(("localhost", server.rest_port)) as connection:
                    connection.sendall(request)
            self.check_workers_are_free(server)


if __name__ == "__main__":
    unittest.main()
