# SPDX-License-Identifier: Apache-2.0
"""Cases of InTopK for make_ops.py."""
import numpy as np

from op_case import op, values

ROWS = np.float32([[0.1, 0.3, 0.2, 0.3], [0.4, 0.4, 0.4, 0.4], [np.nan, 1, 2, 3], [np.inf, 1, 2, 3], [4, 3, 2, 1], [9, 8, 7, np.nan], [1, 2, 3, 4]])


def cases():
    for kind in (np.int32, np.int64):
        for k in (0, 1, 2, 3, 4, 9, -1):
            for targets in ([1, 3, 1, 2, 0, 0, 3], [2, 0, 0, 0, 3, 2, 1], [4, -1, 3, 3, 2, 1, 2]):
                yield op("InTopKV2", [ROWS, kind(targets), kind(k)], ["predictions", "targets", "k"])
                yield op("InTopK", [ROWS, kind(targets)], ["predictions", "targets"], k=k)
    for rows, targets in (((3,), (3,)), ((2, 3), (2, 1)), ((2, 3), (3,)), ((0, 3), (0,)), ((2, 0), (2,))):
        yield op("InTopK", [values(rows), values(targets, "int32")], ["predictions", "targets"], k=1)
        yield op("InTopKV2", [values(rows), values(targets, "int32"), np.int32(1)], ["predictions", "targets", "k"])
    yield op("InTopKV2", [values((2, 3)), np.int32([0, 1]), np.int32([1])], ["predictions", "targets", "k"])
