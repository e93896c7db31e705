# SPDX-License-Identifier: Apache-2.0
"""Custom ops: libraries built outside of the tree with the installed header alone, a model that needs them."""
import os
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

import support
from clients import predict, predict_request, tensor
from model_text import meta_graph, node, signature, write_version

OUTPUTS = {"zeroed": ("zero", 3), "repeated": ("repeat", 1), "greeting": ("greet", 7), "calls": ("count", 9)}
WRONG = {"input": ("INVALID_ARGUMENT", "op Misbehave asks for input 7 of 1"), "output": ("INVALID_ARGUMENT", "op Misbehave asks for output 3 of 1"),
         "negative": ("INVALID_ARGUMENT", "op Misbehave gives an output of -5 rows"), "rank": ("INVALID_ARGUMENT", "op Misbehave gives an output of rank 99"),
         "attr": ("NOT_FOUND", "op Misbehave has no attribute how of that kind"), "silent": ("FAILED_PRECONDITION", "op Misbehave failed"),
         "forgets": ("INTERNAL", "op Misbehave gave no output 0")}


def saved_model():
    graph = "".join(node(n, "Placeholder", [], ("dtype", f"type: {t}")) for n, t in
                    (("i", "DT_INT32"), ("x", "DT_FLOAT"), ("s", "DT_STRING")))
    graph += node("zero", "ZeroOut", ["i"])
    graph += node("repeat", "Repeat", ["x"], ("times", "i: 2"), ("offsets", "list { f: 0.5 f: 1 }"))
    graph += node("greet", "Greet", ["s"])
    graph += node("count", "CountCalls", ["x"])
    graph += "".join(node("wrong_" + how, "Misbehave", ["x"], ("how", f"s: '{how}'")) for how in WRONG)
    signatures = signature("serving_default", [("i", "i", 3), ("x", "x", 1), ("s", "s", 7)], [(k, n, t) for k, (n, t) in OUTPUTS.items()])
    for how in WRONG:
        signatures += signature("wrong_" + how, [("x", "x", 1)], [("y", "wrong_" + how, 1)])
    return meta_graph(graph, signatures)


def no_strings():
    proto = tensor([b""])
    proto.tensor_shape.dim[0].size = 0
    del proto.string_val[:]
    return proto


class OpLibraries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        prefix = os.path.join(cls.folder, "installed")
        os.makedirs(os.path.join(prefix, "include"))
        shutil.copytree(os.path.join(support.ROOT, "include", "tensord"), os.path.join(prefix, "include", "tensord"))
        cls.libraries = []
        for source in ("examples/zero_out/zero_out.c", "tests/e2e/op_library/ops.c"):
            copy = shutil.copy(os.path.join(support.ROOT, source), cls.folder)
            cls.libraries.append(copy.replace(".c", ".so"))
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{prefix}/include", copy, "-o", cls.libraries[-1]],
                           check=True)
        write_version(os.path.join(cls.folder, "model", "1"), saved_model())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def start(self, libraries, **named):
        return support.Server(*(f"--op_library={path}" for path in libraries), model_name="m",
                              model_base_path=os.path.join(self.folder, "model"), **named)

    def test_answers(self):
        with self.start(self.libraries) as server:
            for call in range(1, 4):
                answer = predict(server, predict_request("m", i=tensor([5, 4, 3], np.int32), x=[1, 2], s=tensor([b"you", b""]))).outputs
                self.assertEqual([5, 0, 0], list(answer["zeroed"].int_val))
                self.assertEqual([2.5, 3.5, 2.5, 3.5], list(answer["repeated"].float_val))
                self.assertEqual([b"hello_you", b"hello_"], list(answer["greeting"].string_val))
                self.assertEqual([call], list(answer["calls"].int64_val))
            empty = predict(server, predict_request("m", i=tensor([], np.int32), x=[], s=no_strings())).outputs
            self.assertEqual(0, empty["zeroed"].tensor_shape.dim[0].size)

    def test_what_an_op_does_wrong_is_an_error(self):
        with self.start(self.libraries) as server:
            for how, (code, message) in WRONG.items():
                got = predict(server, predict_request("m", signature="wrong_" + how, x=[1]))
                self.assertEqual((code, message), (got[0], got[1].split("\n")[0]), how)
            self.assertIn("zeroed", predict(server, predict_request("m", i=tensor([1], np.int32), x=[1], s=tensor([b""]))).outputs)

    def test_without_the_library_the_load_fails_by_name(self):
        with self.assertRaises(support.ServerError) as failed:
            self.start(self.libraries[1:]).close()
        self.assertIn("the model needs 1 op that this build lacks: ZeroOut (1 node, first zero)", str(failed.exception))

    def test_libraries_that_are_none(self):
        for path, message in ((os.path.join(self.folder, "nowhere.so"), "can not be opened"), ("/proc/self/exe", "can not be opened"),
                              (self.libraries[0], "there is an op ZeroOut already")):
            done = subprocess.run([support.program("tensord"), f"--op_library={self.libraries[0]}", f"--op_library={path}",
                                   f"--model_base_path={self.folder}/model"], capture_output=True, timeout=60, text=True)
            self.assertEqual(255, done.returncode)
            self.assertIn(message, done.stdout)

    def test_a_malformed_definition_is_named(self):
        with open(os.path.join(support.ROOT, "tests/e2e/op_library/ops.c"), encoding="utf-8") as file:
            source = file.read()
        for right, wrong in (("s:string", "s:text"), ("times:int", "times:number"), ("'hello_'", "hello"), ("x:float", "x"),
                             ("list(float)", "list(float)=[1.5;2]"), ("how:string", "how")):
            path = os.path.join(self.folder, "wrong.c")
            with open(path, "w", encoding="utf-8") as file:
                file.write(source.replace(right, wrong))
            subprocess.run(["cc", "-shared", "-fPIC", f"-I{self.folder}/installed/include", path, "-o", path.replace(".c", ".so")], check=True)
            done = subprocess.run([support.program("tensorctl"), f"--op_library={self.folder}/wrong.so"], capture_output=True, timeout=60, text=True)
            self.assertEqual(1, done.returncode, wrong)
            self.assertRegex(done.stderr, "the definition of op [A-Za-z]+ is malformed at '[^ ]*'")

    def test_tensorctl(self):
        command = [support.program("tensorctl"), "inspect", os.path.join(self.folder, "model", "1")]
        done = subprocess.run(command + [f"--op_library={path}" for path in self.libraries], capture_output=True, timeout=60, text=True)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("ZeroOut*", done.stdout)
        done = subprocess.run(command, capture_output=True, timeout=60, text=True)
        self.assertIn("ZeroOut", done.stdout)


if __name__ == "__main__":
    unittest.main()
