/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API's front: what every HTTP request meets (reference 2.1 to 2.3, 2.8). */
#ifndef API_REST_H
#define API_REST_H

#include "api/api_call.h"
#include "api/rest_format.h"
#include "api/rest_url.h"

struct json_value;

/* The exchange_fn for net_options.http. */
void api_rest(struct exchange *exchange, void *api);

/* Answers 200 with a body (in the exchange's arena), or an error as {"error": text}, always JSON,
 * under the HTTP status that its code maps to. */
void rest_answer(const struct api *api, struct exchange *exchange, enum rest_format format,
                 struct span body);
void rest_answer_error(const struct api *api, struct exchange *exchange, const struct error *err);

/* What an error is about: a member "detail" beside "error", which the original does not have. */
struct rest_fault {
    struct span path;     /* in the JSON of the body: "instances[2][0]" */
    size_t offset;        /* in the body */
    struct span input;    /* of the signature; empty: none in particular */
    const char *expected; /* its type */
};
void rest_answer_fault(const struct api *api, struct exchange *exchange, const struct error *err,
                       const struct rest_fault *fault);

/* The HTTP status of a code (reference 2.2). */
int rest_http_status(enum code code);

/* The model_spec that a URL stands for, in the arena. */
struct pb_model_spec *rest_model_spec(const struct rest_url *url, struct arena *arena);

/* The forms of a request's body and of the answer to it. */
void rest_formats(const struct exchange *exchange, enum rest_format *body,
                  enum rest_format *answer);

/* api_call_new() with the API's time limit. */
void *rest_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                    size_t size);

/* Answers an error about a value of the JSON body, NULL: about none. What is known of the input is
 * set in `known`, the place is added here. */
void rest_fail_at(struct api_call *call, const struct error *err, const struct json_value *root,
                  const struct json_value *fault, struct rest_fault known);

#endif
