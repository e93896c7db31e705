# SPDX-License-Identifier: Apache-2.0
"""Cases of RegexReplace and RegexFullMatch for make_ops.py: chosen patterns, bad ones, and random ones."""
import random

import numpy as np

from op_case import op

TEXTS = ["", "a", "aaab", "xaNb", "foo bar baz", "Hello, World! 123", "line one\nline two\n", "a.b-c_d", "äöü ÄÖÜ ß", "日本語 text", "k\u212a\u017fS", "tab\there",
         "αβγ ΑΒΓ", "éé", "ab" * 20, "x" * 70, "1e-3 +4.50", "<b>it</b>", "a\\b", "\u0660\u0661 ⅷ", "“quoted” – dash", "mañana\u00a0", "\U0001F600 smile", "\r\n\v\f"]
TEXTS = np.array([t.encode() for t in TEXTS] + [b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80x", b"\x00\x01\x7f", b"caf\xe9 \xe2\x82"], object)

GOOD = r"""
a|a*|a+?|a??|(a)(b)?|(a|ab)(c|bcd)(d*)|a|ab|ab|a|[abc]+|[^abc]+|[a-cx-z]|[]a]|[^]a]|[a-]|[-a]|[a\-z]|\d+|\D+|\s+|\S+|\w+|\W+|\bb|b\b|\B.|.|(?s).|(?s).*|.*|.*?|^|$|^a|b$|(?m)^|(?m)$|(?m)^l.*$|\A.|.\z
(?i)HELLO|(?i)k+|(?i)s|(?i)[k-s]+|(?i)ß|(?i)α|(?i)[^α]|(?i)[[:upper:]]|(?-i)a|(?i:A)b|(?i)a(?-i)B|(?U)a+|(?U)a+?|(?U)a*b|x{3}|x{3,}|x{3,5}|x{3,5}?|x{0}|x{0,1}|(ab){2,3}|{|a{|a{1|a{,2}|a{1,2}{|}
[[:alpha:]]+|[[:^alpha:]]+|[[:punct:]]|[[:space:][:digit:]]+|[[:word:]]+|[[:ascii:]]+|[[:xdigit:]]+|[[:cntrl:]]|[[:print:]]+|[[:graph:]]+|[[:blank:]]|[[:alnum:]]|[[:lower:]]|[^[:space:]]+|[[:alpha]|[[.a.]]|[:alpha:]
\pL|\pL+|\p{L}+|\PL+|\p{^L}+|\P{^L}+|\p{Lu}|\p{Ll}+|\p{Greek}+|\p{Han}|\p{Latin}+|\p{N}|\p{Nd}|\p{Zs}|\p{P}|\p{S}|\pM|\p{Any}|\p{Cc}|\p{C}|[\p{L}\d]+|[^\p{L}]+|[\d\s]+|[^\d\s]+|(?i)\p{Lu}|\p{Cyrillic}|\p{Hiragana}|\p{Common}+
\x41|\x{65e5}|\101|\07|\.|\-|\\|\t|\n|\r|\f|\v|\a|\Qa.b\E|\Q.\E+|\Qa|\C|\C\C|\C*|(?P<name>a)|(?P<a>x)(?P<b>a)|(?:a)+|(?:)|()|(|a)|(a|)|(|a)*|(|a)+|(a*)*|(a*)+|(a*?)*|((a)|b)*|(?:a|(b))*|(a|b)*?b|(^a)|(a$)|a^|$a|\b\b|(\b|a)+|^*|^+|\b*a|(a?)(a?)(a?)|(a+)(a*)|(a+?)(a*)
([a-z]+) ([a-z]+)|(\w+)\W+(\w+)|(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)|(foo|bar|baz)+|(?:foo|ba(r|z))|[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']|<[^>]+>|[^\x00-\x7F]+|[\x{80}-\x{10ffff}]|[\x{7f}-\x{800}]|[^a]|[^\x{65e5}]|[à-ü]|[\x{d000}-\x{e000}]|\s+|^\s+|\s+$|(\d+)[.](\d+)|a.c|a..|b*|(a|b|c|d|e|f|g|h)+|(?i)(hello|world)|e|é|(é)+|日|[日本]+|.本|本$|\x{1F600}|\uD|[[:digit:]]*|\z|\A|\Aa|(?m)\A|(?m)\z|(?s)^.|(?ms)^.*?$|(?m)^$|-|\++|a.?b|xx|x*|(x+x+)+y|(a|aa)+$|(?i)[^k]|(?i)[^s]|(?i)\x{17f}|[a-z&&b]|\W*|(.*)(b)|(.*?)(b)|.{2}|.{2,}|.{1,3}?|[^\n]*|\D|[\D]|[^\D]|[\W]|[\s\S]|[\s\S]*|\p{Lo}+|\p{Lt}|(a{0,2}){2}|(?:a{2}){2}|(?:a?){3}|(?:a*?){2}b
"""


def good():
    patterns, depth, current = [], 0, ""
    for line in GOOD.strip().split("\n"):
        # A bar between patterns stands outside of all brackets.
        in_class = escaped = False
        for c in line + "|":
            if c == "|" and not depth and not in_class and not escaped:
                patterns.append(current)
                current = ""
                continue
            current += c
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif in_class:
                in_class = c != "]" or current.endswith(("[]", "[^]"))
            elif c == "[":
                in_class = True
            elif c in "()":
                depth += 1 if c == "(" else -1
        depth, current = 0, ""
    return [p for p in patterns if p]


BAD = [r"(a", r"a)", r"[a", r"[z-a]", r"*a", r"a**", r"a+*", r"a*?*", r"a{2}{3}", r"a{2}*", r"a{1001}", r"a{1,1001}", r"a{2,1}", r"a{1000}{1000}", r"(a{100}){100}", r"(?=a)", r"(?!a)",
       r"(?<=a)", r"(?<!a)", r"(?<n>a)", r"(?q)a", r"(?i", r"(?", r"(?P<n", r"(?P<n>", r"(?P<>a)", r"(?P<a b>c)", r"(?P=n)", r"(?P", r"(?i-)a", r"(?-)", r"(?--i)", r"(?i-i", r"\8", r"\1", r"(a)\1", "a\\",
       r"\p{Foo}", r"\p", r"\pX", r"\p{", r"\p{L", r"[\p{Foo}]", r"\p{greek}", r"\p{Cn}", r"\p{LC}", r"[[:foo:]]", r"[[:^foo:]]", r"\x", r"\x4", r"\xg0", r"\x{", r"\x{}", r"\x{110000}", r"\x{41", r"\Z", r"\E", r"\G", r"\z*a**",
       r"\é", r"[\é]", r"[\8]", r"[a-\d]", r"[b-a", "[", "[^", "[]", "[^]", "[a-", r"|*", r"(*)", r"(|*)", r"(?i)*", r"x{1000}{0}", r"((((((((((x{2}){2}){2}){2}){2}){2}){2}){2}){2}){2})", r"\pL{1000}", r"(\pL{100}){10}", r"+", r"?", r"{2}", "\\_",
       r"(((((a)", r"a))", r"[a]]b[", r"(?s-m:a", r"(?z:a)", r"\ca", r"\Q", r"\k<n>", r"\R", r"\X", r"\h", r"(?#c)", r"(?>a)", r"(?|a)", r"a++", r"a?+", r"\07777", r"[[:alpha:]-z]", r"[a-[:digit:]]", r"(?i)(?i", r"[z-\x41]"]


def random_pattern(rng, depth=0):
    def piece():
        kind = rng.random()
        if kind < .45 or depth > 3:
            return rng.choice("aaabbcx .é日K")
        if kind < .6:
            return rng.choice(["[ab]", "[^a]", "\\w", "\\d", "\\s", "[a-c]", ".", "\\pL", "[^\\s]", "[[:alpha:]]", "\\W"])
        if kind < .67:
            return rng.choice(["^", "$", "\\b", "\\B", "(?i)", "(?m)^", "(?m)$", "(?:)", "(?s)"])
        return rng.choice(["(", "(?:", "(?i:", "("]) + random_pattern(rng, depth + 1) + ")"

    def repeated():
        text = piece()
        if rng.random() < .35 and not text.startswith("(?i)") and not text.startswith("(?s)"):
            text += rng.choice(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"])
        return text
    return "|".join("".join(repeated() for _ in range(rng.randint(0 if rng.random() < .1 else 1, 4))) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def random_texts(rng):
    return np.array(["".join(rng.choice("aaabbbcx éK日\nB1k") for _ in range(rng.randint(0, 12))).encode() for _ in range(12)], object)


def replace(texts, pattern, rewrite, everywhere=True, fixed=True):
    if fixed:
        return op("StaticRegexReplace", [texts], ["input"], pattern=pattern, rewrite=rewrite, replace_global=everywhere)
    return op("RegexReplace", [texts, np.array(pattern, object), np.array(rewrite, object)], ["input", "pattern", "rewrite"], replace_global=everywhere)


def cases():
    rng = random.Random(11)
    for i, pattern in enumerate(good()):
        yield replace(TEXTS, pattern, r"<\0>", fixed=i % 3 != 0)
        yield op("StaticRegexFullMatch", [TEXTS], ["input"], pattern=pattern)
        if "(" in pattern:
            yield replace(TEXTS, pattern, r"{\1}", i % 2 == 0)
    for i, pattern in enumerate(BAD):
        yield replace(TEXTS[:3], pattern, "-", fixed=i % 2)
        yield op("RegexFullMatch", [TEXTS[:3], np.array(pattern, object)], ["input", "pattern"], const=(1,) if i % 2 else ())
    for rewrite in (r"\1", r"\0\0", r"[\2\1]", r"\x", "\\\\", "x\\", r"\9", r"a\0\qb", r"\\1", ""):
        for everywhere in (True, False):
            yield replace(TEXTS, "(a)(b)?", rewrite, everywhere, everywhere)
    for i in range(350):
        pattern = random_pattern(rng)
        groups = pattern.replace("(?", "").count("(")
        yield replace(random_texts(rng), pattern, r"<\%d>" % rng.randint(0, min(groups, 9)), rng.random() < .7, rng.random() < .8)
        if i % 4 == 0:
            yield op("StaticRegexFullMatch", [random_texts(rng)], ["input"], pattern=pattern)
    yield op("RegexFullMatch", [TEXTS[:3], np.array([b"a"], object)], ["input", "pattern"])
    yield op("RegexReplace", [TEXTS[:3], np.array([b"a"], object), np.array(b"a", object)], ["input", "pattern", "rewrite"])
    yield op("RegexReplace", [TEXTS[:3], np.array(b"a", object), np.array([b"a", b"b"], object)], ["input", "pattern", "rewrite"])
    yield op("RegexReplace", [TEXTS[:0], np.array(b"a", object), np.array(b"a", object)], ["input", "pattern", "rewrite"])
    yield op("RegexReplace", [np.array([[b"ab"], [b"cab"]], object), np.array(b"a", object), np.array(b"", object)], ["input", "pattern", "rewrite"])
    yield op("RegexFullMatch", [np.array(b"ab", object), np.array(b"a.", object)], ["input", "pattern"])
