# SPDX-License-Identifier: Apache-2.0
"""Cases of the ops on Unicode text for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import op

UTF8 = [b"a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", b"a\xffb", b"\xe6\x97", b"\xe6\x97x", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf0\x9f\x98", b"\xef\xbb\xbfa", b"\x80\x80", b"\xe0\x80\x80", b"a\x00\x1fb\n", b"", b"\xf0\x9f\x98\xe6\x97\xa5"]
OTHERS = [("UTF-16-BE", b"\0a\xd8\x3d\xde\0"), ("UTF-16BE", b"\0a\xd8\0\0b\xdc\0"), ("UTF-16-BE", b"\0a\0"), ("UTF-16-BE", b"\xd8\x3d"), ("UTF-16-BE", b"\xd8\x3d\xde"), ("UTF-32-BE", b"\0\0\0a\0\x11\0\0"), ("UTF-32-BE", b"\0\0\xd8\0\0\0\0"),
          ("ISO-8859-1", b"a\xe9"), ("latin1", b"a\xe9"), ("US-ASCII", b"a\xe9b"), ("windows-1252", b"\x80\x82"), ("Shift_JIS", b"\x93\xfa\x80a\x93"), ("Shift_JIS", b"\x93\xfaa\xb1"), ("EUC-JP", b"\xc6\xfc\xc6\xfca"), ("GBK", b"\xc8\xd5a"), ("UTF-16", b"\xff\xfea\0"),
          ("UTF-16", b"\0a"), ("UTF-16", b"\xfe\xff\0a"), ("UTF-16-LE", b"a\0\x3d\xd8\0\xde"), ("foo", b"a"), ("", b"a"), ("utf8", b"\xc3\xa9"), ("KOI8-R", b"\xc1\xd1"), ("Big5", b"\xa4\xe9x"), ("UTF-32", b"\0\0\0a"), ("utf_32_le", b"a\0\0\0"), ("EUC-KR", b"\xc0\xcf"), ("windows-1251", b"\xe0")]


def decoding():
    texts = np.array(UTF8, object)
    for name in ("UnicodeDecode", "UnicodeDecodeWithOffsets"):
        for errors in ("replace", "ignore", "strict"):
            for controls in (False, True):
                for splits in (tf.int32, tf.int64):
                    yield op(name, [texts], ["input"], input_encoding="UTF-8", errors=errors, replace_control_characters=controls, Tsplits=splits)
            yield op(name, [texts[:1]], ["input"], input_encoding="UTF-8", errors=errors)
        for char in (65, 0, 0x10ffff, 0x110000, -1):
            yield op(name, [texts], ["input"], input_encoding="UTF-8", replacement_char=char)
        for array in (texts[:4].reshape(2, 2), texts[:0], np.array(b"ab", object)):
            yield op(name, [array], ["input"], input_encoding="UTF-8")
    for encoding, text in OTHERS:
        for errors in ("replace", "ignore"):
            yield op("UnicodeDecodeWithOffsets", [np.array([text], object)], ["input"], input_encoding=encoding, errors=errors)


def transcoding():
    for output in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
        for errors in ("replace", "ignore", "strict"):
            for controls in (False, True):
                yield op("UnicodeTranscode", [np.array(UTF8, object)], ["input"], input_encoding="UTF-8", output_encoding=output, errors=errors, replace_control_characters=controls)
            yield op("UnicodeTranscode", [np.array([b"a\n"], object)], ["input"], input_encoding="UTF-8", output_encoding=output, errors=errors, replace_control_characters=True)
        for encoding, text in OTHERS:
            yield op("UnicodeTranscode", [np.array([[text]], object)], ["input"], input_encoding=encoding, output_encoding=output)
    yield op("UnicodeTranscode", [np.array([b"\xff"], object)], ["input"], input_encoding="UTF-8", output_encoding="UTF-8", replacement_char=0xd800)


def encoding():
    names = ["input_values", "input_splits"]
    for output in ("UTF-8", "UTF-16-BE", "UTF-32-BE"):
        for errors in ("replace", "ignore", "strict"):
            for v, s in (([65, 233, 0x1f600, 0x65e5], [0, 2, 2, 4]), ([65, -1, 0xd800, 0x110000, 0xfffe, 0xfdd0, 0x10ffff, 0], [0, 8]), ([], [0])):
                for dtype in (np.int32, np.int64):
                    yield op("UnicodeEncode", [np.int32(v), np.array(s, dtype)], names, output_encoding=output, errors=errors)
    for s in ([0, 3], [1, 2], [0, 2, 1, 2], [], [0], [0, 1], [-1, 2]):
        yield op("UnicodeEncode", [np.int32([65, 66]), np.int64(s)], names, output_encoding="UTF-8")
    for char in (66, 0x110000, -1, 0xd800):
        yield op("UnicodeEncode", [np.int32([65, -1]), np.int64([0, 2])], names, output_encoding="UTF-8", replacement_char=char)
    yield op("UnicodeEncode", [np.int32([[65, 66]]), np.int64([0, 2])], names, output_encoding="UTF-8")


def other():
    # What Unicode 14 added is unknown to TensorFlow's tables and known to ours.
    rng = np.random.default_rng(9)
    yield op("UnicodeScript", [np.int32([*range(0x250), 0x370, 0x400, 0x5d0, 0x627, 0x905, 0xe01, 0x3042, 0x30a2, 0x4e00, 0xac00, 0x1f600, 0x10300, 0x20000, 0x300, 0x378, 0xd800, 0xe000, -1, 0x110000, 2 ** 31 - 1])], ["input"])
    yield op("UnicodeScript", [rng.integers(0x3400, 0x9000, (50, 2)).astype(np.int32)], ["input"])
    yield op("UnicodeScript", [np.int32(0x41)], ["input"])
    yield op("UnicodeScript", [np.zeros((0, 3), np.int32)], ["input"])
    yield op("UnicodeScript", [rng.integers(0, 0x800, (40,)).astype(np.int32)], ["input"])
    words = np.array([t.encode() for t in ("\u00c0\u00c9\u00df \u0130I \u0391\u03a3", "\u00e0\u00e9\u00df \u0131i \u03b1\u03c2 \u0149", "MIXED case 123", "\u01c5\u01c4\u01c6", "\ufb01\ufb03", "\u1f80\u1fb3\u0390", "\u0391\u03a3\u0391 \u03a3 \u0391\u03a3.", "\u10d0\u13a0\uab70", "")] + [b"\xffA\xc3", b"\xed\xa0\x80a"], object)
    for name in ("StringLower", "StringUpper"):
        for encoding_ in ("utf-8", "", "UTF-8", "latin1"):
            yield op(name, [words], ["input"], encoding=encoding_)
        yield op(name, [words[:6].reshape(2, 3)], ["input"], encoding="utf-8")
        yield op(name, [words[:0]], ["input"], encoding="utf-8")
    for unit in ("BYTE", "UTF8_CHAR"):
        yield op("StringLength", [np.array(UTF8, object)], ["input"], unit=unit)


def cases():
    for family in (decoding, transcoding, encoding, other):
        yield from family()
