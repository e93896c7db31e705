/* SPDX-License-Identifier: Apache-2.0 */
/* A .npy file from a client: what can be read is written and must read back the same. */
#include "base/check.h"
#include "tensor/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct tensor tensor, again;
    struct span bytes;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!npy_read(span_make(data, size), &arena, &tensor, NULL)) {
        CHECK(npy_write(&tensor, &arena, &bytes, NULL) == CODE_OK);
        CHECK(npy_read(bytes, &arena, &again, NULL) == CODE_OK);
        CHECK(tensor_equal(&tensor, &again));
    }
    arena_release(&arena);
    return 0;
}
