/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's budget of large blocks. The kernel promises more memory than there is and ends the
 * process that takes it at its word; so whoever needs a large block asks here, and is refused
 * while there is still memory to say so with. Blocks below MEMORY_LARGE are not counted: they come
 * from malloc as they are.
 *
 * The budget is three quarters of the machine's memory, or of what the control group may use. Any
 * thread.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

enum {
    MEMORY_LARGE = 1 << 20,
    MEMORY_KEPT_SMALL = 128 << 10,
};

/* A block; align: a power of two. NULL: not within the budget, or malloc has none. */
void *memory_take(size_t size, size_t align);

/* The same past the budget, for those who can not be refused; counted all the same. */
void *memory_take_anyway(size_t size, size_t align);

/* Frees a block of that size; NULL is fine. */
void memory_give(void *block, size_t size);

/* The same of a block that the next request may want another of: a large one stays spare for a
 * while, as far as it may be kept, for whoever takes one of about its size. Filling memory that the
 * system has just handed out costs as much again as filling it. */
void memory_give_spare(void *block, size_t size);

/* Frees what has been spare since the call before this one, or longer. */
void memory_age_spares(void);

/* Frees all that is spare. */
void memory_drop_spares(void);

/* Bytes of spare blocks. */
size_t memory_spare(void);

/* Whether something of this size may be kept for a reuse that may never come: an eighth of the
 * budget, at most 256 MiB, is there for such, and what is smaller than MEMORY_KEPT_SMALL may always
 * stay. memory_unkeep() when it is in use again, or freed. */
bool memory_keep(size_t size);
void memory_unkeep(size_t size);

/* Bytes of large blocks in use; the budget. */
size_t memory_used(void);
size_t memory_budget(void);

/* Bytes of the whole process that are in memory, as the system counts them. */
size_t memory_resident(void);

/* Another budget, for tests. */
void memory_set_budget(size_t bytes);

/* What one request may hold at a time: half of the machine's memory (two thirds of the budget)
 * until it is set. */
size_t memory_request_limit(void);
void memory_set_request_limit(size_t bytes);

/* The limit in the text of memory.max: "1048576" is 1048576; "max", or what can not be read, is
 * SIZE_MAX. */
size_t memory_group_limit(struct span text);

#endif
