/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets of the message codecs share: bytes that are tried as one message after the
 * other. */
#ifndef TESTS_FUZZ_MESSAGES_H
#define TESTS_FUZZ_MESSAGES_H

#include <stdint.h>

#include "wire/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void try_type_fn(const struct pb_message *type, struct span bytes, struct arena *arena);

static inline int try_types(const struct pb_message *const *types, size_t count, struct span bytes,
                            try_type_fn *try_type)
{
    struct arena arena;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    for (size_t i = 0; i < count; i++)
        try_type(types[i], bytes, &arena);
    arena_release(&arena);
    return 0;
}

#endif
