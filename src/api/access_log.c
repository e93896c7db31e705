/* SPDX-License-Identifier: Apache-2.0 */
/* The line has room for everything at its longest: names are cut at ACCESS_VALUE_MAX, and six
 * bytes for one is the worst that quoting makes of them. */
#include "api/access_log.h"

#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"

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
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < ' ' || c >= 0x7f)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(line, span_of(escape));
    }
    put(line, SPAN_LITERAL("\""));
}

static void text(struct line *line, const char *name, struct span value)
{
    if (!value.len)
        return;
    value = span_sub(value, 0, ACCESS_VALUE_MAX);
    key(line, name);
    if (!line->json && is_plain(value))
        put(line, value);
    else
        put_quoted(line, value);
}

static void number(struct line *line, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    key(line, name);
    put(line, span_of(digits));
}

static void time_of_day(struct line *line)
{
    char stamp[40];
    int64_t now_us = clock_wall_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp + len, sizeof stamp - len, ".%06dZ", (int)(now_us % 1000000));
    text(line, "time", span_of(stamp));
}

static void what(struct line *line, const struct record *record)
{
    text(line, "method", span_of(served_method_name(record->way.method)));
    text(line, "model", record->model);
    if (record->servable)
        number(line, "version", record->servable->id.version);
    text(line, "signature", record->run.signature);
}

static void times(struct line *line, const struct record *record)
{
    int64_t written = record->times.stages[SERVED_WRITE];
    number(line, "total_us", clock_ticks_us(record->times.all + (written > 0 ? written : 0)));
    for (int i = 0; i < SERVED_STAGES; i++) {
        char name[24];
        snprintf(name, sizeof name, "%s_us", served_stage_name((enum served_stage)i));
        number(line, name, clock_ticks_us(record->times.stages[i]));
    }
}

struct span access_line(const struct exchange *exchange, const struct record *record,
                        const struct net_report *report, bool json, char *out)
{
    struct line line = {.text = out, .json = json};
    char peer[NET_PEER_TEXT];
    bool is_rpc = report->protocol == NET_GRPC;
    if (json)
        put(&line, SPAN_LITERAL("{"));
    time_of_day(&line);
    text(&line, "peer", net_peer_text(&exchange->peer, peer));
    text(&line, "protocol", is_rpc ? SPAN_LITERAL("grpc") : SPAN_LITERAL("rest"));
    if (!is_rpc)
        text(&line, "verb", exchange->method);
    text(&line, "path", exchange->path);
    if (record)
        what(&line, record);
    if (is_rpc || record)
        text(&line, "code", span_of(code_name(is_rpc ? (enum code)report->status : record->code)));
    if (!is_rpc)
        number(&line, "status", report->status);
    if (report->lost)
        number(&line, "lost", 1);
    number(&line, "bytes_in", (int64_t)report->in);
    number(&line, "bytes_out", (int64_t)report->out);
    if (record)
        times(&line, record);
    if (record && record->trace) {
        text(&line, "trace", span_of(record->trace->id));
        text(&line, "span", span_of(record->trace->span));
    }
    char *end = out + line.len;
    if (json)
        *end++ = '}';
    *end++ = '\n';
    return span_make(out, (size_t)(end - out));
}
