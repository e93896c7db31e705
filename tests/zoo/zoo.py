#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models of the kinds that people serve, made here with random weights, answered by TensorFlow and by us.

usage: zoo.py [--keep DIR] [--table FILE] [NAME...]     NAME may have wildcards; needs tensorflow and keras, so it is no part of make check;
                                                        with jax beside them, its models too

Each model is exported as a SavedModel; its signature is asked by TensorFlow's loader and by `tensorctl run` with the same inputs.
A row says how far the answers are apart: of floats the largest |ours - theirs| / (|theirs| + largest |theirs| of that output); all else must be
equal. --table writes the rows as docs/models.md has them. BUILD says where the programs are. Exits 1 if a model is not served or differs.
"""
import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import families  # noqa: E402
import families_jax  # noqa: E402

TOLERANCE = 2e-4  # of floats, relative to the largest value of the output: deep nets add up what each layer rounds


def program(name):
    return os.path.join(ROOT, os.environ.get("BUILD", "build"), name)


def ask_tensorflow(folder, inputs):
    """By the loader and the session that TensorFlow Serving has, not by Python's objects."""
    tf1 = tf.compat.v1
    with tf1.Graph().as_default(), tf1.Session() as session:
        signature = tf1.saved_model.loader.load(session, ["serve"], folder).signature_def["serving_default"]
        return session.run({k: v.name for k, v in signature.outputs.items()}, {signature.inputs[k].name: v for k, v in inputs.items()})


def ask_us(folder, inputs, scratch):
    from tensorflow_serving.apis import predict_pb2
    request = predict_pb2.PredictRequest()
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    paths = [os.path.join(scratch, name) for name in ("request", "response")]
    with open(paths[0], "wb") as file:
        file.write(request.SerializeToString())
    done = subprocess.run([program("tensorctl"), "run", folder, "--request", paths[0], "--response", paths[1]], capture_output=True, timeout=600)
    if done.returncode:
        return done.stderr.decode(errors="replace").strip()[-600:]
    with open(paths[1], "rb") as file:
        response = predict_pb2.PredictResponse.FromString(file.read())
    return {k: tf.make_ndarray(v) for k, v in response.outputs.items()}


def deviation(ours, theirs):
    """(how far apart, or None) and a complaint, or None."""
    if ours.shape != theirs.shape:
        return None, f"shape {ours.shape}, expected {theirs.shape}"
    if theirs.dtype.kind not in "fc":
        same = np.array_equal(ours, theirs)
        return 0.0, None if same else f"{np.count_nonzero(ours != theirs)} of {theirs.size} elements differ"
    if not theirs.size:
        return 0.0, None
    ours, theirs = ours.astype(np.complex128), theirs.astype(np.complex128)
    finite = np.isfinite(theirs)
    if not np.array_equal(ours[~finite].astype(str), theirs[~finite].astype(str)) or not np.isfinite(ours[finite]).all():
        return None, "infinities or NaN differ"
    if not finite.any():
        return 0.0, None
    scale = np.abs(theirs[finite]) + np.abs(theirs[finite]).max() + 1e-30
    far = float((np.abs(ours[finite] - theirs[finite]) / scale).max())
    return far, None if far <= TOLERANCE else f"{far:.1e} apart"


def compare(ours, theirs):
    if isinstance(ours, str):
        return None, ours
    if set(ours) != set(theirs):
        return None, f"outputs {sorted(ours)}, expected {sorted(theirs)}"
    worst = 0.0
    for name, wanted in theirs.items():
        far, complaint = deviation(ours[name], wanted)
        if complaint:
            return far, f"{name}: {complaint}"
        worst = max(worst, far)
    return worst, None


def try_model(name, make, keep):
    scratch = os.path.join(keep, name) if keep else tempfile.mkdtemp()
    folder = os.path.join(scratch, "1")
    try:
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(7)
        if not os.path.exists(os.path.join(folder, "saved_model.pb")):
            inputs = make(folder)
            np.savez(os.path.join(scratch, "inputs.npz"), **inputs)
        with np.load(os.path.join(scratch, "inputs.npz"), allow_pickle=True) as saved:
            inputs = {k: saved[k] for k in saved.files}
        theirs = ask_tensorflow(folder, inputs)
        started = time.time()
        far, complaint = compare(ask_us(folder, inputs, scratch), theirs)
        return far, complaint, time.time() - started
    finally:
        if not keep:
            shutil.rmtree(scratch)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", help="models are kept here and not made again")
    parser.add_argument("--table", help="where the table goes")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    rows, failed = [], 0
    if not families_jax.MODELS:
        print("zoo: the models of JAX are left out: jax is not installed")
    for name, make in {**families.MODELS, **families_jax.MODELS}.items():
        if options.names and not any(fnmatch.fnmatch(name, p) for p in options.names):
            continue
        try:
            far, complaint, seconds = try_model(name, make, options.keep)
        except Exception as error:  # TensorFlow's own: the model can not be made
            far, complaint, seconds = None, f"not made: {type(error).__name__}: {str(error)[:300]}", 0
        failed += bool(complaint)
        rows.append((name, far, complaint))
        print(f"{name:32} {'' if far is None else f'{far:.1e}':8} {complaint or 'ok'}", flush=True)
    print(f"zoo: {len(rows) - failed} served as TensorFlow does, {failed} not")
    if options.table:
        write_table(options.table, rows)
    return 1 if failed else 0


def write_table(path, rows):
    import keras
    with open(path, "w", encoding="utf-8") as file:
        file.write("<!-- Written by tests/zoo/zoo.py --table; do not edit. -->\n# Models tried\n\n"
                   f"Made with random weights by [tests/zoo](../tests/zoo) and asked of TensorFlow {tf.__version__} (Keras {keras.__version__}) and of "
                   "`tensorctl run`.\nDeviation: the largest |ours - theirs| / (|theirs| + largest |theirs|) of float outputs; all else is equal.\n\n"
                   "| model | deviation | |\n|---|--:|---|\n")
        for name, far, complaint in rows:
            file.write(f"| {name} | {'' if far is None else f'{far:.1e}'} | {'' if not complaint else complaint.splitlines()[0][:160]} |\n")


if __name__ == "__main__":
    sys.exit(main())
