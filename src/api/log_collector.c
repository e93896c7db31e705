/* SPDX-License-Identifier: Apache-2.0 */
#include "api/log_collector.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "wire/messages.h"
#include "wire/tfrecord.h"

enum {
    MODE = 0640,
    PIECES_MAX = 3,
};

struct pieces {
    struct iovec items[PIECES_MAX];
    int count;
    unsigned char head[TFRECORD_HEAD];
    unsigned char foot[TFRECORD_FOOT];
};

/* What a record looks like in a file. */
struct log_form {
    const char *type;
    const char *suffix;
    enum code (*frame)(struct span record, struct arena *arena, struct pieces *pieces,
                       struct error *err);
};

struct log_collector {
    const struct log_form *form;
    char *prefix; /* owned */
    char *path;   /* owned; of the file that is open */
    size_t file_bytes;
    size_t written; /* to it */
    int fd;         /* -1: none is open */
};

static struct iovec piece_of(struct span bytes)
{
    return (struct iovec){(char *)(uintptr_t)bytes.ptr, bytes.len};
}

static enum code frame_tfrecord(struct span record, struct arena *arena, struct pieces *pieces,
                                struct error *err)
{
    (void)arena;
    (void)err;
    tfrecord_frame(record, pieces->head, pieces->foot);
    pieces->items[0] = piece_of(span_make(pieces->head, TFRECORD_HEAD));
    pieces->items[1] = piece_of(record);
    pieces->items[2] = piece_of(span_make(pieces->foot, TFRECORD_FOOT));
    pieces->count = 3;
    return CODE_OK;
}

static enum code frame_json(struct span record, struct arena *arena, struct pieces *pieces,
                            struct error *err)
{
    struct pb_prediction_log log;
    enum code code = pb_decode(&pb_prediction_log_type, record, arena, &log, err);
    if (code)
        return code;
    pieces->items[0] = piece_of(pb_print_json_line(&pb_prediction_log_type, &log, arena));
    pieces->count = 1;
    return CODE_OK;
}

static const struct log_form forms[] = {
    {"tfrecord", "tfrecord", frame_tfrecord},
    {"json", "jsonl", frame_json},
};

static const struct log_form *find_form(struct span type)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (span_is(type, forms[i].type))
            return &forms[i];
    }
    return NULL;
}

/* ---- files ---- */

static char *next_path(const struct log_collector *c)
{
    static atomic_uint files;
    char stamp[32], *path;
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    CHECK(asprintf(&path, "%s-%s-%d-%05u.%s", c->prefix, stamp, (int)getpid(),
                   atomic_fetch_add(&files, 1), c->form->suffix) > 0);
    return path;
}

static void close_file(struct log_collector *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->fd >= 0 && !c->written)
        unlink(c->path);
    free(c->path);
    c->path = NULL;
    c->fd = -1;
}

static enum code open_file(struct log_collector *c, struct error *err)
{
    c->path = next_path(c);
    c->written = 0;
    c->fd = open(c->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, MODE);
    if (c->fd >= 0)
        return CODE_OK;
    enum code code = file_error(c->path, errno, err);
    close_file(c);
    return code;
}

enum code log_collector_new(struct span type, struct span prefix, size_t file_bytes,
                            struct log_collector **collector, struct error *err)
{
    const struct log_form *form = find_form(type);
    if (!form)
        return error_set(err, CODE_NOT_FOUND, "Cannot find LogCollector::Factory for type: %.*s",
                         SPAN_ARG(type));
    if (!prefix.len || memchr(prefix.ptr, 0, prefix.len))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "log_collector_config: a filename_prefix is expected");
    struct log_collector *c = calloc(1, sizeof *c);
    char *text = strndup(prefix.ptr, prefix.len);
    CHECK(c && text && "out of memory");
    *c = (struct log_collector){.form = form, .prefix = text, .file_bytes = file_bytes, .fd = -1};
    enum code code = open_file(c, err);
    if (!code)
        *collector = c;
    else
        log_collector_free(c);
    return code;
}

void log_collector_free(struct log_collector *collector)
{
    if (!collector)
        return;
    close_file(collector);
    free(collector->prefix);
    free(collector);
}

void log_collector_rotate(struct log_collector *collector)
{
    if (collector->written)
        close_file(collector);
}

/* ---- records ---- */

/* Moves the pieces behind what was written. */
static void advance(struct pieces *pieces, size_t written)
{
    for (int i = 0; i < pieces->count; i++) {
        size_t part = written < pieces->items[i].iov_len ? written : pieces->items[i].iov_len;
        pieces->items[i].iov_base = (char *)pieces->items[i].iov_base + part;
        pieces->items[i].iov_len -= part;
        written -= part;
    }
}

static size_t size_of(const struct pieces *pieces)
{
    size_t size = 0;
    for (int i = 0; i < pieces->count; i++)
        size += pieces->items[i].iov_len;
    return size;
}

/* All of it, or nothing: what a full disk has taken of a record is cut off again. */
static enum code write_record(struct log_collector *c, struct pieces *pieces, struct error *err)
{
    size_t size = size_of(pieces), left = size;
    while (left) {
        ssize_t n = writev(c->fd, pieces->items, pieces->count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            enum code code = file_error(c->path, errno, err);
            if (left < size && ftruncate(c->fd, (off_t)c->written))
                close_file(c);
            return code;
        }
        advance(pieces, (size_t)n);
        left -= (size_t)n;
    }
    c->written += size;
    return CODE_OK;
}

enum code log_collector_add(struct log_collector *collector, struct span record,
                            struct arena *arena, struct error *err)
{
    struct pieces pieces;
    enum code code = collector->form->frame(record, arena, &pieces, err);
    if (!code && collector->written >= collector->file_bytes)
        close_file(collector);
    if (!code && collector->fd < 0)
        code = open_file(collector, err);
    return code ? code : write_record(collector, &pieces, err);
}
