/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a parser that makes a tape (a whole document as a flat array of 16-byte values; no
 * recursion) and a writer.
 *
 * The rules are those of the original server's parser (reference 2.4): no limit on depth; NaN, Inf,
 * Infinity, -Inf and -Infinity are numbers; what follows the first complete value is ignored; a
 * UTF-8 byte order mark is skipped; UTF-8 inside strings is not checked. Error texts and offsets
 * are the original's: "JSON Parse error: Invalid value. at offset: 12".
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* written with a fraction or an exponent, or too big for an integer: see `real` */
    JSON_INT,    /* an integer that fits int64: see `integer` */
    JSON_UINT,   /* an integer above INT64_MAX that fits uint64: see `unsigned_integer` */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* One value of the tape. The members of an array follow it directly; those of an object as key
 * (JSON_STRING), value, key, value ... `extent` is the number of tape slots that the value takes
 * with everything inside it (1 for a number, 2 for a string: its length lies in the second), so `v
 * + v->extent` is its next sibling. */
struct json_value {
    uint32_t type;   /* enum json_type */
    uint32_t extent; /* a string's: 2, its length is the count of the slot behind it */
    union {
        double real;
        int64_t integer;
        uint64_t unsigned_integer;
        const char
            *text;    /* borrowed from the input, or unescaped in the arena; not zero-terminated */
        size_t count; /* members of an array or object (an object's pairs) */
    };
};

struct json_document {
    struct json_value *values; /* in the arena; values[0] is the root */
    size_t count;
};

/* Parses the first complete value of `text`. INVALID_ARGUMENT with the original's text: "JSON Parse
 * error: The document is empty" for nothing, else "JSON Parse error: <what> at offset: <n>";
 * RESOURCE_EXHAUSTED beyond 2^32 - 1 values. Speed matters here: a megabyte of float array in
 * little more than a millisecond. */
enum code json_parse(struct span text, struct arena *arena, struct json_document *document,
                     struct error *err);

static inline bool json_is_number(const struct json_value *v)
{
    return v->type == JSON_NUMBER || v->type == JSON_INT || v->type == JSON_UINT;
}

/* The value of any number as a double (the nearest). */
double json_real(const struct json_value *v);

/* A string's bytes. */
struct span json_string(const struct json_value *v);

/* First and next sibling: for (m = json_first(a); m != json_end(a); m = json_next(m)). */
static inline const struct json_value *json_first(const struct json_value *v)
{
    return v + 1;
}
static inline const struct json_value *json_next(const struct json_value *v)
{
    return v + v->extent;
}
static inline const struct json_value *json_end(const struct json_value *v)
{
    return v + v->extent;
}

/* The value under the first such key of an object, or NULL. */
const struct json_value *json_member(const struct json_value *object, struct span key);

/* "Null", "False", "True", "Object", "Array", "String", "Number": as error texts name it. */
const char *json_type_name(const struct json_value *v);

/* The value written again for an error text: arrays on one line, cut at 256 bytes (reference 2.4
 * <dump>). */
struct span json_dump(const struct json_value *v, struct arena *arena);

/* ---- writing ---- */

enum { JSON_DEPTH_MAX = 32 }; /* of what we write: a tensor's rank and a few levels around it */

/* A growing text in an arena. When there is no memory for it, `failed` is set and what follows is
 * dropped: whoever writes much looks at it now and then, and at the end.
 *
 * Two ways to use it: json_write_* append values as they are; json_open_*, json_key, json_item and
 * json_close lay them out as RapidJSON's PrettyWriter does, four blanks a level: json_item() or
 * json_key() before each value, then a json_write_* or an open. */
struct json_writer {
    struct arena *arena; /* borrowed */
    char *ptr;
    size_t len;
    size_t room;
    bool failed;      /* the text is none */
    bool single_line; /* arrays on one line, ", " between elements; may be changed at any time */
    int depth;
    struct {
        bool is_array;
        bool has_items;
    } levels[JSON_DEPTH_MAX];
};

void json_writer_init(struct json_writer *w, struct arena *arena, size_t expected);
struct span json_writer_text(const struct json_writer *w);

void json_write_raw(struct json_writer *w, struct span text);
/* Quoted, escaped; bytes above 0x7e as they are. */
void json_write_string(struct json_writer *w, struct span text);
void json_write_bool(struct json_writer *w, bool value);
void json_write_int(struct json_writer *w, int64_t value);
void json_write_uint(struct json_writer *w, uint64_t value);
/* In the original's dress (reference 2.6): six significant digits if they read back equal, else
 * nine / seventeen; ".0" behind it when there is neither '.' nor 'e'; NaN, Infinity, -Infinity. */
void json_write_float(struct json_writer *w, float value);
void json_write_double(struct json_writer *w, double value);
/* The next `count` elements of the open array, laid out by json_item(). */
void json_write_floats(struct json_writer *w, const float *values, size_t count);
/* Quoted standard base64 with padding. */
void json_write_base64(struct json_writer *w, struct span bytes);

/* The place of the next value of an array, or of the root: comma, line break, indent. */
void json_item(struct json_writer *w);
/* The place of the next member of an object, its key and the colon. */
void json_key(struct json_writer *w, struct span key);
/* Open a level here; the caller has called json_item() or json_key(). At most JSON_DEPTH_MAX. */
void json_open_array(struct json_writer *w);
void json_open_object(struct json_writer *w);
void json_close(struct json_writer *w);

/* Room for `n` more bytes, to be written at the returned place; json_wrote() says how many were.
 * For tight loops. */
char *json_reserve(struct json_writer *w, size_t n);
static inline void json_wrote(struct json_writer *w, size_t n)
{
    w->len += n;
}

#endif
