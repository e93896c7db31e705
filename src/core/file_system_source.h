/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct file_system_source: finds the versions of servables in folders: BASE/3, BASE/00000004
 * (reference 4.11). A name in BASE counts when it is a whole number; the path keeps it as it is
 * written. A version's stamp tells apart what sizes and times of its files tell apart. Looks once
 * when it is started and then every `poll_wait_s` seconds on a thread of its own.
 */
#ifndef CORE_FILE_SYSTEM_SOURCE_H
#define CORE_FILE_SYSTEM_SOURCE_H

#include <stdbool.h>

#include "core/version_policy.h"

struct file_system_servable {
    const char *name;      /* borrowed, like all of it */
    const char *base_path; /* absolute or not; no trailing slash needed */
    struct version_policy policy;
};

struct file_system_source_options {
    int64_t poll_wait_s; /* 0: look once; negative: never */
    const struct file_system_servable *servables;
    size_t servable_count;
    struct source_target target;
};

struct file_system_source;

/* Nothing is looked at yet. The options' contents are borrowed. */
struct file_system_source *file_system_source_new(const struct file_system_source_options *options);

/* Looks now, then as often as the options say. */
enum code file_system_source_start(struct file_system_source *source, struct error *err);

/* Looks once and tells the target. INVALID_ARGUMENT `Could not find base path P for servable S with
 * error <e>`: nothing is told about this servable; the others are told all the same. Not beside a
 * started source. */
enum code file_system_source_poll(struct file_system_source *source, struct error *err);

/* Ends the thread; the target is not told anything any more. NULL is fine. */
void file_system_source_free(struct file_system_source *source);

/* The number that a folder's name stands for: leading zeros, a sign and blanks around it are fine.
 */
bool file_system_source_version(const char *name, int64_t *version);

#endif
