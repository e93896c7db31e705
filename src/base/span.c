/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_cut(struct span *rest, char byte)
{
    size_t end = span_find(*rest, byte);
    struct span head = span_sub(*rest, 0, end);
    *rest = span_sub(*rest, end + 1, rest->len);
    return head;
}

struct span span_trim(struct span a)
{
    while (a.len && is_blank(*a.ptr))
        a = span_sub(a, 1, a.len);
    while (a.len && is_blank(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

struct span span_strip(struct span a)
{
    while (a.len && span_is_space(*a.ptr))
        a = span_sub(a, 1, a.len);
    while (a.len && span_is_space(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

bool span_to_int64(struct span a, int64_t *value)
{
    size_t i = 0;
    bool negative = false;
    if (i < a.len && (a.ptr[i] == '-' || a.ptr[i] == '+'))
        negative = a.ptr[i++] == '-';
    if (i == a.len)
        return false;
    int64_t n = 0;
    for (; i < a.len; i++) {
        int digit = a.ptr[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Counted downwards, so that INT64_MIN is reached without overflow. */
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return false;
    }
    if (!negative && n == INT64_MIN)
        return false;
    *value = negative ? n : -n;
    return true;
}
