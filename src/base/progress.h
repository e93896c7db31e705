/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct progress: how far a load is. The thread that loads writes it, from wherever it is, without
 * it being handed down; others may read it meanwhile. Without one nothing is written.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

enum progress_stage {
    PROGRESS_BEGIN, /* before it says anything */
    PROGRESS_READ,
    PROGRESS_COMPILE,
    PROGRESS_RESTORE,
    PROGRESS_INITIALISE,
    PROGRESS_PREPARE,
    PROGRESS_WARM_UP,
    PROGRESS_STAGES,
};

/* "reading the graph"; as in labels: "read". */
const char *progress_stage_text(enum progress_stage stage);
const char *progress_stage_name(enum progress_stage stage);

struct progress {
    _Atomic int32_t stage;                    /* enum progress_stage */
    _Atomic int64_t bytes;                    /* of tensors that are there */
    _Atomic int64_t since_us;                 /* when the stage began */
    _Atomic int64_t took_us[PROGRESS_STAGES]; /* those that have ended, each all in all */
};

/* The calling thread's from now on, from the start; then no more, and the last stage ends. */
void progress_begin(struct progress *progress);
void progress_end(void);

/* What the calling thread does next; bytes that have come. */
void progress_enter(enum progress_stage stage);
void progress_add(int64_t bytes);

#endif
