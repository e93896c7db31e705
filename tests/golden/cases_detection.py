# SPDX-License-Identifier: Apache-2.0
"""Cases of boxes and resized images, for make_ops.py."""
import numpy as np

from op_case import op, rng, values

REAL = ("uint8", "int8", "int16", "uint16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


def images(shape, dtype):
    if "float" in dtype:
        return values(shape, dtype)
    return rng.integers(0, 120, shape).astype(dtype)


def boxes(n, low=0.0, high=1.0, dtype="float32"):
    a = rng.uniform(low, high, (n, 2))
    return np.concatenate([a, a + rng.uniform(0.1, 0.5, (n, 2))], 1).astype(dtype)


def crops():
    names = ["image", "boxes", "box_ind", "crop_size"]
    for dtype in REAL:
        if dtype != "bfloat16":
            yield op("CropAndResize", [images((2, 6, 7, 3), dtype), boxes(3), np.int32([0, 1, 0]), np.int32([4, 5])], names)
    for method in ("bilinear", "nearest"):
        for size in ((1, 1), (1, 4), (5, 1), (3, 3), (12, 14)):
            for const in ((), (3,)):
                x = np.concatenate([boxes(2), boxes(3, -0.5, 1.0), np.float32([[0.9, 0.8, 0.1, 0.0], [0, 0, 1, 1]])])
                yield op("CropAndResize", [values((2, 6, 7, 2)), x, np.int32([0, 1, 1, 0, 1, 0, 1]), np.int32(size)], names, const=const, method=method, extrapolation_value=-3.5)
    image = values((1, 3, 3, 1))
    one = np.int32([0])
    for x, index, size in ((boxes(1), np.int32([1]), [2, 2]), (boxes(1), np.int32([-1]), [2, 2]), (boxes(1), np.int32([0, 0]), [2, 2]), (boxes(1), one, [0, 2]), (boxes(1), one, [2]), (boxes(1)[0], one, [2, 2]),
                           (boxes(1)[:, :3], one, [2, 2]), (np.float32([[0, np.nan, 1, 1]]), one, [2, 2]), (np.float32([[0, 0, np.inf, 1]]), one, [2, 2]), (np.zeros((0, 4), np.float32), np.zeros(0, np.int32), [2, 2]),
                           (boxes(1), np.int32([[0]]), [2, 2]), (np.zeros((0, 3), np.float32), np.zeros(0, np.int32), [2, 2])):
        yield op("CropAndResize", [image, x, index, np.int32(size)], names)
    yield op("CropAndResize", [image[0], boxes(1), one, np.int32([2, 2])], names)
    yield op("CropAndResize", [image[:, :0], boxes(1), one, np.int32([2, 2])], names)


def suppressions():
    half = np.float16
    base = ["boxes", "scores", "max_output_size"]
    for seed in range(3):
        b, s = boxes(40), rng.uniform(-1, 1, 40).astype("float32")
        b[::3] = b[1::3][:1]
        s[5:9] = s[5]
        for size in (0, 3, 50):
            n = np.int32(size)
            for iou in (0.0, 0.3, 0.5, 1.0):
                yield op("NonMaxSuppression", [b, s, n], base, iou_threshold=iou)
                yield op("NonMaxSuppressionV2", [b, s, n, np.float32(iou)], base + ["iou_threshold"])
                yield op("NonMaxSuppressionV3", [b, s, n, np.float32(iou), np.float32(0.1)], base + ["iou_threshold", "score_threshold"])
                for pad in (False, True):
                    yield op("NonMaxSuppressionV4", [b, s, n, np.float32(iou), np.float32(-0.3)], base + ["iou_threshold", "score_threshold"], pad_to_max_output_size=pad)
                    for sigma in (0.0, 0.4):
                        yield op("NonMaxSuppressionV5", [b, s, n, np.float32(iou), np.float32(0.05), np.float32(sigma)], base + ["iou_threshold", "score_threshold", "soft_nms_sigma"], pad_to_max_output_size=pad)
        h, t = b.astype(half), s.astype(half)
        for sigma in (0.0, 0.5):
            yield op("NonMaxSuppressionV5", [h, t, np.int32(20), half(0.5), half(0.1), half(sigma)], base + ["iou_threshold", "score_threshold", "soft_nms_sigma"])
        yield op("NonMaxSuppressionV2", [h, t, np.int32(20), half(0.5)], base + ["iou_threshold"])
        yield op("NonMaxSuppressionV3", [h, t, np.int32(20), np.float32(0.5), np.float32(0.1)], base + ["iou_threshold", "score_threshold"])
        yield op("NonMaxSuppressionV4", [h, t, np.int32(20), half(0.5), half(0.1)], base + ["iou_threshold", "score_threshold"], pad_to_max_output_size=True)
        for threshold in (0.2, 0.8):
            yield op("NonMaxSuppressionWithOverlaps", [rng.uniform(0, 1, (40, 40)).astype("float32"), s, np.int32(20), np.float32(threshold), np.float32(-0.2)],
                     ["overlaps", "scores", "max_output_size", "overlap_threshold", "score_threshold"])
    odd = np.float32([[0, 0, 1, 1], [1, 1, 0, 0], [0.5, 0.5, 0.5, 0.9], [0, 0, np.inf, np.inf], [np.nan, 0, 1, 1], [0, 0, 1, 0.9]])
    for scores in ([1, 1, 1, 1, 1, 1], [np.inf, 2, 1, np.nan, -np.inf, 0.5]):
        yield op("NonMaxSuppressionV3", [odd, np.float32(scores), np.int32(10), np.float32(0.5), np.float32(-np.inf)], base + ["iou_threshold", "score_threshold"])
        yield op("NonMaxSuppressionV5", [odd, np.float32(scores), np.int32(10), np.float32(0.5), np.float32(0.1), np.float32(0.5)], base + ["iou_threshold", "score_threshold", "soft_nms_sigma"])
    b, s, n, f = boxes(3), np.float32([1, 2, 3]), np.int32(2), np.float32
    for bb, ss, nn, iou in ((b[:, :3], s, n, f(0.5)), (b[0], s, n, f(0.5)), (b, s[:2], n, f(0.5)), (b, s[None], n, f(0.5)), (b, s, np.int32([2]), f(0.5)), (b, s, np.int32(-1), f(0.5)), (b, s, n, f(1.5)), (b, s, n, f([0.5])),
                            (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), n, f(0.5))):
        yield op("NonMaxSuppressionV2", [bb, ss, nn, iou], base + ["iou_threshold"])
        yield op("NonMaxSuppressionV3", [bb, ss, nn, iou, f(0)], base + ["iou_threshold", "score_threshold"])
    yield op("NonMaxSuppression", [b, s, n], base, iou_threshold=1.5)
    yield op("NonMaxSuppressionV5", [b, s, n, f(0.5), f(0), f(-1)], base + ["iou_threshold", "score_threshold", "soft_nms_sigma"])
    yield op("NonMaxSuppressionWithOverlaps", [values((3, 2)), s, n, f(0.5), f(0)], ["overlaps", "scores", "max_output_size", "overlap_threshold", "score_threshold"])


def combined():
    names = ["boxes", "scores", "max_output_size_per_class", "max_total_size", "iou_threshold", "score_threshold"]
    for q, classes in ((1, 1), (1, 4), (4, 4)):
        for steps in (0, 8):
            b = np.stack([boxes(30 * q, -0.2, 0.9).reshape(30, q, 4) for _ in range(2)])
            s = rng.uniform(0, 1, (2, 30, classes)).astype("float32")
            if steps:
                s = np.round(s * steps) / np.float32(steps)
            for per_class, total in ((5, 10), (50, 12), (2, 100)):
                for pad in (False, True):
                    for clip in (False, True):
                        yield op("CombinedNonMaxSuppression", [b, s, np.int32(per_class), np.int32(total), np.float32(0.4), np.float32(0.2)], names, const=(2, 3) if clip else (), pad_per_class=pad, clip_boxes=clip)
    b, s = np.stack([boxes(400).reshape(400, 1, 4)]), (rng.integers(0, 6, (1, 400, 3)) / 5).astype("float32")
    yield op("CombinedNonMaxSuppression", [b, s, np.int32(300), np.int32(900), np.float32(0.7), np.float32(0)], names)
    b, s, i, f = boxes(6).reshape(1, 6, 1, 4), values((1, 6, 2), low=0), np.int32, np.float32
    for x in ((b[0], s, i(2), i(2), f(0.5), f(0)), (b, s[0], i(2), i(2), f(0.5), f(0)), (np.repeat(b, 3, 2), s, i(2), i(2), f(0.5), f(0)), (b[..., :3], s, i(2), i(2), f(0.5), f(0)), (b, s[:, :5], i(2), i(2), f(0.5), f(0)),
              (b, np.repeat(s, 2, 0), i(2), i(2), f(0.5), f(0)), (b, s, i([2]), i(2), f(0.5), f(0)), (b, s, i(0), i(2), f(0.5), f(0)), (b, s, i(2), i(0), f(0.5), f(0)), (b, s, i(2), i(2), f(1.5), f(0)), (b, s, i(2), i(2), f(0.5), f([0])),
              (b[:0], s[:0], i(2), i(2), f(0.5), f(0)), (b[:, :0], s[:, :0], i(2), i(3), f(0.5), f(0))):
        yield op("CombinedNonMaxSuppression", list(x), names)


def resizes():
    names = ["images", "size"]
    for dtype in REAL:
        x = images((2, 5, 6, 3), dtype)
        for size in ((3, 4), (9, 11)):
            yield op("ResizeBicubic", [x, np.int32(size)], names)
            yield op("ResizeBicubic", [x, np.int32(size)], names, const=(1,), half_pixel_centers=True)
            yield op("ResizeArea", [x, np.int32(size)], names)
    for shape in ((1, 1, 1, 1), (1, 7, 3, 2), (2, 16, 16, 1)):
        for size in ((1, 1), (2, 9), (16, 5), (7, 3)):
            x = values(shape)
            for more in (dict(), dict(align_corners=True)):
                yield op("ResizeArea", [x, np.int32(size)], names, **more)
            for more in (dict(), dict(align_corners=True), dict(half_pixel_centers=True)):
                yield op("ResizeBicubic", [x, np.int32(size)], names, **more)
    yield op("ResizeBicubic", [values((1, 3, 3, 1)), np.int32([2, 2])], names, align_corners=True, half_pixel_centers=True)
    for shape, size in (((3, 3, 1), (2, 2)), ((1, 3, 3, 1), (2,)), ((1, 3, 3, 1), ((2, 2),)), ((1, 3, 3, 1), (0, 2)), ((1, 0, 3, 1), (2, 2)), ((1, 3, 3, 0), (2, 2)), ((0, 3, 3, 1), (2, 2))):
        yield op("ResizeBicubic", [values(shape), np.int32(size)], names)
        yield op("ResizeArea", [values(shape), np.int32(size)], names)


def samples():
    names = ["images", "size", "scale", "translation"]
    f = np.float32
    for kernel in ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic"):
        for antialias in (False, True):
            for size, scale, translation in (((3, 4), (0.6, 0.6), (0, 0)), ((9, 12), (1.8, 2.0), (0, 0)), ((7, 7), (0.9, 1.1), (1.3, -2.2)), ((4, 5), (1, 1), (20, 0)), ((4, 5), (0.1, 0.05), (1, 2))):
                yield op("ScaleAndTranslate", [values((2, 5, 6, 3)), np.int32(size), f(scale), f(translation)], names, kernel_type=kernel, antialias=antialias)
    for dtype in REAL:
        yield op("ScaleAndTranslate", [images((1, 5, 6, 3), dtype), np.int32([3, 4]), f([0.6, 0.7]), f([0, 0])], names, const=(1,))
    x, n, one, zero = values((1, 3, 3, 1)), np.int32([2, 2]), f([1, 1]), f([0, 0])
    for args in ((x[0], n, one, zero), (x, np.int32([0, 2]), one, zero), (x, np.int32([2]), one, zero), (x, n, f([0, 1]), zero), (x, n, f([1]), zero), (x, n, one, f([0])), (x, n, f([[1, 1]]), zero), (x, n, f([1e-30, 1]), zero),
                 (x, n, one, f([np.nan, 0])), (x[:0], n, one, zero), (x, n, f([np.nan, 1]), zero)):
        yield op("ScaleAndTranslate", list(args), names)
    yield op("ScaleAndTranslate", [x, n, one, zero], names, kernel_type="none")


def drawings():
    x = np.float32([[[0.1, 0.2, 0.7, 0.8], [-0.5, 0.1, 0.4, 1.5], [0.8, 0.8, 0.2, 0.2], [1.5, 1.5, 2, 2], [0.5, -3, 0.6, 9], [0, 0, 1, 1]]] * 2)
    x = np.concatenate([x, rng.uniform(0, 1, (2, 8, 4)).astype("float32")], 1)
    for dtype in ("float32", "float16"):
        for channels in (1, 3, 4):
            yield op("DrawBoundingBoxes", [values((2, 9, 11, channels), dtype), x], ["images", "boxes"])
            yield op("DrawBoundingBoxesV2", [values((2, 9, 11, channels), dtype), x, values((3, 4))], ["images", "boxes", "colors"])
        yield op("DrawBoundingBoxesV2", [values((2, 9, 11, 3), dtype), x, np.zeros((0, 4), np.float32)], ["images", "boxes", "colors"])
    odd = np.float32([[[np.nan, 0, 1, 1], [0, 0, np.inf, 1], [-np.inf, 0, 0.5, 0.5]]])
    yield op("DrawBoundingBoxes", [values((1, 9, 11, 3)), odd], ["images", "boxes"])
    for shape, box in (((2, 9, 11, 2), x), ((9, 11, 3), x), ((2, 9, 11, 3), x[0]), ((1, 9, 11, 3), x), ((2, 9, 11, 3), x[..., :3]), ((2, 9, 11, 3), x[:, :0])):
        yield op("DrawBoundingBoxes", [values(shape), box], ["images", "boxes"])
    yield op("DrawBoundingBoxesV2", [values((2, 9, 11, 3)), x, values((3, 2))], ["images", "boxes", "colors"])
    yield op("DrawBoundingBoxesV2", [values((2, 9, 11, 3)), x, values((3,))], ["images", "boxes", "colors"])


def cases():
    for family in (crops, suppressions, combined, resizes, samples, drawings):
        yield from family()
