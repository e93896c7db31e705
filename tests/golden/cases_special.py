# SPDX-License-Identifier: Apache-2.0
"""Cases of special functions, for make_ops.py."""
import numpy as np

from op_case import op, rng

INF, NAN = np.inf, np.nan
EDGES = [0.0, -0.0, 1, -1, 0.5, -0.5, 2, INF, -INF, NAN, 1e-8, 3.25, -2.5, 10, 40]
# How far TensorFlow's float versions, which compute in float, are from the truth.
LOOSE = {"float32": (2e-5, 2e-6), "float64": (1e-11, 1e-12), "float16": (4e-3, 4e-3)}


def points(low, high, dtype, edges=EDGES):
    return np.concatenate([np.array(edges), rng.uniform(low, high, 40)]).astype(dtype)


def unary():
    ranges = {"Digamma": (-5, 30), "Erfinv": (-1, 1), "Ndtri": (0, 1), "Dawsn": (-12, 12), "Expint": (0, 60), "FresnelCos": (-8, 8),
              "FresnelSin": (-8, 8), "Spence": (0, 20)}
    for name in ("I0", "I0e", "I1", "I1e"):
        ranges["Bessel" + name] = (-40, 40)
    for name in ("J0", "J1"):
        ranges["Bessel" + name] = (-20, 20)
    for name in ("K0", "K0e", "K1", "K1e", "Y0", "Y1"):
        ranges["Bessel" + name] = (0, 30)
    for name, (low, high) in ranges.items():
        for dtype in ("float32", "float64", "float16"):
            edges = [e for e in EDGES if abs(e) > 1e-6 or name != "BesselY1"]  # there TensorFlow's dtypes disagree
            yield op(name, [points(low, high, dtype, edges)], ["x"], tolerance=LOOSE[dtype])
            yield op(name, [rng.uniform(0.1, 0.9, (2, 3, 2)).astype(dtype)], ["x"], tolerance=LOOSE[dtype])
        yield op(name, [np.zeros((0, 3), "float32")], ["x"])


def binary():
    for dtype in ("float32", "float64"):
        for name, names in (("Igamma", ["a", "x"]), ("Igammac", ["a", "x"])):
            yield op(name, [rng.uniform(0.1, 20, (6, 1)).astype(dtype), rng.uniform(0, 30, (1, 8)).astype(dtype)], names, tolerance=LOOSE[dtype])
            yield op(name, [np.array([0, 1, 1, 2, 2, INF, INF, -1, NAN, 3], dtype), np.array([1, 0, INF, -1, NAN, 1, INF, 1, 1, 1e-30], dtype)], names,
                     tolerance=LOOSE[dtype])
            yield op(name, [np.ones((2, 3), dtype), np.ones((4,), dtype)], names)
        yield op("Zeta", [rng.uniform(1.1, 12, (6, 1)).astype(dtype), rng.uniform(0.1, 15, (1, 8)).astype(dtype)], ["x", "q"], tolerance=LOOSE[dtype])
        yield op("Zeta", [np.array([1, 0.5, 2, 3, 2.5, 2, 2, NAN], dtype), np.array([2, 2, 0, 0, -1.5, -1.5, -3, 1], dtype)], ["x", "q"],
                 tolerance=LOOSE[dtype])
        yield op("Polygamma", [np.array([[0], [1], [2], [3], [7], [1.5], [-1]], dtype), rng.uniform(0.2, 12, (1, 8)).astype(dtype)], ["a", "x"],
                 tolerance=LOOSE[dtype])
        yield op("Polygamma", [np.array([1, 2, 0, NAN], dtype), np.array([0, -1.5, -1.5, 1], dtype)], ["a", "x"], tolerance=LOOSE[dtype])
        yield op("NextAfter", [np.array([0, 1, -1, INF, NAN, 1, 1, 0], dtype), np.array([1, 0, -2, 0, 1, NAN, 1, -1], dtype)], ["x1", "x2"],
                 tolerance=(0, 0))
        yield op("NextAfter", [rng.uniform(-3, 3, (3, 4)).astype(dtype), np.array(0, dtype)], ["x1", "x2"], tolerance=(0, 0))
        yield op("NextAfter", [rng.uniform(-3, 3, (3, 4)).astype(dtype), np.zeros((4,), dtype)], ["x1", "x2"], tolerance=(0, 0))
        abx = ["a", "b", "x"]
        yield op("Betainc", [rng.uniform(0.2, 12, (40,)).astype(dtype), rng.uniform(0.2, 12, (40,)).astype(dtype), rng.uniform(0, 1, (40,)).astype(dtype)],
                 abx, tolerance=LOOSE[dtype])
        yield op("Betainc", [np.array([1, 1, 0, -1, 2, 2, 2, NAN], dtype), np.array([1, 1, 1, 1, 0, 2, 3, 1], dtype),
                             np.array([0, 1, 0.5, 0.5, 0.5, -0.1, 1.1, 0.5], dtype)], abx, tolerance=LOOSE[dtype])
        for shapes in (((), (), ()), ((2, 3), (), ()), ((), (2,), ()), ((), (2,), (2,)), ((2,), (3,), ()), ((2,), (2,), (1, 2)), ((0,), (), ())):
            yield op("Betainc", [rng.uniform(0.5, 0.9, s).astype(dtype) for s in shapes], abx, tolerance=LOOSE[dtype])


def cases():
    yield from unary()
    yield from binary()
