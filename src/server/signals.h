/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "base/error.h"

struct signals {
    void (*end)(void *context);    /* called once, with the first of SIGTERM and SIGINT */
    void (*reload)(void *context); /* SIGHUP, before that: read the configuration again */
    void (*reopen)(void *context); /* SIGUSR1, and SIGHUP: files of logs were renamed */
    void *context;                 /* borrowed */
};

/* Blocks the signals in the calling thread and has a thread of its own wait for them; SIGUSR2 turns
 * the log's details on and off. Call it before any other thread is started. */
enum code signals_start(const struct signals *signals, struct error *err);

#endif
