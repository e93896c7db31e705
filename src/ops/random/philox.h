/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct philox: TensorFlow's generator, Philox 4x32-10 (Salmon et al., "Parallel Random Numbers:
 * As Easy as 1, 2, 3", 2011): a counter and a key give four random words; the counter goes on by
 * one. So that seeded graphs give TensorFlow's numbers, words are used in TensorFlow's order.
 */
#ifndef OPS_RANDOM_PHILOX_H
#define OPS_RANDOM_PHILOX_H

#include <stdint.h>
#include <string.h>

enum {
    PHILOX_WORDS = 4,           /* of one step */
    PHILOX_RESERVE_FACTOR = 256 /* TensorFlow steps the counter by this much for each number given:
                                   one that is drawn until it fits may need so many words */
};

struct philox {
    uint32_t counter[4];
    uint32_t key[2];
};

static inline void philox_skip(struct philox *p, uint64_t count)
{
    for (int i = 0; i < 4 && count; i++) {
        uint64_t sum = (uint64_t)p->counter[i] + (uint32_t)count;
        p->counter[i] = (uint32_t)sum;
        count = (count >> 32) + (sum >> 32);
    }
}

/* The four words of the counter, which goes on. */
static inline void philox_next(struct philox *p, uint32_t out[PHILOX_WORDS])
{
    uint32_t c[4], k0 = p->key[0], k1 = p->key[1];
    memcpy(c, p->counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c[0] * 0xD2511F53u, b = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
        memcpy(c, next, sizeof c);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
    philox_skip(p, 1);
}

/* The words one by one. */
struct philox_words {
    struct philox philox;
    uint32_t words[PHILOX_WORDS];
    int used; /* of these; PHILOX_WORDS at first */
};

static inline struct philox_words philox_words_of(struct philox philox)
{
    return (struct philox_words){.philox = philox, .used = PHILOX_WORDS};
}

static inline uint32_t philox_word(struct philox_words *w)
{
    if (w->used == PHILOX_WORDS) {
        philox_next(&w->philox, w->words);
        w->used = 0;
    }
    return w->words[w->used++];
}

/* 23 random bits of a float in [1, 2), less 1. */
static inline float philox_float(uint32_t word)
{
    uint32_t bits = (word & 0x7fffff) | 0x3f800000;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value - 1;
}

/* 52 random bits of a double in [1, 2), less 1; the first word is the upper one. */
static inline double philox_double(uint32_t upper, uint32_t lower)
{
    uint64_t bits = (uint64_t)(upper & 0xfffff) << 32 | lower | UINT64_C(1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value - 1;
}

/* Counter and key as TensorFlow keeps them in tensors: 64 bits each word, the lower half first. */
static inline struct philox philox_load(const uint64_t counter[2], uint64_t key)
{
    return (struct philox){{(uint32_t)counter[0], (uint32_t)(counter[0] >> 32),
                            (uint32_t)counter[1], (uint32_t)(counter[1] >> 32)},
                           {(uint32_t)key, (uint32_t)(key >> 32)}};
}

static inline void philox_store(const struct philox *p, uint64_t counter[2], uint64_t *key)
{
    counter[0] = p->counter[0] | (uint64_t)p->counter[1] << 32;
    counter[1] = p->counter[2] | (uint64_t)p->counter[3] << 32;
    *key = p->key[0] | (uint64_t)p->key[1] << 32;
}

#endif
