/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With SSE4.2 the processor has an instruction for eight bytes; it takes three cycles but one can
 * begin in each, so long inputs run in three lanes side by side. Joining the lanes means to let a
 * checksum run over as many zero bytes as a lane has, which is linear: four tables, one per byte of
 * the checksum, hold the answers.
 *
 * Without it, eight tables: table[k][b] is the checksum of byte b with k zero bytes behind it, so
 * that eight bytes are one exclusive or of eight entries. All tables are made at the first call.
 */
#include "wire/crc32c.h"

#include <pthread.h>

enum {
    LANE = 4096, /* bytes; the three lanes fit the first-level cache */
};

static const uint32_t polynomial = 0x82f63b78u; /* bits reversed */

static uint32_t table[8][256];
static uint32_t lane_table[4][256]; /* checksum byte i -> the same behind LANE zero bytes */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint32_t over_zeros(uint32_t crc, size_t count)
{
    while (count-- > 0)
        crc = table[0][crc & 0xff] ^ crc >> 8;
    return crc;
}

static void tables_init(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (size_t k = 1; k < 8; k++)
            table[k][byte] = over_zeros(table[k - 1][byte], 1);
    }
    uint32_t bits[32];
    for (unsigned i = 0; i < 32; i++)
        bits[i] = over_zeros(1u << i, LANE);
    for (unsigned i = 0; i < 4; i++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            for (unsigned bit = 0; bit < 8; bit++)
                lane_table[i][byte] ^= byte >> bit & 1 ? bits[8 * i + bit] : 0;
        }
    }
}

uint32_t crc32c_extend_portable(uint32_t crc, struct span bytes)
{
    pthread_once(&tables_once, tables_init);
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;
    crc = ~crc;
    for (; left >= 8; left -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                              (uint32_t)p[3] << 24);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
              table[0][p[7]];
    }
    for (; left > 0; left--)
        crc = table[0][(crc ^ *p++) & 0xff] ^ crc >> 8;
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

static uint64_t word_at(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static uint32_t over_lane(uint32_t crc)
{
    return lane_table[0][crc & 0xff] ^ lane_table[1][crc >> 8 & 0xff] ^
           lane_table[2][crc >> 16 & 0xff] ^ lane_table[3][crc >> 24];
}

/* Three lanes; `crc` is not inverted here. */
__attribute__((target("sse4.2"))) static uint32_t three_lanes(uint32_t crc, const uint8_t *p)
{
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < LANE; i += 8) {
        a = _mm_crc32_u64(a, word_at(p + i));
        b = _mm_crc32_u64(b, word_at(p + LANE + i));
        c = _mm_crc32_u64(c, word_at(p + 2 * LANE + i));
    }
    return over_lane(over_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
}

__attribute__((target("sse4.2"))) static uint32_t extend_hardware(uint32_t crc, struct span bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;
    crc = ~crc;
    for (; left >= 3 * LANE; left -= 3 * LANE, p += 3 * LANE)
        crc = three_lanes(crc, p);
    for (; left >= 8; left -= 8, p += 8)
        crc = (uint32_t)_mm_crc32_u64(crc, word_at(p));
    for (; left > 0; left--)
        crc = _mm_crc32_u8(crc, *p++);
    return ~crc;
}

static int has_hardware(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#else

static uint32_t extend_hardware(uint32_t crc, struct span bytes)
{
    return crc32c_extend_portable(crc, bytes);
}

static int has_hardware(void)
{
    return 0;
}

#endif

uint32_t crc32c_extend(uint32_t crc, struct span bytes)
{
    if (!has_hardware())
        return crc32c_extend_portable(crc, bytes);
    pthread_once(&tables_once, tables_init);
    return extend_hardware(crc, bytes);
}

uint32_t crc32c(struct span bytes)
{
    return crc32c_extend(0, bytes);
}
