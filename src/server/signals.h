/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include "base/error.h"

typedef void signals_fn(void *context);

/* Blocks both signals in the calling thread and has a thread of its own wait for them; it calls
 * fn(context) once, with the first. Call it before any other thread is started. */
enum code signals_start(signals_fn *fn, void *context, struct error *err);

#endif
