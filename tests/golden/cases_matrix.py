# SPDX-License-Identifier: Apache-2.0
"""Cases of bands of diagonals, for make_ops.py."""
import numpy as np

from op_case import op, values

I = np.int32
ALIGNS = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")
PART, SET, DIAG = ["input", "k", "padding_value"], ["input", "diagonal", "k"], ["diagonal", "k", "num_rows", "num_cols", "padding_value"]


def longest(rows, columns, k):
    lower, upper = np.ravel(k)[[0, -1]]
    return min(rows + min(upper, 0), columns - max(lower, 0))


def cases():
    for shape in ((3, 3), (2, 3, 4), (4, 2), (2, 0, 3)):
        yield op("MatrixDiagPart", [values(shape)], ["input"])
        yield op("MatrixSetDiag", [values(shape), values(shape[:-2] + (min(shape[-2:]),))], ["input", "diagonal"])
    for shape in ((3,), (2, 3), (2, 0)):
        yield op("MatrixDiag", [values(shape)], ["diagonal"])
    for shape in ((3, 4), (2, 4, 3)):
        for k in (0, 1, -2, [0, 0], [-1, 1], [-2, 2], [1, 2], [-2, -1], [-1, 2]):
            rows, columns = shape[-2:]
            band = (() if np.ndim(k) == 0 or k[0] == k[1] else (k[1] - k[0] + 1,)) + (longest(rows, columns, k),)
            x, pad, d = values(shape), np.float32(9), values(shape[:-2] + band)
            for const in ((), (1, 2)):
                yield op("MatrixDiagPartV2", [x, I(k), pad], PART, const=const)
            yield op("MatrixSetDiagV2", [x, d, I(k)], SET)
            yield op("MatrixDiagV2", [d, I(k), I(-1), I(-1), pad], DIAG, const=(1, 2, 3, 4))
            for align in ALIGNS:
                yield op("MatrixDiagPartV3", [x, I(k), pad], PART, align=align)
                yield op("MatrixSetDiagV3", [x, d, I(k)], SET, align=align)
                yield op("MatrixDiagV3", [d, I(k), I(rows), I(columns), pad], DIAG, align=align)
    for dtype in ("int64", "bool", "float64", "int8"):
        x = values((2, 3), dtype) if dtype != "bool" else values((2, 3)) > 0
        yield op("MatrixDiagPartV3", [x, I([0, 1]), x[0, 0]], PART)
        yield op("MatrixDiagV3", [x, I([0, 1]), I(-1), I(-1), x[0, 0]], DIAG)
    x, zero = values((3, 4)), np.float32(0)
    for k in ([2, 1], 4, -3, [-3, 0], [0, 4], [0, 1, 2], [[0]], 7):
        yield op("MatrixDiagPartV3", [x, I(k), zero], PART)
        yield op("MatrixSetDiagV3", [x, values((3,)), I(k)], SET)
    for k, rows, columns in (([0, 1], 2, -1), (0, 3, -1), (0, -1, 3), (0, 5, 6), (1, -1, -1), (1, 6, -1), (1, 5, 9), ([-1, 1], -1, -1), ([0, 2], 4, 7)):
        yield op("MatrixDiagV3", [values((4,)), I(k), I(rows), I(columns), zero], DIAG)
        yield op("MatrixDiagV3", [values((3, 4)), I(k), I(rows), I(columns), zero], DIAG)
    yield op("MatrixDiagPartV3", [values((3,)), I(0), zero], PART)
    yield op("MatrixSetDiagV3", [values((3, 3)), values((2,)), I(0)], SET)
    yield op("MatrixSetDiagV3", [values((2, 3, 3)), values((1, 3)), I(0)], SET)
