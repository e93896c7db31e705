/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that describe messages: what tools/make_messages.py writes into wire/messages.c and
 * what the codec, the text format and the JSON printer walk. Only the wire floor needs this header;
 * users include wire/messages.h.
 *
 * Fields are sorted by number. A number below dense_count is found in one step: dense[number] is
 * the field's index plus 1, 0 when there is no such field; larger numbers are found by bisection.
 */
#ifndef WIRE_PB_TABLE_H
#define WIRE_PB_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "wire/pb.h"

/* How a value is written; the numbers are those of google.protobuf.FieldDescriptorProto.Type. */
enum pb_kind {
    PB_KIND_DOUBLE = 1,
    PB_KIND_FLOAT = 2,
    PB_KIND_INT64 = 3,
    PB_KIND_UINT64 = 4,
    PB_KIND_INT32 = 5,
    PB_KIND_FIXED64 = 6,
    PB_KIND_FIXED32 = 7,
    PB_KIND_BOOL = 8,
    PB_KIND_STRING = 9,
    PB_KIND_MESSAGE = 11,
    PB_KIND_BYTES = 12,
    PB_KIND_UINT32 = 13,
    PB_KIND_ENUM = 14,
    PB_KIND_SFIXED32 = 15,
    PB_KIND_SFIXED64 = 16,
    PB_KIND_SINT32 = 17,
    PB_KIND_SINT64 = 18,
    PB_KIND_COUNT
};

/* How often it stands there and how one sees that it does. */
enum pb_rule {
    PB_RULE_PLAIN,    /* a proto3 scalar: there when it is not zero or empty */
    PB_RULE_OPTIONAL, /* a scalar with `bool has_x` at `presence` */
    PB_RULE_SINGLE,   /* a message: there when the pointer is not NULL */
    PB_RULE_ONEOF,    /* there when the uint32_t at `presence` is the field's number */
    PB_RULE_ALWAYS,   /* key and value of a map entry: written even when zero */
    PB_RULE_REPEATED,
    PB_RULE_MAP, /* repeated entries, `message` describes the entry */
};

enum { PB_PACKED = 1 }; /* flag of a repeated scalar: written as one chunk */

struct pb_enum_value {
    int32_t number;
    const char *name;
};

struct pb_enum {
    const char *name;                   /* full */
    const struct pb_enum_value *values; /* sorted by number; aliases of those behind them */
    uint16_t number_count;              /* without aliases */
    uint16_t count;                     /* with aliases */
};

struct pb_field {
    const char *name;
    union {
        const struct pb_message *message;  /* PB_KIND_MESSAGE */
        const struct pb_enum *enumeration; /* PB_KIND_ENUM */
    };
    uint32_t number;
    uint16_t offset;   /* of the value in the struct */
    uint16_t presence; /* of has_x or of the oneof's case; else the same as `offset` */
    uint8_t kind;      /* enum pb_kind */
    uint8_t rule;      /* enum pb_rule */
    uint8_t flags;     /* PB_PACKED */
    uint8_t oneof;     /* index into the message's `oneofs`, for PB_RULE_ONEOF */
};

struct pb_message {
    const char *name; /* full, without a dot in front */
    const struct pb_field *fields;
    const uint8_t *dense;
    const uint8_t *declared;   /* indices of fields in the order that JSON prints: as declared,
                                  members of oneofs last; NULL when that is the order of numbers */
    const char *const *oneofs; /* names */
    uint32_t size;             /* of the struct */
    uint16_t field_count;
    uint16_t dense_count;
};

/* All messages but map entries, sorted by name. */
extern const struct pb_message *const pb_messages[];
extern const size_t pb_message_count;

/* The field with that number or name, or NULL. */
const struct pb_field *pb_field_by_number(const struct pb_message *type, uint32_t number);
const struct pb_field *pb_field_by_name(const struct pb_message *type, struct span name);

#endif
