/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct waiting_room: calls whose model is not in memory wait here, until it is, or can not be, or
 * nobody waits for the answer any more. A thread, started with the first one, looks at them
 * whenever the state of a version changes; no thread of requests waits.
 */
#ifndef API_WAITING_ROOM_H
#define API_WAITING_ROOM_H

#include "api/api_call.h"

struct waiting_room;

struct waiting_room *waiting_room_new(void);

/* Nobody waits any more: the network has ended. NULL is fine. */
void waiting_room_free(struct waiting_room *room);

/* The call, with call->wanted, waits; then api_call_resume(). RESOURCE_EXHAUSTED: there is no
 * thread; it does not wait. Any thread. */
enum code waiting_room_enter(struct waiting_room *room, struct api_call *call, struct error *err);

#endif
