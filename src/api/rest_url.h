/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of the REST API (reference 2.1). */
#ifndef API_REST_URL_H
#define API_REST_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

enum rest_action {
    REST_PREDICT,
    REST_CLASSIFY,
    REST_REGRESS,
    REST_STATUS,
    REST_METADATA,
    REST_ACTION_COUNT,
};

struct rest_url {
    enum rest_action action;
    struct span name; /* decoded, in the arena; empty: none given */
    bool has_version;
    int64_t version;
    bool has_label;
    struct span label; /* decoded, in the arena */
    bool silent;       /* after an error: the original answers it with an empty body */
};

/* Does the REST API answer for this path at all? "/v1/" and anything. */
bool rest_url_is_ours(struct span path);

/* The path (with its query) of a request target, which may be a whole URL. */
struct span rest_url_path(struct span target);

/* INVALID_ARGUMENT `Malformed request: <METHOD> <path>`; or, with `silent`, `Failed to convert
 * version: X to numeric.` and names that can not be decoded. */
enum code rest_url_parse(struct span method, struct span path, struct arena *arena,
                         struct rest_url *url, struct error *err);

#endif
