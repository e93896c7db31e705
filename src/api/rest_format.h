/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In what form a REST request's body and its answer are. The original knows JSON alone and looks at
 * no header; here a Content-Type of the names below says that the body is binary, and an Accept
 * that the answer is to be. Anything else, or nothing, means JSON; an answer without an Accept that
 * decides is in the form of the request.
 *
 *   application/json
 *   application/x-protobuf (application/protobuf)   the method's message, as over gRPC
 *   application/x-npy                               NumPy's .npy: one tensor in, one out; Predict
 * only
 */
#ifndef API_REST_FORMAT_H
#define API_REST_FORMAT_H

#include "base/span.h"

enum rest_format {
    REST_JSON,
    REST_PROTOBUF,
    REST_NPY,
    REST_FORMAT_COUNT,
};

/* Of a body, by its Content-Type; parameters behind the type are passed over. What is called
 * application/octet-stream is .npy if it begins like that. */
enum rest_format rest_format_of_body(struct span content_type, struct span body);

/* Of an Accept header: of the types above that it names, the one with the highest q, the first of
 * equals; application/octet-stream stands for .npy, the one form that is nothing but bytes.
 * `otherwise` when there is none, or a wildcard is wanted as much. */
enum rest_format rest_format_of_accept(struct span accept, enum rest_format otherwise);

/* The name for an answer's Content-Type. */
struct span rest_format_type(enum rest_format format);

/* The value of a parameter of a Content-Type, without its quotes; empty when there is none:
 * "application/x-npy; signature_name=scores". */
struct span rest_format_parameter(struct span content_type, const char *name);

#endif
