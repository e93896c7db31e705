/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/string/fingerprint.h"

#include <string.h>

static const uint64_t k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273, k2 = 0x9ae16a3b2f90404f;

struct pair {
    uint64_t first, second;
};

static uint64_t fetch64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t fetch32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t rotate(uint64_t v, int shift)
{
    return v >> shift | v << (64 - shift);
}

static uint64_t shift_mix(uint64_t v)
{
    return v ^ v >> 47;
}

static uint64_t mix16(uint64_t u, uint64_t v, uint64_t mul)
{
    uint64_t a = shift_mix((u ^ v) * mul);
    return shift_mix((v ^ a) * mul) * mul;
}

static uint64_t hash_to_16(const char *s, size_t len)
{
    uint64_t mul = k2 + len * 2;
    if (len >= 8) {
        uint64_t a = fetch64(s) + k2, b = fetch64(s + len - 8);
        return mix16(rotate(b, 37) * mul + a, (rotate(a, 25) + b) * mul, mul);
    }
    if (len >= 4)
        return mix16(len + (fetch32(s) << 3), fetch32(s + len - 4), mul);
    if (!len)
        return k2;
    uint64_t a = (unsigned char)s[0], b = (unsigned char)s[len >> 1], c = (unsigned char)s[len - 1];
    return shift_mix((a + (b << 8)) * k2 ^ (len + (c << 2)) * k0) * k2;
}

static uint64_t hash_to_32(const char *s, size_t len)
{
    uint64_t mul = k2 + len * 2;
    uint64_t a = fetch64(s) * k1, b = fetch64(s + 8);
    uint64_t c = fetch64(s + len - 8) * mul, d = fetch64(s + len - 16) * k2;
    return mix16(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + k2, 18) + c, mul);
}

static uint64_t hash_to_64(const char *s, size_t len)
{
    uint64_t mul = k2 + len * 2;
    uint64_t a = fetch64(s) * k2, b = fetch64(s + 8);
    uint64_t c = fetch64(s + len - 8) * mul, d = fetch64(s + len - 16) * k2;
    uint64_t y = rotate(a + b, 43) + rotate(c, 30) + d;
    uint64_t z = mix16(y, a + rotate(b + k2, 18) + c, mul);
    uint64_t e = fetch64(s + 16) * mul, f = fetch64(s + 24);
    uint64_t g = (y + fetch64(s + len - 32)) * mul, h = (z + fetch64(s + len - 24)) * mul;
    return mix16(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, mul);
}

/* 32 bytes with two seeds. */
static struct pair weak_hash(const char *s, uint64_t a, uint64_t b)
{
    uint64_t z = fetch64(s + 24);
    a += fetch64(s);
    b = rotate(b + a + z, 21);
    uint64_t c = a;
    a += fetch64(s + 8) + fetch64(s + 16);
    b += rotate(a, 44);
    return (struct pair){a + z, b + c};
}

struct state {
    uint64_t x, y, z;
    struct pair v, w;
};

/* 64 bytes; the last ones are weighed by 9. */
static void absorb(struct state *t, const char *s, uint64_t mul, uint64_t weight)
{
    t->x = rotate(t->x + t->y + t->v.first + fetch64(s + 8), 37) * mul;
    t->y = rotate(t->y + t->v.second + fetch64(s + 48), 42) * mul;
    t->x ^= t->w.second * weight;
    t->y += t->v.first * weight + fetch64(s + 40);
    t->z = rotate(t->z + t->w.first, 33) * mul;
    t->v = weak_hash(s, t->v.second * mul, t->x + t->w.first);
    t->w = weak_hash(s + 32, t->z + t->w.second, t->y + fetch64(s + 16));
    uint64_t z = t->z;
    t->z = t->x;
    t->x = z;
}

static uint64_t hash_long(const char *s, size_t len)
{
    const uint64_t seed = 81;
    struct state t = {.x = seed, .y = seed * k1 + 113};
    const char *end = s + (len - 1) / 64 * 64;
    const char *last = end + ((len - 1) & 63) - 63;
    t.z = shift_mix(t.y * k2 + 113) * k2;
    t.x = t.x * k2 + fetch64(s);
    for (; s != end; s += 64)
        absorb(&t, s, k1, 1);
    uint64_t mul = k1 + ((t.z & 0xff) << 1);
    t.w.first += (len - 1) & 63;
    t.v.first += t.w.first;
    t.w.first += t.v.first;
    absorb(&t, last, mul, 9);
    return mix16(mix16(t.v.first, t.w.first, mul) + shift_mix(t.y) * k0 + t.z,
                 mix16(t.v.second, t.w.second, mul) + t.x, mul);
}

uint64_t fingerprint(struct span text)
{
    if (text.len <= 16)
        return hash_to_16(text.ptr, text.len);
    if (text.len <= 32)
        return hash_to_32(text.ptr, text.len);
    return text.len <= 64 ? hash_to_64(text.ptr, text.len) : hash_long(text.ptr, text.len);
}

uint64_t fingerprint_cat(uint64_t a, uint64_t b)
{
    const uint64_t mul = 0xc6a4a7935bd1e995;
    uint64_t v = (a ^ mul ^ shift_mix(b * mul) * mul) * mul;
    return shift_mix(shift_mix(v) * mul);
}
