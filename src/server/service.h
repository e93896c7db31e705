/* SPDX-License-Identifier: Apache-2.0 */
/* struct service: one tensord, wired together from the command line's options. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include "server/options.h"

/* Serves until SIGTERM or SIGINT, then drains. OK: it was told to end and did. Otherwise why it
 * could not start: what options_check() says, UNKNOWN `1 servable(s) did not become available:
 * ...`, INVALID_ARGUMENT `Failed to BuildAndStart gRPC server`. */
enum code service_run(const struct options *options, struct error *err);

#endif
