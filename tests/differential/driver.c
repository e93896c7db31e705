/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our parsers make of bytes, for run.py to compare with what others make of them. A question
 * is a byte for the kind, four bytes of length and the text; the answer a byte (0: taken, 1:
 * refused, 2: more is wanted), four bytes of length and what was understood, or why not.
 *
 *   p, t   "full.Name\n" and wire bytes (p) or text format (t): the wire bytes of the message
 *   j      JSON: its values with their types
 *   d      JSON: the value as error texts show it
 *   h      an HTTP/1 request: its line, fields and body
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http1.h"
#include "wire/json.h"
#include "wire/messages.h"
#include "wire/pb.h"
#include "wire/text.h"

enum { TAKEN, REFUSED, WANTS_MORE };

struct answer {
    int verdict;
    struct span text;
};

static struct answer refuse(const char *why)
{
    return (struct answer){REFUSED, span_of(why)};
}

static void put(struct text *out, const char *format, ...)
{
    char line[64];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_span_add(out, span_make(line, (size_t)len));
}

/* ---- messages ---- */

static struct answer message(struct span input, bool is_text, struct arena *arena)
{
    static struct error err;
    struct span name = span_cut(&input, '\n');
    const struct pb_message *type = pb_find(name);
    if (!type)
        return refuse("no such message");
    void *message = arena_calloc(arena, 1, pb_size(type));
    enum code code = is_text ? pb_parse_text(type, input, arena, message, &err)
                             : pb_decode(type, input, arena, message, &err);
    if (code)
        return refuse(err.message);
    return (struct answer){TAKEN, pb_encode(type, message, arena)};
}

/* ---- JSON ---- */

static void put_values(struct text *out, const struct json_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct json_value *v = &values[i];
        switch (v->type) {
        case JSON_NUMBER:
            put(out, "D%.17g ", v->real);
            break;
        case JSON_INT:
            put(out, "I%lld ", (long long)v->integer);
            break;
        case JSON_UINT:
            put(out, "I%llu ", (unsigned long long)v->unsigned_integer);
            break;
        case JSON_STRING:
            text_span_add(out, SPAN_LITERAL("S"));
            for (size_t k = 0; k < json_string(v).len; k++)
                put(out, "%02x", (unsigned char)json_string(v).ptr[k]);
            text_span_add(out, SPAN_LITERAL(" "));
            i++; /* its length is in the next one */
            break;
        case JSON_ARRAY:
        case JSON_OBJECT:
            put(out, "%c%zu ", v->type == JSON_ARRAY ? 'A' : 'O', v->count);
            break;
        default:
            put(out, "%c ", "NFT"[v->type]);
        }
    }
}

static struct answer json(struct span input, bool is_dump, struct arena *arena)
{
    static struct error err;
    struct json_document document;
    struct text out;
    if (json_parse(input, arena, &document, &err))
        return refuse(err.message);
    if (is_dump)
        return (struct answer){TAKEN, json_dump(document.values, arena)};
    text_init(&out, arena);
    put_values(&out, document.values, document.count);
    return (struct answer){TAKEN, text_span(&out)};
}

/* ---- HTTP/1 ---- */

static struct answer body(struct text *out, const struct http1_head *head, struct span rest)
{
    struct http1_chunks chunks = {0};
    const char *why;
    if (!head->chunked && rest.len < head->content_length)
        return (struct answer){WANTS_MORE, {0}};
    if (!head->chunked)
        text_span_add(out, span_sub(rest, 0, head->content_length));
    while (head->chunked && chunks.state != HTTP1_CHUNK_END) {
        size_t used;
        struct span data;
        if (!rest.len)
            return (struct answer){WANTS_MORE, {0}};
        if (http1_chunks_feed(&chunks, rest, &used, &data, &why))
            return refuse(why);
        text_span_add(out, data);
        rest = span_sub(rest, used, rest.len);
    }
    return (struct answer){TAKEN, text_span(out)};
}

static struct answer http(struct span input, struct arena *arena)
{
    static struct http1_head head;
    struct http1_scan scan = {0};
    size_t used;
    bool whole;
    const char *why;
    if (http1_scan(&scan, input, &used, &whole, &why))
        return refuse(why);
    if (!whole)
        return (struct answer){WANTS_MORE, {0}};
    struct span copy = arena_copy(arena, span_sub(input, 0, used));
    if (http1_head_parse(&head, (char *)(uintptr_t)copy.ptr, copy.len, &why))
        return refuse(why);
    struct text out;
    text_init(&out, arena);
    text_span_add(&out, head.method);
    text_char(&out, ' ');
    text_span_add(&out, head.target);
    put(&out, " 1.%d\n", head.minor);
    for (size_t i = 0; i < head.header_count; i++) {
        text_span_add(&out, head.headers[i].name);
        text_add(&out, ": ");
        text_span_add(&out, head.headers[i].value);
        text_char(&out, '\n');
    }
    text_span_add(&out, SPAN_LITERAL("\n"));
    return body(&out, &head, span_sub(input, used, input.len));
}

static struct answer ask(char kind, struct span input, struct arena *arena)
{
    if (kind == 'j' || kind == 'd')
        return json(input, kind == 'd', arena);
    if (kind == 'h')
        return http(input, arena);
    return message(input, kind == 't', arena);
}

int main(void)
{
    for (int kind; (kind = getchar()) != EOF;) {
        uint32_t len;
        if (fread(&len, sizeof len, 1, stdin) != 1)
            return 1;
        char *input = malloc(len + 1);
        if (!input || fread(input, 1, len, stdin) != len)
            return 1;
        struct arena arena;
        arena_init(&arena, ARENA_FIRST_BLOCK);
        struct answer answer = ask((char)kind, span_make(input, len), &arena);
        uint32_t out = (uint32_t)answer.text.len;
        putchar(answer.verdict);
        fwrite(&out, sizeof out, 1, stdout);
        fwrite(answer.text.ptr, 1, out, stdout);
        fflush(stdout);
        arena_release(&arena);
        free(input);
    }
    return 0;
}
