# SPDX-License-Identifier: Apache-2.0
"""Cases of tensorflow-text's ops whose models are FlatBuffers, and of its trimmers, for make_ops.py. Needs tensorflow-text 2.21."""
import random

import numpy as np
from tensorflow_text.core.pybinds import pywrap_fast_bert_normalizer_model_builder as bert
from tensorflow_text.core.pybinds import pywrap_fast_wordpiece_tokenizer_model_builder as wordpiece

from cases_tftext import VOCABULARY, WORDS, s, text_op

i32, i64 = np.int32, np.int64
FACES = ["They're\tA\u00c0b\u00bc", " x\0y", "\u0301", "a##", "##", "###ed", "unwanted, running!", "xyz", "(a)", "\u65e5\u672c\u8a9e a", "un" * 70,
         "wantedwanted", "\u00bfa\u2026", "a\u00adb\u200bc", b"x\xff\xc3 \xe2\x82q\x80\xf0\x9f\x98", "a" * 30 + ",", "$a`b", "\u1e9b\u0323 \ufb01 \u212b"]


def model(words=VOCABULARY, longest=100, suffix="##", whole=True, detokenize=False):
    return np.frombuffer(wordpiece.build_fast_wordpiece_model(words, longest, suffix, "[UNK]", not whole, detokenize), np.uint8)


def wordpieces():
    names = ["input_values", "wp_model"]

    def case(texts, m):
        return text_op("FastWordpieceTokenizeWithOffsets", [texts, m], names)
    rnd = random.Random(3)
    marked = VOCABULARY + ["##", ",", "!", "##,"]
    mixed = s(*["".join(rnd.choice(["un", "want", "ed", "a", "b", "bc", "z", " ", ",", "##", "\u672c", "run"]) for _ in range(rnd.randrange(12))) for _ in range(60)])
    yield case(np.concatenate([s(*WORDS, *FACES), mixed]), model(marked))
    for words in (VOCABULARY, marked, ["a", "abcd", "##b", "##bc", "##z", "[UNK]"]):
        yield case(np.concatenate([s(*WORDS, *FACES), mixed]), model(words, whole=False))
    yield case(s(*FACES), model(longest=8))
    for whole in (True, False):
        yield case(s(*FACES), model(["a", "@@b", "[UNK]", "@"], suffix="@@", whole=whole))
    m = model(longest=8, whole=False)
    yield case(s(*FACES), m)
    yield case(s(), m)
    yield case(s("a", "b").reshape(2, 1), m)
    yield case(s("a"), m[None])


def detokenize():
    names = ["input_values", "input_row_splits", "wp_model"]
    for words in (VOCABULARY, VOCABULARY + ["##"]):
        m = model(words, whole=False, detokenize=True)
        for ids, splits in (([0, 1, 2, 3, 4, 4, 0], [0, 3, 3, 6, 7]), ([], [0]), ([], [0, 0]), ([1, 0], [0, 2]), (list(range(12)), [0, 12])):
            yield text_op("TFText>FastWordpieceDetokenize", [i32(ids), i64(splits), m], names)
    yield text_op("TFText>FastWordpieceDetokenize", [i32([0]), i64([0, 1]), model(whole=False)], names)


def normalize():
    names = ["input_values", "fast_bert_normalizer_model"]
    for lower in (False, True):
        m = np.frombuffer(bert.build_fast_bert_normalizer_model(lower), np.uint8)
        for offsets in (False, True):
            for texts in (s(*WORDS, *FACES, *[chr(c) for c in range(1, 0x250)]), s("", "ABC")) if lower else (s(*WORDS, *FACES), s()):
                yield text_op("FastBertNormalize", [texts, m], names, get_offsets=offsets)


def trim():
    def case(name, most, values, splits, dtype=i64):
        names = ["max_sequence_length", "input_values", "input_row_splits"]
        n = len(values)

        def call_with_lists(t):
            return [t[0], t[1:1 + n], t[1 + n:]]
        arrays = [most, *values, *[np.array(x, dtype) for x in splits]]
        made = text_op(name, arrays, names)
        build = made.build
        made.build = lambda t: build(call_with_lists(t))
        return made
    two = [np.array([1, 2, 3, 4, 5, 6], i32), np.array([7, 8, 9], i32)]
    rows = [[0, 4, 6], [0, 1, 3]]
    for name in ("TFText>RoundRobinTrim", "TFText>RoundRobinGenerateMasks"):
        for most in (0, 1, 2, 3, 4, 5, 10, -1):
            for dtype in (i32, i64):
                yield case(name, i32(most), two, rows, dtype)
        for most in range(1, 9):
            yield case(name, i32(most), [np.arange(k, dtype=np.float32) for k in (5, 0, 2, 4)], [[0, 5], [0, 0], [0, 2], [0, 4]])
        yield case(name, i32(2), [s("a", "b", "c"), s("d", "e")], [[0, 1, 3], [0, 2, 2]])
        yield case(name, i32(2), [np.array([True, False])], [[0, 2]])
        for kind in (np.int64, np.float64, np.uint8, np.int16):
            yield case(name, i32(3), [np.arange(4).astype(kind), np.arange(2).astype(kind)], [[0, 4], [0, 2]])
        yield case(name, i32([2]), two, rows)
        yield case(name, i32(2), [two[0][None], two[1]], rows)


def cases():
    for family in (wordpieces, detokenize, normalize, trim):
        yield from family()
