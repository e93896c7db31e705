/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in texts. Reals go through strtof and strtod, which want a zero behind the text. */
#include "ops/string/number.h"

#include <stdlib.h>

enum { NUMBER_SIZE = 512 };

static bool read_real(struct span text, struct tensor *out, int64_t i)
{
    char copy[NUMBER_SIZE];
    char *end;
    if (!text.len || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    if (out->dtype == DTYPE_FLOAT)
        TENSOR_AT(out, float)[i] = strtof(copy, &end);
    else
        TENSOR_AT(out, double)[i] = strtod(copy, &end);
    return (size_t)(end - copy) == text.len;
}

/* Digits, without a minus; false if they do not fit. */
static bool read_unsigned(struct span text, uint64_t *value)
{
    *value = 0;
    if (text.len && *text.ptr == '+')
        text = span_sub(text, 1, text.len);
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    return text.len > 0;
}

bool number_read(struct span text, struct tensor *out, int64_t i)
{
    int64_t value;
    uint64_t natural;
    text = span_strip(text);
    switch (out->dtype) {
    case DTYPE_FLOAT:
    case DTYPE_DOUBLE:
        return read_real(text, out, i);
    case DTYPE_INT32:
        if (!span_to_int64(text, &value) || value != (int32_t)value)
            return false;
        TENSOR_AT(out, int32_t)[i] = (int32_t)value;
        return true;
    case DTYPE_UINT32:
        if (!read_unsigned(text, &natural) || natural > UINT32_MAX)
            return false;
        TENSOR_AT(out, uint32_t)[i] = (uint32_t)natural;
        return true;
    case DTYPE_UINT64:
        return read_unsigned(text, &TENSOR_AT(out, uint64_t)[i]);
    default:
        return span_to_int64(text, &TENSOR_AT(out, int64_t)[i]);
    }
}
