/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct file_watch: a thread that looks at files again when they may have changed: when their
 * folders change, at least once a minute where the system does not tell, and when it is told to.
 */
#ifndef SERVER_FILE_WATCH_H
#define SERVER_FILE_WATCH_H

#include <stddef.h>

#include "base/error.h"

struct file_watch;

struct file_watch_options {
    const char *name;         /* of the thread */
    const char *const *paths; /* borrowed until it is started; "" is none */
    size_t path_count;
    void (*look)(void *context); /* on that thread */
    void *context;
};

/* RESOURCE_EXHAUSTED without a descriptor or a thread. */
enum code file_watch_start(const struct file_watch_options *options, struct file_watch **watch,
                           struct error *err);

/* Looks now. Any thread; NULL is fine, here and below. */
void file_watch_wake(struct file_watch *watch);

/* Ends the thread. */
void file_watch_free(struct file_watch *watch);

#endif
