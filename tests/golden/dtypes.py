#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which dtypes TensorFlow's CPU kernels have, attribute by attribute, and which of them our ops say they lack.

usage: dtypes.py TENSORCTL [--claims]      needs tensorflow 2.21; --claims: dtypes, too, that we have and TensorFlow has not

An op without a line has them all. `tensorctl ops` names one attribute an op; whether the kernels do what they say, and what of the other
attributes, is told by cases_dtypes.py, which makes a case of each pair of an attribute and a dtype.
"""
import os
import subprocess
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import tensorflow as tf  # noqa: E402
from tensorflow.python.framework import kernels, op_def_registry  # noqa: E402

# What we can hold: tensor/dtype.h.
DTYPES = {tf.as_dtype(name).as_datatype_enum: name for name in (
    "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex64 complex128 bool string "
    "qint8 quint8 qint16 quint16 qint32 resource variant int4 uint4 float8_e5m2 float8_e4m3fn").split()}
SPELT = {"float": "float32", "double": "float64", "half": "float16"}


def cpu_kernels(op):
    """The kernels that run on a CPU; those of a device DEFAULT are for whoever has none."""
    registered = kernels.get_registered_kernels_for_op(op).kernel
    return [k for k in registered if k.device_type == "CPU"] or [k for k in registered if k.device_type == "DEFAULT"]


def allowed(attr):
    given = {t for t in attr.allowed_values.list.type if t in DTYPES}
    return given or set(DTYPES)


def kernel_dtypes(op):
    """{attribute: dtypes} for all type attributes of an op; None where TensorFlow has no such op or no kernel for a CPU."""
    definition = op_def_registry.get(op)
    if definition is None or not cpu_kernels(op):
        return None
    have = {}
    for attr in definition.attr:
        if attr.type != "type":
            continue
        types = set()
        for kernel in cpu_kernels(op):
            limits = [c for c in kernel.constraint if c.name == attr.name]
            types |= {t for c in limits for t in c.allowed_values.list.type} if limits else allowed(attr)
        have[attr.name] = {DTYPES[t] for t in types & allowed(attr)}
    return have


def our_ops(tensorctl):
    """{op: (attribute, dtypes)}; dtypes are None when it takes any, attribute when none decides."""
    ops = {}
    for line in subprocess.run([tensorctl, "ops"], capture_output=True, check=True, text=True).stdout.splitlines():
        if " " not in line.split("\t")[0]:
            continue
        op, rest = line.split("\t")[0].split(None, 1) if len(line.split("\t")[0].split(None, 1)) == 2 else (line.split()[0], "")
        attr, _, types = rest.partition(": ")
        ops[op] = (attr, {SPELT.get(t, t) for t in types.split()}) if types else (None, None)
    return ops


def main():
    for op, (attr, ours) in our_ops(sys.argv[1]).items():
        theirs = (kernel_dtypes(op) or {}).get(attr)
        if theirs is None:
            continue
        lacking, more = theirs - ours, ours - theirs
        if lacking:
            print(f"{op} {attr}: lacks {' '.join(t for t in DTYPES.values() if t in lacking)}")
        if more and "--claims" in sys.argv:
            print(f"{op} {attr}: TensorFlow has no {' '.join(t for t in DTYPES.values() if t in more)}")


if __name__ == "__main__":
    main()
