/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct span: bytes that somebody else owns. Not zero-terminated; may hold any byte; an empty span
 * may have a NULL pointer. Print one with "%.*s" and SPAN_ARG(s).
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr; /* borrowed */
    size_t len;
};

#define SPAN_LITERAL(text) ((struct span){(text), sizeof(text) - 1})
/* For printf's "%.*s"; cut at 2 GiB. */
#define SPAN_ARG(s) (int)((s).len < INT32_MAX ? (s).len : INT32_MAX), ((s).len ? (s).ptr : "")

static inline struct span span_of(const char *zero_terminated)
{
    return (struct span){zero_terminated, zero_terminated ? strlen(zero_terminated) : 0};
}

static inline struct span span_make(const void *ptr, size_t len)
{
    return (struct span){(const char *)ptr, len};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_is(struct span a, const char *zero_terminated)
{
    return span_equal(a, span_of(zero_terminated));
}

static inline bool span_starts_with(struct span a, struct span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool span_ends_with(struct span a, struct span suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.ptr + a.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* Like memcmp over the common length, then by length: the order of std::string. */
static inline int span_compare(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* The part from `start` on, at most `len` bytes; clipped to what is there. */
static inline struct span span_sub(struct span a, size_t start, size_t len)
{
    if (start > a.len)
        start = a.len;
    size_t rest = a.len - start;
    return (struct span){a.ptr ? a.ptr + start : NULL, len < rest ? len : rest};
}

/* Index of the first `byte`, or a.len when there is none. */
static inline size_t span_find(struct span a, char byte)
{
    const char *hit = a.len ? memchr(a.ptr, byte, a.len) : NULL;
    return hit ? (size_t)(hit - a.ptr) : a.len;
}

/* Cuts the part before the first `byte` off, and the byte with it; all of it when there is none.
 * What is cut off. */
struct span span_cut(struct span *rest, char byte);

/* Without the blanks and tabs at both ends. */
struct span span_trim(struct span a);

/* White space in the C locale: a blank, \t, \n, \v, \f, \r. */
static inline bool span_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the white space at both ends. */
struct span span_strip(struct span a);

/* A decimal int64 that fills the span ("-12", "007"); false if it is none or does not fit. */
bool span_to_int64(struct span a, int64_t *value);

#endif
