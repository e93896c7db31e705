# SPDX-License-Identifier: Apache-2.0
"""A SavedModel of any size, made without TensorFlow: y = x W1 W2 ... over matrices of 4 MiB that lie in a checkpoint."""
import os
import struct
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from model_text import meta_graph, node, signature  # noqa: E402

WIDTH = 1024
POLYNOMIAL = 0x82F63B78  # crc32c, reversed
MAGIC = 0xDB4775248B80FB57  # at the end of a table


def _table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (POLYNOMIAL if i & 1 else 0)
        table.append(i)
    return table


TABLE = _table()


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A protobuf field: bytes, or an int as a varint."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def block(entries):
    """A block of a sorted table, without shared prefixes, with one restart point; behind it its type and checksum."""
    data = b"".join(varint(0) + varint(len(k)) + varint(len(v)) + k + v for k, v in entries) + struct.pack("<II", 0, 1)
    return data, data + b"\0" + struct.pack("<I", masked_crc(data + b"\0"))


def write_index(path, entries):
    data, whole = block(entries)
    empty, empty_whole = block([])
    handle = varint(0) + varint(len(data))
    index, index_whole = block([(entries[-1][0] + b"\xff", handle)])
    footer = varint(len(whole)) + varint(len(empty)) + varint(len(whole) + len(empty_whole)) + varint(len(index))
    with open(path, "wb") as file:
        file.write(whole + empty_whole + index_whole + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC))


def write_variables(folder, count):
    os.makedirs(folder)
    matrix = np.zeros((WIDTH, WIDTH), "<f4")
    np.fill_diagonal(matrix, 1)
    data = matrix.tobytes()
    checksum = masked_crc(data)
    shape = field(2, field(1, WIDTH)) * 2
    header = field(1, 1) + field(3, field(1, 1))
    entries = [(b"", header)]
    for i in range(count):
        entry = field(1, 1) + field(2, shape)
        if i:
            entry += field(4, i * len(data))
        entries.append((b"w%05d" % i, entry + field(5, len(data)) + varint(6 << 3 | 5) + struct.pack("<I", checksum)))
    write_index(os.path.join(folder, "variables.index"), entries)
    with open(os.path.join(folder, "variables.data-00000-of-00001"), "wb") as file:
        for _ in range(count):
            file.write(data)


def graph(count):
    text = node("x", "Placeholder", [], ("dtype", "type: DT_FLOAT"))
    names = "".join(f'string_val: "w{i:05}" ' for i in range(count))
    shape = f"tensor_shape {{ dim {{ size: {count} }} }}"
    text += node("file", "Placeholder", [], ("dtype", "type: DT_STRING"))
    text += node("names", "Const", [], ("dtype", "type: DT_STRING"), ("value", f"tensor {{ dtype: DT_STRING {shape} {names} }}"))
    text += node("slices", "Const", [], ("dtype", "type: DT_STRING"), ("value", f"tensor {{ dtype: DT_STRING {shape} string_val: '' }}"))
    text += node("restored", "RestoreV2", ["file", "names", "slices"], ("dtypes", "list { " + "type: DT_FLOAT " * count + "}"))
    last = "x"
    for i in range(count):
        text += node(f"w{i}", "VarHandleOp", [], ("dtype", "type: DT_FLOAT"), ("shared_name", f"s: 'w{i:05}'"),
                     ("shape", f"shape {{ dim {{ size: {WIDTH} }} dim {{ size: {WIDTH} }} }}"))
        text += node(f"assign{i}", "AssignVariableOp", [f"w{i}", f"restored:{i}"], ("dtype", "type: DT_FLOAT"))
        text += node(f"read{i}", "ReadVariableOp", [f"w{i}"], ("dtype", "type: DT_FLOAT"))
        text += node(f"product{i}", "MatMul", [last, f"read{i}"], ("T", "type: DT_FLOAT"))
        last = f"product{i}"
    text += node("restore", "NoOp", [f"^assign{i}" for i in range(count)])
    return text + node("y", "Identity", [last], ("T", "type: DT_FLOAT"))


def write_model(folder, megabytes):
    """The version `folder` with about so many MiB of weights; y is x (1,024 numbers a row)."""
    count = max(1, megabytes // 4)
    write_variables(os.path.join(folder, "variables"), count)
    saver = "saver_def { filename_tensor_name: 'file:0' restore_op_name: 'restore' version: V2 }\n"
    text = meta_graph(graph(count), signature("serving_default", [("x", "x", 1)], [("y", "y", 1)]) + saver)
    with open(os.path.join(folder, "saved_model.pbtxt"), "w", encoding="utf-8") as file:
        file.write(text)
