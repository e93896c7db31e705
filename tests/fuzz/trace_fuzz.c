/* SPDX-License-Identifier: Apache-2.0 */
/* A traceparent: what is taken can be given back, and is taken again. */
#include "api/trace.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace trace, again;
    char text[TRACE_PARENT_SIZE];
    if (!trace_parse(span_make(data, size), &trace))
        return 0;
    trace_begin(&trace);
    CHECK(trace_parse(trace_response(&trace, text), &again));
    CHECK(!strcmp(trace.id, again.id) && !strcmp(trace.span, again.parent));
    return 0;
}
