/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C, the Castagnoli polynomial (RFC 3720, appendix B.4): the checksum of TFRecord files, of
 * checkpoint indices and of the tensors in a checkpoint. Any thread.
 */
#ifndef WIRE_CRC32C_H
#define WIRE_CRC32C_H

#include <stdint.h>

#include "base/span.h"

/* The checksum of the bytes. */
uint32_t crc32c(struct span bytes);

/* The checksum of a longer input: `crc` is that of the bytes before. crc32c_extend(0, b) is
 * crc32c(b). */
uint32_t crc32c_extend(uint32_t crc, struct span bytes);

/* Files store a checksum masked, so that a checksum over bytes that hold checksums stays a good
 * one. */
static inline uint32_t crc32c_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static inline uint32_t crc32c_unmask(uint32_t masked)
{
    uint32_t rotated = masked - 0xa282ead8u;
    return rotated >> 17 | rotated << 15;
}

/* The portable way, which machines without the instruction take; for tests. */
uint32_t crc32c_extend_portable(uint32_t crc, struct span bytes);

#endif
