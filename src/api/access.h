/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct access: who may ask what, and how many at a time; looked at when a request's head is
 * there, before its body is read.
 *
 *   open            health, reflection, a browser's preflight   anybody, always
 *   inference       predictions, metadata, status, metrics      an inference or admin token
 *   administration  the configuration, read or replaced;        an admin token, at an admin
 *                   profiles                                    entrance
 *
 * Without tokens of a kind nobody is asked for one; administration without tokens of its own takes
 * those of inference. Tokens come as "Authorization: Bearer TOKEN" (RFC 6750) with both protocols.
 */
#ifndef API_ACCESS_H
#define API_ACCESS_H

#include "net/exchange.h"

/* net_place.entrance */
enum api_entrance {
    API_ENTRANCE_PUBLIC,
    API_ENTRANCE_ADMIN,
};

struct access_options {
    bool admin_apart;     /* administration at API_ENTRANCE_ADMIN only */
    int64_t requests_max; /* of PredictionService, or POST, at a time; 0: no limit */
};

struct access_tokens {
    const struct span *inference;
    size_t inference_count;
    const struct span *admin;
    size_t admin_count;
};

struct access;

struct access *access_new(const struct access_options *options);

/* What counts from now on; copied. May wait for a moment. One thread at a time. */
void access_set_tokens(struct access *access, const struct access_tokens *tokens);

/* Whether requests have to bring tokens. */
bool access_asks(const struct access *access);

/* As net_options.admit. UNAUTHENTICATED without a token that is known, PERMISSION_DENIED with one
 * that is for something else or at the wrong entrance, RESOURCE_EXHAUSTED when there are too many
 * requests, with exchange->retry_ms. What is let in counts until its arena is reset. Any loop. */
enum code access_check(struct access *access, struct exchange *exchange, struct error *err);

void access_free(struct access *access);

#endif
