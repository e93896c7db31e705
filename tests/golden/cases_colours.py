# SPDX-License-Identifier: Apache-2.0
"""Cases of colours and geometry of images, for make_ops.py."""
import numpy as np

from op_case import op, rng, values


def colours():
    corners = np.array([[r, g, b] for r in (0, 0.5, 1) for g in (0, 0.5, 1) for b in (0, 0.5, 1)])
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        rough = (3e-2, 3e-2) if "16" in dtype else None
        for name in ("RGBToHSV", "HSVToRGB"):
            yield op(name, [values((2, 3, 4, 3), dtype, 0, 1)], ["images"], tolerance=rough)
            yield op(name, [corners.astype("float32" if dtype == "bfloat16" else dtype)], ["images"], tolerance=rough)
    for name in ("RGBToHSV", "HSVToRGB"):
        yield op(name, [values((5, 3))], ["images"])
        yield op(name, [np.float32([[0, 0, 0], [-1, -2, -0.5], [300, 20, 7], [np.inf, 1, 2], [np.nan, 1, 2]])], ["images"])
        for shape in ((), (3,), (0, 3), (4, 4), (2, 0)):
            yield op(name, [values(shape)], ["images"])
    x = values((2, 5, 4, 3), low=0, high=1)
    x[0, :3].flat = corners.flat[:36]
    for amount in (0.0, 0.1, -0.3, 0.5, 1.0, -1.0, 3.7, -20.25, 2.0, 0.99):
        for data in (x, x * 255):
            yield op("AdjustHue", [data, np.float32(amount)], ["images", "delta"], tolerance=(1e-4, 1e-4))
            yield op("AdjustSaturation", [data, np.float32(amount)], ["images", "scale"])
            yield op("AdjustContrastv2", [data, np.float32(amount)], ["images", "contrast_factor"], tolerance=(1e-5, 1e-4))
    yield op("AdjustContrastv2", [values((3, 7, 6, 5)), np.float32(1.5)], ["images", "contrast_factor"])
    for name, arg in (("AdjustHue", "delta"), ("AdjustSaturation", "scale"), ("AdjustContrastv2", "contrast_factor")):
        for shape, amount in (((4, 3), 1), ((4, 4, 4), 1), ((4, 4, 3), [1]), ((0, 4, 3), 1), ((4, 0, 3), 1), ((1, 1, 3), 0.5)):
            yield op(name, [values(shape), np.float32(amount)], ["images", arg])
        yield op(name, [values((2, 2, 3)) - 1, np.float32(0.7)], ["images", arg])


def projections():
    names = ["images", "transforms", "output_shape"]
    turns = np.float32([[0.8, -0.6, 2, 0.6, 0.8, -1, 0, 0], [1, 0, 0.5, 0, 1, -0.5, 0, 0], [1.3, 0.2, -3, 0.1, 0.7, 2, 0.01, -0.02], [2, 0, -20, 0, -2, 15, 0, 0], [1, 0, 0, 0, 1, 0, -0.5, 0]])
    for dtype in ("uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"):
        x = rng.integers(0, 200, (5, 5, 6, 2)).astype(dtype) if "int" in dtype else values((5, 5, 6, 2), dtype)
        for interpolation in ("NEAREST", "BILINEAR"):
            for mode in ("REFLECT", "WRAP", "CONSTANT", "NEAREST"):
                yield op("ImageProjectiveTransformV3", [x, turns, np.int32([7, 8]), np.float32(3.5)], names + ["fill_value"], interpolation=interpolation, fill_mode=mode)
            yield op("ImageProjectiveTransformV2", [x, turns[:1], np.int32([5, 6])], names, const=(2,), interpolation=interpolation)
    x, size = values((2, 4, 4, 1)), np.int32([4, 4])
    far = np.float32([[1e9, 3, 1e20, 2, -1e9, 7, 0, 0], [np.nan, 0, 0, 0, np.inf, 0, 0, 0]])
    for interpolation in ("NEAREST", "BILINEAR"):
        for mode in ("CONSTANT", "NEAREST"):
            yield op("ImageProjectiveTransformV2", [x, far, size], names, interpolation=interpolation, fill_mode=mode)
        for mode in ("REFLECT", "WRAP"):
            yield op("ImageProjectiveTransformV2", [values((1, 1, 4, 1)), turns[2:3], size], names, interpolation=interpolation, fill_mode=mode)
    plain = dict(interpolation="NEAREST")
    for args in ((x[0], turns[:1], size), (x, turns[:3], size), (x, turns[0], size), (x, turns[:1, :7], size), (x, turns[:1], np.int32([4])), (x, turns[:1], size[None]), (x, turns[:1], np.int32([0, 4])), (x[:0], turns[:1], size), (x[:, :0], turns[:1], size)):
        yield op("ImageProjectiveTransformV2", list(args), names, **plain)
    yield op("ImageProjectiveTransformV3", [x, turns[:1], size, np.float32([1])], names + ["fill_value"], **plain)


def glimpses():
    """Without noise, and where there is none: TensorFlow has no seed for it."""
    names = ["input", "size", "offsets"]
    offsets = np.float32([[0, 0], [0.3, 0.2], [-0.4, 0.9], [2.3, 3.6], [-7, 4], [50, -1e12], [1, 1]])
    x = values((7, 6, 8, 2))
    for name in ("ExtractGlimpse", "ExtractGlimpseV2"):
        for centered in (False, True):
            for normalized in (False, True):
                for size in ((3, 4), (4, 3), (1, 1)):
                    yield op(name, [x, np.int32(size), offsets], names, centered=centered, normalized=normalized, uniform_noise=False, noise="zero")
        inside = np.float32([[3.2, 4.1]] * 7)
        for noise in ("uniform", "gaussian", ""):
            yield op(name, [x, np.int32([2, 3]), inside], names, centered=False, normalized=False, uniform_noise=noise == "uniform", noise=noise)
        plain = dict(uniform_noise=False, noise="zero")
        for args in ((x[0], np.int32([2, 2]), offsets), (x, np.int32([2]), offsets), (x, np.int32([2, 2]), offsets[:3]), (x, np.int32([2, 2]), offsets[:, :1]), (x, np.int32([2, 2]), offsets[0]), (x[:0], np.int32([2, 2]), offsets[:0]), (x, np.int32([0, 2]), offsets)):
            yield op(name, list(args), names, **plain)
        yield op(name, [x, np.int32([2, 2]), offsets], names, noise="zero")
        yield op(name, [x, np.int32([2, 2]), offsets], names, noise="salt", uniform_noise=False)


def cases():
    for family in (colours, projections, glimpses):
        yield from family()
