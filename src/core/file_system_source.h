/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct file_system_source: finds the versions of servables under base paths (a folder of numbered
 * folders, or a manifest: core/version_listing.h), and tells a target those that the policy wants
 * and that are whole (core/version_gate.h). One that is not whole yet is told as waiting, and does
 * not take the place of one that is.
 *
 * Looks when its servables are set, every `poll_wait_s` seconds on a thread of its own, and at once
 * when the system says that a folder has changed.
 */
#ifndef CORE_FILE_SYSTEM_SOURCE_H
#define CORE_FILE_SYSTEM_SOURCE_H

#include "core/version_policy.h"

struct file_system_servable {
    const char *name;
    const char *base_path; /* no trailing slash needed */
    const struct platform *platform;
    struct version_policy policy;
};

struct file_system_source_options {
    int64_t poll_wait_s; /* 0: look only when servables are set; negative: never */
    int64_t quiet_us; /* nothing must have been written to a version for so long; <= 0: no matter */
    struct source_target target;
};

struct file_system_source;

struct file_system_source *file_system_source_new(const struct file_system_source_options *options);

/* Starts to look by itself, if the options say so. */
enum code file_system_source_start(struct file_system_source *source, struct error *err);

/* The complete list of servables from now on (copied; platforms are borrowed), and a look at all of
 * them. Of those that are left out the target is told that no version is wanted. Any thread. */
void file_system_source_set(struct file_system_source *source,
                            const struct file_system_servable *servables, size_t count);

/* Looks now. INVALID_ARGUMENT `Could not find base path P for servable S with error <e>`: nothing
 * is told about this servable; the others are told all the same. Any thread. */
enum code file_system_source_poll(struct file_system_source *source, struct error *err);

/* Ends the thread; the target is not told anything any more. NULL is fine. */
void file_system_source_free(struct file_system_source *source);

#endif
