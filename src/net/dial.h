/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that block, for command line tools and tests. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "base/error.h"

/* Connects to "host:port", "[::1]:port" or "unix:path". INVALID_ARGUMENT for another form;
 * UNAVAILABLE with the reason. */
enum code dial(const char *target, int *fd, struct error *err);

/* From now on no read or write of the socket takes longer. */
void dial_timeout(int fd, int64_t timeout_us);

#endif
