/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TFRecord files: records one after the other, each its length (8 bytes, little endian), the masked
 * crc32c of these, its bytes, the masked crc32c of them.
 */
#ifndef WIRE_TFRECORD_H
#define WIRE_TFRECORD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/span.h"

/* Takes the next record off the front of `in`; at its end *done becomes true. DATA_LOSS for one
 * that is cut off or whose checksums do not agree. */
enum code tfrecord_next(struct span *in, struct span *record, bool *done, struct error *err);

enum {
    TFRECORD_HEAD = 12, /* bytes before a record */
    TFRECORD_FOOT = 4,  /* and behind it */
};

/* What stands around a record. */
void tfrecord_frame(struct span record, unsigned char head[TFRECORD_HEAD],
                    unsigned char foot[TFRECORD_FOOT]);

#endif
