# SPDX-License-Identifier: Apache-2.0
"""Cases of linear algebra, for make_ops.py."""
import numpy as np

from op_case import op, values


def well(shape, dtype):
    """Matrices far from singular."""
    return (values(shape, "float64") + 5 * np.eye(shape[-1])).astype(dtype)


def cases():
    for dtype, tolerance in (("float32", (1e-4, 1e-5)), ("float64", (1e-9, 1e-11))):
        for shape in ((1, 1), (3, 3), (2, 4, 4), (2, 1, 5, 5), (0, 0), (2, 0, 0), (0, 3, 3)):
            a = well(shape, dtype)
            symmetric = (a @ np.swapaxes(a, -1, -2)).astype(dtype)
            yield op("Cholesky", [symmetric], ["input"], tolerance=tolerance)
            yield op("MatrixDeterminant", [a], ["input"], tolerance=tolerance)
            yield op("LogMatrixDeterminant", [values(shape, dtype)], ["input"], tolerance=(1e-3, 1e-4))
            b = values(shape[:-1] + (2,), dtype)
            for adjoint in (False, True):
                yield op("MatrixInverse", [a], ["input"], adjoint=adjoint, tolerance=tolerance)
                yield op("MatrixSolve", [a, b], ["matrix", "rhs"], adjoint=adjoint, tolerance=tolerance)
                for lower in (False, True):
                    yield op("MatrixTriangularSolve", [a, b], ["matrix", "rhs"], adjoint=adjoint, lower=lower, tolerance=tolerance)
    flat, square, zero = values((2, 3)), well((3, 3), "float32"), np.zeros((2, 2), np.float32)
    for name in ("Cholesky", "MatrixInverse", "MatrixDeterminant", "LogMatrixDeterminant"):
        for x in (flat, values((3,))) + ((zero, -square) if name != "Cholesky" else ()):  # it leaves half of such an answer unwritten
            yield op(name, [x], ["input"], tolerance=(1e-4, 1e-5))
    for a, b in (((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (2, 3, 1)), ((2, 3, 3), (3, 3, 1)), ((2, 3, 3), (1, 3, 1)), ((0, 3, 3), (3, 1))):
        yield op("MatrixTriangularSolve", [well(a, "float32"), values(b)], ["matrix", "rhs"], tolerance=(1e-4, 1e-5))
    yield op("MatrixSolve", [well((2, 3, 3), "float32"), values((3, 3, 1))], ["matrix", "rhs"])
    for name in ("MatrixSolve", "MatrixTriangularSolve"):
        for a, b in ((flat, values((3, 1))), (square, values((2, 1))), (square, values((3,))), (values((3,)), values((3, 1))), (zero, values((2, 1))), (well((2, 3, 3), "float32"), values((3, 1))),
                     (square, values((3, 0)))):
            yield op(name, [a, b], ["matrix", "rhs"], tolerance=(1e-4, 1e-5))
