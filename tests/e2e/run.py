#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the end-to-end tests of this folder: every *_test.py, or those whose names are given. BUILD says where the programs are.

usage: run.py [-v] [NAME...]        NAME: rest, or rest.RestTest, or rest.RestTest.test_x
"""
import glob
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def load(names):
    sys.path.insert(0, HERE)
    loader = unittest.TestLoader()
    if not names:
        names = sorted(os.path.basename(path)[:-len("_test.py")] for path in glob.glob(os.path.join(HERE, "*_test.py")))
    return unittest.TestSuite(loader.loadTestsFromName(name.split(".")[0] + "_test" + "".join("." + p for p in name.split(".")[1:]))
                              for name in names)


def main():
    names = [name for name in sys.argv[1:] if name != "-v"]
    result = unittest.TextTestRunner(verbosity=2 if "-v" in sys.argv else 1).run(load(names))
    failed = len(result.failures) + len(result.errors)
    print(f"end to end: {result.testsRun - failed - len(result.skipped)} passed, {failed} failed"
          + (f", {len(result.skipped)} skipped" if result.skipped else ""))
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
