#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The models of tflite_test.py: y = x / 2 + 3, with signatures of each kind; one that asks for operators that nobody has.

usage: make_tflite.py        needs tensorflow 2.21 (for the schema and the messages)
"""
import os
import sys

import numpy as np
from flatbuffers import flexbuffers
from tensorflow.core.protobuf import meta_graph_pb2

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
from tflite_case import Model  # noqa: E402

F = np.float32


def half_plus_three(x_name, y_name):
    m = Model()
    g = m.main
    x = g.input(x_name, np.zeros(1, F))
    half = g.op("MUL", [x, g.const(np.array([.5], F))], F, ("MulOptions", {}))
    y = g.op("ADD", [half, g.const(np.array([3], F))], F, ("AddOptions", {}))
    for tensor, name in ((x, x_name), (y, y_name)):
        g.t.tensors[tensor].name, g.t.tensors[tensor].shape = name.encode(), np.int32([1])
        g.t.tensors[tensor].shapeSignature = np.int32([-1])
    g.output(y)
    return m, x, y


def names():
    return half_plus_three("x", "y:0")[0]


def metadata():
    m, _, _ = half_plus_three("x", "y")
    s = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
    s.inputs["in"].name, s.inputs["in"].dtype = "x:0", 1
    s.outputs["out"].name, s.outputs["out"].dtype = "y:0", 1
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("serving_default")
        builder.String(s.SerializeToString().decode("latin-1"))
    m.metadata("signature_defs_metadata", bytes(builder.Finish()))
    return m


def schema():
    m, x, y = half_plus_three("serving_default_x:0", "StatefulPartitionedCall:1")
    m.signature("serving_default", {"in": x}, {"out": y})
    other = m.graph()
    same = other.input("x", np.zeros(1, F))
    out = other.op("RELU", [same], F)
    other.output(out)
    m.signature("other", {"in": same}, {"same": out}, 1)
    return m


def missing():
    m = Model()
    y = m.main.op("SVDF", [m.main.input("x", np.zeros((1, 2), F))], F)
    m.main.output(m.main.op("CUSTOM", [y], F, custom="TheirOwn"))
    return m


def main():
    for make in (names, metadata, schema, missing):
        os.makedirs(os.path.join(HERE, "tflite", make.__name__), exist_ok=True)
        with open(os.path.join(HERE, "tflite", make.__name__, "model.tflite"), "wb") as file:
            file.write(make().bytes())


if __name__ == "__main__":
    main()
