/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c's question h, asked of Debian's http-parser. */
#include <http_parser.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 1 << 20 };

struct request {
    char url[1 << 16], out[OUT_MAX];
    size_t url_len, len;
    int in_value, in_body, complete;
};

static void put(struct request *r, const char *bytes, size_t len)
{
    if (r->len + len > OUT_MAX)
        abort();
    memcpy(r->out + r->len, bytes, len);
    r->len += len;
}

static int on_url(http_parser *p, const char *at, size_t len)
{
    struct request *r = p->data;
    if (r->url_len + len > sizeof r->url)
        return 1;
    memcpy(r->url + r->url_len, at, len);
    r->url_len += len;
    return 0;
}

static void line(http_parser *p)
{
    struct request *r = p->data;
    char head[64];
    if (r->len)
        return;
    put(r, head, (size_t)snprintf(head, sizeof head, "%s ", http_method_str(p->method)));
    put(r, r->url, r->url_len);
    put(r, head, (size_t)snprintf(head, sizeof head, " %d.%d\n", p->http_major, p->http_minor));
}

/* Of trailers nothing is kept. */
static int on_field(http_parser *p, const char *at, size_t len)
{
    struct request *r = p->data;
    if (r->in_body)
        return 0;
    line(p);
    if (r->in_value)
        put(r, "\n", 1);
    r->in_value = 0;
    put(r, at, len);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct request *r = p->data;
    if (r->in_body)
        return 0;
    if (!r->in_value)
        put(r, ": ", 2);
    r->in_value = 1;
    put(r, at, len);
    return 0;
}

static int on_headers(http_parser *p)
{
    struct request *r = p->data;
    line(p);
    if (r->in_value)
        put(r, "\n", 1);
    put(r, "\n", 1);
    r->in_body = 1;
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    put(p->data, at, len);
    return 0;
}

static int on_complete(http_parser *p)
{
    struct request *r = p->data;
    r->complete = 1;
    http_parser_pause(p, 1);
    return 0;
}

int main(void)
{
    static struct request r;
    static const http_parser_settings settings = {
        .on_url = on_url,
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_headers,
        .on_body = on_body,
        .on_message_complete = on_complete,
    };
    while (getchar() != EOF) {
        uint32_t len;
        if (fread(&len, sizeof len, 1, stdin) != 1)
            return 1;
        char *input = malloc(len + 1);
        if (!input || fread(input, 1, len, stdin) != len)
            return 1;
        http_parser parser;
        memset(&r, 0, sizeof r);
        http_parser_init(&parser, HTTP_REQUEST);
        parser.data = &r;
        http_parser_execute(&parser, &settings, input, len);
        enum http_errno error = HTTP_PARSER_ERRNO(&parser);
        int bad = error != HPE_OK && error != HPE_PAUSED;
        const char *text = bad ? http_errno_name(error) : r.out;
        uint32_t out = bad ? (uint32_t)strlen(text) : r.complete ? (uint32_t)r.len : 0;
        putchar(bad ? 1 : r.complete ? 0 : 2);
        fwrite(&out, sizeof out, 1, stdout);
        fwrite(text, 1, out, stdout);
        fflush(stdout);
        free(input);
    }
    return 0;
}
