/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pages.h"

#include "api/metrics_page.h"

static void answer_text(struct exchange *exchange, int status, struct span text)
{
    static const struct exchange_header plain = {{"Content-Type", 12}, {"text/plain", 10}};
    exchange_answer_http(exchange, status, &plain, 1, &text, text.len ? 1 : 0);
}

/* The process runs and its loops turn: that is all. */
static void show_live(const struct api *api, struct exchange *exchange)
{
    (void)api;
    answer_text(exchange, 200, SPAN_LITERAL("ok\n"));
}

static void show_started(const struct api *api, struct exchange *exchange)
{
    bool is = atomic_load_explicit(&api->life->started, memory_order_relaxed);
    answer_text(exchange, is ? 200 : 503,
                is ? SPAN_LITERAL("ok\n") : SPAN_LITERAL("the first models are loading\n"));
}

static void show_ready(const struct api *api, struct exchange *exchange)
{
    if (atomic_load_explicit(&api->life->ending, memory_order_relaxed))
        answer_text(exchange, 503, SPAN_LITERAL("the server ends\n"));
    else
        show_started(api, exchange);
}

static const struct {
    const char *path;
    void (*show)(const struct api *api, struct exchange *exchange);
} pages[] = {
    {"/livez", show_live},
    {"/readyz", show_ready},
    {"/startupz", show_started},
};

bool api_page(const struct api *api, struct exchange *exchange, struct span path)
{
    struct span name = span_sub(path, 0, span_find(path, '?'));
    if (api->metrics_path && span_is(name, api->metrics_path)) {
        api_metrics(api, exchange);
        return true;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!span_is(name, pages[i].path))
            continue;
        pages[i].show(api, exchange);
        return true;
    }
    return false;
}
