#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks TensorFlow's interpreter of TFLite models what the models of cases_tflite*.py answer, and writes tests/golden/tflite.gz.

usage: make_tflite.py        needs tensorflow 2.21; tests/unit/servables/tensorflow/tflite_test.c replays the file

The file is a gzip of cases. A case is a number of blobs; numbers are 4 bytes, little-endian:
    count of blobs, then for each its length and bytes:
    name, model, rtol, atol, step (integers may differ by so much), count of feeds (all decimal),
    for each feed its name and TensorProto, for each answer its name and TensorProto
"""
import gzip
import os
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import cases_tflite  # noqa: E402
import cases_tflite_quantised  # noqa: E402
from tflite_case import ask  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def blobs_of(case):
    answers = case.answers or ask(case)
    blobs = [case.name, case.bytes, case.rtol, case.atol, case.step, len(case.feeds)]
    for name, array in [*case.feeds.items(), *answers.items()]:
        blobs += [name, tf.make_tensor_proto(array.tolist() if array.dtype == object else array,
                                             dtype=tf.string if array.dtype == object else None, shape=array.shape).SerializeToString()]
    return [b if isinstance(b, bytes) else str(b).encode() for b in blobs]


def main():
    count = 0
    with open(os.path.join(HERE, "tflite.gz"), "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
        for case in [*cases_tflite.cases(), *cases_tflite_quantised.cases()]:
            try:
                blobs = blobs_of(case)
            except (RuntimeError, ValueError) as error:
                print(f"{case.name}: {error}", file=sys.stderr)
                continue
            file.write(struct.pack("<I", len(blobs)))
            for blob in blobs:
                file.write(struct.pack("<I", len(blob)) + blob)
            count += 1
    print(count, "cases,", os.path.getsize(os.path.join(HERE, "tflite.gz")), "bytes")


if __name__ == "__main__":
    main()
