/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct folder_watch: hears of changes in folders (inotify). It only ever shortens a wait: where
 * the system gives no watches (too many, a network file system) looking every so often must do.
 */
#ifndef CORE_FOLDER_WATCH_H
#define CORE_FOLDER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct folder_watch;

/* `hears`: of changes; else it only waits and wakes. NULL: the system has no descriptors left. */
struct folder_watch *folder_watch_new(bool hears);
void folder_watch_free(struct folder_watch *watch);

/* Entries that come, go, or are written in this folder end folder_watch_wait(). The same folder may
 * be added again; a folder that is not there is not watched. */
void folder_watch_add(struct folder_watch *watch, const char *path);

/* Waits until something changes, folder_watch_wake() is called, or clock_now_us() is `until_us`. A
 * change before `from_us` ends the wait only then, so that many changes are one. False: it was
 * woken. One thread. What changed is for the caller to look up. */
bool folder_watch_wait(struct folder_watch *watch, int64_t from_us, int64_t until_us);

/* Ends the present wait, or the next one. Any thread. */
void folder_watch_wake(struct folder_watch *watch);

#endif
