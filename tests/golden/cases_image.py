# SPDX-License-Identifier: Apache-2.0
"""Cases of image files, for make_ops.py: decoders and encoders."""
import numpy as np
import tensorflow as tf

from image_files import bmp, chunk, frame, gif, jpeg_of_planes, palette, picture, png
from op_case import op


def blob(data):
    return np.array(data, object)


def jpegs():
    """name -> file"""
    def encode(pixels, **attrs):
        return tf.io.encode_jpeg(pixels, **attrs).numpy()
    colour = picture(37, 53, 3)
    gray = picture(19, 26, 1)
    planes = [picture(24, 33, 1, seed)[..., 0] for seed in range(4)]
    return {
        "colour": encode(colour, quality=80),
        "444": encode(colour, quality=95, chroma_downsampling=False),
        "progressive": encode(colour, quality=70, progressive=True),
        "optimized": encode(colour, optimize_size=True, quality=30),
        "gray": encode(gray),
        "tiny": encode(colour[:1, :1]),
        "wide": encode(picture(9, 200, 3), quality=60),
        "rgb": jpeg_of_planes(planes[:3], adobe=0),
        "ycc": jpeg_of_planes(planes[:3]),
        "two": jpeg_of_planes(planes[:2]),
        "cmyk": jpeg_of_planes(planes),
        "adobe_cmyk": jpeg_of_planes(planes, adobe=0),
        "ycck": jpeg_of_planes(planes, adobe=2),
    }


def decode_jpeg():
    files = jpegs()
    for name in files:
        for channels in (0, 1, 3):
            yield op("DecodeJpeg", [blob(files[name])], ["contents"], channels=channels)
        yield op("ExtractJpegShape", [blob(files[name])], ["contents"])
    for name in ("colour", "progressive", "gray", "adobe_cmyk", "wide"):
        for attrs in (dict(ratio=2), dict(ratio=4), dict(ratio=8), dict(fancy_upscaling=False), dict(dct_method="INTEGER_ACCURATE"), dict(dct_method="INTEGER_FAST"),
                      dict(ratio=2, fancy_upscaling=False, dct_method="INTEGER_ACCURATE")):
            yield op("DecodeJpeg", [blob(files[name])], ["contents"], **attrs)
    yield op("ExtractJpegShape", [blob(files["colour"])], ["contents"], output_type=tf.int64)
    for bad in (b"", b"no", b"\xff\xd8\xff", files["colour"][:100], files["colour"][:600]):
        yield op("ExtractJpegShape", [blob(bad)], ["contents"])
        yield op("DecodeJpeg", [blob(bad)], ["contents"])
    yield op("ExtractJpegShape", [np.array([b"a"], object)], ["contents"])
    yield op("DecodeJpeg", [np.array([files["gray"]], object)], ["contents"])
    yield op("DecodeJpeg", [blob(files["gray"])], ["contents"], channels=4)
    yield op("DecodeJpeg", [blob(files["gray"])], ["contents"], channels=2)
    yield op("DecodeJpeg", [blob(files["gray"])], ["contents"], ratio=3)
    yield op("DecodeJpeg", [blob(files["gray"])], ["contents"], dct_method="FLOAT")


def damaged_jpeg():
    files = jpegs()
    rng = np.random.default_rng(5)
    for name in ("colour", "progressive", "gray"):
        data = files[name]
        for part in (0.5, 0.8, 0.97):
            for attrs in (dict(), dict(try_recover_truncated=True), dict(acceptable_fraction=0.1), dict(try_recover_truncated=True, acceptable_fraction=0.5)):
                yield op("DecodeJpeg", [blob(data[:int(len(data) * part)])], ["contents"], **attrs)
        for attrs in (dict(), dict(try_recover_truncated=True), dict(acceptable_fraction=0.3)):
            flipped = bytearray(data)
            for at in rng.integers(len(data) * 2 // 3, len(data) - 2, 4):
                flipped[at] ^= 0x55
            yield op("DecodeJpeg", [blob(bytes(flipped))], ["contents"], **attrs)
            yield op("DecodeJpeg", [blob(data[:-300] + b"\xff\xd9")], ["contents"], **attrs)


def crop_jpeg():
    files = jpegs()
    names = ["contents", "crop_window"]
    for name in ("colour", "444", "progressive", "adobe_cmyk", "gray"):
        for window in ((0, 0, 5, 7), (3, 4, 10, 12), (10, 17, 9, 9), (0, 0, 19, 26), (18, 25, 1, 1)):
            yield op("DecodeAndCropJpeg", [blob(files[name]), np.int32(window)], names)
        yield op("DecodeAndCropJpeg", [blob(files[name]), np.int32([2, 3, 5, 6])], names, channels=1)
        yield op("DecodeAndCropJpeg", [blob(files[name]), np.int32([2, 3, 5, 6])], names, channels=3, ratio=2, fancy_upscaling=False)
    for window in ((0, 0, 0, 5), (0, 0, 50, 5), (-1, 0, 5, 5), (0, 0, 5), ((0, 0, 5, 5),), (2**31 - 1, 0, 5, 5)):
        yield op("DecodeAndCropJpeg", [blob(files["colour"]), np.int32(window)], names)
    yield op("DecodeAndCropJpeg", [blob(tf.io.encode_png(picture(4, 5, 3)).numpy()), np.int32([0, 0, 2, 2])], names)


def pngs():
    trns = {0: b"\0\x05", 2: b"\0\x05\0\x80\0\xa0", 3: bytes([0, 128, 255])}
    rng = np.random.default_rng(2)
    for colour, samples, depths in ((0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (3, 1, (1, 2, 4, 8)), (4, 2, (8, 16)), (6, 4, (8, 16))):
        for depth in depths:
            top = 1 << depth
            pixels = rng.integers(0, top, (7, 11, samples))
            before = chunk(b"PLTE", palette(min(depth, 8))) if colour == 3 else b""
            yield png(pixels, depth, colour, False, before)
            yield png(pixels, depth, colour, True, before)
            if colour in trns:
                size = (top + 2) if colour == 3 else 6
                yield png(pixels, depth, colour, False, before + chunk(b"tRNS", trns[colour][:size if colour != 3 else min(3, top)]))


def decode_png():
    for data in pngs():
        for channels in (0, 1, 3, 4):
            for dtype in (tf.uint8, tf.uint16):
                yield op("DecodePng", [blob(data)], ["contents"], channels=channels, dtype=dtype)
        yield op("DecodeImage", [blob(data)], ["contents"], dtype=tf.float32)
    good = png(picture(5, 6, 3))
    for bad in (good[:20], good[:50], good[:-14], good[:-30] + good[-12:], good[:60] + b"xx" + good[62:], good[:8], good.replace(b"\0\0\0\x06", b"\0\x10\0\0", 1), good.replace(b"\0\0\0\x06", b"\0\0\0\0", 1)):
        yield op("DecodePng", [blob(bad)], ["contents"])
    yield op("DecodePng", [blob(good)], ["contents"], channels=2)
    yield op("DecodePng", [np.array([good], object)], ["contents"])


def gifs():
    rng = np.random.default_rng(4)

    def indices(rows, columns, top=16):
        return rng.integers(0, top, (rows, columns))
    colours = palette(4)
    return {
        "still": gif([frame(indices(6, 9))], 6, 9, colours=colours),
        "interlaced": gif([frame(indices(19, 9), interlaced=True)], 19, 9, colours=colours),
        "local": gif([frame(indices(6, 9), colours=palette(4, 8))], 6, 9),
        "animated": gif([frame(indices(6, 9)), frame(indices(3, 4), 2, 1), frame(indices(6, 9), transparent=3)], 6, 9, colours=colours),
        "transparent": gif([frame(indices(6, 9), transparent=5), frame(indices(6, 9), transparent=7, colours=palette(4, 8))], 6, 9, colours=colours),
        "outside": gif([frame(indices(6, 9)), frame(indices(6, 9), 4, 3)], 6, 9, colours=colours),
        "small_first": gif([frame(indices(2, 3), 1, 1), frame(indices(6, 9))], 6, 9, colours=colours),
        "smaller_than_screen": gif([frame(indices(2, 3), 1, 1)], 6, 9, colours=colours),
        "no_palette": gif([frame(indices(6, 9))], 6, 9),
        "beyond_palette": gif([frame(indices(6, 9), bits=4, colours=None)], 6, 9, bits=2, colours=palette(2)),
        "no_frame": gif([], 6, 9, colours=colours),
        "no_end": gif([frame(indices(6, 9))], 6, 9, colours=colours, trailer=b""),
        "second_breaks": gif([frame(indices(6, 9)), frame(indices(6, 9))[:20]], 6, 9, colours=colours, trailer=b""),
        "first_breaks": gif([frame(indices(6, 9))[:20]], 6, 9, colours=colours, trailer=b""),
        "no_rows": gif([frame(indices(6, 9), size=(0, 9))], 6, 9, colours=colours),
        "second_no_rows": gif([frame(indices(6, 9)), frame(indices(6, 9), size=(0, 9))], 6, 9, colours=colours),
        "wrong_record": gif([frame(indices(6, 9))], 6, 9, colours=colours, trailer=b"\x99"),
        "header": b"GIF89a\0",
        "comment": gif([b"\x21\xfe\x05hello\0", frame(indices(6, 9), transparent=3)], 6, 9, colours=colours),
    }


def decode_gif():
    files = gifs()
    for name, data in files.items():
        yield op("DecodeGif", [blob(data)], ["contents"])
        yield op("DecodeImage", [blob(data)], ["contents"], expand_animations=False)
        yield op("DecodePng", [blob(data)], ["contents"])
    for dtype in (tf.uint16, tf.float32):
        yield op("DecodeImage", [blob(files["animated"])], ["contents"], dtype=dtype)
        yield op("DecodeImage", [blob(files["animated"])], ["contents"], dtype=dtype, expand_animations=False)
    yield op("DecodeImage", [blob(files["still"])], ["contents"], channels=4)
    yield op("DecodeJpeg", [blob(files["still"])], ["contents"], channels=3)
    yield op("DecodeJpeg", [blob(files["still"])], ["contents"], channels=1)
    yield op("DecodeGif", [np.array([files["still"]], object)], ["contents"])


def decode_bmp():
    for channels in (1, 3, 4):
        for top_down in (False, True):
            data = bmp(picture(5, 7, channels), top_down)
            for wanted in (0, 3, 4):
                yield op("DecodeBmp", [blob(data)], ["contents"], channels=wanted)
            if not top_down:
                for dtype in (tf.uint8, tf.uint16, tf.float32):
                    yield op("DecodeImage", [blob(data)], ["contents"], dtype=dtype)
    good = bmp(picture(5, 7, 3))
    yield op("DecodeBmp", [blob(bmp(picture(5, 7, 3), header=90))], ["contents"])
    yield op("DecodeBmp", [blob(good)], ["contents"], channels=1)
    for at, change in ((18, b"\0\0\0\0"), (18, b"\xff\xff\xff\xff"), (22, b"\0\0\0\0"), (10, b"\xff\xff\xff\xff"), (10, b"\x70\0\0\0"), (28, b"\x10\0"), (18, b"\xff\xff\xff\x0f"), (22, b"\0\0\0\x80")):
        yield op("DecodeBmp", [blob(good[:at] + change + good[at + len(change):])], ["contents"])
    for bad in (good[:31], good[:40], good[:-1], good + b"x", b"BM"):
        yield op("DecodeBmp", [blob(bad)], ["contents"])


def decode_any():
    files = {"jpeg": jpegs()["colour"], "png": png(picture(5, 7, 3)), "gif": gifs()["still"], "bmp": bmp(picture(5, 7, 3)), "none": b"hello", "short": b"\xff\xd8"}
    for name, data in files.items():
        for decoder in ("DecodeJpeg", "DecodePng", "DecodeGif", "DecodeBmp"):
            yield op(decoder, [blob(data)], ["contents"])
        for dtype in (tf.uint8, tf.uint16, tf.float32):
            yield op("DecodeImage", [blob(data)], ["contents"], dtype=dtype)
        for channels in (1, 3, 4, 2):
            yield op("DecodeImage", [blob(data)], ["contents"], channels=channels)
    yield op("DecodeImage", [blob(b"")], ["contents"])
    yield op("DecodeImage", [np.array([[b"x"]], object)], ["contents"])


def encode():
    for channels in (1, 3):
        pixels = picture(21, 34, channels)
        for attrs in (dict(), dict(quality=10), dict(quality=100), dict(quality=0), dict(progressive=True), dict(optimize_size=True), dict(chroma_downsampling=False), dict(density_unit="cm", x_density=72, y_density=100),
                      dict(xmp_metadata="<x/>"), dict(format="rgb"), dict(format="grayscale"), dict(quality=101), dict(quality=-1)):
            yield op("EncodeJpeg", [pixels], ["image"], **attrs)
        for quality in (np.int32(5), np.int32(95), np.int32(101), np.int32(-1), np.int32([5])):
            yield op("EncodeJpegVariableQuality", [pixels, quality], ["images", "quality"])
    yield op("EncodeJpeg", [picture(60, 200, 3)], ["image"])
    for shape in ((4, 4, 2), (4, 4), (0, 4, 3), (4, 0, 1), (4, 4, 3, 1)):
        yield op("EncodeJpeg", [np.zeros(shape, np.uint8)], ["image"])
        yield op("EncodeJpegVariableQuality", [np.zeros(shape, np.uint8), np.int32(90)], ["images", "quality"])
        yield op("EncodePng", [np.zeros(shape, np.uint8)], ["image"])
    for dtype in (np.uint8, np.uint16):
        for channels in (1, 2, 3, 4):
            yield op("EncodePng", [picture(13, 9, channels, dtype=dtype)], ["image"])
        for compression in (0, 1, 9, 10, -2):
            yield op("EncodePng", [picture(13, 9, 3, dtype=dtype)], ["image"], compression=compression)
        yield op("EncodePng", [np.stack([picture(6, 5, 3, i, dtype) for i in range(4)]).reshape(2, 2, 6, 5, 3)], ["image"])
    yield op("EncodePng", [np.zeros((4, 4, 5), np.uint8)], ["image"])
    yield op("EncodePng", [np.zeros((0, 4, 4, 3), np.uint8)], ["image"])


def cases():
    for family in (decode_jpeg, damaged_jpeg, crop_jpeg, decode_png, decode_gif, decode_bmp, decode_any, encode):
        yield from family()
