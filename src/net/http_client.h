/* SPDX-License-Identifier: Apache-2.0 */
/* One GET over HTTP/1.0, blocking, without TLS; for command line tools. */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* The answer's body, in the arena, of a status 200. UNAVAILABLE when there is no server or it
 * breaks off, DEADLINE_EXCEEDED when it takes longer than timeout_us, INTERNAL for what is no such
 * answer, UNKNOWN for another status. */
enum code http_client_get(const char *target, const char *path, int64_t timeout_us,
                          struct arena *arena, struct span *body, struct error *err);

#endif
