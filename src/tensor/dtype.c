/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table row per element type, indexed by tensorflow.DataType's number; everything that is asked
 * about a type is read from it. Types 26 to 28 (the fnuz variants of float8) have no row: nothing
 * that we serve can compute them, so they are refused where a graph or a request is read.
 *
 * Half and bfloat16 are converted bit by bit, round to nearest even, NaNs becoming the quiet NaN of
 * the same sign: what Eigen's portable code does, so that results do not depend on the machine's
 * instruction set.
 */
#include "tensor/dtype.h"

enum dtype_kind {
    KIND_NONE,
    KIND_FLOAT,
    KIND_INTEGER,
    KIND_OTHER, /* plain, but neither: bool, complex, quantised, the tiny ones */
    KIND_MANAGED,
};

struct dtype_row {
    const char *name;
    const char *enum_name;
    unsigned char size;
    unsigned char kind;
};

static const struct dtype_row rows[DTYPE_COUNT] = {
    [DTYPE_FLOAT] = {"float", "DT_FLOAT", 4, KIND_FLOAT},
    [DTYPE_DOUBLE] = {"double", "DT_DOUBLE", 8, KIND_FLOAT},
    [DTYPE_INT32] = {"int32", "DT_INT32", 4, KIND_INTEGER},
    [DTYPE_UINT8] = {"uint8", "DT_UINT8", 1, KIND_INTEGER},
    [DTYPE_INT16] = {"int16", "DT_INT16", 2, KIND_INTEGER},
    [DTYPE_INT8] = {"int8", "DT_INT8", 1, KIND_INTEGER},
    [DTYPE_STRING] = {"string", "DT_STRING", sizeof(struct span), KIND_MANAGED},
    [DTYPE_COMPLEX64] = {"complex64", "DT_COMPLEX64", 8, KIND_OTHER},
    [DTYPE_INT64] = {"int64", "DT_INT64", 8, KIND_INTEGER},
    [DTYPE_BOOL] = {"bool", "DT_BOOL", 1, KIND_OTHER},
    [DTYPE_QINT8] = {"qint8", "DT_QINT8", 1, KIND_OTHER},
    [DTYPE_QUINT8] = {"quint8", "DT_QUINT8", 1, KIND_OTHER},
    [DTYPE_QINT32] = {"qint32", "DT_QINT32", 4, KIND_OTHER},
    [DTYPE_BFLOAT16] = {"bfloat16", "DT_BFLOAT16", 2, KIND_FLOAT},
    [DTYPE_QINT16] = {"qint16", "DT_QINT16", 2, KIND_OTHER},
    [DTYPE_QUINT16] = {"quint16", "DT_QUINT16", 2, KIND_OTHER},
    [DTYPE_UINT16] = {"uint16", "DT_UINT16", 2, KIND_INTEGER},
    [DTYPE_COMPLEX128] = {"complex128", "DT_COMPLEX128", 16, KIND_OTHER},
    [DTYPE_HALF] = {"half", "DT_HALF", 2, KIND_FLOAT},
    [DTYPE_RESOURCE] = {"resource", "DT_RESOURCE", sizeof(void *), KIND_MANAGED},
    [DTYPE_VARIANT] = {"variant", "DT_VARIANT", sizeof(void *), KIND_MANAGED},
    [DTYPE_UINT32] = {"uint32", "DT_UINT32", 4, KIND_INTEGER},
    [DTYPE_UINT64] = {"uint64", "DT_UINT64", 8, KIND_INTEGER},
    [DTYPE_FLOAT8_E5M2] = {"float8_e5m2", "DT_FLOAT8_E5M2", 1, KIND_OTHER},
    [DTYPE_FLOAT8_E4M3FN] = {"float8_e4m3fn", "DT_FLOAT8_E4M3FN", 1, KIND_OTHER},
    [DTYPE_INT4] = {"int4", "DT_INT4", 1, KIND_OTHER},
    [DTYPE_UINT4] = {"uint4", "DT_UINT4", 1, KIND_OTHER},
};

static const struct dtype_row *row_of(int number)
{
    static const struct dtype_row none = {"INVALID", "DT_INVALID", 0, KIND_NONE};
    if (number < 0 || number >= DTYPE_COUNT || rows[number].kind == KIND_NONE)
        return &none;
    return &rows[number];
}

bool dtype_is_valid(int number)
{
    return row_of(number)->kind != KIND_NONE;
}

size_t dtype_size(enum dtype dtype)
{
    return row_of((int)dtype)->size;
}

const char *dtype_name(enum dtype dtype)
{
    return row_of((int)dtype)->name;
}

const char *dtype_enum_name(enum dtype dtype)
{
    return row_of((int)dtype)->enum_name;
}

enum dtype dtype_from_name(struct span name)
{
    for (int i = 0; i < DTYPE_COUNT; i++) {
        if (rows[i].kind == KIND_NONE)
            continue;
        if (span_is(name, rows[i].name) || span_is(name, rows[i].enum_name))
            return (enum dtype)i;
    }
    return DTYPE_INVALID;
}

enum dtype dtype_from_number(int number)
{
    if (number > DTYPE_REF_OFFSET)
        number -= DTYPE_REF_OFFSET;
    return dtype_is_valid(number) ? (enum dtype)number : DTYPE_INVALID;
}

bool dtype_is_plain(enum dtype dtype)
{
    unsigned char kind = row_of((int)dtype)->kind;
    return kind != KIND_NONE && kind != KIND_MANAGED;
}

bool dtype_is_float(enum dtype dtype)
{
    return row_of((int)dtype)->kind == KIND_FLOAT;
}

bool dtype_is_integer(enum dtype dtype)
{
    return row_of((int)dtype)->kind == KIND_INTEGER;
}

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float dtype_half_to_float(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = (bits >> 10) & 0x1f;
    uint32_t fraction = bits & 0x3ff;
    if (exponent == 0) {
        /* Zero and subnormals: fraction * 2^-24 is exact in a float. */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 0x1f)
        return float_from_bits(sign | 0x7f800000 | fraction << 13);
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t dtype_half_from_float(float value)
{
    uint32_t bits = float_bits(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >=
        0x47800000) /* 65536 and above; what rounds up to it overflows below by itself */
        return sign | 0x7c00;
    if (magnitude < 0x38800000) {
        /* Below 2^-14: adding 0.5 lets the FPU round to a multiple of 2^-24. */
        float shifted = float_from_bits(magnitude) + 0.5f;
        return sign | (uint16_t)(float_bits(shifted) - float_bits(0.5f));
    }
    uint32_t odd = magnitude >> 13 & 1;
    return sign | (uint16_t)((magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

float dtype_bfloat16_to_float(uint16_t bits)
{
    return float_from_bits((uint32_t)bits << 16);
}

uint16_t dtype_bfloat16_from_float(float value)
{
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 & 0x8000) | 0x7fc0;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
