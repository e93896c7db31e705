/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a TFRecord file: records or an error. */
#include "wire/tfrecord.h"

#include <stdint.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {(const char *)data, size}, record;
    bool done = false;
    while (!tfrecord_next(&in, &record, &done, NULL) && !done)
        CHECK(record.ptr >= (const char *)data &&
              record.ptr + record.len <= (const char *)data + size);
    return 0;
}
