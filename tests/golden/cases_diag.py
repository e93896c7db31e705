# SPDX-License-Identifier: Apache-2.0
"""Cases of Diag and DiagPart for make_ops.py."""
from op_case import op, values


def cases():
    for dtype in ("float32", "float64", "float16", "int32", "int64", "complex64", "complex128"):
        def numbers(shape):
            return values(shape, "float32").astype(dtype) if dtype.startswith("complex") else values(shape, dtype)
        for shape in ((3,), (2, 3), (1,), (0,), (2, 1, 2)):
            yield op("Diag", [numbers(shape)], ["diagonal"])
            yield op("DiagPart", [numbers(shape * 2)], ["input"])
    yield op("Diag", [values(())], ["diagonal"])
    for shape in ((), (3,), (2, 3), (2, 3, 2), (2, 3, 2, 4)):
        yield op("DiagPart", [values(shape)], ["input"])
