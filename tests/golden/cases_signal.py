# SPDX-License-Identifier: Apache-2.0
"""Cases of Fourier transforms, sound and sequences, for make_ops.py."""
import numpy as np
import tensorflow as tf

from op_case import graph, op, rng, values

FINE = {"complex64": (1e-5, 2e-5), "complex128": (1e-11, 1e-11)}


def complex_values(shape, dtype):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def i32(*x):
    return np.array(x, np.int32)


def transforms():
    for dtype, fine in FINE.items():
        for name in ("FFT", "IFFT"):
            for shape in ((1,), (2,), (8,), (3, 12), (2, 30), (7,), (17,), (1, 97), (64,), (1, 1001), (0,), (3, 0), (0, 4), (26,), (121,)):
                yield op(name, [complex_values(shape, dtype)], ["input"], tolerance=fine)
        for name in ("FFT2D", "IFFT2D"):
            for shape in ((4, 6), (2, 3, 5), (1, 1), (2, 0, 3), (3, 19, 2)):
                yield op(name, [complex_values(shape, dtype)], ["input"], tolerance=fine)
        for name in ("FFT3D", "IFFT3D"):
            for shape in ((4, 3, 2), (2, 2, 3, 5)):
                yield op(name, [complex_values(shape, dtype)], ["input"], tolerance=fine)
    yield op("FFT", [complex_values((), "complex64")], ["input"])
    yield op("FFT2D", [complex_values((3,), "complex64")], ["input"])


def real_transforms():
    for real, spectrum in (("float32", "complex64"), ("float64", "complex128")):
        fine, to = FINE[spectrum], tf.as_dtype(spectrum)
        for shape, n in (((8,), 8), ((3, 12), 12), ((2, 9), 9), ((2, 9), 4), ((1,), 1), ((2, 64), 64), ((0, 4), 4), ((3, 5), 0), ((2, 0), 0), ((2, 8), 3)):
            yield op("RFFT", [values(shape, real), i32(n)], ["input", "fft_length"], Tcomplex=to, tolerance=fine)
            yield op("RFFT", [values(shape, real), i32(n)], ["input", "fft_length"], const=(1,), Tcomplex=to, tolerance=fine)
        for shape, n in (((5,), 8), ((3, 7), 12), ((2, 5), 9), ((2, 9), 4), ((1,), 1), ((2, 33), 64), ((0, 3), 4), ((3, 5), 0), ((2, 8), 3)):
            yield op("IRFFT", [complex_values(shape, spectrum), i32(n)], ["input", "fft_length"], Treal=tf.as_dtype(real), tolerance=fine)
        for shape, n in (((4, 6), (4, 6)), ((2, 5, 7), (5, 7)), ((2, 5, 7), (3, 4))):
            yield op("RFFT2D", [values(shape, real), i32(*n)], ["input", "fft_length"], Tcomplex=to, tolerance=fine)
        for shape, n in (((4, 4), (4, 6)), ((2, 5, 4), (5, 7)), ((2, 5, 7), (3, 4))):
            yield op("IRFFT2D", [complex_values(shape, spectrum), i32(*n)], ["input", "fft_length"], Treal=tf.as_dtype(real), tolerance=fine)
        yield op("RFFT3D", [values((2, 4, 3, 6), real), i32(4, 3, 6)], ["input", "fft_length"], Tcomplex=to, tolerance=fine)
        yield op("IRFFT3D", [complex_values((2, 4, 3, 4), spectrum), i32(4, 3, 6)], ["input", "fft_length"], Treal=tf.as_dtype(real), tolerance=fine)
    for shape, n in (((8,), (16,)), ((8,), (-1,)), ((8,), (8, 8)), ((), (1,))):
        yield op("RFFT", [values(shape), i32(*n)], ["input", "fft_length"])
        yield op("IRFFT", [complex_values(shape, "complex64"), i32(*(2 * k for k in n))], ["input", "fft_length"])
    yield op("RFFT", [values((8,)), np.int32(8)], ["input", "fft_length"])
    yield graph("stft", [values((2, 300))], lambda t: [tf.signal.stft(t[0], 64, 32)], tolerance=(1e-5, 2e-5))


def wav(samples, channels=1, rate=8000, bits=16, audio_format=1, format_size=16, before=b"", between=b"", after=b"", byte_rate=None, frame=None, data=None):
    body = np.asarray(samples, "<i2").tobytes() if data is None else data
    frame = 2 * channels if frame is None else frame
    byte_rate = rate * frame if byte_rate is None else byte_rate
    head = b"RIFF" + (36 + len(body)).to_bytes(4, "little") + b"WAVE" + before + b"fmt " + format_size.to_bytes(4, "little")
    head += audio_format.to_bytes(2, "little") + channels.to_bytes(2, "little") + rate.to_bytes(4, "little") + byte_rate.to_bytes(4, "little")
    head += frame.to_bytes(2, "little") + bits.to_bytes(2, "little") + b"\0" * (format_size - 16)
    return head + between + b"data" + len(body).to_bytes(4, "little") + body + after


def string(value):
    return np.array(value, object)


def sounds():
    samples = rng.integers(-32768, 32767, 24)
    for desired in ({}, {"desired_channels": 1}, {"desired_channels": 3}, {"desired_samples": 5}, {"desired_samples": 40}, {"desired_samples": 0},
                    {"desired_channels": 0}):
        for channels in (1, 2):
            yield op("DecodeWav", [string(wav(samples, channels))], ["contents"], **desired)
    good = wav(samples)
    junk = b"JUNK" + (6).to_bytes(4, "little") + b"abcdef"
    for contents in (wav([]), wav(samples, format_size=18), wav(samples, before=junk), wav(samples, between=junk), wav(samples, after=junk), wav(samples, before=b"what" + junk[4:]),
                     wav(samples, bits=8), wav(samples, audio_format=3), wav(samples, format_size=20), wav(samples, channels=0), wav(samples, frame=3),
                     wav(samples, byte_rate=7), good[:-5], good[:30], good[:3], b"", b"RIFX" + good[4:], good[:8] + b"WAVX" + good[12:], wav(samples, after=good[36:]),
                     wav(samples, after=b"LIST" + (100).to_bytes(4, "little") + b"abc"), good[:36], wav(samples, channels=5), wav(samples, data=b"\1\2\3"),
                     wav(samples, between=b"LIST" + (2 ** 31 + 5).to_bytes(4, "little"))):
        yield op("DecodeWav", [string(contents)], ["contents"])
    yield op("DecodeWav", [np.array([good], object)], ["contents"])
    audio = np.float32([[0.1, -0.2], [1.5, -7], [0.99999, -1], [3e-5, 1e-5]])
    for rate in (8000, 44100):
        yield op("EncodeWav", [audio, np.int32(rate)], ["audio", "sample_rate"])
    for a, rate in ((audio[:0], np.int32(8000)), (audio[:, :0], np.int32(8000)), (audio[0], np.int32(8000)), (audio, np.int32([8000])), (audio, np.int32(0))):
        yield op("EncodeWav", [a, rate], ["audio", "sample_rate"])
    for shape, window, stride in (((40, 1), 8, 4), ((100, 2), 30, 7), ((10, 1), 16, 4), ((16, 1), 16, 5), ((33, 3), 3, 1), ((0, 1), 8, 4)):
        for squared in (False, True):
            yield op("AudioSpectrogram", [values(shape)], ["input"], window_size=window, stride=stride, magnitude_squared=squared, tolerance=(1e-4, 1e-5))
    yield op("AudioSpectrogram", [values((40,))], ["input"], window_size=8, stride=4)
    spectrum = values((2, 3, 257), low=0, high=4)
    for rate, more in ((16000, {}), (16000, {"upper_frequency_limit": 7000.0, "filterbank_channel_count": 20, "dct_coefficient_count": 20}),
                       (8000, {}), (16000, {"lower_frequency_limit": 300.0}), (44100, {})):
        yield op("Mfcc", [spectrum, np.int32(rate)], ["spectrogram", "sample_rate"], tolerance=(1e-4, 1e-4), **more)
    for rate, more in ((0, {}), (16000, {"upper_frequency_limit": 10.0}), (16000, {"lower_frequency_limit": -1.0}), (16000, {"filterbank_channel_count": 0}),
                       (16000, {"dct_coefficient_count": 0}), (16000, {"dct_coefficient_count": 50})):
        yield op("Mfcc", [spectrum, np.int32(rate)], ["spectrogram", "sample_rate"], **more)
    yield op("Mfcc", [spectrum[0], np.int32(16000)], ["spectrogram", "sample_rate"])
    yield op("Mfcc", [spectrum, np.int32([16000])], ["spectrogram", "sample_rate"])
    yield op("Mfcc", [np.zeros((1, 2, 257), np.float32), np.int32(16000)], ["spectrogram", "sample_rate"], tolerance=(1e-4, 1e-4))


def sequences():
    names = ["inputs", "sequence_length"]
    for dtype in ("float32", "float64"):
        x = values((7, 3, 4), dtype)
        x[2:4] = x[1]
        for merge in (False, True):
            for blank in (-1, 0, 2, -4):
                yield op("CTCGreedyDecoder", [x, i32(7, 3, 0)], names, merge_repeated=merge, blank_index=blank)
    x = values((5, 2, 3))
    for lengths in (i32(5, 6), i32(5), np.int32(5), i32(-1, 2)):
        yield op("CTCGreedyDecoder", [x, lengths], names)
    for blank in (3, -4):
        yield op("CTCGreedyDecoder", [x, i32(5, 4)], names, blank_index=blank)
    yield op("CTCGreedyDecoder", [x[0], i32(5, 4)], names)
    yield op("CTCGreedyDecoder", [x[:0], i32(0, 0)], names)


def recurrent():
    lstm = ["x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b"]
    for dtype, fine in (("float32", (1e-5, 1e-5)), ("float16", (1e-2, 1e-2))):
        for batch, inputs, cells in ((1, 3, 4), (3, 5, 2), (2, 0, 3)):
            state = [values((batch, cells), dtype), values((batch, cells), dtype, -1, 1), values((inputs + cells, 4 * cells), dtype), values((cells,), dtype),
                     values((cells,), dtype), values((cells,), dtype), values((4 * cells,), dtype)]
            for more in ({}, {"forget_bias": 0.3, "cell_clip": 0.5}, {"use_peephole": True, "cell_clip": -1.0}):
                yield op("LSTMBlockCell", [values((batch, inputs), dtype)] + state, lstm, tolerance=fine, **more)
                if inputs:  # of half TensorFlow leaves the steps beyond seq_len_max as they come
                    yield op("BlockLSTM", [np.int64(5 if dtype == "float16" else 4), values((5, batch, inputs), dtype)] + state, ["seq_len_max"] + lstm, tolerance=fine, **more)
                    more = {k: v for k, v in more.items() if k != "forget_bias"}
                    yield op("BlockLSTMV2", [np.int64(5), values((5, batch, inputs), dtype)] + state, ["seq_len_max"] + lstm, tolerance=fine, **more)
    for batch, inputs, cells in ((1, 3, 4), (3, 5, 2)):
        yield op("GRUBlockCell", [values((batch, inputs)), values((batch, cells)), values((inputs + cells, 2 * cells)), values((inputs + cells, cells)),
                                  values((2 * cells,)), values((cells,))], ["x", "h_prev", "w_ru", "w_c", "b_ru", "b_c"])


def cases():
    for family in (transforms, real_transforms, sounds, sequences, recurrent):
        yield from family()
