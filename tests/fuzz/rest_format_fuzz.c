/* SPDX-License-Identifier: Apache-2.0 */
/* A Content-Type or Accept header: whatever it holds, a form comes out, and parameters lie inside.
 */
#include "api/rest_format.h"
#include "base/check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make(data, size);
    CHECK(rest_format_of_body(text, text) < REST_FORMAT_COUNT);
    for (int otherwise = 0; otherwise < REST_FORMAT_COUNT; otherwise++)
        CHECK(rest_format_of_accept(text, (enum rest_format)otherwise) < REST_FORMAT_COUNT);
    struct span value = rest_format_parameter(text, "signature_name");
    CHECK(!value.len || (value.ptr >= text.ptr && value.ptr + value.len <= text.ptr + text.len));
    return 0;
}
