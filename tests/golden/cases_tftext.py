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


def sentences():
    names = ["row_lengths", "token_start", "token_end", "token_word", "token_properties"]
    attrs = dict(errors="replace", replacement_char=65533, replace_control_characters=False)

    def case(docs, properties=None, encoding="UTF-8", cut=0):
        words = [w for d in docs for w in d]
        n = len(words)
        return text_op("SentenceFragments", [i64([len(d) for d in docs]), np.arange(n), np.arange(n - cut) + 1, s(*words), i64(properties or [0] * n)], names, input_encoding=encoding, **attrs)
    docs = ["Hello world . Foo", "x ? ! ! y", "x ? ) y .", "( They are ! ) Good", "He agreed ... ! Yes", "He agreed ! ... Yes", "a ... b", "a \u2026 b \u3002 c", "( a . ) ] } d", "a ! ? b", "no end", ". . .", "\u00ab a . \u00bb b", "< a . > b", "x ? ! y ! !",
            "a . '' b", ". ) . )", "\u00bf que ?", "a.b ) ?", "! ( a", "a . ) ( b ! )"]
    yield case([d.split(" ") for d in docs])
    for doc in docs:
        yield case([doc.split(" ")])
    yield case([["Mr.", "X", ":)", "b", "U.S.", "c", "I.B.M", "d"]], [0x100, 0, 0x80, 0, 0x100, 0, 0x100, 0])
    yield case([["a", ".", ":)", ")", ":)", "b"]], [0, 0, 0x80, 0, 0x80, 0])
    yield case([["a", ":)", "!", "b"]], [0, 0x80, 0, 0])
    yield case([[], ["a"], []])
    yield case([])
    yield case([["", "a"]])
    yield case([["a", b"\xff", "."]])
    yield case([["a", "."]], encoding="foo")
    yield case([["a", "."]], cut=1)
    yield case([[b"\0a", b"\0."]], encoding="UTF-16-BE")
    rng = random.Random(8)
    for _ in range(20):
        doc = [rng.choice(["a", "b", ".", "!", "?", "...", ")", "(", "]", ":)", "U.S.", "\u2026", "'"]) for _ in range(30)]
        yield case([doc, doc[:9]], [0x80 if w == ":)" else 0x100 if w == "U.S." else 0 for w in doc + doc[:9]])


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, float):
        return varint(number << 3 | 5) + np.float32(value).tobytes()
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def model(pieces, trainer=(), rules=()):
    """A serialised ModelProto."""
    out = b"".join(field(1, b"".join(field(*f) for f in p)) for p in pieces)
    return out + field(2, b"".join(field(*f) for f in trainer)) + field(3, b"".join(field(*f) for f in rules))


def piece(text, score=0.0, kind=None):
    return [(1, text), (2, float(score))] + ([(3, kind)] if kind else [])


def sentencepieces():
    marks = [piece("<unk>", 0, 2), piece("<s>", 0, 3), piece("</s>", 0, 3)]
    words = ["\u2581", "h", "e", "l", "o", "w", "r", "d", "he", "ll", "llo", "hello", "\u2581hello", "\u2581w", "or", "ld", "\u2581world", "orld", "lo", "\u65e5", "\u65e5\u672c", "\u2581he"]
    normal = [piece(w, -1.5 - .37 * ((i * 7) % 11)) for i, w in enumerate(words)]
    more = [piece("<mask>", 0, 4), piece("wor", -2., 5)]
    from_bytes = [piece(f"<0x{b:02X}>", 0, 6) for b in range(256)]
    models = []
    for kind in (1, 2, 3, 4):
        for trainer, rules in (((), ()), (((24, 1),), ()), ((), ((3, 0),)), ((), ((4, 0),)), ((), ((5, 0),)), ((), ((3, 0), (4, 0), (5, 0)))):
            models.append(model(marks + normal + more, ((3, kind), *trainer), rules))
        models.append(model(marks + normal + more + from_bytes, ((3, kind), (35, 1))))
    texts = ["hello world", "  hello   world ", "", " ", "xyz", "hexxlo", "\u65e5\u672c\u8a9e", "hello<mask>world", "wor world", "hello\tworld", "lllllll", b"he\xffllo", "ll\u2581o", "Hello", "worhe <mask> <mask>he", "<unk> <s>", "orldworldhello"]
    texts = s(*texts)
    names = ["sp_handle", "input", "nbest_size", "alpha", "add_bos", "add_eos", "reverse"]

    def handle(proto):
        return call("SentencepieceOp", [], [], dict(model=proto, container="", shared_name="", use_node_name_sharing=False))

    def tokenize(k, proto, kind, flags=(False, False, False), splits=tf.int64, offsets=True, size=0, arrays=None, nbest=False):
        name = "SentencepieceTokenizeWithOffsetsOp" if offsets else "SentencepieceTokenizeOp"
        attrs = dict(out_type=kind, Tsplits=splits, return_nbest=nbest)
        return graph(f"{name} model {k} {kind} {flags} {size}", [texts if arrays is None else arrays],
                     lambda t: flat(call(name, [handle(proto), t[0], tf.constant(size), tf.constant(1.), *map(tf.constant, flags)], names, attrs)))

    def detokenize(k, proto, array, splits, flags=(False, False, False), dtype=i64):
        def build(t):
            return flat(call("SentencepieceDetokenizeOp", [handle(proto), t[0], t[1], *map(tf.constant, flags)], ["sp_handle", "input_values", "input_splits", "add_bos", "add_eos", "reverse"], {}))
        return graph(f"SentencepieceDetokenizeOp model {k} {array} {flags}"[:150], [array, dtype(splits)], build)
    ids = i32([3, 14, 19, 0, 1, 15, 2, 26, 3, 3, 4])
    written = s("\u2581hello", "\u2581world", "xyz", "<unk>", "<s>", "\u2581", "\u2581he", "llo", "<0x41>", "<0xE6>", "<0x97>", "<0xA5>", "<0xFF>", "o")
    for k, proto in enumerate(models):
        for kind in (tf.int32, tf.string):
            yield tokenize(k, proto, kind)
        yield detokenize(k, proto, ids, [0, 4, 4, 7, 11])
        yield detokenize(k, proto, written, [0, 5, 9, 14], dtype=i32)
    for flags in ((True, False, False), (False, True, False), (True, True, True), (False, False, True)):
        for k in (0, 7):
            yield tokenize(k, models[k], tf.int32, flags, tf.int32, offsets=flags[2])
            yield detokenize(k, models[k], ids, [0, 4, 4, 7, 11], flags)
    yield tokenize(0, models[0], tf.int32, size=1, offsets=False)
    yield tokenize(0, models[0], tf.int32, arrays=texts[:4].reshape(2, 2))
    yield tokenize(0, models[0], tf.int32, arrays=texts[:0])
    yield tokenize(0, models[0], tf.int32, size=0, nbest=True)
    for array, splits in ((i32([99]), [0, 1]), (i32([-1]), [0, 1]), (i32([]), [0])):
        yield detokenize(0, models[0], array, splits)
    plain = model(normal + [piece("<unk>", 0, 2)])
    yield tokenize("without marks", plain, tf.int32)
    proto = models[0]
    yield graph("SentencepieceVocabSizeOp", [], lambda t: flat(call("SentencepieceVocabSizeOp", [handle(proto)], ["sp_handle"], {})))
    for array in (i32([[0, 3], [24, 25]]), i32(7), i32([]), i32([99]), i32([-1])):
        yield graph(f"SentencepieceIdToStringOp {array}", [array], lambda t: flat(call("SentencepieceIdToStringOp", [handle(proto), t[0]], ["sp_handle", "input"], {})))
    yield graph("SentencepieceStringToIdOp", [written], lambda t: flat(call("SentencepieceStringToIdOp", [handle(proto), t[0]], ["sp_handle", "input"], {})))


def cases():
    for family in (sentences, sentencepieces, tokenizers, wordpieces, splitters, rouge, trees, sequences, normal_forms):
        yield from family()
