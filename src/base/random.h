/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that need not be secret: for sampling, and ids that are to differ. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* Any of the 2^64. Any thread; each has a sequence of its own, seeded by the system. */
uint64_t random_next(void);

/* In [0, 1). */
double random_fraction(void);

#endif
