# SPDX-License-Identifier: Apache-2.0
"""As cases_dtypes.py, of the random families: their answers change from run to run (golden_test.c)."""
import retype


def cases():
    return retype.cases(lambda family: "random" in family)
