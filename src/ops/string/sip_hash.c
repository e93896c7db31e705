/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/string/sip_hash.h"

static uint64_t fetch(const char *p, size_t count)
{
    uint64_t v = 0;
    memcpy(&v, p, count);
    return v;
}

static uint64_t rotate(uint64_t v, int left)
{
    return v << left | v >> (64 - left);
}

static void sip_rounds(uint64_t v[4], int count)
{
    while (count--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void sip_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

uint64_t sip_hash(struct span text, const uint64_t key[2])
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    size_t whole = text.len / 8 * 8;
    for (size_t i = 0; i < whole; i += 8)
        sip_absorb(v, fetch(text.ptr + i, 8));
    uint64_t rest = text.len > whole ? fetch(text.ptr + whole, text.len - whole) : 0;
    sip_absorb(v, rest | (uint64_t)text.len << 56);
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
