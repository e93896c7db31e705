/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.health.v1.Health/Watch: the state of a service now, and again whenever it is another one
 * (SERVICE_UNKNOWN for names that nobody knows, which may come to be known). Turns that have
 * nothing to tell yet wait here; a thread, started with the first, looks at them ten times a
 * second.
 */
#ifndef API_HEALTH_WATCH_H
#define API_HEALTH_WATCH_H

#include "api/api.h"

struct health_watch *health_watch_new(void);

/* Nobody waits any more: the network has ended. NULL is fine. */
void health_watch_free(struct health_watch *watch);

/* A turn of it (NET_WATCH). */
void api_health_watch(struct exchange *exchange, void *api);

#endif
