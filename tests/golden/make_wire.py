#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/wire/ with protoc and python3-protobuf as oracles (written with 3.21; same version, same bytes).

    parse.cases   type, text, and what protoc --encode says: `= <hex>` or `! <line>:<column>: <error>`
    print.cases   type, bytes in hex, the text of protoc --decode

Columns are separated by tabs; \\t, \\n and \\\\ stand for the bytes, \\xNN for those that are not ASCII.
"""

import os
import random
import struct
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "../../proto")
CONFIG = "tensorflow.serving.ModelServerConfig"
TENSOR = "tensorflow.TensorProto"

# Bodies of model_config_list { config { ... } }.
CONFIG_BODIES = r"""
name: 1
name: "a" "b" 'c' model_type: TENSORFLOW;
model_type: FOO
model_type: 2
model_type: -7
model_type: "TENSORFLOW"
model_type: 99999999999
name: "a" name: "b"
name: "" name: "b"
name "a"
name: x
"name": "x"
version_labels { key: "a" value: 1 } version_labels { key: "b" value: 2 }
version_labels { key: "a" key: "b" }
version_labels { key: "" key: "b" }
version_labels { value: 9223372036854775808 }
version_labels { value: -9223372036854775808 }
version_labels { value: 0x1F }
version_labels { value: 017 }
version_labels { value: 019 }
version_labels { value: 0x }
version_labels { value: 1.5 }
version_labels { value: "1" }
version_labels { value: - }
name: "a\q"
name: "\x41\101\u00e9\U0001F600\n\?"
name: "\xg"
name: "\u12"
name: "\U00200000"
name: "\ud83d\ude00"
model_version_policy { latest {} all {} }
model_version_policy { specific { versions: [1, 2, 3] versions: 4 } }
model_version_policy { specific { versions: [1, 2, 3, ] } }
model_version_policy { specific { versions: [1 2] } }
model_version_policy { specific { versions: [-1, x] } }
logging_config{sampling_config{sampling_rate:0.5}}
name: "x" base_path: '' } } /* c */
""".strip().split("\n")

CONFIG_TEXTS = [
    "",
    "x: 1",
    "1",
    "{",
    "}",
    'model_config_list: {config: {name: "a", base_path: "/b"},}',
    "model_config_list {",
    "model_config_list }",
    "model_config_list {} model_config_list {}",
    "model_config_list {} custom_model_config {}",
    'model_config_list { config: [{name: "a"}, {name: "b"}] }',
    "model_config_list { config: [] }",
    'model_config_list { config: [{name: "a"} {name: "b"}] }',
    'model_config_list: < config < name: "x" > >',
    'model_config_list < config { name: "x" } }',
    "model_config_list;",
    "model_config_list {};",
    "model_config_list {},;",
    "model_config_list: 1",
    "model_config_list.config",
    "model_config_list { \x01 }",
    "model_config_list {} \xe9",
    "# comment\nmodel_config_list { # more\n}\n# end",
    "#\0model_config_list {}",
    "\tmodel_config_list {\n\t\tfoo: 1 }",
    'model_config_list { config { name: "a\nb" } }',
    'model_config_list { config { name: "a',
    'model_config_list { config { name: "x" // c\n } }',
    "[foo.bar] { }",
    "model_config_list { [foo.bar]: 1 }",
    'custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] { name: "q" } }',
    'custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig]: < name: "q" > }',
    "custom_model_config { [type.googleapis.com/x.Y] { } }",
    "custom_model_config { [foo.com/tensorflow.serving.ModelConfig] { } }",
    "custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] {}"
    " [type.googleapis.com/tensorflow.serving.ModelConfig] {} }",
    "custom_model_config { [type.googleapis.com] { } }",
    'custom_model_config { type_url: "a" value: "b" }',
    "custom_model_config { [type.googleapis.com/tensorflow.serving.ModelConfig] { nme: 1 } }",
]

TENSOR_TEXTS = r"""
float_val: 1
float_val: 1f
float_val: 1.5F
float_val: .5
float_val: 1.
float_val: 1e5
float_val: 1e
float_val: 1e+
float_val: inf
float_val: -inf
float_val: -Infinity
float_val: NaN
float_val: 0x10
float_val: 010
float_val: -0
float_val: - 5
float_val: 1.5.5
float_val: 1..5
float_val: 0x1.5
float_val: 99999999999999999999999
float_val: 1e400
float_val: foo
float_val: "a"
float_val: [1, 2.5, inf]
float_val: infinit
float_val: 123abc
float_val: 5.float_val: 3
float_val: 1 float_val: 2, float_val: 3; float_val: 4
float_val.5
float_val: [
float_val: [1
float_val: [1,
float_val: ]
bool_val: [true,false,True,False,t,f,0,1]
bool_val: 2
bool_val: TRUE
bool_val: -1
bool_val: "t"
uint32_val: 4294967295
uint32_val: 4294967296
uint32_val: -1
uint64_val: 18446744073709551615
uint64_val: 18446744073709551616
int_val: 2147483647
int_val: 2147483648
int_val: -2147483648
int_val: -2147483649
dtype: DT_FLOAT tensor_shape { dim { size: 1 } dim { size: 2 } }
dtype: DT_FLOAT dtype: DT_INT32
dtype: 0 dtype: 1
dtype: DT_NOPE
dtype:
dtype: ,
string_val: "\000\377" string_val: 'it"s'
string_val: "x\400"
string_val: "\
tensor_content: "\1\12\1234"
half_val: 1 half_val: [2,3]
""".strip().split("\n")


def escape(data):
    out = []
    for byte in data:
        c = chr(byte)
        if c in "\t\n\\":
            out.append({"\t": "\\t", "\n": "\\n", "\\": "\\\\"}[c])
        else:
            out.append(c if 32 <= byte < 127 else f"\\x{byte:02x}")
    return "".join(out)


class Oracle:
    def __init__(self, scratch):
        self.set = os.path.join(scratch, "set")
        paths = []
        for folder, _, names in os.walk(PROTO):
            paths += [os.path.relpath(os.path.join(folder, n), PROTO) for n in names]
        command = ["protoc", "-I", PROTO, "--include_imports", "--descriptor_set_out=" + self.set]
        subprocess.run(command + sorted(p for p in paths if p.endswith(".proto")), check=True)
        self.pool = descriptor_pool.DescriptorPool()
        with open(self.set, "rb") as f:
            self.files = descriptor_pb2.FileDescriptorSet.FromString(f.read()).file
        for file in self.files:
            self.pool.AddSerializedFile(file.SerializeToString())
        self.factory = message_factory.MessageFactory(self.pool)

    def protoc(self, flag, name, data):
        command = ["protoc", "--descriptor_set_in=" + self.set, f"--{flag}={name}"]
        return subprocess.run(command, input=data, capture_output=True)

    def encode(self, name, text):
        result = self.protoc("encode", name, text)
        if result.returncode == 0:
            return "= " + result.stdout.hex()
        errors = [l for l in result.stderr.decode("latin1").split("\n") if l.startswith("input:")]
        errors = [e for e in errors if ": warning: " not in e]
        return "! " + errors[0][len("input:") :]

    def names(self):
        out = []
        for file in self.files:
            for message in self.pool.FindFileByName(file.name).message_types_by_name.values():
                out.append(message.full_name)
        return sorted(out)


def scalar(rng, f):
    if f.type == f.TYPE_DOUBLE:
        return rng.choice([0.0, -0.0, 1.5, 1e300, -2.25e-310, float("inf"), 1 / 3, 123456789.125])
    if f.type == f.TYPE_FLOAT:
        value = rng.choice([0.0, -0.0, 1.5, 3e38, -1e-40, float("-inf"), 0.1, 16777216.0])
        return struct.unpack("f", struct.pack("f", value))[0]
    if f.type == f.TYPE_BOOL:
        return rng.random() < 0.5
    if f.type == f.TYPE_STRING:
        return rng.choice(["", "a", 'say "x"\n', "\u00fcn\u00ef\U0001f600", "\x00\x01\x7f", "it's\\ <b>", "\u2028"])
    if f.type == f.TYPE_BYTES:
        return rng.choice([b"", b"a", b"ab", b"abc", b"\x00\xff\x80"])
    if f.type == f.TYPE_ENUM:
        return rng.choice([v.number for v in f.enum_type.values] + [77777, -5])
    wide = f.type in (f.TYPE_INT64, f.TYPE_UINT64, f.TYPE_SINT64, f.TYPE_FIXED64, f.TYPE_SFIXED64)
    bits = 64 if wide else 32
    if f.type in (f.TYPE_UINT32, f.TYPE_UINT64, f.TYPE_FIXED32, f.TYPE_FIXED64):
        return rng.choice([0, 1, 300, 2**bits - 1])
    return rng.choice([0, 1, -1, 128, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))])


def is_map(f):
    return f.message_type and f.message_type.GetOptions().map_entry


def fill(rng, m, depth):
    for f in m.DESCRIPTOR.fields:
        if rng.random() < 0.5 or (f.message_type and depth == 0):
            continue
        repeated = f.label == f.LABEL_REPEATED
        for _ in range(rng.choice([0, 1, 2, 3]) if repeated else 1):
            if is_map(f):
                key, value = (f.message_type.fields_by_name[n] for n in ("key", "value"))
                k = scalar(rng, key)
                if value.message_type:
                    fill(rng, getattr(m, f.name)[k], depth - 1)
                else:
                    getattr(m, f.name)[k] = scalar(rng, value)
            elif f.message_type:
                inner = getattr(m, f.name).add() if repeated else getattr(m, f.name)
                inner.SetInParent()
                fill(rng, inner, depth - 1)
            elif repeated:
                getattr(m, f.name).append(scalar(rng, f))
            else:
                setattr(m, f.name, scalar(rng, f))


def print_cases(oracle):
    rng = random.Random(1)
    for name in oracle.names():
        if name.startswith("google.protobuf.") or "grpc" in name:
            continue
        message = oracle.factory.GetPrototype(oracle.pool.FindMessageTypeByName(name))()
        for _ in range(8):
            message.Clear()
            fill(rng, message, 3)
            data = message.SerializeToString(deterministic=True)
            if 0 < len(data) < 1000:
                break
        if not 0 < len(data) < 1000:
            continue
        printed = oracle.protoc("decode", name, data).stdout
        yield [name, data.hex(), escape(printed)]


def parse_cases(oracle):
    texts = [(CONFIG, t) for t in CONFIG_TEXTS]
    texts += [(CONFIG, "model_config_list { config { " + b + " } }") for b in CONFIG_BODIES]
    texts += [(TENSOR, t) for t in TENSOR_TEXTS]
    for name, text in texts:
        data = text.encode("latin1")
        yield [name, escape(data), escape(oracle.encode(name, data).encode("latin1"))]


def write(name, rows):
    with open(os.path.join(HERE, "wire", name), "w", encoding="ascii") as f:
        f.writelines("\t".join(row) + "\n" for row in rows)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        oracle = Oracle(scratch)
        write("parse.cases", parse_cases(oracle))
        write("print.cases", print_cases(oracle))


if __name__ == "__main__":
    main()
