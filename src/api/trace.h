/* SPDX-License-Identifier: Apache-2.0 */
/*
 * W3C Trace Context: what a request's `traceparent` says, and the `traceresponse` that goes back.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace id, id of the caller's span, flags; lower case hexadecimal
 *
 * Read as strictly as the recommendation says (level 1, 3.2): a version beyond 00 may have more
 * behind a further '-', ff is none, ids of zeros are none. What is malformed is passed over, as if
 * it had not been sent.
 */
#ifndef API_TRACE_H
#define API_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum {
    TRACE_PARENT_SIZE = 55, /* of version 00 */
};

struct trace {
    char id[33];     /* of the trace; a string */
    char parent[17]; /* the caller's span */
    char span[17];   /* ours, for this request */
    bool sampled;    /* the caller may have recorded it */
};

/* False: it is none. `span` is left as it is. */
bool trace_parse(struct span text, struct trace *trace);

/* Gives the request a span of its own: random, never zeros. */
void trace_begin(struct trace *trace);

/* The value of `traceresponse`, TRACE_PARENT_SIZE characters: the same trace, our span. */
struct span trace_response(const struct trace *trace, char *text);

#endif
