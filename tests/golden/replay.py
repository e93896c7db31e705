#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays TensorFlow's answers: sends each request and compares what comes back.

usage: replay.py [--only MODEL[,MODEL...]] [--via run,grpc,rest] FOLDER...

A FOLDER has cases.json and the messages (tests/golden/README.md says how they look); the models lie in its sibling
`models`, or in ours. Each case goes through `tensorctl run`, over gRPC and, as far as JSON can express it, over REST;
Classify and Regress over the latter two.
A model that is refused for ops that the build lacks is left out, and named at the end (models of ours are not).
BUILD says where the programs are. Exits 1 if any case differs.
"""
import argparse
import collections
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import clients  # noqa: E402
import via_rest  # noqa: E402
import support  # noqa: E402  (the server's runner and the stubs, shared with the end-to-end tests)

ROOT = support.ROOT
# Some models need the ops that our examples bring.
OP_LIBRARIES = [f"--op_library={path}" for path in sorted(glob.glob(os.path.join(support.BUILD, "examples", "*.so")))
                if b"tensord_op_library" in open(path, "rb").read()]
NUMBERS = via_rest.NUMBERS
DTYPES = {"DT_" + name: number for name, number in (("FLOAT", 1), ("DOUBLE", 2), ("INT32", 3), ("UINT8", 4), ("INT16", 5), ("INT8", 6),
                                                    ("STRING", 7), ("INT64", 9), ("BOOL", 10), ("UINT16", 17), ("UINT32", 22), ("UINT64", 23))}


def array_of(proto):
    shape = [d.size for d in proto.tensor_shape.dim]
    if proto.dtype == 7:
        values = list(proto.string_val)
        assert len(values) == int(np.prod(shape)), "strings are not whole"
        return shape, values
    field, dtype = NUMBERS[proto.dtype]
    if proto.tensor_content:
        return shape, np.frombuffer(proto.tensor_content, dtype)
    values = np.array(getattr(proto, field), dtype)
    assert values.size == int(np.prod(shape)), f"{values.size} values for shape {shape}"
    return shape, values


def compare_floats(case, ours, theirs):
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        near = np.abs(ours - theirs) <= case["atol"] + case["rtol"] * np.abs(theirs)
    near |= (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    if near.all():
        return None
    i = int(np.argmin(near))
    return f"value {i}: {ours[i]!r}, expected {theirs[i]!r} ({np.count_nonzero(~near)} of {near.size} differ)"


def compare_tensor(case, alias, ours, theirs):
    if ours.dtype != theirs.dtype:
        return f"{alias}: dtype {ours.dtype}, expected {theirs.dtype}"
    (shape, values), (wanted_shape, wanted) = array_of(ours), array_of(theirs)
    if shape != wanted_shape:
        return f"{alias}: shape {shape}, expected {wanted_shape}"
    if theirs.dtype in (1, 2):
        what = compare_floats(case, values, wanted)
        return what and f"{alias}: {what}"
    same = values == wanted if isinstance(wanted, list) else np.array_equal(values, wanted)
    return None if same else f"{alias}: {str(values)[:80]}, expected {str(wanted)[:80]}"


def compare_digest(case, alias, ours, digest):
    shape, values = array_of(ours)
    if shape != digest["shape"]:
        return f"{alias}: shape {shape}, expected {digest['shape']}"
    picked = digest["spread"] + digest["largest"]
    index = [int(i) for i, _ in picked]
    what = compare_floats(case, values[index], np.array([float(v) for _, v in picked]))
    return what and f"{alias}: {what}"


# What Classify and Regress are called, and their answers' items as numbers and texts.
METHODS = {"predict": ("Predict", "predict", "Predict"), "classify": ("Classify", "classification", "Classification"),
           "regress": ("Regress", "regression", "Regression")}


def message_of(case, kind, bytes_):
    """kind: "Request" or "Response"."""
    _, module, name = METHODS[case["method"]]
    return getattr(support.pb(module), name + kind).FromString(bytes_)


def flatten_result(case, response):
    """Items per example, labels, numbers."""
    if case["method"] == "regress":
        values = [r.value for r in response.result.regressions]
        return [1] * len(values), [], np.array(values)
    rows = [list(c.classes) for c in response.result.classifications]
    return [len(row) for row in rows], [c.label for row in rows for c in row], np.array([c.score for row in rows for c in row])


def compare_result(case, folder, bytes_):
    """Of Classify and Regress."""
    ours = message_of(case, "Response", bytes_)
    with open(os.path.join(folder, case["res"]), "rb") as file:
        theirs = message_of(case, "Response", file.read())
    for name in ("name", "signature_name"):  # the server may have a newer version
        if getattr(ours.model_spec, name) != getattr(theirs.model_spec, name):
            return f"{name} {getattr(ours.model_spec, name)!r}"
    ours, theirs = flatten_result(case, ours), flatten_result(case, theirs)
    for name, mine, wanted in zip(("items", "labels"), ours, theirs):
        if mine != wanted:
            return f"{name} {str(mine)[:80]}, expected {str(wanted)[:80]}"
    return compare_floats(case, ours[2], theirs[2]) if theirs[2].size else None


def compare_response(case, folder, bytes_):
    if case["method"] != "predict":
        return compare_result(case, folder, bytes_)
    response = support.pb("predict").PredictResponse.FromString(bytes_)
    if "digest" in case:
        outputs = case["digest"].get("outputs", case["digest"])
        for alias, digest in outputs.items():
            if alias not in response.outputs:
                return f"output {alias} is missing"
            what = compare_digest(case, alias, response.outputs[alias], digest)
            if what:
                return what
        return None
    with open(os.path.join(folder, case["res"]), "rb") as file:
        wanted = support.pb("predict").PredictResponse.FromString(file.read())
    if set(response.outputs) != set(wanted.outputs):
        return f"outputs {sorted(response.outputs)}, expected {sorted(wanted.outputs)}"
    for alias in wanted.outputs:
        what = compare_tensor(case, alias, response.outputs[alias], wanted.outputs[alias])
        if what:
            return what
    if response.model_spec.signature_name != wanted.model_spec.signature_name:
        return f"signature_name {response.model_spec.signature_name!r}"
    return None


ANOTHER_NODE = "another node"  # fails first


def failing_node(message):
    found = re.search(r"{{node ([^}]*)}}", message.split("\n\t [[")[-1])
    return found and found.group(1)


def in_any_order(text):
    """TensorFlow's optimiser exchanges the operands of sums and products."""
    found = re.fullmatch(r"(Incompatible shapes:) (\S+) vs\. (\S+)", text)
    return [found.group(1), *sorted(found.groups()[1:])] if found else text


def compare_error(case, code, message):
    """`code`: its name, or the names that an HTTP status may stand for."""
    if case["error_code"] not in (code if isinstance(code, tuple) else (code,)):
        return f"{code}: {message[:200]!r}, expected {case['error_code']}: {case['error_message'][:200]!r}"
    # Which functions TensorFlow's optimiser has inlined, and what it calls its copies of the others, shows in front of its text.
    wanted = re.sub(r"^(\{\{function_node [^}]*\}\} )+", "", case["error_message"]).split("\n\t [[")[0]
    ours = message.split("\n\t [[")[0]
    if "<n>" in wanted:  # a number that says nothing
        ours = re.sub("Dataset:[0-9]+ ", "Dataset:<n> ", ours)
    if case.get("message_varies") or in_any_order(wanted) == in_any_order(ours) or ours.startswith(wanted[:900]):
        return None
    # What a client sent comes back in the text; bytes that are no UTF-8 are shown differently by different clients.
    if "\ufffd" in wanted and ours.split("'")[0] == wanted.split("'")[0]:
        return None
    # Of several nodes that fail TensorFlow names any one.
    nodes = failing_node(message), failing_node(case["error_message"])
    if case["error_by"] == "tensorflow" and all(nodes) and nodes[0] != nodes[1]:
        return ANOTHER_NODE
    return f"{message[:200]!r}, expected {case['error_message'][:200]!r}"


def judge(case, folder, result):
    """result: bytes of the response, or (code, message)."""
    if "error_code" in case:
        if isinstance(result, bytes):
            return f"answered, expected {case['error_code']}: {case['error_message'][:120]!r}"
        return compare_error(case, *result)
    if not isinstance(result, bytes):
        return f"{result[0]}: {result[1][:300]!r}"
    try:
        return compare_response(case, folder, result)
    except AssertionError as error:
        return str(error)


class ViaRun:
    """Each case, and the cases that must come before it, in one `tensorctl run`."""

    def __init__(self, folder, path, cases):
        self.folder, self.path = folder, path
        self.by_id = {c["id"]: c for c in cases}

    def call(self, case):
        chain = [case]
        while chain[0].get("after"):
            chain.insert(0, self.by_id[chain[0]["after"]])
        with tempfile.TemporaryDirectory() as scratch:
            response = os.path.join(scratch, "response")
            command = [support.program("tensorctl"), *OP_LIBRARIES, "run", self.path]
            for step in chain:
                command += ["--request", os.path.join(self.folder, step["req"]), "--response", response]
            done = subprocess.run(command, capture_output=True, timeout=120)
            if done.returncode == 0:
                with open(response, "rb") as file:
                    return file.read()
            text = done.stderr.decode(errors="replace").rstrip("\n")
            if not text.startswith("tensorctl run: "):
                return "CRASH", f"exit {done.returncode}: {text[-300:]}"
            last = text[text.rindex("tensorctl run: "):].split(": ", 2)
            return last[1], last[2]

    def close(self):
        pass


class ViaGrpc:
    def __init__(self, folder, path, cases):
        self.folder = folder
        self.server = support.Server(*OP_LIBRARIES, rest=True, model_name=cases[0]["model"], model_base_path=os.path.dirname(path))
        self.last = None

    def call(self, case):
        self.prepare(case)
        with open(os.path.join(self.folder, case["req"]), "rb") as file:
            return self.ask(case, file.read())

    def ask(self, case, request):
        return self.server.call_bytes("/tensorflow.serving.PredictionService/" + METHODS[case["method"]][0], request)

    def prepare(self, case):
        if case.get("fresh") and self.last is not None or \
                case.get("after") and case["after"] != self.last:
            self.server.restart()
        self.last = case["id"]

    def close(self):
        self.server.close()


class ViaRest(ViaGrpc):
    """None: JSON can not express the case."""

    def declared(self, request):
        answer = clients.rest(self.server, "GET", f"/v1/models/{request.model_spec.name}/metadata")
        signatures = answer.json["metadata"]["signature_def"]["signature_def"]
        inputs = signatures.get(request.model_spec.signature_name or "serving_default", {}).get("inputs", {})
        return {alias: DTYPES.get(info["dtype"]) for alias, info in inputs.items()}

    def skip(self, case, request):
        """The case may be what others come after."""
        super().ask(case, request.SerializeToString())

    def ask(self, case, request):
        request = message_of(case, "Request", request)
        like = message_of(case, "Response", b"")
        if "res" in case:
            with open(os.path.join(self.folder, case["res"]), "rb") as file:
                like.ParseFromString(file.read())
        elif case["method"] == "predict" and case.get("error_by") != "tensorflow":
            return self.skip(case, request)  # a digest does not tell dtypes; the server's own errors have other texts over REST
        is_predict = case["method"] == "predict"
        try:
            body = via_rest.body_of(request, self.declared(request)) if is_predict else via_rest.examples_of(request)
        except via_rest.NotJson:
            return self.skip(case, request)
        answer = clients.rest(self.server, "POST", f"/v1/models/{case['model']}:{case['method']}", body)
        return (via_rest.answer_of if is_predict else via_rest.results_of)(answer.body, answer.status, like)


def with_weights(folder, path, model, version):
    """A graph without weights gets those that its answers were made with: FOLDER/synth_weights.py makes a copy, which is kept."""
    tool = os.path.join(folder, "synth_weights.py")
    if os.path.basename(os.path.dirname(os.path.dirname(path))) != "_graph_only" or not os.path.exists(tool):
        return path
    copy = os.path.join(support.BUILD, "golden", model, version)
    done = copy + ".done"
    if not os.path.exists(done):
        subprocess.run([sys.executable, tool, path, copy], check=True, stdout=subprocess.DEVNULL)
        open(done, "w", encoding="utf-8").close()
    return copy


def find_model(folder, model, version):
    for base in (os.path.join(folder, "..", "models"), os.path.join(ROOT, "models")):
        for sub in ("", "_edge", "_graph_only"):
            path = os.path.abspath(os.path.join(base, sub, model, version))
            if any(os.path.exists(os.path.join(path, name)) for name in ("saved_model.pb", "saved_model.pbtxt")):
                return path
    return None


def lacking_ops(path):
    """How many ops the build lacks for the model: 0, unless it is somebody else's (ours must be served)."""
    if path.startswith(os.path.join(ROOT, "models")):
        return 0
    done = subprocess.run([support.program("tensorctl"), *OP_LIBRARIES, "inspect", path], capture_output=True, timeout=120)
    found = re.search(rb"needs (\d+) ops? that this build lacks", done.stdout + done.stderr)
    return int(found.group(1)) if found else 0


def run_folder(folder, options, totals):
    with open(os.path.join(folder, "cases.json"), encoding="utf-8") as file:
        cases = [c for c in json.load(file) if c["method"] in METHODS and not c.get("nondeterministic")]
    groups = collections.OrderedDict()
    for case in cases:
        if any(fnmatch.fnmatch(case["model"], p) for p in options.only):
            groups.setdefault((case["model"], case["version"]), []).append(case)
    ways = {"run": ViaRun, "grpc": ViaGrpc, "rest": ViaRest}
    for (model, version), group in groups.items():
        path = with_weights(folder, find_model(folder, model, version), model, version)
        lacking = lacking_ops(path)
        if lacking:
            print(f"left out: {model} needs {lacking} op{'s' * (lacking > 1)} that this build lacks")
            totals["left out"] += len(group)
            continue
        for name in options.via:
            part = [c for c in group if name != "run" or c["method"] == "predict"]
            if part:
                run_group(folder, path, model, part, ways[name], name, totals, options)


def run_group(folder, path, model, group, way, name, totals, options):
    try:
        client = way(folder, path, group)
    except support.ServerError as error:
        totals["failed"] += len(group)
        print(f"FAILED {model} via {name}: the server did not start: {error}")
        return
    bad = 0
    for case in group:
        if case.get("crashes_with_onednn") or case.get("unstable"):
            continue
        result = client.call(case)
        if result is None:
            continue
        what = judge(case, folder, result)
        totals["failed" if what not in (None, ANOTHER_NODE) else "passed"] += 1
        totals[ANOTHER_NODE] += what == ANOTHER_NODE
        if what == ANOTHER_NODE:
            if options.verbose:
                print(f"another node: {case['id']} via {name}: {result[1][:200]!r}, expected {case['error_message'][:200]!r}")
        elif what:
            bad += 1
            if bad <= options.show:
                print(f"FAILED {case['id']} via {name}: {what}")
    client.close()
    if options.verbose or bad:
        print(f"{model} via {name}: {len(group) - bad} passed, {bad} failed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="*")
    parser.add_argument("--via", default="run,grpc,rest")
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.via = options.via.split(",")
    totals = collections.Counter()
    for folder in options.folders:
        run_folder(folder, options, totals)
    print(f"golden answers: {totals['passed']} passed, {totals['failed']} failed" +
          (f", {totals[ANOTHER_NODE]} of the errors are those of another node" if totals[ANOTHER_NODE] else "") +
          (f", {totals['left out']} cases left out" if totals["left out"] else ""))
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
