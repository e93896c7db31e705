# SPDX-License-Identifier: Apache-2.0
"""Cases of the bitwise ops for make_ops.py."""
import numpy as np

from op_case import op, values

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def cases():
    for dtype in INTEGERS:
        limits = np.iinfo(dtype)
        x = np.array([0, 1, limits.max, limits.min, 37, limits.max // 3], dtype)
        y = np.array([[1, 3, 2, 1, 0, 5], [limits.max, 5, limits.min, 7, 100, limits.max // 5]], dtype)
        for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift"):
            yield op(name, [x, y], ["x", "y"])
            yield op(name, [y, y[0, 0]], ["x", "y"])
            yield op(name, [x[:0], y[0, :0]], ["x", "y"])
        for name in ("Invert", "PopulationCount"):
            yield op(name, [y], ["x"])
            yield op(name, [x[2]], ["x"])
    yield op("BitwiseAnd", [values((2, 3), "int32"), values((4,), "int32")], ["x", "y"])
