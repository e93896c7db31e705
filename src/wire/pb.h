/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol buffers, driven by tables. tools/make_messages.py turns protoc's descriptor set of
 * proto/ into wire/messages.h (a plain struct per message) and wire/messages.c (a const struct
 * pb_message per struct); both are committed. Decoder, encoder and text format all walk these
 * tables; no code is generated.
 *
 * How a message `tensorflow.NodeDef` looks in C:
 *   struct pb_node_def, described by pb_node_def_type; nested names are joined:
 * tensorflow.TensorShapeProto.Dim is struct pb_tensor_shape_proto_dim; the package is left out.
 *   string, bytes       struct span, borrowed from the input
 *   enum                int32_t (values: enum pb_<enum>, PB_<ENUM>_<VALUE>)
 *   singular message    const-free pointer, NULL when absent
 *   `optional` scalar   `bool has_<field>` beside it (proto2 is not understood: nobody needs it)
 *   oneof `kind`        `uint32_t kind_case`: the number of the field that is set, 0: none; its
 * members share memory, so look at kind_case before you touch one repeated message    struct {
 * struct pb_x *items; size_t count; } repeated span       struct pb_spans;   repeated scalar:
 * struct pb_floats, pb_int64s, ... (see below) map                 struct { struct
 * pb_<message>_<field>_entry *items; size_t count; }, entries {key, value}; no key twice (the last
 * one wins), message values never NULL; order as first met a C keyword as name gets a trailing
 * underscore (`default_`)
 *
 * Zero copy: spans point into the input; a packed repeated fixed-width field (float, double,
 * fixed32/64) that came as one chunk points into the input too, so its `ptr` may be UNALIGNED: read
 * it with pb_get_float() or memcpy. The input must outlive the message.
 */
#ifndef WIRE_PB_H
#define WIRE_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"

/* Nested messages deeper than this are refused, as protobuf's own decoders do. */
enum { PB_DEPTH_MAX = 100 };

struct pb_spans {
    struct span *items;
    size_t count;
};

/* Repeated scalars. `ptr` may be unaligned (see above). bool: one byte each; enum: int32. */
struct pb_floats {
    const void *ptr;
    size_t count;
};
struct pb_doubles {
    const void *ptr;
    size_t count;
};
struct pb_int32s {
    const void *ptr;
    size_t count;
};
struct pb_uint32s {
    const void *ptr;
    size_t count;
};
struct pb_int64s {
    const void *ptr;
    size_t count;
};
struct pb_uint64s {
    const void *ptr;
    size_t count;
};
struct pb_bools {
    const void *ptr;
    size_t count;
};

static inline float pb_get_float(struct pb_floats a, size_t i)
{
    float v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}
static inline int64_t pb_get_int64(struct pb_int64s a, size_t i)
{
    int64_t v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}
static inline int32_t pb_get_int32(struct pb_int32s a, size_t i)
{
    int32_t v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}

static inline double pb_get_double(struct pb_doubles a, size_t i)
{
    double v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}
static inline uint32_t pb_get_uint32(struct pb_uint32s a, size_t i)
{
    uint32_t v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}
static inline uint64_t pb_get_uint64(struct pb_uint64s a, size_t i)
{
    uint64_t v;
    memcpy(&v, (const char *)a.ptr + i * sizeof v, sizeof v);
    return v;
}
static inline bool pb_get_bool(struct pb_bools a, size_t i)
{
    return ((const bool *)a.ptr)[i];
}

struct pb_message; /* the description of a message; defined in wire/pb_table.h */
struct pb_enum;    /* the description of an enum: pb_<enum>_enum; also there */

/* The full name, "tensorflow.NodeDef", and sizeof of its struct. */
const char *pb_name(const struct pb_message *type);
size_t pb_size(const struct pb_message *type);

/* The message of that full name, or NULL when proto/ has none. */
const struct pb_message *pb_find(struct span full_name);

/* "DT_FLOAT" for 1 in pb_data_type_enum; NULL for a number without a name. Of aliases the first
 * declared. */
const char *pb_enum_name(const struct pb_enum *type, int32_t number);
/* The number of a value's name; false when there is none. */
bool pb_enum_number(const struct pb_enum *type, struct span name, int32_t *number);

/* Decodes wire bytes into `message` (cleared first). Unknown fields are skipped; proto3 strings
 * must be UTF-8; a singular message met twice is merged; of a oneof the last one wins; packed and
 * unpacked are both understood. INVALID_ARGUMENT naming message, field and byte offset. Memory
 * comes from the arena; sizes from the wire are checked before use. Works on any thread. */
enum code pb_decode(const struct pb_message *type, struct span bytes, struct arena *arena,
                    void *message, struct error *err);

/* The wire bytes of a message, in the arena; fields in order of number, defaults (proto3) left out.
 * Deterministic. */
struct span pb_encode(const struct pb_message *type, const void *message, struct arena *arena);

enum { PB_BYTES_MAX = INT32_MAX }; /* of a message that others read: protobuf's limit */

/* The same for a message whose size comes from outside. RESOURCE_EXHAUSTED: more than PB_BYTES_MAX,
 * or no memory. */
enum code pb_encode_large(const struct pb_message *type, const void *message, struct arena *arena,
                          struct span *bytes, struct error *err);

/* Reads the text format: `a: 1`, `a { }`, `a: { }`, `a < >`, lists `[1, 2]`, `,` and `;` between
 * fields, comments, adjacent strings, escapes, hex/octal, inf/nan, enum names or numbers, maps as
 * entries, Any as `[type.googleapis.com/x.Y] { ... }` where proto/ has x.Y. INVALID_ARGUMENT with
 * "<line>:<column>: <what>" (counted from 1, as protobuf's own parser prints it). */
enum code pb_parse_text(const struct pb_message *type, struct span text, struct arena *arena,
                        void *message, struct error *err);

/* The text format, two blanks of indent a level, as protobuf's DebugString prints it. */
struct span pb_print_text(const struct pb_message *type, const void *message, struct arena *arena);

/* The JSON form of a message (proto3 JSON mapping, enums by name, int64 as strings, snake_case
 * names, all defaults printed): what the REST status and metadata pages need. See reference 2.8. */
struct span pb_print_json(const struct pb_message *type, const void *message, struct arena *arena);

/* The same on one line, without what is not set. */
struct span pb_print_json_line(const struct pb_message *type, const void *message,
                               struct arena *arena);

/* Reads JSON as the two above and protobuf's own printers write it: names of fields as in proto/ or
 * in camel case, 64-bit integers as numbers or strings, bytes in base64, enums by name or number,
 * the bare value for a wrapper, "@type" for an Any. null is nothing. INVALID_ARGUMENT names message
 * and field. */
enum code pb_parse_json(const struct pb_message *type, struct span text, struct arena *arena,
                        void *message, struct error *err);

#endif
