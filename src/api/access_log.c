/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line has room for everything at its longest: names are cut at ACCESS_VALUE_MAX, and six bytes
 * for one is the worst that quoting makes of them.
 *
 * A line must not cost more than the request: nothing goes through printf, and what seldom changes
 * (the second, who asks) is kept as text by each thread.
 */
#include "api/access_log.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "wire/decimal.h"

struct line {
    char *text;
    size_t len;
    bool json;
};

static void put(struct line *line, struct span bytes)
{
    size_t room = ACCESS_LINE_MAX - 3 - line->len; /* for "}\n" and a zero */
    bytes = span_sub(bytes, 0, room);
    if (bytes.len)
        memcpy(line->text + line->len, bytes.ptr, bytes.len);
    line->len += bytes.len;
}

static void key(struct line *line, const char *name)
{
    if (line->len > line->json)
        put(line, line->json ? SPAN_LITERAL(",") : SPAN_LITERAL(" "));
    if (line->json)
        put(line, SPAN_LITERAL("\""));
    put(line, span_of(name));
    put(line, line->json ? SPAN_LITERAL("\":") : SPAN_LITERAL("="));
}

static bool is_plain(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return value.len > 0;
}

/* As JSON; what is not ASCII is shown as bytes, for nobody has checked that it is UTF-8. */
static void put_quoted(struct line *line, struct span value)
{
    put(line, SPAN_LITERAL("\""));
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        char escape[8];
        if (c == '"' || c == '\\')
            put(line, SPAN_LITERAL("\\"));
        if (c >= ' ' && c < 0x7f) {
            put(line, span_sub(value, i, 1));
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", c);
        put(line, span_of(escape));
    }
    put(line, SPAN_LITERAL("\""));
}

/* What is a plain word for sure. */
static void word(struct line *line, const char *name, struct span value)
{
    key(line, name);
    if (line->json)
        put(line, SPAN_LITERAL("\""));
    put(line, value);
    if (line->json)
        put(line, SPAN_LITERAL("\""));
}

static void text(struct line *line, const char *name, struct span value)
{
    if (!value.len)
        return;
    value = span_sub(value, 0, ACCESS_VALUE_MAX);
    if (is_plain(value)) {
        word(line, name, value);
        return;
    }
    key(line, name);
    put_quoted(line, value);
}

static void number(struct line *line, const char *name, int64_t value)
{
    char digits[24];
    key(line, name);
    put(line, span_make(digits, decimal_print_uint(digits, value > 0 ? (uint64_t)value : 0)));
}

static void time_of_day(struct line *line)
{
    static _Thread_local struct {
        int64_t seconds;
        size_t len;
        char text[40];
    } last;
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    if (last.seconds != seconds) {
        struct tm tm;
        gmtime_r(&seconds, &tm);
        last.seconds = seconds;
        last.len = strftime(last.text, sizeof last.text - 8, "%Y-%m-%dT%H:%M:%S.", &tm);
    }
    int64_t rest = now_us % 1000000;
    for (int i = 5; i >= 0; i--, rest /= 10)
        last.text[last.len + (size_t)i] = (char)('0' + rest % 10);
    last.text[last.len + 6] = 'Z';
    word(line, "time", span_make(last.text, last.len + 7));
}

static void who(struct line *line, const struct net_peer *peer)
{
    static _Thread_local struct {
        struct net_peer peer;
        struct span shown;
        char text[NET_PEER_TEXT];
    } last;
    if (memcmp(&last.peer, peer, sizeof *peer) != 0) {
        last.peer = *peer;
        last.shown = net_peer_text(peer, last.text);
    }
    if (last.shown.len)
        word(line, "peer", last.shown);
}

static void what(struct line *line, const struct record *record)
{
    word(line, "method", span_of(served_method_name(record->way.method)));
    text(line, "model", record->model);
    if (record->servable)
        number(line, "version", record->servable->id.version);
    text(line, "signature", record->run.signature);
}

static void times(struct line *line, const struct record *record)
{
    static const char *const names[SERVED_STAGES] = {"read_us", "parse_us",  "queue_us",
                                                     "run_us",  "encode_us", "write_us"};
    int64_t written = record->times.stages[SERVED_WRITE];
    number(line, "total_us", clock_ticks_us(record->times.all + (written > 0 ? written : 0)));
    for (int i = 0; i < SERVED_STAGES; i++)
        number(line, names[i], clock_ticks_us(record->times.stages[i]));
}

struct span access_line(const struct exchange *exchange, const struct record *record,
                        const struct net_report *report, bool json, char *out)
{
    struct line line = {.text = out, .json = json};
    bool is_rpc = report->protocol == NET_GRPC;
    if (json)
        put(&line, SPAN_LITERAL("{"));
    time_of_day(&line);
    who(&line, &exchange->peer);
    word(&line, "protocol", is_rpc ? SPAN_LITERAL("grpc") : SPAN_LITERAL("rest"));
    if (!is_rpc)
        text(&line, "verb", exchange->method);
    text(&line, "path", exchange->path);
    if (record)
        what(&line, record);
    if (is_rpc || record)
        word(&line, "code", span_of(code_name(is_rpc ? (enum code)report->status : record->code)));
    if (!is_rpc)
        number(&line, "status", report->status);
    if (report->lost)
        number(&line, "lost", 1);
    number(&line, "bytes_in", (int64_t)report->in);
    number(&line, "bytes_out", (int64_t)report->out);
    if (record)
        times(&line, record);
    if (record && record->trace) {
        word(&line, "trace", span_of(record->trace->id));
        word(&line, "span", span_of(record->trace->span));
    }
    char *end = out + line.len;
    if (json)
        *end++ = '}';
    *end++ = '\n';
    return span_make(out, (size_t)(end - out));
}
