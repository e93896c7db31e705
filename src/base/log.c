/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    MESSAGE_SIZE = 6144,
    LINE_SIZE = MESSAGE_SIZE * 2 + 256,
};

struct log_event {
    enum log_level level;
    const char *file;
    int line;
    const char *message;
};

/* Writes one line without its newline into `out` (LINE_SIZE bytes); returns its length. */
typedef size_t format_fn(const struct log_event *event, char *out);

static size_t format_text(const struct log_event *event, char *out);
static size_t format_json(const struct log_event *event, char *out);

static const struct {
    const char *name;
    format_fn *fn;
} formats[] = {
    {"text", format_text},
    {"json", format_json},
};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static _Atomic(enum log_level) lowest = LOG_INFO;
static _Atomic(enum log_level) asked = LOG_INFO;
static _Atomic size_t format_index;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&asked, level, memory_order_relaxed);
    atomic_store_explicit(&lowest, level, memory_order_relaxed);
}

int log_set_level_name(const char *name)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (!strcmp(level_names[i], name)) {
            log_set_level((enum log_level)i);
            return 0;
        }
    }
    return -1;
}

const char *log_toggle_debug(void)
{
    bool is = atomic_load_explicit(&lowest, memory_order_relaxed) == LOG_DEBUG;
    enum log_level level = is ? atomic_load_explicit(&asked, memory_order_relaxed) : LOG_DEBUG;
    atomic_store_explicit(&lowest, level, memory_order_relaxed);
    return level_names[level];
}

const char *log_format(void)
{
    return formats[atomic_load_explicit(&format_index, memory_order_relaxed)].name;
}

int log_set_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!strcmp(formats[i].name, name)) {
            atomic_store_explicit(&format_index, i, memory_order_relaxed);
            return 0;
        }
    }
    return -1;
}

/* Escapes control bytes (and, for JSON, quotes); at most `size` bytes; returns the length. */
static size_t escape(const char *text, bool json, char *out, size_t size)
{
    size_t used = 0;
    for (; *text && used + 7 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '\n' || c == '\t' || c == '\r') {
            out[used++] = '\\';
            out[used++] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        } else if (json && (c == '"' || c == '\\')) {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            used += (size_t)snprintf(out + used, size - used, json ? "\\u%04x" : "\\x%02x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    return used;
}

static size_t format_time(char *out, size_t size, char separator)
{
    int64_t now = clock_wall_us();
    time_t seconds = (time_t)(now / 1000000);
    struct tm t;
    gmtime_r(&seconds, &t);
    int n =
        snprintf(out, size, "%04d-%02d-%02d%c%02d:%02d:%02d.%06d", t.tm_year + 1900, t.tm_mon + 1,
                 t.tm_mday, separator, t.tm_hour, t.tm_min, t.tm_sec, (int)(now % 1000000));
    return n > 0 ? (size_t)n : 0;
}

static size_t format_text(const struct log_event *event, char *out)
{
    static const char letters[] = "DIWE";
    size_t used = format_time(out, LINE_SIZE, ' ');
    used += (size_t)snprintf(out + used, LINE_SIZE - used, ": %c %s:%d] ", letters[event->level],
                             event->file, event->line);
    return used + escape(event->message, false, out + used, LINE_SIZE - used);
}

static size_t format_json(const struct log_event *event, char *out)
{
    char stamp[64];
    size_t length = format_time(stamp, sizeof stamp, 'T');
    size_t used = (size_t)snprintf(
        out, LINE_SIZE, "{\"time\":\"%.*sZ\",\"level\":\"%s\",\"source\":\"%s:%d\",\"message\":\"",
        (int)length, stamp, level_names[event->level], event->file, event->line);
    used += escape(event->message, true, out + used, LINE_SIZE - used - 4);
    memcpy(out + used, "\"}", 2);
    return used + 2;
}

void log_line(enum log_level level, const char *file, int line, const char *format, ...)
{
    if (level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    char message[MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct log_event event = {level, file, line, message};
    char out[LINE_SIZE + 1];
    size_t used =
        formats[atomic_load_explicit(&format_index, memory_order_relaxed)].fn(&event, out);
    out[used++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, out, used);
    (void)ignored;
}
