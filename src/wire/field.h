/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protobuf message taken apart field by field, for those who do not want it unpacked. Unknown
 * groups are passed over; nesting is bounded by PB_DEPTH_MAX.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum pb_wire {
    PB_WIRE_VARINT = 0,
    PB_WIRE_64 = 1,
    PB_WIRE_BYTES = 2,
    PB_WIRE_GROUP = 3,
    PB_WIRE_END = 4,
    PB_WIRE_32 = 5,
};

struct pb_wire_field {
    uint32_t number;
    enum pb_wire wire;
    struct span bytes; /* of a length-delimited or fixed field; borrowed */
    uint64_t varint;
};

/* Takes the next field that is no group off the front of `in`; at its end *done becomes true. False
 * where the bytes are broken. */
bool pb_next_field(struct span *in, struct pb_wire_field *field, bool *done);

#endif
