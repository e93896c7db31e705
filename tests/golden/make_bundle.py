# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/bundle/: checkpoints and SavedModels for the unit tests of src/savedmodel, written by TensorFlow.

    python tests/golden/make_bundle.py          # needs tensorflow; the committed files were made with 2.21.0

  numbers      one shard, a tensor of every number type, strings, a scalar, an empty tensor; names that share prefixes
  shards       two shards, merged as a distributed save does it
  slices       a [6,4] float and a [5] string tensor, each stored in slices
  snappy       the index of `numbers` with its blocks compressed, as TensorFlow 1's own writer did (a TensorFlow of today
               writes none, so the blocks are compressed here, with literal and copy elements)
"""
import os
import shutil
import struct

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "bundle")
NUMBER_TYPES = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "bfloat16",
                "uint16", "complex128", "float16", "uint32", "uint64"]


def save(prefix, names, slices, tensors):
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=tensors)


def numbers():
    names, tensors = [], []
    for name in NUMBER_TYPES:
        # Values 1 to 3, so that every type holds them; bool reads as all true.
        names.append("layer/" + name)
        tensors.append(tf.cast(tf.constant([1, 2, 3]), name))
    names += ["layer/strings", "scalar", "empty", "odd", "matrix"]
    tensors += [tf.constant(["first", "", "a" * 200, b"\xff\x00z"]), tf.constant(7.5), tf.zeros([0, 3]),
                tf.constant([1], tf.int8), tf.reshape(tf.range(6, dtype=tf.float32), [2, 3])]
    save(os.path.join(OUT, "numbers"), names, [""] * len(names), tensors)


def shards():
    parts = []
    for i in range(2):
        part = os.path.join(OUT, "tmp", f"part-{i}")
        save(part, [f"from/{i}", f"strings/{i}"], ["", ""], [tf.fill([4], float(i + 1)), tf.constant([f"s{i}"])])
        parts.append(part)
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=os.path.join(OUT, "shards"),
                                  delete_old_dirs=True)


def slices():
    whole = np.arange(24, dtype=np.float32).reshape(6, 4)
    words = np.array(["a", "bb", "ccc", "", "e"])
    save(os.path.join(OUT, "slices"), ["part"] * 3 + ["words"] * 2,
         ["6 4 0,2:-", "6 4 2,4:0,1", "6 4 2,4:1,3", "5 0,3", "5 3,2"],
         [whole[:2], whole[2:, :1], whole[2:, 1:], words[:3], words[3:]])


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def compress(data):
    """Snappy: literals, and copies where the last eight bytes were seen before."""
    out, at, literal, seen = varint(len(data)), 0, b"", {}

    def flush():
        nonlocal out, literal
        while literal:
            chunk, literal = literal[:60], literal[60:]
            out += bytes([(len(chunk) - 1) << 2]) + chunk

    while at < len(data):
        key = data[at:at + 8]
        if len(key) == 8 and key in seen:
            flush()
            out += bytes([7 << 2 | 2]) + struct.pack("<H", at - seen[key])
            at += 8
            continue
        seen[key] = at
        literal += data[at:at + 1]
        at += 1
    flush()
    return out


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(contents):
    packed = compress(contents) + b"\1"
    return packed + struct.pack("<I", masked(packed))


def snappy():
    """Copies the index of `numbers` block by block; only the index block's handles change."""
    data = open(os.path.join(OUT, "numbers.index"), "rb").read()
    at, handles = len(data) - 48, []
    for _ in range(4):
        value, at = read_varint(data, at)
        handles.append(value)
    contents = data[handles[2]:handles[2] + handles[3]]
    # The index has one block, hence one entry: shared, unshared, size of value, key, value.
    shared, at = read_varint(contents, 0)
    unshared, at = read_varint(contents, at)
    size, at = read_varint(contents, at)
    key, value = contents[at:at + unshared], contents[at + unshared:at + unshared + size]
    assert shared == 0 and at + unshared + size == len(contents) - 8
    offset, at = read_varint(value, 0)
    length, _ = read_varint(value, at)
    assert offset == 0
    out = block(data[:length])
    handle = varint(0) + varint(len(out) - 5)
    index = varint(0) + varint(unshared) + varint(len(handle)) + key + handle + struct.pack("<II", 0, 1)
    meta_at = len(out)
    out += block(struct.pack("<II", 0, 1))
    index_at = len(out)
    out += block(index)
    footer = varint(meta_at) + varint(index_at - meta_at - 5) + varint(index_at) + varint(len(out) - index_at - 5)
    out += footer.ljust(40, b"\0") + data[-8:]
    open(os.path.join(OUT, "snappy.index"), "wb").write(out)
    shutil.copyfile(os.path.join(OUT, "numbers.data-00000-of-00001"),
                    os.path.join(OUT, "snappy.data-00000-of-00001"))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    numbers()
    shards()
    slices()
    snappy()
    for prefix in ["numbers", "snappy"]:
        reader = tf.train.load_checkpoint(os.path.join(OUT, prefix))
        assert reader.get_tensor("matrix").tolist() == [[0, 1, 2], [3, 4, 5]]


main()
