/* SPDX-License-Identifier: Apache-2.0 */
/* Base-128 varints, as protobuf and LevelDB write them: seven bits a byte, lowest first, the top
 * bit says that more follow. */
#ifndef WIRE_VARINT_H
#define WIRE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum { VARINT_SIZE_MAX = 10 };

/* Takes one off the front of `in`; false (and `in` as it was) when it is cut off or does not fit 64
 * bits. */
static inline bool varint_take(struct span *in, uint64_t *value)
{
    uint64_t result = 0;
    for (size_t i = 0; i < in->len && i < VARINT_SIZE_MAX; i++) {
        uint64_t byte = (unsigned char)in->ptr[i];
        if (i == VARINT_SIZE_MAX - 1 && byte > 1)
            return false;
        result |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *in = span_sub(*in, i + 1, in->len);
            *value = result;
            return true;
        }
    }
    return false;
}

/* Writes at most VARINT_SIZE_MAX bytes; returns how many. */
static inline size_t varint_put(char *out, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (char)(value | 0x80);
    out[n++] = (char)value;
    return n;
}

#endif
