# SPDX-License-Identifier: Apache-2.0
"""Cases of random numbers of distributions with parameters, and of random boxes, for make_ops.py: TensorFlow's own streams."""
import numpy as np
import tensorflow as tf

from op_case import op, rng

i32, i64, f32 = np.int32, np.int64, np.float32
ALPHAS = [0.1, 0.5, 1, 2.5, 40]
RATES = [0, 0.5, 4, 9.9, 10, 12.5, 400]


def gammas():
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        alpha = np.array(ALPHAS, tf.as_dtype(dtype).as_numpy_dtype)
        loose = {"float16": (2e-3, 2e-3), "bfloat16": (1e-2, 1e-2)}.get(dtype, (1e-5, 1e-7))
        for seed in ((1, 2), (87654321, 5)):
            yield op("RandomGamma", [i32([3]), alpha], ["shape", "alpha"], seed=seed[0], seed2=seed[1], tolerance=loose)
            yield op("StatelessRandomGammaV2", [i32([4, 5]), i64(seed), alpha], ["shape", "seed", "alpha"], tolerance=loose)
            yield op("StatelessRandomGammaV3", [i32([4, 5]), np.array([seed[0]], np.uint64), np.array(seed, np.uint64), i32(1), alpha],
                     ["shape", "key", "counter", "alg", "alpha"], tolerance=loose)
    one = f32([2, 0.5])
    for shape, alpha in (([], one), ([0], one), ([2, 3], f32(1.5)), ([2], np.zeros((0,), f32)), ([-1], one), (2, one)):
        yield op("RandomGamma", [i32(shape), alpha], ["shape", "alpha"], seed=3, seed2=4)
    for shape, alpha in (([2], one), ([3], one), ([2, 2], one), ([], f32(2)), ([0, 2], one), ([2], f32([[1, 2]])), ([2, 0], np.zeros((0,), f32))):
        yield op("StatelessRandomGammaV2", [i32(shape), i32([7, 8]), alpha], ["shape", "seed", "alpha"])
    yield op("StatelessRandomGammaV2", [i32([2]), i32([7]), one], ["shape", "seed", "alpha"])


def poissons():
    for dtype in (tf.float32, tf.float64, tf.float16, tf.int32, tf.int64):
        for rates in (np.array(RATES, "float32"), np.array(RATES, "float64"), np.array(RATES, "float16"), i32([1, 5, 30]), i64([0, 100])):
            yield op("RandomPoissonV2", [i32([4]), rates], ["shape", "rate"], seed=11, seed2=12, dtype=dtype)
            yield op("StatelessRandomPoisson", [i32([4, len(rates)]), i64([5, 6]), rates], ["shape", "seed", "lam"], dtype=dtype)
    for shape, rate in (([], f32([1, 2])), ([0], f32([1])), ([2], np.zeros((0,), f32)), ([-1], f32([1])), ([2, 2], f32(20))):
        yield op("RandomPoissonV2", [i32(shape), rate], ["shape", "rate"], seed=11, seed2=12, dtype=tf.int32)
    yield op("StatelessRandomPoisson", [i32([3]), i64([5, 6]), f32([1, 2])], ["shape", "seed", "lam"], dtype=tf.int32)


def truncated():
    names = ["shape", "means", "stdevs", "minvals", "maxvals"]
    for dtype in ("float32", "float64"):
        for mean, stdev, low, high in ((0, 1, -1, 1), (0, 1, -2, 2), (0, 1, 2, 8), (1, 2, 10, 10.5), (0, 1, -9, -3), (0, 1, -np.inf, 1), (5, 3, 6, np.inf), (0, 1, 1, 1), (0, -1, 0, 1), (0, 1, -np.inf, np.inf)):
            yield op("ParameterizedTruncatedNormal", [i32([6, 5]), *[np.array(x, dtype) for x in (mean, stdev, low, high)]], names, seed=1, seed2=9, tolerance=(1e-4, 1e-5))
        rows = [np.array(x, dtype) for x in ([0, 1, 5], [1, 2, 3], [-1, 3, 6], [1, 9, 70])]
        yield op("ParameterizedTruncatedNormal", [i32([3, 4]), *rows], names, seed=1, seed2=9, tolerance=(1e-4, 1e-5))
    one = [f32(x) for x in (0, 1, -1, 1)]
    for shape in ([0], [], 3, [[2]], [2, 0]):
        yield op("ParameterizedTruncatedNormal", [i32(shape), *one], names, seed=1, seed2=9)
    for bad in (f32([0, 1]), f32([[0]])):
        yield op("ParameterizedTruncatedNormal", [i32([3]), bad, *one[1:]], names, seed=1, seed2=9)
        yield op("ParameterizedTruncatedNormal", [i32([3]), *one[:3], bad + 1], names, seed=1, seed2=9)


def boxes():
    some = np.sort(rng.uniform(0, 1, (1, 3, 2, 2)), 2).reshape(1, 3, 4).astype(f32)
    none = np.zeros((1, 0, 4), f32)

    def case(size, given, seed=(3, 4), **attrs):
        covered = attrs.pop("min_object_covered", 0.1)
        yield op("SampleDistortedBoundingBox", [size, given], ["image_size", "bounding_boxes"], seed=seed[0], seed2=seed[1], min_object_covered=covered, **attrs)
        yield op("SampleDistortedBoundingBoxV2", [size, given, f32(covered)], ["image_size", "bounding_boxes", "min_object_covered"], seed=seed[0], seed2=seed[1], **attrs)
        yield op("StatelessSampleDistortedBoundingBox", [size, given, f32(covered), i64(seed)], ["image_size", "bounding_boxes", "min_object_covered", "seed"], **attrs)
    for kind in ("int32", "int64", "uint8", "int16"):
        for seed in ((3, 4), (9, 1), (123, 456)):
            yield from case(np.array([100, 120, 3], kind), some, seed)
    size = i32([200, 300, 3])
    for attrs in (dict(min_object_covered=0.9), dict(aspect_ratio_range=[0.1, 10.0]), dict(area_range=[0.9, 1.0]), dict(max_attempts=1, min_object_covered=1.0), dict(area_range=[0.01, 0.02], min_object_covered=0.5)):
        yield from case(size, some, **attrs)
    yield from case(size, none, use_image_if_no_bounding_boxes=True)
    yield from case(size, none)
    yield from case(size, some + 1)
    yield from case(size, some[0])
    yield from case(size, some[..., :3])
    yield from case(size[:2], some)
    yield from case(size[None], some)


def cases():
    for family in (gammas, poissons, truncated, boxes):
        yield from family()
