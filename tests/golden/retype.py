# SPDX-License-Identifier: Apache-2.0
"""Cases of the dtypes that no case has yet: those that are there, with another dtype.

For each op, type attribute and dtype of a CPU kernel (dtypes.py) that no case of another family answers, a case of that op is taken and the
dtype is changed there, and with it whatever is connected: feeds, constants and the attributes of other nodes.
"""
import glob
import gzip
import os
import struct

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.python.framework import op_def_registry

import dtypes
from op_case import TOLERANCE, Case

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = ("Placeholder", "Const")
ELEMENTS_MAX = 400
# What a table or a variable calls the type that those who use it call otherwise.
SAME = {"T": ("dtype", "elem_type"), "dtype": ("elem_type",), "Tparams": ("dtype",), "elem_type": ("dtype",), "Tin": ("key_dtype",),
        "Tkeys": ("key_dtype",), "Tkey": ("key_dtype",), "Tout": ("value_dtype",), "Tvalues": ("value_dtype",), "Tval": ("value_dtype",)}
TEMPLATES_MAX = 12
# Sums that are rounded to bfloat16 at each step there.
ROUGH = {"BatchMatMulV3"}
# What is left out on purpose (docs/differences.md); of int4 XLA makes something else in each version.
LEFT_OUT = {("Requantize", "out_type", "qint8"), ("ParameterizedTruncatedNormal", "dtype", "float16"), ("ScatterUpdate", "T", "string"),
            *(("XlaDotV2", "preferred_element_type", t) for t in "int8 int16 int64 uint8 uint16 uint32 uint64 qint8 quint8 qint32".split()),
            *(("XlaDotV2", "RhsT", t) for t in ("complex64", "complex128")), *(("XlaDotV2", "LhsT", t) for t in ("complex64", "complex128")),
            ("ScatterNdUpdate", "T", "string"), ("ResourceScatterUpdate", "dtype", "string"), ("ResourceScatterNdUpdate", "T", "string")}


class Template:
    """A case of a file: the graph, what is fed, the names of what is fetched."""
    def __init__(self, blobs):
        self.name = blobs[0].decode()
        self.graph = GraphDef.FromString(blobs[1])
        self.failed = blobs[2] != b"0"
        self.tolerance = (float(blobs[4]), float(blobs[5]))
        pairs = list(zip(blobs[7::2], blobs[8::2]))
        count = int(blobs[6])
        self.feeds = {name.decode().split(":")[0]: tf.make_ndarray(TensorProto.FromString(value)) for name, value in pairs[:count]}
        self.fetches = [name.decode() for name, _ in pairs[count:]]
        self.answers = [] if self.failed else [tf.make_ndarray(TensorProto.FromString(value)) for _, value in pairs[count:]
                                               if TensorProto.FromString(value).dtype not in (20, 21)]
        self.nodes = {n.name: n for n in self.graph.node}
        self.computing = [n for n in self.graph.node if n.op not in SOURCES]

    def size(self):
        return sum(a.size for a in self.feeds.values())


def read(path):
    with gzip.open(path) as file:
        data = file.read()
    at = 0
    while at < len(data):
        count, at = struct.unpack_from("<I", data, at)[0], at + 4
        blobs = []
        for _ in range(count):
            length, at = struct.unpack_from("<I", data, at)[0], at + 4
            blobs.append(data[at:at + length])
            at += length
        yield Template(blobs)


# ---- what is connected ----


def arguments(node, arguments_of):
    """The type of each tensor of the arguments: an attribute's (name, index in a list or None), or None where it is fixed."""
    terms = []
    for arg in arguments_of:
        count = node.attr[arg.number_attr].i if arg.number_attr else 1
        if arg.type_list_attr:
            terms += [(arg.type_list_attr, i) for i in range(len(node.attr[arg.type_list_attr].list.type))]
        else:
            terms += [(arg.type_attr, None) if arg.type_attr else None] * count
    return terms


class Classes:
    """Type attributes that must be the same."""
    def __init__(self, template):
        self.parent = {}
        for node in template.graph.node:
            definition = op_def_registry.get(node.op)
            for term, source in zip(arguments(node, definition.input_arg), [i for i in node.input if i[0] != "^"]):
                name, _, output = source.partition(":")
                other = template.nodes[name]
                outputs = arguments(other, op_def_registry.get(other.op).output_arg)
                self.join((node.name, term), (name, outputs[int(output or 0)]))
                if term is None:
                    self.join_through_handle(node, other)

    def find(self, key):
        while key in self.parent:
            key = self.parent[key]
        return key

    def join(self, a, b):
        a, b = (self.find(key if key[1] else "fixed") for key in (a, b))
        if a != b:
            if a == "fixed":
                a, b = b, a
            self.parent[a] = b

    def join_through_handle(self, node, other):
        """A variable's, a list's or a table's elements are said again by who uses it."""
        for name in node.attr:
            for again in (name, *SAME.get(name, ())):
                if (name in SAME or name.endswith("dtype")) and again in other.attr and node.attr[name].type:
                    self.join((node.name, (name, None)), (other.name, (again, None)))
                    break

    def members(self, node, attr):
        """None when that dtype is fixed by what it is connected to."""
        mine = self.find((node, (attr, None)))
        if mine == "fixed":
            return None
        return {key for key in set(self.parent) | {mine} if self.find(key) == mine}


# ---- changing a dtype ----


def converted(array, name):
    """The same numbers, about, as another dtype; None where there is no such thing."""
    kind = tf.as_dtype(name)
    if array.dtype.kind in "OSU" or name in ("resource", "variant"):
        return array if name == "string" else None
    if name == "string":
        return np.array([str(v).encode() for v in array.ravel()], object).reshape(array.shape)
    whole = array.dtype.kind in "iub"
    if kind.is_complex:
        real = array.real.astype("float64")
        imaginary = array.imag if array.dtype.kind == "c" else np.roll(real.ravel(), 1).reshape(real.shape) / 2 + .25
        return (real + 1j * imaginary).astype(kind.as_numpy_dtype)
    plain = array.real.astype("float64") if not whole else array
    if kind == tf.bool:
        return plain > 0
    if kind.is_floating:
        return plain.astype(kind.as_numpy_dtype)
    if not whole:
        plain = np.nan_to_num(plain, posinf=9, neginf=-9)
        plain = np.rint(plain * (3 if plain.size and abs(plain).max() < 10 else 1))
    low, high = kind.min, kind.max
    return np.clip(abs(plain) if low == 0 else plain, float(low), float(high)).astype(kind.as_numpy_dtype)


def set_type(node, attr, dtype):
    name, index = attr
    if index is None:
        node.attr[name].type = dtype.as_datatype_enum
    else:
        node.attr[name].list.type[index] = dtype.as_datatype_enum
    if node.op == "Const":
        value = converted(tf.make_ndarray(node.attr["value"].tensor), dtype.name)
        if value is None:
            raise ValueError("no such constant")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))
        node.attr.pop("_output_shapes", None)


def retyped(template, changes):
    """(graph, feeds) with the attributes `changes` = {(node, attribute): dtype's name} and what is connected; ValueError where it is fixed."""
    definition = GraphDef()
    definition.CopyFrom(template.graph)
    nodes = {n.name: n for n in definition.node}
    feeds = dict(template.feeds)
    classes = Classes(template)
    for (node, attr), name in changes.items():
        members = classes.members(node, attr)
        if members is None:
            raise ValueError("fixed")
        for member, term in members:
            set_type(nodes[member], term, tf.as_dtype(name))
            if member in feeds:
                feeds[member] = converted(feeds[member], name)
                if feeds[member] is None:
                    raise ValueError("no such feed")
    return definition, feeds


def kernel_for(node, attr, dtype):
    """{attribute: dtype's name}: what else must change so that there is a kernel with that dtype."""
    number = tf.as_dtype(dtype).as_datatype_enum
    best = None
    for kernel in dtypes.cpu_kernels(node.op):
        change = {}
        for limit in kernel.constraint:
            types = limit.allowed_values.list.type
            wanted = number if limit.name == attr else node.attr[limit.name].type
            if limit.name == attr and number not in types:
                change = None
                break
            if types and wanted not in types:
                change[limit.name] = dtypes.DTYPES.get(types[0])
        if change is not None and None not in change.values() and (best is None or len(change) < len(best)):
            best = change
    if best is not None:
        best[attr] = dtype
    return best


def case_of(template, node, attr, dtype):
    change = kernel_for(node, attr, dtype)
    if change is None or (dtype in ("int4", "uint4") and any(n.op.startswith("Xla") for n in template.computing)):
        return None
    current = {name: node.attr[name].type for name in change}
    change = {(node.name, name): kind for name, kind in change.items() if tf.as_dtype(kind).as_datatype_enum != current[name]}
    try:
        definition, feeds = retyped(template, change)
    except (ValueError, TypeError, OverflowError):
        return None
    used = {i.split(":")[0] for n in definition.node for i in n.input}
    placeholders = [n.name for n in definition.node if n.op == "Placeholder" and n.name in used]
    kept = [n for n in definition.node if n.op != "Placeholder"]
    del definition.node[:]
    definition.node.extend(kept)
    for n in definition.node:
        n.attr.pop("_output_shapes", None)
        n.attr.pop("_class", None)

    def build(tensors):
        return tf.import_graph_def(definition, dict(zip((f"{p}:0" for p in placeholders), tensors)), template.fetches, name="")
    tolerance = TOLERANCE.get(dtype) if node.op not in ROUGH else (6e-2, 6e-2)
    case = Case(f"{node.op} {attr}={dtype}: {template.name}", build, [feeds[p] for p in placeholders], tolerance=tolerance, answers_only=True)
    return case if is_sound(case) else None


def is_sound(case):
    """False when another node of the graph does not have that dtype."""
    with tf.Graph().as_default():
        try:
            case.build([tf.compat.v1.placeholder(tf.as_dtype(a.dtype)) for a in case.feeds])
            return True
        except ValueError:
            return False


# ---- which ----


def answered(template, known):
    for node in template.graph.node:
        for name, attr in node.attr.items():
            if attr.WhichOneof("value") == "type" and attr.type in dtypes.DTYPES:
                known.add((node.op, name, dtypes.DTYPES[attr.type]))


def worth(template):
    """Small graphs first; then those that have something to compute with, and not too much."""
    elements = sum(a.size for a in template.answers)
    plain = all(a.dtype.kind != "V" and a.dtype.itemsize >= 4 for a in template.feeds.values())
    return (len(template.computing), elements < 2, template.size() > ELEMENTS_MAX, template.size() < 4, not plain, template.name)


def cases(is_source):
    """Of the families for whose names is_source() is true; what any family answers is left out."""
    templates, known = {}, set()
    for path in sorted(glob.glob(os.path.join(HERE, "ops", "*.gz"))):
        family = os.path.basename(path)[:-3]
        if "dtypes" in family:
            continue
        for template in read(path):
            if template.failed or any(n.op == "XlaCallModule" for n in template.graph.node) or len(template.graph.library.function) or not all(op_def_registry.get(n.op) for n in template.graph.node):
                continue
            answered(template, known)
            for node in template.computing if is_source(family) else ():
                templates.setdefault(node.op, []).append((template, node))
    for op, some in sorted(templates.items()):
        some = sorted(some, key=lambda pair: worth(pair[0]))[:TEMPLATES_MAX]
        for attr, have in sorted((dtypes.kernel_dtypes(op) or {}).items()):
            for dtype in sorted(have):
                left_out = (op, attr, dtype) in known | LEFT_OUT
                tries = () if left_out else (case_of(t, node, attr, dtype) for t, node in some if attr in node.attr)
                yield from [case for case in tries if case][:1]
