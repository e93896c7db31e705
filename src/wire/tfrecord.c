/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tfrecord.h"

#include <endian.h>
#include <stdint.h>

#include "wire/crc32c.h"

enum {
    LENGTH_SIZE = 8,
    CHECKSUM_SIZE = TFRECORD_FOOT,
    HEADER_SIZE = TFRECORD_HEAD,
};

static uint32_t checksum_at(const char *at)
{
    uint32_t masked;
    memcpy(&masked, at, sizeof masked);
    return crc32c_unmask(le32toh(masked));
}

enum code tfrecord_next(struct span *in, struct span *record, bool *done, struct error *err)
{
    *done = !in->len;
    if (*done)
        return CODE_OK;
    if (in->len < HEADER_SIZE)
        return error_set(err, CODE_DATA_LOSS, "truncated record: %zu bytes of its header", in->len);
    uint64_t length;
    memcpy(&length, in->ptr, sizeof length);
    length = le64toh(length);
    if (crc32c_extend(0, span_sub(*in, 0, LENGTH_SIZE)) != checksum_at(in->ptr + LENGTH_SIZE))
        return error_set(err, CODE_DATA_LOSS, "corrupted record: the checksum of its length");
    size_t rest = in->len - HEADER_SIZE;
    if (rest < CHECKSUM_SIZE || length > rest - CHECKSUM_SIZE)
        return error_set(err, CODE_DATA_LOSS, "truncated record: %zu of %llu bytes", rest,
                         (unsigned long long)length);
    *record = span_sub(*in, HEADER_SIZE, (size_t)length);
    if (crc32c_extend(0, *record) != checksum_at(record->ptr + length))
        return error_set(err, CODE_DATA_LOSS, "corrupted record: the checksum of its %llu bytes",
                         (unsigned long long)length);
    *in = span_sub(*in, HEADER_SIZE + (size_t)length + CHECKSUM_SIZE, SIZE_MAX);
    return CODE_OK;
}

static void put_checksum(struct span bytes, unsigned char *to)
{
    uint32_t masked = htole32(crc32c_mask(crc32c_extend(0, bytes)));
    memcpy(to, &masked, sizeof masked);
}

void tfrecord_frame(struct span record, unsigned char head[TFRECORD_HEAD],
                    unsigned char foot[TFRECORD_FOOT])
{
    uint64_t length = htole64(record.len);
    memcpy(head, &length, sizeof length);
    put_checksum(span_make(head, LENGTH_SIZE), head + LENGTH_SIZE);
    put_checksum(record, foot);
}
