/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct log_file: lines that must not hold up whoever writes them. Each thread has a ring of its
 * own to put lines into; one thread writes what is there to the file. When a ring is full, because
 * the disk or whoever reads a pipe is too slow, lines are dropped, counted, and that is told in the
 * log from time to time.
 */
#ifndef MONITORING_LOG_FILE_H
#define MONITORING_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

enum {
    LOG_FILE_RING = 1 << 20, /* bytes of a thread's lines that wait */
};

struct log_file;

/* Opens it to append, or makes it (mode 0640); "-" is the standard output. The path is copied. As
 * file_error() says. */
enum code log_file_open(const char *path, struct log_file **file, struct error *err);

/* Takes a line, with its '\n'; false: dropped. Any thread; does not wait. */
bool log_file_add(struct log_file *file, struct span line);

/* Opens the path anew, for it was renamed; soon, on the writer's thread. Any thread. */
void log_file_reopen(struct log_file *file);

/* Lines that were dropped until now. */
int64_t log_file_dropped(const struct log_file *file);

/* Writes what is there, waiting at most two seconds, and ends it; no more lines may come. NULL is
 * fine. */
void log_file_close(struct log_file *file);

#endif
