/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once.
 * SIGHUP: read the configuration again. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "base/error.h"

struct signals {
    void (*end)(void *context);    /* called once, with the first of SIGTERM and SIGINT */
    void (*reload)(void *context); /* called with every SIGHUP before it */
    void *context;                 /* borrowed */
};

/* Blocks the signals in the calling thread and has a thread of its own wait for them. Call it
 * before any other thread is started. */
enum code signals_start(const struct signals *signals, struct error *err);

#endif
