# SPDX-License-Identifier: Apache-2.0
"""Cases of tensorflow-text's ops for make_ops.py. Needs tensorflow-text 2.21 besides TensorFlow."""
import random

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text  # noqa: F401  (registers the ops)
from tensorflow.python.framework import op_def_library

from op_case import graph, op, values

i32, i64, f32 = np.int32, np.int64, np.float32


def s(*texts):
    return np.array([t.encode() if isinstance(t, str) else t for t in texts], object)


def one(text):
    return np.array(text.encode(), object)


def call(name, tensors, names, attrs):
    return op_def_library.apply_op(name, **dict(zip(names, tensors)), **attrs)


def flat(result):
    return [t for t in tf.nest.flatten(list(result) if isinstance(result, (list, tuple)) else [result])]


def text_op(name, arrays, names, const=(), **attrs):
    shown = " ".join(f"{k}={v}" for k, v in attrs.items())
    return graph(f"{name} {[np.asarray(a).tolist() for a in arrays]} {shown}"[:200], arrays, lambda t: flat(call(name, t, names, attrs)), const)


WORDS = ["", " ", "hello world", "  two  spaces ", "a\u3000b\u00a0c\td\n", "\u65e5\u672c\u8a9e text \u30ab\u30bf", "\u03b1\u03b2\u03b3abc,def", "don't stop! 123abc", "\u0645\u0631\u062d\u0628\u0627 abc", "x"]


def tokenizers():
    names = ["input_values", "input_splits"]
    runes = [[ord(c) for c in w] for w in WORDS]
    for dtype in (i32, i64):
        for rows in (runes, runes[:1], runes[3:4], []):
            splits = np.cumsum([0] + [len(r) for r in rows]).astype(dtype)
            data = i32([c for r in rows for c in r])
            yield text_op("WhitespaceTokenizeWithOffsets", [data, splits], names)
            for keep in (False, True):
                yield text_op("UnicodeScriptTokenizeWithOffsets", [data, splits], names, keep_whitespace=keep)
    for text in (s(*WORDS), s(), s("a b")):
        yield text_op("TFText>WhitespaceTokenizeWithOffsetsV2", [text, np.array(tf_text.WhitespaceTokenizer()._config.numpy() if hasattr(tf_text.WhitespaceTokenizer()._config, "numpy") else tf_text.WhitespaceTokenizer()._config, object)],
                      ["input_values", "input_config"])


VOCABULARY = ["un", "##want", "##ed", "runn", "##ing", "want", "\u65e5", "##\u672c", "a", "##a", "abc", "##d", "[UNK]", "b"]


def wordpieces():
    words = s("unwanted", "running", "wanted", "xyz", "abcd", "aaa", "\u65e5\u672c", "\u65e5\u672c\u8a9e", "", "abx", "ba", "unx\u00e9", b"un\xff", "unwantedunwanted")

    def case(**attrs):
        def build(t):
            table = tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
            fill = tf.raw_ops.LookupTableImportV2(table_handle=table, keys=tf.constant(VOCABULARY), values=tf.constant(np.arange(len(VOCABULARY))))
            with tf.control_dependencies([fill]):
                return flat(call("WordpieceTokenizeWithOffsets", [t[0], table], ["input_values", "vocab_lookup_table"], attrs))
        return graph(f"WordpieceTokenizeWithOffsets {attrs}", [words], build)
    for use in (True, False):
        for split in (True, False):
            for most in (100, 9):
                for chars in (0, 2):
                    for partition in ("row_lengths", "row_splits"):
                        yield case(suffix_indicator="##", max_bytes_per_word=most, max_chars_per_token=chars, use_unknown_token=use, unknown_token="[UNK]", split_unknown_characters=split, output_row_partition_type=partition)
    yield case(suffix_indicator="", max_bytes_per_word=100, max_chars_per_token=0, use_unknown_token=True, unknown_token="?")
    yield case(suffix_indicator="##", max_bytes_per_word=100, use_unknown_token=True, unknown_token="?", output_row_partition_type="rows")


def splitters():
    names = ["input_values", "labels", "row_splits"]
    for texts, labels, splits in ((["hello", "a b c"], [0, 1, 0, 1, 1, 0, 1, 1, 1, 0], [0, 5, 10]), (["a b c"], [0, 1, 1, 1, 1], [0, 5]), (["\u65e5\u672c\u8a9e"], [0, 1, 0], [0, 3]), ([" ab"], [1, 1, 1], [0, 3]), ([""], [], [0, 0]), (["abc"], [0, 1], [0, 2]),
                                  (["abc"], [0, 1, 1, 1], [0, 4]), (["abc", "d"], [0, 1, 1, 1], [0, 4]), (["a\u3000b"], [0, 1, 1], [0, 3])):
        for force in (True, False):
            yield text_op("SplitMergeTokenizeWithOffsets", [s(*texts), i32(labels), i32(splits)], names, force_split_at_break_character=force)
    names = ["input", "delim_regex_pattern", "keep_delim_regex_pattern"]
    texts = s(*WORDS, "hello, there! you", "a,,b", ",a,", "x\x00y z")
    for cut, keep in ((r"(\s)", ""), (r"(\s)", r"\s"), (r"([,!]\s?)", r"[,!]"), (r"(\pL)", r"a"), (r",", ""), (r"(,)(,)?", ","), (r"x(\s|,)", r"\s"), (r"(", ""), (r"(a)", "("), (r"(\W+)", r"(\W+)"), (r"(^.)", r"."), (r"(\b\w)", "h")):
        for const in ((), (1, 2)):
            yield text_op("RegexSplitWithOffsets", [texts, one(cut), one(keep)], names, const)
    yield text_op("RegexSplitWithOffsets", [s(), one("( )"), one("")], names)
    yield text_op("RegexSplitWithOffsets", [texts[:2].reshape(1, 2), one("( )"), one("")], names)
    yield text_op("RegexSplitWithOffsets", [texts, s("( )"), one("")], names)


def rouge():
    names = ["hyp_values", "hyp_splits", "ref_values", "ref_splits", "alpha"]
    for alpha in (.5, -1, 0, 1, 2):
        for dtype in (i32, i64):
            yield text_op("RougeL", [s("a", "b", "c", "x", "y"), dtype([0, 3, 5, 5]), s("a", "c", "d", "y"), dtype([0, 3, 4, 4]), f32(alpha)], names)
            yield text_op("RougeL", [i64([1, 2, 3, 4]), dtype([0, 4]), i64([2, 4, 3]), dtype([0, 3]), f32(alpha)], names)
    for hyp, ref in (([0, 4], [0, 1, 3]), ([[0, 4]], [[0, 3]]), ([], []), ([0], [0])):
        yield text_op("RougeL", [i32([1, 2, 3, 4]), i64(hyp), i32([2, 4, 3]), i64(ref), f32(.5)], names)
    yield text_op("RougeL", [i32([[1, 2]]), i64([0, 2]), i32([2]), i64([0, 1]), f32(.5)], names)


def trees():
    rng = np.random.default_rng(4)
    names = ["num_nodes", "scores"]
    for dtype in (i32, f32, np.float64):
        for n in (1, 2, 3, 5, 9, 20):
            for forest in (False, True):
                scores = (rng.uniform(-9, 9, (3, n, n)) * 1000).astype(dtype)
                yield text_op("MaxSpanningTree", [i32([n, max(1, n - 1), n]), scores], names, forest=forest)
    scores = np.full((1, 3, 3), -np.inf, f32)
    for arcs in ([(0, 0), (1, 0), (2, 1)], [(1, 0), (2, 1)], [(0, 0), (1, 2), (2, 1)], [(0, 0), (1, 1), (2, 2)], [(0, 0), (1, 1), (2, 1)]):
        some = scores.copy()
        for k, (target, source) in enumerate(arcs):
            some[0, target, source] = k + 1
        for forest in (False, True):
            yield text_op("MaxSpanningTree", [i32([3]), some], names, forest=forest)
    for nodes, shape in (([4], (1, 3, 3)), ([3, 3], (1, 3, 3)), ([3], (1, 3, 2)), ([3], (3, 3)), ([[3]], (1, 3, 3)), ([], (0, 3, 3)), ([0], (1, 3, 3)), ([-1], (1, 3, 3))):
        yield text_op("MaxSpanningTree", [i32(nodes), np.ones(shape, f32)], names)


def sequences():
    rng = np.random.default_rng(5)
    names = ["scores", "sequence_lengths", "allowed_transitions", "transition_weights"]
    none, free = np.zeros((0, 0), f32), np.zeros((0, 0), bool)
    for viterbi in (True, False):
        for logs in (True, False):
            for ends in (True, False):
                attrs = dict(use_viterbi=viterbi, use_log_space=logs, use_start_and_end_states=ends)
                n = 5 if ends else 4
                for k in range(3):
                    scores = rng.uniform(.1, 9, (3, 6, 4)).astype(f32)
                    weights = rng.uniform(.1, 2, (n, n)).astype(f32)
                    allowed = rng.random((n, n)) < (.75, .5, .3)[k]
                    lengths = [6, 3, 0] if k else [6, 6, 1]
                    yield text_op("ConstrainedSequence", [scores, i32(lengths), allowed, weights], names, **attrs)
                    yield text_op("ConstrainedSequence", [scores, i64(lengths), free, weights], names, **attrs)
                    yield text_op("ConstrainedSequence", [scores, i32(lengths), allowed, none], names, Tsplits=tf.int32, **attrs)
                yield text_op("ConstrainedSequence", [rng.uniform(0, 9, (6, 4)).astype(f32), i32([5]), free, none], names, **attrs)
                for shape, lengths, square in (((3, 6, 4), [7, 1, 1], n), ((3, 6, 4), [1, 1], n), ((6,), [1], n), ((3, 6, 4), [1, 1, 1], 3)):
                    yield text_op("ConstrainedSequence", [np.ones(shape, f32), i32(lengths), np.ones((square, square), bool), np.ones((square, square), f32)], names, **attrs)
    yield text_op("ConstrainedSequence", [np.ones((1, 2, 2), f32), i32([2]), free, np.full((2, 2), -1, f32)], names, use_viterbi=True, use_log_space=False, use_start_and_end_states=False)
    yield text_op("ConstrainedSequence", [np.ones((1, 2, 2), f32), i32([2]), free, np.ones(4, f32)], names, use_viterbi=True, use_log_space=True, use_start_and_end_states=False)


def normal_forms():
    texts = s(*WORDS, "\u00e9e\u0301", "\ufb01\u2460\u00bd", "\u212b\u1e9b\u0323", "\uac00\u1100\u1161", "\u0130I\u00df\u1e9e", "\u00ad\u200b\u200dx\ufeff", "\u03c2\u03a3", "\u2126\u00c5", "\uff21\uff42", "\U0001f600", "\u1f88\u0345\u0390", b"a\xffb", b"\xe6\x97", "a\u0315\u0300\u05ae\u0300\u0062")
    for form in ("NFC", "NFD", "NFKC", "NFKD", "nfkc", "Nfd", "NFX", ""):
        yield text_op("NormalizeUTF8", [texts], ["input"], normalization_form=form)
    yield text_op("CaseFoldUTF8", [texts], ["input"])
    for name, attrs in (("CaseFoldUTF8", {}), ("NormalizeUTF8", dict(normalization_form="NFKC"))):
        yield text_op(name, [texts[:4].reshape(2, 2)], ["input"], **attrs)
        yield text_op(name, [texts[:0]], ["input"], **attrs)
        yield text_op(name, [one("\u212bX")], ["input"], **attrs)
        rng = random.Random(3)
        for block in (range(0x20, 0x250), range(0x370, 0x600), range(0x1e00, 0x2200), range(0x2460, 0x2500), range(0x3200, 0x3400), range(0xa640, 0xa7ae), range(0xf900, 0xfb50), range(0xff00, 0xfff0)):
            yield text_op(name, [s(*[chr(rng.choice(block)) + chr(rng.choice(block)) for _ in range(60)])], ["input"], **attrs)


def cases():
    for family in (tokenizers, wordpieces, splitters, rouge, trees, sequences, normal_forms):
        yield from family()
