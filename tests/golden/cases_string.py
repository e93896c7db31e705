# SPDX-License-Identifier: Apache-2.0
"""Cases of the ops on strings for make_ops.py; regular expressions and Unicode have files of their own."""
import gzip
import zlib

import numpy as np
import tensorflow as tf

from op_case import graph, op, values


def s(*texts):
    return np.array([t.encode() if isinstance(t, str) else t for t in texts], object)


def one(text):
    return np.array(text.encode() if isinstance(text, str) else text, object)


def buckets():
    rng = np.random.default_rng(5)
    words = np.array([rng.integers(0, 256, n, dtype=np.uint8).tobytes() for n in [*range(0, 40), 63, 64, 65, 200, 1000]], object)
    for count in (1, 10, 1 << 40, 2 ** 63 - 1):
        yield op("StringToHashBucketStrong", [words], ["input"], num_buckets=count, key=[1, 2])
        yield op("StringToHashBucket", [words], ["string_tensor"], num_buckets=count)
    for key in ([0, 0], [-1, 2 ** 62], [1], [1, 2, 3]):
        yield op("StringToHashBucketStrong", [words[:9].reshape(3, 3)], ["input"], num_buckets=1000, key=key)
    yield op("StringToHashBucketStrong", [one("x")], ["input"], num_buckets=7, key=[3, 4])
    yield op("StringToHashBucket", [one("x")], ["string_tensor"], num_buckets=7)


def ngrams():
    names = ["data", "data_splits"]
    data = s("a", "bb", "", "d")
    for dtype in (np.int64, np.int32):
        for splits in ([0, 3, 4, 4], [0, 4], [0, 0, 4]):
            for widths in ([2], [1, 3], [5], [2, 1]):
                for pad, short in ((0, False), (-1, False), (1, False), (9, False), (0, True)):
                    yield op("StringNGrams", [data, np.array(splits, dtype)], names, separator="|", ngram_widths=widths, left_pad="<", right_pad=">>", pad_width=pad, preserve_short_sequences=short)
        for splits in ([0, 3, 5], [1, 3], [0, 3, 2], [0], [], [0, 3], [0, -1, 4], [-1, 4]):
            yield op("StringNGrams", [data, np.array(splits, dtype)], names, separator="", ngram_widths=[2], left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False)
    for widths, pad in (([0], 0), ([-1], 0), ([], 0), ([2, 0], 0)):
        yield op("StringNGrams", [data, np.int64([0, 4])], names, separator=" ", ngram_widths=widths, left_pad="", right_pad="", pad_width=pad, preserve_short_sequences=True)
    for splits in ([0], [0, 0], []):
        yield op("StringNGrams", [data[:0], np.int64(splits)], names, separator=" ", ngram_widths=[2], left_pad="", right_pad="", pad_width=1, preserve_short_sequences=True)


def substr():
    names = ["input", "pos", "len"]
    for unit in ("BYTE", "UTF8_CHAR"):
        for dtype in (np.int32, np.int64):
            for pos in (0, 1, 3, 4, 5, -1, -3, -4, -5):
                for length in (0, 1, 2, 100, -1):
                    if dtype == np.int64 or length in (0, 2):
                        yield op("Substr", [s("h\u00e9y\u00e9"), dtype(pos), dtype(length)], names, unit=unit)
        two = s("abc", "d\u00e9f", "ghi", "j\u65e5l").reshape(2, 2)
        for texts, shape in ((two, (2, 2)), (two, ()), (two, (2,)), (two, (1,)), (two, (2, 1)), (two, (1, 2)), (two[0], (2, 2)), (two[0], (3, 2)), (two[0], (2, 1)), (two[0, :1], (3,)), (one("abc"), (2,)), (one("abc"), (2, 2)),
                             (two[None], (1, 2, 2)), (two[None], (2,)), (two[0], (3,)), (two[:0], (0, 2)), (two, (3, 2)), (two[None], ())):
            yield op("Substr", [texts, values(shape, "uint8").astype(np.int32) % 3, values(shape, "uint8").astype(np.int32) % 3], names, unit=unit)
        yield op("Substr", [np.array([b"\xff\x80a\xc3"], object), np.int64(1), np.int64(1)], names, unit=unit)
        yield op("Substr", [s("abc"), np.int64(-2 ** 63), np.int64(1)], names, unit=unit)
        yield op("Substr", [s("abc"), np.int64(1), np.int64(2 ** 63 - 1)], names, unit=unit)
    yield op("Substr", [s("abc"), np.int64([0]), np.int64(1)], names)


def formats():
    def case(arrays, **attrs):
        return graph(f"StringFormat {[a.dtype for a in arrays]} {attrs}", arrays, lambda t: [tf.raw_ops.StringFormat(inputs=t, **attrs)])
    numbers = np.arange(24)
    for summarize in (-1, 0, 1, 2, 3, 100):
        for shape in ((24,), (4, 6), (2, 3, 4), (2, 1, 3, 4), (2, 0)):
            yield case([numbers[:np.prod(shape)].reshape(shape)], template="<%s>", placeholder="%s", summarize=summarize)
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "bfloat16", "float32", "float64"):
        yield case([values((3,), dtype), values((), dtype)], template="{} and {}", placeholder="{}", summarize=3)
    yield case([np.float32([1e-9, np.nan, np.inf, -np.inf, 1 / 3, 16777216, -0.0, 1e10, .1])], template="{}", placeholder="{}", summarize=9)
    yield case([np.float64([1e-9, np.nan, np.inf, -np.inf, 1 / 3, 1e300, -0.0, 1e10, .1])], template="{}", placeholder="{}", summarize=9)
    yield case([np.array([True, False]), np.array(True), np.complex64([1 + 2j]), s("a\"'\\", "\n\t\r\x01\x7f", "\u00e9", b"\xff?")], template="{} {} {} {}", placeholder="{}", summarize=9)
    yield case([numbers[:2]], template="no", placeholder="{}", summarize=3)
    yield case([numbers[:2]], template="{}{}", placeholder="{}", summarize=3)
    yield case([numbers[:2], numbers[2:3]], template="a##b#c##", placeholder="##", summarize=3)


def splits():
    texts = s("a b  c", "", ", a,,b,", "abxab", "  lead", "trail \t\n", "one")
    for sep in ("", " ", ",", "ab", "abc", ",,"):
        for most in (-1, 0, 1, 2, -5):
            yield op("StringSplitV2", [texts, one(sep)], ["input", "sep"], maxsplit=most)
    yield op("StringSplitV2", [texts[:0], one(",")], ["input", "sep"])
    yield op("StringSplitV2", [one("a"), one(",")], ["input", "sep"])
    yield op("StringSplitV2", [texts, s(",")], ["input", "sep"])
    for skip in (True, False):
        for delimiter in ("", " ", ", ", "b"):
            yield op("StringSplit", [texts, one(delimiter)], ["input", "delimiter"], skip_empty=skip)


def joins():
    names = ["inputs", "segment_ids", "num_segments"]
    four = s("a", "bb", "", "d")
    for ids, count in (([0, 2, 0, 1], 3), ([0, 0, 0, 0], 1), ([3, 2, 1, 0], 4), ([0, -1, 0, 0], 2), ([0, 2, 0, 0], 2), ([0, 1], 2), ([0, 0, 0, 0], 0), ([0, 0, 0, 0], -1), ([[0, 0], [1, 0]], 2)):
        for dtype in (np.int32, np.int64):
            yield op("UnsortedSegmentJoin", [four, np.array(ids, dtype), dtype(count)], names, separator="-")
    for ids in ([0, 0], [1, 0], [[0, 0], [1, 0]], [[0], [1]], [[[0]]]):
        yield op("UnsortedSegmentJoin", [four.reshape(2, 2), np.int32(ids), np.int32(2)], names, separator=":")
    yield op("UnsortedSegmentJoin", [four, np.int32([0, 0, 0, 0]), np.int32([2])], names)
    yield op("UnsortedSegmentJoin", [one("a"), np.int32(0), np.int32(2)], names)
    yield op("UnsortedSegmentJoin", [four[:0], np.int32([]), np.int32(2)], names)
    yield op("UnsortedSegmentJoin", [four.reshape(2, 2)[:, :0], np.int32([0, 1]), np.int32(2)], names)
    six = s("a", "b", "c", "d", "e", "f").reshape(2, 3)
    for axes in ([0], [1], [-1], [0, 1], [1, 0], [], [2], [0, 0], [0, -2], [-3]):
        for keep in (False, True):
            yield op("ReduceJoin", [six, np.int32(axes)], ["inputs", "reduction_indices"], const=(1,) if keep else (), keep_dims=keep, separator=".")
    yield op("ReduceJoin", [six, np.int32(1)], ["inputs", "reduction_indices"])
    yield op("ReduceJoin", [one("a"), np.int32([])], ["inputs", "reduction_indices"])
    yield op("ReduceJoin", [six[:0], np.int32([0])], ["inputs", "reduction_indices"])


def base64():
    rng = np.random.default_rng(6)
    raw = np.array([rng.integers(0, 256, n, dtype=np.uint8).tobytes() for n in range(12)] + [b"\xff" * 5], object)
    for pad in (True, False):
        yield op("EncodeBase64", [raw], ["input"], pad=pad)
        yield op("EncodeBase64", [one("abc")], ["input"], pad=pad)
        yield op("EncodeBase64", [raw[:0].reshape(0, 2)], ["input"], pad=pad)
    for text in ("YQ==", "YQ", "YWI=", "YWI", "YWJj", "//7_", "__79", "-_-_", "Y", "YWJjY", "Y===", "YQ=", "Y Q", "YQ==YQ", "", "====", "=", "==", "YR==", "YW=j", "Y\nQ=", "YWJjZGVmZ2g", "Y=Q="):
        yield op("DecodeBase64", [s(text)], ["input"])
    yield op("DecodeBase64", [s("YQ", "YWI", "").reshape(3, 1)], ["input"])


def raw():
    eight = s("abcdefgh", "ijklmnop", b"\x00\x01\x02\x03\xff\xfe\xfd\xfc")
    for dtype in ("half", "float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64", "complex64", "bool", "bfloat16"):
        dtype = tf.as_dtype("float16" if dtype == "half" else dtype)
        for little in (True, False):
            yield op("DecodeRaw", [eight], ["bytes"], out_type=dtype, little_endian=little)
            for length in (8, 16, 24):
                if dtype not in (tf.bool, tf.complex64):
                    yield op("DecodePaddedRaw", [s("abcdefghijklmnopqrst", "abc", ""), np.int32(length)], ["input_bytes", "fixed_length"], out_type=dtype, little_endian=little)
    yield op("DecodeRaw", [s(b"0123456789abcdef")], ["bytes"], out_type=tf.complex128)
    for texts in (s("abcd", "efghi"), s("abc", "efg"), s("", ""), s("ab", ""), one("abcd"), s("ab", "cd").reshape(2, 1), s()):
        yield op("DecodeRaw", [texts], ["bytes"], out_type=tf.int16)
        for length in (4, 3, 0, -4, 2):
            yield op("DecodePaddedRaw", [texts, np.int32(length)], ["input_bytes", "fixed_length"], out_type=tf.int16)
    yield op("DecodePaddedRaw", [s("abcd"), np.int32([4])], ["input_bytes", "fixed_length"], out_type=tf.int16)
    text = b"hello" * 10
    packed = zlib.compress(text), gzip.compress(text, mtime=0), zlib.compress(text)[:-3], zlib.compress(text)[:4], zlib.compress(text) + b"xyz", b"", b"garbage data", gzip.compress(text, mtime=0) * 2, zlib.compress(text) * 2
    for kind in ("", "ZLIB", "GZIP", "X"):
        for data in packed:
            yield op("DecodeCompressed", [s(data)], ["bytes"], compression_type=kind)
    yield op("DecodeCompressed", [s(zlib.compress(b"x" * 100000), zlib.compress(b""))], ["bytes"], compression_type="ZLIB")


def csv():
    def case(records, defaults, **attrs):
        return graph(f"DecodeCSV {records} {attrs}", [records, *defaults], lambda t: tf.raw_ops.DecodeCSV(records=t[0], record_defaults=t[1:], **attrs))
    three = [np.int32([7]), np.float32([.5]), s("d")]
    for text in ("1,2.5,x", '1,2.5,"a ""q"" b"', "1,,", "1,2", "1,2,3,4", '1,2,"abc', '1,2,a"b', '1,2,"a"b', "x,2,3", "1,y,3", " 1, 2 , z ", "99999999999,1,a", "1,2,a\r\n", "1,2,a\nb", '1,2,"a\nb"', "NA,NA,NA", "\n", "", "1.5,2,3",
                 "0x10,2,3", ",,", "1,1e400,z", "1,nan,z", "1,-inf,z", '"1","2","3"', '1,2,""', '"",2,3', '1,2,"', '1,2,"""', '1,2,""""', ',2,', '\n1,2,3', '1,"2",3\n', "+1,+2,+3", '"a', '"', '1,2,"a",', "-5,.5,\u00e9"):
        yield case(s(text), three)
        yield case(s(text), three, use_quote_delim=False, na_value="NA")
    wide = [np.int64([]), np.float64(3.0), s()]
    for text in ("1,2,3", "1,,3", ",2,3", "1,2,", "9223372036854775807,1e-300,x", "9223372036854775808,1,x", "NA,NA,x"):
        yield case(s("4,5,6", text), wide, na_value="NA")
    for select in ([0, 2], [0, 5], [2, 0], [0], [1, 2], [-1, 2], [0, 0]):
        for text in ("1,2,3", "1,2", "1,2,", "1,,x"):
            yield case(s(text), [np.int64([]), np.float64([])], select_cols=select)
    for delimiter in (";", ";;", "", "\n", '"', " ", "\t"):
        yield case(s("1;2", "3;4"), [np.int64([]), np.float64([])], field_delim=delimiter)
    yield case(s("1,2", "3,4").reshape(2, 1), [np.int32([1]), s()])
    yield case(one("1,2"), [np.int32([1]), s()])
    yield case(s(), [np.int32([1]), s()])
    yield case(s("1,2"), [np.int32([1, 2]), s()])
    yield case(s("1,2"), [np.int32([[1]]), s()])


def numbers():
    for dtype in ("float16", "bfloat16", "complex64", "complex128", "float32", "float64"):
        array = values((4,), dtype) if not dtype.startswith("complex") else (values((4,), "float64") + 1j * values((4,), "float64")).astype(dtype)
        for attrs in ({}, dict(precision=2), dict(scientific=True), dict(shortest=True), dict(width=12, fill="0"), dict(width=9, precision=1, fill="-"), dict(width=3, fill="+"), dict(fill="#", precision=0), dict(width=-3, precision=-2)):
            yield op("AsString", [array], ["input"], **attrs)
    for array in (np.int32([5, -7]), np.uint8([5, 200]), np.uint64([2 ** 64 - 1]), np.array([True, False]), s("a", "b\x00c", "\u00e9"), np.int8([-128, 3])):
        for attrs in ({}, dict(width=6), dict(width=6, fill="-"), dict(width=6, fill="0"), dict(fill="+"), dict(fill=" "), dict(fill="#"), dict(fill="x"), dict(fill="00"), dict(precision=2), dict(scientific=True), dict(shortest=True), dict(scientific=True, shortest=True)):
            yield op("AsString", [array], ["input"], **attrs)
    for out in (tf.uint32, tf.uint64, tf.float32, tf.float64, tf.int32, tf.int64):
        for text in ("12", "-3", "+4", "1.5", "", " ", "99999999999", "4294967296", "18446744073709551615", "18446744073709551616", " 7 ", "7x", "0x10", "inf", "-Infinity", "NaN", "nan", "1e400", "1e-400", ".5", "5.", "1e", "--1", "\t8\n", "16777217.0", "1_000", "0.1", "3.4028236e38"):
            yield op("StringToNumber", [s(text)], ["string_tensor"], out_type=out)


def cases():
    for family in (buckets, ngrams, substr, formats, splits, joins, base64, raw, csv, numbers):
        yield from family()
