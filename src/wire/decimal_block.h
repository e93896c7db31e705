/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many floats to decimal text: the same texts as decimal_print_float's, the arithmetic done for a
 * block of floats at once. Any thread.
 */
#ifndef WIRE_DECIMAL_BLOCK_H
#define WIRE_DECIMAL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DECIMAL_BLOCK = 32,
    DECIMAL_BLOCK_TEXT_MAX = 17, /* what decimal_block_print may write to */
};

struct decimal_block {
    uint64_t digits[DECIMAL_BLOCK]; /* eight as bytes 0..9, the first in the lowest byte */
    uint32_t ninth[DECIMAL_BLOCK];  /* the digit behind them */
    uint32_t sign[DECIMAL_BLOCK];   /* 1: minus */
    int32_t form[DECIMAL_BLOCK];    /* of decimal_block_forms */
};

/* How the digits of one exponent of ten become text: those under the mask `kept` stay, the others
 * move up by `shift` bits, and `between` is what then stands before or between them. */
struct decimal_block_form {
    uint64_t kept;
    uint64_t between;
    uint32_t shift;    /* 8 to 40; 0 for what is odd */
    uint32_t at_least; /* digits, also when they are zeros */
    uint32_t more;     /* bytes that are no digits of the number */
};

enum {
    DECIMAL_BLOCK_FORM_1 = 4,    /* of 1.0 to 9.99999; a power of ten more or less is one on */
    DECIMAL_BLOCK_FORM_ODD = 10, /* for decimal_print_float */
    DECIMAL_BLOCK_FORMS,
};

extern const struct decimal_block_form decimal_block_forms[DECIMAL_BLOCK_FORMS];

void decimal_block_compute(struct decimal_block *block, const float values[DECIMAL_BLOCK]);

/* Prints value `i` and returns the length; 0: it is none of the zeros and the floats between 1e-4
 * and 1e6, or a seldom one of those: ask decimal_print_float if it is finite. Writes all of
 * `text`, needed or not. */
static inline size_t decimal_block_print(char text[DECIMAL_BLOCK_TEXT_MAX],
                                         const struct decimal_block *block, size_t i)
{
    const struct decimal_block_form *form = &decimal_block_forms[block->form[i]];
    if (!form->shift)
        return 0;
    uint64_t digits = block->digits[i], ninth = block->ninth[i];
    size_t count = ninth ? 9 : 8 - (size_t)__builtin_clzll(digits | 1) / 8;
    uint64_t ascii = digits | 0x3030303030303030, moved = ascii & ~form->kept;
    uint64_t low = (ascii & form->kept) | moved << form->shift | form->between;
    uint64_t high = (ninth | '0') << form->shift | moved >> (64 - form->shift);
    size_t sign = block->sign[i];
    text[0] = '-';
    memcpy(text + sign, &low, 8);
    memcpy(text + sign + 8, &high, 8);
    return sign + form->more + (count > form->at_least ? count : form->at_least);
}

#endif
