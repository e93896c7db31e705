/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 for the load client: one request at a time on a connection that stays open. An answer is
 * status 200, a Content-Length and exactly the expected body; header fields may differ (Date).
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/check.h"
#include "load.h"

struct http {
    struct span request; /* owned: all of it, ready to send */
    size_t sent;
    int64_t start_ns;
    bool in_body;
    bool right; /* so far */
    size_t received, body_len;
};

static void http_open(struct connection *connection)
{
    const struct load *load = connection->load;
    CHECK(load->in_flight == 1);
    struct http *http = calloc(1, sizeof *http);
    char *request = NULL;
    int head =
        asprintf(&request,
                 "%s %.*s HTTP/1.1\r\nHost: %.*s\r\nContent-Type: %s\r\n"
                 "Content-Length: %zu\r\n%.*s%s%.*s%s\r\n",
                 load->body.len ? "POST" : "GET", SPAN_ARG(load->path), SPAN_ARG(load->host),
                 load->type, load->body.len, SPAN_ARG(load->header), load->header.len ? ": " : "",
                 SPAN_ARG(load->value), load->header.len ? "\r\n" : "");
    CHECK(http && head > 0);
    request = realloc(request, (size_t)head + load->body.len);
    CHECK(request);
    if (load->body.len)
        memcpy(request + head, load->body.ptr, load->body.len);
    http->request = span_make(request, (size_t)head + load->body.len);
    connection->state = http;
}

static void http_close(struct connection *connection)
{
    struct http *http = connection->state;
    free((void *)http->request.ptr);
    free(http);
}

static void http_send(struct connection *connection)
{
    struct http *http = connection->state;
    struct span rest = span_sub(http->request, http->sent, connection_room(connection));
    connection_put(connection, rest.ptr, rest.len);
    http->sent += rest.len;
}

static void http_start(struct connection *connection)
{
    struct http *http = connection->state;
    struct span request = http->request;
    *http = (struct http){.request = request, .start_ns = connection->load->now_ns};
    http_send(connection);
}

/* Reads the header section, `head` being all of it with its empty line. */
static void http_on_head(struct connection *connection, struct span head)
{
    struct http *http = connection->state;
    if (head.len < 12 || memcmp(head.ptr, "HTTP/1.1 ", 9) != 0)
        load_die("the answer is no HTTP/1.1: %.*s", SPAN_ARG(span_sub(head, 0, 80)));
    http->right = memcmp(head.ptr + 9, "200", 3) == 0;
    bool found = false;
    for (size_t at = 0; at < head.len && !found;) {
        struct span line = span_sub(head, at, span_find(span_sub(head, at, head.len), '\n'));
        at += line.len + 1;
        found = line.len > 16 && !strncasecmp(line.ptr, "Content-Length:", 15);
        if (found)
            http->body_len = strtoul(line.ptr + 15, NULL, 10);
    }
    if (memmem(head.ptr, head.len, "\r\nConnection: close\r\n", 21))
        load_leave(connection, "the server closes the connection");
    if (!found)
        load_die("the answer has no Content-Length: %.*s", SPAN_ARG(span_sub(head, 0, 80)));
    http->in_body = true;
    http->received = 0;
}

static size_t http_take_body(struct connection *connection, struct span input)
{
    struct http *http = connection->state;
    struct span piece = span_sub(input, 0, http->body_len - http->received);
    http->right = http->right && load_check(connection->load, http->received, piece);
    http->received += piece.len;
    if (http->received < http->body_len)
        return piece.len;
    bool right = http->right && http->received == connection->load->expected_len;
    http->in_body = false;
    load_finish(connection, http->start_ns, right ? NULL : "status is not 200 or the body differs");
    return piece.len;
}

static size_t http_on_input(struct connection *connection, struct span input)
{
    struct http *http = connection->state;
    size_t used = 0;
    if (!connection->running)
        load_die("the server sent an answer to no request");
    if (!http->in_body) {
        const char *end = memmem(input.ptr, input.len, "\r\n\r\n", 4);
        if (!end)
            return 0;
        used = (size_t)(end - input.ptr) + 4;
        http_on_head(connection, span_sub(input, 0, used));
    }
    return used + http_take_body(connection, span_sub(input, used, input.len));
}

const struct load_protocol load_http = {
    .name = "http",
    .open = http_open,
    .close = http_close,
    .start = http_start,
    .on_input = http_on_input,
    .on_room = http_send,
};
