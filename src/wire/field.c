/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/field.h"

#include "wire/pb.h"
#include "wire/varint.h"

static bool take_tag(struct span *in, uint32_t *number, enum pb_wire *wire)
{
    uint64_t tag;
    if (!varint_take(in, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    *number = (uint32_t)tag >> 3;
    *wire = (enum pb_wire)(tag & 7);
    return true;
}

static bool take_bytes(struct span *in, uint64_t n, struct span *out)
{
    if (n > in->len)
        return false;
    *out = span_sub(*in, 0, (size_t)n);
    *in = span_sub(*in, (size_t)n, in->len);
    return true;
}

/* The value behind a tag; groups apart. */
static bool take_value(struct span *in, enum pb_wire wire, struct pb_wire_field *field)
{
    uint64_t size;
    switch (wire) {
    case PB_WIRE_VARINT:
        return varint_take(in, &field->varint);
    case PB_WIRE_64:
        return take_bytes(in, 8, &field->bytes);
    case PB_WIRE_32:
        return take_bytes(in, 4, &field->bytes);
    case PB_WIRE_BYTES:
        return varint_take(in, &size) && take_bytes(in, size, &field->bytes);
    default:
        return false;
    }
}

/* A group of unknown fields, up to the end tag of the same number. */
static bool skip_group(struct span *in, uint32_t number)
{
    uint32_t open[PB_DEPTH_MAX];
    int depth = 0;
    open[depth++] = number;
    while (depth > 0) {
        struct pb_wire_field field;
        if (!take_tag(in, &field.number, &field.wire))
            return false;
        if (field.wire == PB_WIRE_GROUP) {
            if (depth == PB_DEPTH_MAX)
                return false;
            open[depth++] = field.number;
        } else if (field.wire == PB_WIRE_END) {
            if (open[--depth] != field.number)
                return false;
        } else if (!take_value(in, field.wire, &field)) {
            return false;
        }
    }
    return true;
}

bool pb_next_field(struct span *in, struct pb_wire_field *field, bool *done)
{
    *field = (struct pb_wire_field){.number = 0};
    while (in->len) {
        if (!take_tag(in, &field->number, &field->wire))
            return false;
        if (field->wire != PB_WIRE_GROUP)
            return take_value(in, field->wire, field);
        if (!skip_group(in, field->number))
            return false;
    }
    *done = true;
    return true;
}
