#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our parsers beside those of others on random input: protobuf messages (python3-protobuf), their text format (protoc), JSON (Python's json, and
RapidJSON to the letter), HTTP/1 (Debian's http-parser). What one takes and the other refuses, or both understand differently, is printed, unless it is one of the differences
that are meant (KNOWN).

usage: run.py [SECONDS of each] [SEED]      (make differential)
"""
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import time
import warnings

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import support  # noqa: E402

TAKEN, REFUSED, WANTS_MORE = range(3)
SHOWN_MAX = 10
MODULES = {"predict": "tensorflow_serving.apis", "classification": "tensorflow_serving.apis", "regression": "tensorflow_serving.apis",
           "inference": "tensorflow_serving.apis", "get_model_status": "tensorflow_serving.apis", "model_management": "tensorflow_serving.apis",
           "prediction_log": "tensorflow_serving.apis", "model_server_config": "tensorflow_serving.config", "ssl_config": "tensorflow_serving.config",
           "session_bundle_config": "tensorflow_serving.servables.tensorflow", "example": "tensorflow.core.example",
           "saved_model": "tensorflow.core.protobuf", "graph": "tensorflow.core.framework", "tensor": "tensorflow.core.framework"}


class Driver:
    def __init__(self, name):
        self.process = subprocess.Popen([os.path.join(support.BUILD, "tests", "differential", name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, data):
        self.process.stdin.write(kind + struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        head = self.process.stdout.read(5)
        if len(head) < 5:
            raise SystemExit(f"the driver has ended on {kind} {data!r}")
        return head[0], self.process.stdout.read(struct.unpack("<I", head[1:])[0])


class Report:
    def __init__(self, name):
        self.name, self.asked, self.taken, self.known, self.bad = name, 0, 0, {}, 0

    def differs(self, data, ours, theirs, known=None):
        if known:
            self.known[known] = self.known.get(known, 0) + 1
            return
        self.bad += 1
        if self.bad <= SHOWN_MAX:
            print(f"{self.name}: {data!r}\n    ours: {str(ours)[:300]}\n    theirs: {str(theirs)[:300]}")

    def end(self):
        known = "".join(f"; {count} {what}" for what, count in sorted(self.known.items()))
        print(f"{self.name}: {self.asked} asked, {self.taken} taken by both, {self.bad} differ{known}")
        return self.bad


# ---- random messages ----

def messages():
    found = []
    for module, package in MODULES.items():
        for descriptor in support.pb(module, package).DESCRIPTOR.message_types_by_name.values():
            found.append(descriptor._concrete_class)
    return found


def scalar(rng, field):
    kind = field.type
    if kind in (field.TYPE_DOUBLE, field.TYPE_FLOAT):
        value = rng.choice([0.0, -0.0, 1.5, -2.25, 1e30, 1e-30, math.inf, -math.inf, rng.uniform(-1e6, 1e6)])
        return struct.unpack("<f", struct.pack("<f", value))[0] if kind == field.TYPE_FLOAT else value
    if kind == field.TYPE_BOOL:
        return rng.random() < 0.5
    if kind == field.TYPE_ENUM:
        return rng.choice([v.number for v in field.enum_type.values])
    if kind == field.TYPE_STRING:
        return "".join(rng.choice("aZ09 _/:'\"\\\n\t\u00e9\u20ac\U0001f600") for _ in range(rng.randrange(6)))
    if kind == field.TYPE_BYTES:
        return rng.randbytes(rng.randrange(6))
    bits = 31 if kind in (field.TYPE_INT32, field.TYPE_SINT32, field.TYPE_SFIXED32) else 32 if kind in (field.TYPE_UINT32, field.TYPE_FIXED32) else \
        64 if kind in (field.TYPE_UINT64, field.TYPE_FIXED64) else 63
    low = 0 if bits in (32, 64) else -2**bits
    return rng.choice([0, 1, 127, 128, 2**bits - 1, low, rng.randrange(low, 2**bits)])


def fill(rng, message, depth):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.6 or field.message_type and depth <= 0:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            for _ in range(rng.randrange(3)):
                where = getattr(message, field.name)
                if value.message_type:
                    fill(rng, where[scalar(rng, key)], depth - 1)
                else:
                    where[scalar(rng, key)] = scalar(rng, value)
        elif field.label == field.LABEL_REPEATED:
            for _ in range(rng.randrange(4)):
                if field.message_type:
                    fill(rng, getattr(message, field.name).add(), depth - 1)
                else:
                    getattr(message, field.name).append(scalar(rng, field))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            fill(rng, getattr(message, field.name), depth - 1)
        else:
            setattr(message, field.name, scalar(rng, field))


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
        if not data:
            break
        at = rng.randrange(len(data))
        way = rng.randrange(5)
        if way == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del data[at:at + rng.randrange(1, 4)]
        elif way == 2:
            data[at:at] = data[rng.randrange(len(data)):][:rng.randrange(1, 20)]
        elif way == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 4))
        else:
            del data[at:]
    return bytes(data)


def settle(message):
    """Maps are lists until they are looked at, with what was said twice; what is not known stays in their values."""
    message.DiscardUnknownFields()
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            for key in list(value):
                if field.message_type.fields_by_name["value"].message_type:
                    settle(value[key])
        elif field.message_type:
            for one in value if field.label == field.LABEL_REPEATED else [value]:
                settle(one)


def canonical(kind, data):
    """As the original's parser takes it: whole. Python's also stops at a tag of 0 or the end of a group, and warns."""
    message = kind()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message.ParseFromString(data)
    settle(message)
    return message.SerializeToString(deterministic=True)


def run_protobuf(rng, until, driver):
    report, kinds = Report("protobuf"), messages()
    while time.monotonic() < until:
        kind = rng.choice(kinds)
        message = kind()
        fill(rng, message, 3)
        data = mutate(rng, message.SerializeToString())
        verdict, ours = driver.ask(b"p", kind.DESCRIPTOR.full_name.encode() + b"\n" + data)
        try:
            theirs = canonical(kind, data)
        except Exception as error:  # whatever it raises for what it refuses
            theirs = error
        report.asked += 1
        if isinstance(theirs, bytes) and verdict == TAKEN:
            report.taken += 1
            if canonical(kind, ours) != theirs:
                report.differs((kind.DESCRIPTOR.full_name, data), ours, theirs)
        elif isinstance(theirs, bytes) or verdict == TAKEN:
            report.differs((kind.DESCRIPTOR.full_name, data), ours, theirs, known_protobuf(data, verdict))
    return report.end()


def known_protobuf(data, verdict):
    """A length of 32 bits takes five bytes at most; the original's parser refuses what is written in more, ours reads it."""
    if verdict == TAKEN and re.search(rb"[\x80-\xff]{5}\x00", data):
        return "with lengths written in more than five bytes"
    return None


def spaced(rng, text):
    """Other ways to write the same."""
    out = []
    for line in text.split("\n"):
        if rng.random() < 0.1:
            out.append(rng.choice(["# a comment", "", "   "]))
        if line.strip() and rng.random() < 0.3 and not line.strip().endswith("{") and not line.strip().endswith("<"):
            line += rng.choice([",", ";"])
        if rng.random() < 0.2:
            line = line.replace(" {", rng.choice([":{", " : {", "{"]))
        out.append(line)
    return rng.choice(["\n", " \n ", "\n\n"]).join(out) if rng.random() < 0.8 else "\n".join(out)


def run_text(rng, until, driver):
    """protoc is the original's own parser; a process for each text, so there are fewer of them."""
    from google.protobuf import text_format
    report, kinds = Report("text format"), messages()
    proto = os.path.join(ROOT, "proto")
    while time.monotonic() < until:
        kind = rng.choice(kinds)
        message = kind()
        fill(rng, message, 3)
        text = spaced(rng, text_format.MessageToString(message, as_utf8=rng.random() < 0.5, use_short_repeated_primitives=rng.random() < 0.5)).encode()
        text = mutate(rng, text) if rng.random() < 0.5 else text
        verdict, ours = driver.ask(b"t", kind.DESCRIPTOR.full_name.encode() + b"\n" + text)
        done = subprocess.run(["protoc", "-I", proto, f"--encode={kind.DESCRIPTOR.full_name}", os.path.join(proto, kind.DESCRIPTOR.file.name)], input=text,
                              capture_output=True, check=False)
        said = done.stderr.decode(errors="replace")
        report.asked += 1
        if done.returncode == 0 and verdict == TAKEN:
            report.taken += 1
            if equal(kind, ours, done.stdout) is False:
                report.differs((kind.DESCRIPTOR.full_name, text), ours, done.stdout)
        elif done.returncode == 0 or verdict == TAKEN:
            report.differs((kind.DESCRIPTOR.full_name, text), ours, said)
    return report.end()


def equal(kind, ours, theirs):
    """None: protoc encodes what can not be decoded, strings that are no UTF-8."""
    try:
        theirs = canonical(kind, theirs)
    except Exception:
        return None
    return canonical(kind, ours) == theirs


# ---- JSON ----

def json_value(rng, depth):
    way = rng.randrange(9 if depth > 0 else 7)
    if way == 7:
        return [json_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if way == 8:
        return {scalar_text(rng): json_value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return [None, True, False, rng.randrange(-2**64, 2**65), rng.choice([0, -1, 2**63 - 1, 2**63, -2**63, 2**64 - 1, 2**64]),
            rng.choice([1.5, -0.0, 1e300, 5e-324, rng.uniform(-1, 1), rng.random() * 10**rng.randrange(-30, 30)]), scalar_text(rng)][way]


def scalar_text(rng):
    return "".join(rng.choice("ab\"\\/\b\f\n\r\t\u00e9\u20ac\U0001f600 {}[],:") for _ in range(rng.randrange(5)))


def told(value):
    """As the driver tells it."""
    if value is None or isinstance(value, bool):
        return {None: "N ", True: "T ", False: "F "}[value]
    if isinstance(value, int):
        return f"I{value} " if -2**63 <= value < 2**64 else told(float(value))
    if isinstance(value, float):
        return "D" + ("%.17g" % value) + " "
    if isinstance(value, str):
        return "S" + value.encode().hex() + " "
    if isinstance(value, Pairs):
        return f"O{len(value.items)} " + "".join(told(k) + told(v) for k, v in value.items)
    return f"A{len(value)} " + "".join(map(told, value))


class Pairs:
    def __init__(self, items):
        self.items = items


def run_json(rng, until, driver):
    report, decoder = Report("JSON"), json.JSONDecoder(object_pairs_hook=Pairs)
    while time.monotonic() < until:
        text = json.dumps(json_value(rng, 4), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1]))
        data = mutate(rng, text.encode()) if rng.random() < 0.7 else text.encode()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            continue  # Python's reads characters
        verdict, ours = driver.ask(b"j", data)
        try:
            theirs = told(decoder.raw_decode(text.lstrip(" \t\r\n"))[0]).encode()
        except (ValueError, RecursionError, OverflowError) as error:
            theirs = error
        report.asked += 1
        if isinstance(theirs, bytes) and verdict == TAKEN:
            report.taken += 1
            if ours != theirs:
                report.differs(text, ours, theirs, known_json(text, ours, theirs))
        elif isinstance(theirs, bytes) or verdict == TAKEN:
            report.differs(text, ours, theirs, known_json(text, ours, theirs))
    return report.end()


def known_json(text, ours, theirs):
    if "Inf" in text:
        return "with Inf, which is a number for RapidJSON"
    if isinstance(theirs, ValueError) and "Invalid control character" in str(theirs):
        return "with control characters in strings"
    if b"surrogate" in ours or isinstance(theirs, UnicodeEncodeError):
        return "with halves of surrogate pairs, refused as RapidJSON does"
    if b"Miss exponent" in ours or b"Miss fraction" in ours:
        return "with numbers that are cut off, of which Python takes the beginning"
    if b"too big to be stored" in ours:
        return "with numbers beyond double, refused as RapidJSON does"
    if text.startswith("\ufeff"):
        return "with a byte order mark"
    return None


# ---- JSON, as RapidJSON says it ----

PIECES = [b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u", b"\\ud800", b"\\udc00", b"0", b"-", b"+", b".", b"e", b"1", b"00", b"1e400", b"1e-400",
          b"NaN", b"Na", b"Inf", b"-Infinity", b"Infinit", b"nul", b"null", b"tru", b"true", b"false", b" ", b"\n", b"\r", b"\x0b", b"\0", b"\x01", b"\xff",
          b"\xef\xbb\xbf", b"//", b"'", b'""', b"[]", b"{}", b'"a":1', b"9" * 25, b"0." + b"9" * 30, b".5", b"5.", b"0x1", b"1e", b"1e+", b"--1"]
NUMBER, DUMP_MAX = rb"-?\d+(?:\.\d+)?(?:e-?\d+)?", 256


def spoiled(rng, data):
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice([b"", rng.choice(PIECES)]) + data[at + rng.choice([0, 0, 1, 2]):]
    return data


def same_but_for_last_places(ours, theirs):
    """RapidJSON's short way of reading numbers is off by a few units of the last place. What is cut ends elsewhere then."""
    parts = [re.findall(NUMBER + rb"|.", text, re.S) for text in (ours, theirs)]
    if max(len(ours), len(theirs)) == DUMP_MAX:
        parts = [some[:min(map(len, parts)) - len("-1.2345678901234567e-300")] for some in parts]
    return len(parts[0]) == len(parts[1]) and all(a == b or close(a, b) for a, b in zip(*parts))


def close(a, b):
    if not re.fullmatch(NUMBER, a) or not re.fullmatch(NUMBER, b):
        return False
    return abs(float(a) - float(b)) <= 1e-14 * max(abs(float(a)), abs(float(b)))


def run_rapidjson(rng, until, driver):
    """The same text and place for what is refused; for what is taken the same dump, but of a number by itself, which has another dress."""
    report, other = Report("RapidJSON"), Driver("rapidjson")
    while time.monotonic() < until:
        text = json.dumps(json_value(rng, 4), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1]))
        data = spoiled(rng, text.encode())
        verdict, ours = driver.ask(b"d", data)
        their_verdict, theirs = other.ask(b"d", data)
        report.asked += 1
        report.taken += verdict == their_verdict == TAKEN
        if (verdict, ours) == (their_verdict, theirs) or verdict == their_verdict == TAKEN and data.lstrip(b" \n\r\xef\xbb\xbf")[:1] not in b'[{"':
            continue
        last = verdict == their_verdict == TAKEN and same_but_for_last_places(ours, theirs)
        report.differs(data, ours, theirs, "in the last places of numbers" if last else None)
    return report.end()


# ---- HTTP/1 ----

METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "G ET", "", "FOO"]
TARGETS = ["/", "/v1/models/m:predict", "/a?b=c#d", "*", "http://h/x", "//", "/%2f", "x", "", "/a b"]
VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1", "http/1.1", "HTTP/1.1 ", ""]
FIELDS = ["Content-Length: 5", "Content-Length: 5", "content-length:5 ", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 6", "Content-Length: -1",
          "Content-Length: 99999999999999999999", "Content-Length: 0x5", "Content-Length : 5", "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked",
          "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity", "Transfer-Encoding:\tchunked",
          "Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Connection: close", "Connection: keep-alive", "Connection: upgrade", "Upgrade: h2c",
          "X: y", "X:", ": y", "X y", " X: y", "\tfolded", "X: a\x00b", "X: a\tb", "X: \x7f", "X\x80: y", "X: \xe9", "X: a\rb", "Expect: 100-continue",
          "Host: other", "Content-Encoding: gzip"]
BODIES = ["hello", "5\r\nhello\r\n0\r\n\r\n", "5;ext=1\r\nhello\r\n0\r\n\r\n", "05\r\nhello\r\n00\r\n\r\n", "5\nhello\n0\n\n", "5 \r\nhello\r\n0\r\n\r\n",
          "5 ;a = b\r\nhello\r\n0\r\n\r\n",
          "0x5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX0\r\n\r\n", "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0\r\n\r\n",
          "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "", "G\r\nhello\r\n0\r\n\r\n"]


def http_request(rng):
    def pick(options, share=0.7):
        return options[0] if rng.random() < share else rng.choice(options)
    lines = [f"{pick(METHODS[:2]) if rng.random() < 0.8 else rng.choice(METHODS)} {pick(TARGETS)} {pick(VERSIONS)}", "Host: h"]
    lines += [rng.choice(FIELDS) for _ in range(rng.randrange(4))]
    if rng.random() < 0.1:
        rng.shuffle(lines)
    end = pick(["\r\n", "\n", "\r"], 0.95)
    data = (end.join(lines) + end + end + rng.choice(BODIES)).encode("latin-1")
    return mutate(rng, data) if rng.random() < 0.3 else data


def normal(text):
    """Names in lower case, values trimmed, one line each; http-parser leaves both as they are sent. A later 1.x is 1.1 (RFC 9110, 2.5)."""
    head, _, body = text.partition(b"\n\n")
    lines = head.split(b"\n")
    lines[0] = re.sub(rb" 1\.[2-9]$", b" 1.1", lines[0])
    fields = [name.strip().lower() + b": " + value.strip(b" \t") for name, _, value in (line.partition(b":") for line in lines[1:])]
    return lines[0], fields, body


def run_http(rng, until, driver):
    """What is dangerous is a request that we take and that others read as another one; that we are stricter is meant."""
    report, other = Report("HTTP/1"), Driver("http_parser")
    while time.monotonic() < until:
        data = http_request(rng)
        verdict, ours = driver.ask(b"h", data)
        their_verdict, theirs = other.ask(b"h", data)
        report.asked += 1
        if verdict == their_verdict == TAKEN:
            report.taken += 1
            if normal(ours) != normal(theirs):
                report.differs(data, ours, theirs, known_http(data, ours, theirs))
        elif verdict == TAKEN:
            report.differs(data, ours, theirs, known_http(data, ours, theirs))
        elif verdict == REFUSED and their_verdict != REFUSED:
            report.differs(data, ours, theirs, "refused by us alone")
        elif verdict == WANTS_MORE and their_verdict == TAKEN:
            report.differs(data, ours, theirs, "with a lone CR, where http-parser ends a line" if re.search(rb"\r[^\n]", data) else None)
    return report.end()


def known_http(data, ours, theirs):
    if theirs == b"HPE_UNEXPECTED_CONTENT_LENGTH" and ours.count(b"\ncontent-length: ") > 1:
        return "with the same length twice (RFC 9110, 8.6)"
    if theirs in (b"HPE_INVALID_TRANSFER_ENCODING", b"HPE_UNEXPECTED_CONTENT_LENGTH") and re.search(rb"(?i)\ntransfer-encoding[^:\r\n]", data):
        return "with longer names that begin with Transfer-Encoding, which http-parser takes for it"
    if theirs == b"HPE_INVALID_METHOD":
        return "with methods that http-parser has not in its list"
    if re.search(rb"(?i)\r\n(upgrade|connection: upgrade)", data) or data.startswith(b"CONNECT"):
        return "that ask for another protocol"
    if normal(theirs)[0] != normal(ours)[0] and b"://" in data:
        return "with a whole URL, of which we keep what is behind the authority"
    return None


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    driver, bad = Driver("driver"), 0
    for run in (run_protobuf, run_text, run_json, run_rapidjson, run_http):
        bad += run(random.Random(seed), time.monotonic() + seconds, driver)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
