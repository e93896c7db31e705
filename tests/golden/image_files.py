# SPDX-License-Identifier: Apache-2.0
"""Image files of the kinds that TensorFlow reads but does not write: PNGs of all colour types and depths, interlaced or not, GIFs, BMPs,
JPEGs with colour components of any meaning."""
import struct
import zlib

import numpy as np
import tensorflow as tf


def picture(rows, columns, channels, seed=1, dtype=np.uint8):
    """Something smooth with an edge and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    planes = [(128 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (5 - c / 2)) + 20 * ((x + y) % 16 > 7)) for c in range(channels)]
    image = np.clip(np.stack(planes, -1) + rng.normal(0, 4, (rows, columns, channels)), 0, 255)
    return (image * (257 if dtype == np.uint16 else 1)).astype(dtype)


# ---- PNG ----

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_row(row, depth):
    """A row of samples (already interleaved) as bytes of that depth."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def png(samples, depth=8, colour=2, interlaced=False, chunks=b""):
    """samples: [rows, columns, samples of a pixel]; colour: the type as PNG numbers it; chunks: those before the pixels."""
    rows, columns, _ = samples.shape
    parts = []
    for x, y, dx, dy in (PASSES if interlaced else [(0, 0, 1, 1)]):
        part = samples[y::dy, x::dx]
        if part.size:
            parts += [b"\0" + pack_row(row.reshape(-1), depth) for row in part]
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(b"".join(parts))) + chunk(b"IEND", b"")


# ---- GIF ----

def lzw(pixels, bits):
    """GIF's LZW without a dictionary: a clear code before the codes would grow."""
    clear, out, acc, n = 1 << bits, bytearray(), 0, 0
    codes = [clear]
    for i, pixel in enumerate(pixels):
        if i and i % ((1 << bits) - 2) == 0:
            codes.append(clear)
        codes.append(int(pixel))
    for code in codes + [clear + 1]:
        acc |= code << n
        n += bits + 1
        while n >= 8:
            out.append(acc & 255)
            acc >>= 8
            n -= 8
    if n:
        out.append(acc & 255)
    blocks = b"".join(bytes([len(out[i:i + 255])]) + bytes(out[i:i + 255]) for i in range(0, len(out), 255))
    return bytes([bits]) + blocks + b"\0"


def palette(bits, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (1 << bits, 3), dtype=np.uint8).tobytes()


def frame(indices, left=0, top=0, bits=4, colours=None, transparent=None, interlaced=False, size=None):
    """size: what the description says instead of the indices' own."""
    rows, columns = size or indices.shape
    control = b"" if transparent is None else b"\x21\xf9\x04\x01\x00\x00" + bytes([transparent]) + b"\0"
    flags = (0x80 | (bits - 1) if colours else 0) | (0x40 if interlaced else 0)
    order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, len(indices), step)] if interlaced else range(len(indices))
    data = [p for y in order for p in indices[y]]
    return control + b"\x2c" + struct.pack("<HHHHB", left, top, columns, rows, flags) + (colours or b"") + lzw(data, bits)


def gif(frames, rows, columns, bits=4, colours=None, trailer=b"\x3b"):
    flags = 0x80 | (bits - 1) if colours else 0
    return b"GIF89a" + struct.pack("<HHBBB", columns, rows, flags, 0, 0) + (colours or b"") + b"".join(frames) + trailer


# ---- BMP ----

def bmp(pixels, top_down=False, header=54):
    rows, columns, channels = pixels.shape
    lines = b"".join(row.tobytes() + b"\0" * (-row.size % 4) for row in (pixels if top_down else pixels[::-1]))
    head = b"BM" + struct.pack("<IHHI", header + len(lines), 0, 0, header)
    head += struct.pack("<IiiHHIIiiII", 40, columns, -rows if top_down else rows, 1, channels * 8, 0, len(lines), 0, 0, 0, 0)
    return head.ljust(header, b"\0")[:header] + lines


# ---- JPEG ----

def segments(data):
    """(marker, payload) up to the scan, then the scan's bytes."""
    at, found = 2, []
    while True:
        marker, size = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((marker, data[at + 4:at + 2 + size]))
        at += 2 + size
        if marker == 0xda:
            return found, data[at:-2]


def jpeg_of_planes(planes, adobe=None, quality=90):
    """A JPEG whose components are these planes, a scan each. adobe: the transform of an Adobe marker, which says what they mean."""
    files = [segments(tf.io.encode_jpeg(plane[..., None], format="grayscale", quality=quality).numpy()) for plane in planes]
    head, _ = files[0]
    out = b"\xff\xd8"
    if adobe is not None:
        out += b"\xff\xee" + struct.pack(">H", 14) + b"Adobe\0\x64\0\0\0\0" + bytes([adobe])
    for marker, payload in head:
        if marker in (0xdb, 0xc4):
            out += b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload
        if marker == 0xc0:
            components = b"".join(bytes([i + 1, 0x11, 0]) for i in range(len(planes)))
            payload = payload[:5] + bytes([len(planes)]) + components
            out += b"\xff\xc0" + struct.pack(">H", len(payload) + 2) + payload
    for i, (_, scan) in enumerate(files):
        out += b"\xff\xda" + struct.pack(">H", 8) + bytes([1, i + 1, 0, 0, 63, 0]) + scan
    return out + b"\xff\xd9"
