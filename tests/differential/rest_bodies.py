#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random bodies of REST predict, good and bad, sent to a server whose model gives back what it gets. What it must answer, tensors or the error's
text, is worked out here by the rules that TensorFlow Serving's documentation and texts have: dtypes come from the signature, shapes from the JSON, and
everything is looked at in one order.

usage: rest_bodies.py [SECONDS] [SEED]      (make differential; wants the programs that it builds)
"""
import base64
import binascii
import http.client
import json
import math
import os
import random
import re
import struct
import sys
import tempfile
import time

from run import Driver, Report

import support
from model_text import write_version
from rest_details_test import PREDICT, echo_model

# Signatures of the model and the dtypes of their inputs; each gives back its inputs.
SIGNATURES = {"f": {"x": "float"}, "d": {"x": "double"}, "i": {"x": "int32"}, "b": {"x": "int8"}, "l": {"x": "int64"}, "u": {"x": "uint32"}, "v": {"x": "uint64"},
              "t": {"x": "bool"}, "text": {"x": "string"}, "two": {"x": "float", "y": "float"}}
RANGES = {"int32": (-2**31, 2**31), "int8": (-2**31, 2**31), "int64": (-2**63, 2**63), "uint32": (0, 2**32), "uint64": (0, 2**64)}
VALUES = {"float": ["1", "-2.5", "1e6", "0.1", "3e-5", "NaN", "1e39", "16777217", "0", "-0", "-0.0", "123456.7", "1e-7"],
          "double": ["1", "0.1", "1e300", "-1e-300", "1e6"], "int32": ["1", "-7", "2147483647", "-2147483648"], "int8": ["1", "200", "-129"],
          "int64": ["1", "-9223372036854775808", "9223372036854775807"], "uint32": ["0", "4294967295"], "uint64": ["0", "18446744073709551615"],
          "bool": ["true", "false"], "string": ['"a"', '""', '{"b64":"aGk="}', '{"b64":"aGk"}', '"x\\ny\\"/"']}
ODD = ["null", "true", '"s"', "1", "1.5", '{"b64":"aGk="}', '{"a":1}', "[]", "{}", "NaN", "-Infinity", "1e39", "18446744073709551615", "-1", '{"b64":1}',
       '{"b64":"!"}', "[[1]]", '"\\u00e9"', "1e6", "0.1", "123456789.125"]
FLOAT_MAX = 3.4028234e38


# ---- bodies ----

class Bodies:
    def __init__(self, rng):
        self.rng = rng

    def seldom(self, share=0.04):
        return self.rng.random() < share

    def value(self, dtype):
        return self.rng.choice(ODD if self.seldom() else VALUES[dtype])

    def tensor(self, dtype, shape):
        if self.seldom():
            shape = shape + [self.rng.randrange(3)] if self.seldom(0.5) else shape[1:]
        if not shape:
            return self.value(dtype)
        size = self.rng.randrange(4) if self.seldom() else shape[0]
        return "[" + ",".join(self.tensor(dtype, shape[1:]) for _ in range(size)) + "]"

    def named(self, inputs, shape):
        members = [f'"{name}":{self.tensor(dtype, shape)}' for name, dtype in inputs.items()]
        if self.seldom():
            members.append('"z":1')
        if self.seldom():
            members.append(members[0])
        if self.seldom():
            members.pop(0)
        self.rng.shuffle(members)
        return "{" + ",".join(members) + "}"

    def rows(self, inputs, shape):
        by_name = len(inputs) > 1 or self.seldom(0.3)
        rows = [self.named(inputs, shape) if by_name != self.seldom() else self.tensor(inputs["x"], shape) for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]
        return "[" + ",".join(rows) + "]"

    def body(self):
        signature = self.rng.choice(list(SIGNATURES))
        inputs, shape = SIGNATURES[signature], [self.rng.randrange(3) for _ in range(self.rng.choice([0, 0, 1, 1, 2]))]
        members = [f'"signature_name":"{signature}"']
        if self.seldom(0.5):
            members.append('"instances":' + (self.rng.choice(["1", "{}", "null"]) if self.seldom(0.02) else self.rows(inputs, shape)))
        elif len(inputs) > 1 or self.seldom(0.4):
            members.append('"inputs":' + self.named(inputs, shape))
        else:
            members.append('"inputs":' + self.tensor(inputs["x"], shape))
        if self.seldom(0.02):
            members.append('"inputs":1')
        if self.seldom(0.02):
            members.pop()
        self.rng.shuffle(members)
        return inputs, "{" + ",".join(members) + "}"


# ---- what is to come of them ----

class Object(list):
    """Pairs, for names may come twice."""

    def find(self, name):
        return next(([value] for key, value in self if key == name), None)


class Number(str):
    """As it is written."""

    def is_integer(self):
        return re.fullmatch(r"-?\d+", self) and -2**63 <= int(self) < 2**64

    def real(self):
        return 0.0 if self == "-0" else float(self.replace("Infinity", "inf"))


class Refused(Exception):
    def __init__(self, text, code="INVALID_ARGUMENT"):
        super().__init__(text)
        self.text, self.code = text, code


def to_float(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def dressed(value, digits):
    if not math.isfinite(value):
        return {True: "NaN"}.get(math.isnan(value), "Infinity" if value > 0 else "-Infinity")
    text = f"{value:.6g}"
    if (to_float(float(text)) if digits == 9 else float(text)) != value:
        text = f"{value:.{digits}g}"
    return text if "." in text or "e" in text else text + ".0"


class Model:
    """The rules. `dumps` is RapidJSON."""

    def __init__(self, dumps):
        self.dumps = dumps

    def dump(self, value):
        if isinstance(value, Number) and not value.is_integer():
            real = value.real()
            return dressed(to_float(real), 9) if abs(real) <= FLOAT_MAX else dressed(real, 17)
        return self.dumps.ask(b"d", written(value).encode())[1].decode(errors="replace")  # it may be cut amid a character

    def mistyped(self, value, dtype):
        return Refused(f"JSON Value: {self.dump(value)} Type: {type_name(value)} is not of expected type: {dtype}")

    def number(self, value, dtype):
        if not isinstance(value, Number):
            raise self.mistyped(value, dtype)
        if dtype == "double":
            return value.real()
        if dtype == "float":
            return to_float(value.real())
        low, high = RANGES[dtype]
        if not value.is_integer() or not low <= int(value) < high:
            raise self.mistyped(value, dtype)
        return (int(value) + 128) % 256 - 128 if dtype == "int8" else int(value)

    def scalar(self, value, dtype):
        if isinstance(value, Object) and dtype == "string":
            return self.bytes_of(value)
        if dtype in ("string", "bool"):
            if type(value) is not {"string": str, "bool": bool}[dtype]:
                raise self.mistyped(value, dtype)
            return value
        return self.number(value, dtype)

    def bytes_of(self, value):
        if not is_base64(value):
            raise Refused(f"JSON Value: {self.dump(value)} not formatted correctly for base64 data")
        text = value[0][1]
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
        except binascii.Error:
            raise Refused("Unable to base64 decode") from None

    def fill(self, value, shape, dtype, level=0):
        if not is_list(value):
            if level != len(shape):
                raise Refused(f"JSON Value: {self.dump(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {len(shape)}")
            return [self.scalar(value, dtype)]
        if level >= len(shape):
            raise Refused(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise Refused(f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}")
        return [v for one in value for v in self.fill(one, shape, dtype, level + 1)]

    def rows(self, rows, inputs):
        if not isinstance(rows[0], Object) and len(inputs) > 1:
            raise Refused("instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map")
        by_name, tensors = is_named(rows[0]), {name: [] for name in inputs}
        first = {}

        def add(name, value):
            if name not in inputs:
                raise Refused("JSON object: does not have named input: " + name)
            shape = shape_of(value)
            values = self.fill(value, shape, inputs[name])
            tensors[name] += values
            size, wanted = first.setdefault(name, (len(values), shape))
            if size != len(values):
                raise Refused(f"Expecting tensor size: {size} but got: {len(values)}")
            if wanted != shape:
                raise Refused("Expecting shape [%s] but got: [%s]" % tuple(",".join(map(str, s)) for s in (wanted, shape)))

        for i, row in enumerate(rows):
            if by_name != is_named(row):
                raise Refused(f"Expecting object but got list at item {i} of input list" if by_name else
                              f"Expecting value/list but got object at item {i} of input list")
            for name, value in row if by_name else [("x", row)]:
                try:
                    add(name, value)
                except Refused as why:
                    key = f" key: {name}" if by_name else ""
                    raise Refused(f"Failed to process element: {i}{key} of 'instances' list. Error: {why.code}: {why.text}") from None
            if by_name and {name for name, _ in row} != set(inputs):
                raise Refused(f"Failed to process element: {i} of 'instances' list. JSON object: {self.dump(row)} keys must be equal to: "
                              + ",".join(sorted(inputs)))
        return {name: ([len(rows), *first[name][1]], tensors[name]) for name in inputs}

    def columns(self, value, inputs):
        if not is_named(value):
            if len(inputs) > 1:
                raise Refused("inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map")
            value = Object([("x", value)])
        tensors = {}
        for name, dtype in inputs.items():
            found = value.find(name)
            if not found:
                raise Refused(f"Missing named input: {name} in 'inputs' object.")
            shape = shape_of(found[0])
            tensors[name] = (shape, self.fill(found[0], shape, dtype))
        return tensors

    def answer(self, document, inputs):
        rows, columns = document.find("instances"), document.find("inputs")
        if rows and columns:
            raise Refused(f"JSON Value: {self.dump(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
        if not rows and not columns:
            raise Refused("Missing 'inputs' or 'instances' key")
        if columns:
            tensors = self.columns(columns[0], inputs)
            return {"outputs": in_lists(*tensors["x"]) if len(tensors) == 1 else {name: in_lists(*t) for name, t in tensors.items()}}
        if not is_list(rows[0]):
            raise Refused(f"JSON Value: {self.dump(document)} Expecting 'instances' to be an list/array")
        if not rows[0]:
            raise Refused(f"JSON Value: {self.dump(document)} No values in 'instances' array")
        lists = {name: in_lists(*t) for name, t in self.rows(rows[0], inputs).items()}
        return {"predictions": lists["x"] if len(lists) == 1 else [dict(zip(lists, row)) for row in zip(*lists.values())]}


def is_list(value):
    return isinstance(value, list) and not isinstance(value, Object)


def is_base64(value):
    return isinstance(value, Object) and len(value) == 1 and value[0][0] == "b64" and type(value[0][1]) is str


def is_named(value):
    return isinstance(value, Object) and not is_base64(value)


def type_name(value):
    if isinstance(value, Number):
        return "Number"
    return {"Object": "Object", "list": "Array", "str": "String", "NoneType": "Null", "bool": str(value)}[type(value).__name__]


def written(value):
    if isinstance(value, Object):
        return "{" + ",".join(f"{json.dumps(name)}:{written(v)}" for name, v in value) + "}"
    if is_list(value):
        return "[" + ",".join(map(written, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value)


def shape_of(value):
    shape = []
    while is_list(value):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def in_lists(shape, values):
    """Of surplus values, from names that came twice, the first count."""
    if not shape:
        return values[0]
    step = math.prod(shape[1:])
    return [in_lists(shape[1:], values[i * step:(i + 1) * step]) for i in range(shape[0])]


def same(ours, theirs, inputs):
    """Floats as what their text reads back as; NaN is NaN."""
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(same(a, b, inputs) for a, b in zip(ours, theirs))
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and ours.keys() == theirs.keys() and all(same(ours[name], theirs[name], inputs) for name in theirs)
    if isinstance(theirs, float):
        return repr(to_float(ours) if inputs["x"] == "float" else float(ours)) == repr(theirs)
    return type(ours) is type(theirs) and ours == theirs


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    bodies, model, report = Bodies(random.Random(seed)), Model(Driver("rapidjson")), Report(f"REST (seed {seed})")
    with tempfile.TemporaryDirectory() as base:
        write_version(os.path.join(base, "1"), echo_model())
        with support.Server(rest=True, model_name="m", model_base_path=base) as server:
            connection, until = http.client.HTTPConnection("localhost", server.rest_port, timeout=60), time.monotonic() + seconds
            while time.monotonic() < until:
                inputs, body = bodies.body()
                document = json.loads(body, object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=Number)
                connection.request("POST", PREDICT, body)
                response = connection.getresponse()
                ours = json.loads(response.read().decode(errors="replace"))
                report.asked += 1
                try:
                    theirs = model.answer(document, inputs)
                    report.taken += response.status == 200
                    fine = response.status == 200 and same(ours, theirs, inputs)
                except Refused as why:
                    theirs = why.text
                    fine = (response.status, ours.get("error")) == ({"INVALID_ARGUMENT": 400, "UNIMPLEMENTED": 501}[why.code], why.text)
                if not fine:
                    report.differs(body, (response.status, ours), theirs)
    return 1 if report.end() else 0


if __name__ == "__main__":
    sys.exit(main())
