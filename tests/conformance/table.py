#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/conformance.md of rows.txt: what TensorFlow Serving does, beside the tests that show it.

usage: table.py [--check]       (--check: writes nothing, exits 1 when a row has no test or the page is stale)
"""
import glob
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ROWS = os.path.join(ROOT, "tests", "conformance", "rows.txt")
PAGE = os.path.join(ROOT, "docs", "conformance.md")
SHOWN_MAX = 3  # tests of a text
HEAD = """<!-- Written by tests/conformance/table.py; do not edit. -->
# Conformance

What TensorFlow Serving does, row by row, and the tests that show that tensord does it. `make check` runs `tests/unit` and `tests/e2e` and finds a row
without a test; `official_client` is `tests/conformance/official_client.py`, TensorFlow Serving's own end-to-end tests with its client from pip, run by
hand. Where tensord is different on purpose: [differences.md](differences.md). Programs of others that were tried: [clients.md](clients.md).
"""


class Source:
    """A file with tests. Texts that its lines break in two are whole here."""

    def __init__(self, path):
        self.name = os.path.splitext(os.path.relpath(path, os.path.join(ROOT, "tests")))[0]
        self.name = re.sub(r"^(e2e|conformance)/", "", self.name)
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        self.text = re.sub(r'["\']\s*\n\s*f?["\']', "", text).replace('\\"', '"')
        self.is_c = path.endswith(".c")
        pattern = r"^    def (test_\w+)" if not self.is_c else r"^static void (\w+)\(void \*\*state\)"
        self.tests = [(m.start(), m.group(1)) for m in re.finditer(pattern, self.text, re.M)]

    def has(self, test):
        return any(name == test for _, name in self.tests)

    def body(self, test):
        """From where to where it goes."""
        start = next(start for start, name in self.tests if name == test)
        end = self.text.find("\n}", start) if self.is_c else -1
        return start, end if end >= 0 else len(self.text)

    def test_at(self, place):
        """The test around it; else, in a table, the first one behind that names the table; else None."""
        before = [name for start, name in self.tests if start < place]
        if before and place < self.body(before[-1])[1]:
            return before[-1]
        tables = re.findall(r"^(?:static .*|} )\b(\w+)\[\] = {", self.text[:place], re.M)
        for start, name in self.tests if tables else []:
            if start > place and re.search(rf"\b{tables[-1]}\b", self.text[start:self.body(name)[1]]):
                return name
        return None

    def tests_with(self, text):
        """Names of the tests in which it stands; the file's own when there is none."""
        for found in re.finditer(re.escape(text), self.text):
            test = self.test_at(found.start())
            yield f"{self.name}.{test}" if test else self.name


def sources():
    paths = [*glob.glob(f"{ROOT}/tests/e2e/*_test.py"), *glob.glob(f"{ROOT}/tests/unit/**/*_test.c", recursive=True),
             f"{ROOT}/tests/conformance/official_client.py"]
    return {source.name: source for source in map(Source, sorted(paths))}


def by_name(all_sources, name):
    file, _, test = name.partition(".")
    source = all_sources.get(file)
    return [name] if source and (not test or source.has(test)) else []


def by_text(all_sources, text):
    found = []
    for source in all_sources.values():
        found += source.tests_with(text)
    return list(dict.fromkeys(found))[:SHOWN_MAX]


def shown_by(all_sources, entry):
    return by_name(all_sources, entry[1:]) if entry.startswith("=") else by_text(all_sources, entry)


def main():
    all_sources, lines, missing = sources(), [HEAD], []
    with open(ROWS, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("## "):
                lines += ["", line, "", "| what | shown by |", "|---|---|"]
            elif line and not line.startswith("#"):
                what, _, entries = line.partition(" | ")
                names = []
                for entry in entries.split(";; "):
                    entry = entry.rstrip(";")
                    found = shown_by(all_sources, entry)
                    if not found:
                        missing.append(f"{ROWS}:{number}: no test shows '{entry}'")
                    names += [name for name in found if name not in names]
                lines.append(f"| {what} | {', '.join(names)} |")
    page = "\n".join(lines) + "\n"
    for line in missing:
        print(line)
    if "--check" in sys.argv:
        with open(PAGE, encoding="utf-8") as file:
            stale = file.read() != page
        if stale:
            print("docs/conformance.md is stale: make docs")
        return 1 if missing or stale else 0
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
