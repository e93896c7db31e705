/* SPDX-License-Identifier: Apache-2.0 */
/* "METHOD target": what the URL grammar makes of it is consistent, or an error with a text. */
#include "api/rest_url.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make(data, size);
    size_t blank = span_find(text, ' ');
    struct span path = rest_url_path(span_sub(text, blank + 1, size));
    struct arena arena;
    struct rest_url url;
    struct error err;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    error_clear(&err);
    if (rest_url_parse(span_sub(text, 0, blank), path, &arena, &url, &err)) {
        CHECK(err.message[0]);
    } else {
        CHECK(rest_url_is_ours(path) || path.len == sizeof "/v1/models" - 1);
        CHECK(url.action < REST_ACTION_COUNT);
        CHECK(!(url.has_version && url.has_label));
        CHECK(url.has_label == (url.label.len > 0));
        CHECK(!url.has_version || url.version >= 0);
    }
    arena_release(&arena);
    return 0;
}
