/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a document a value stands, for whoever wrote it: found again when it is asked for, by a
 * pass over the text, so that parsing need not keep it. */
#ifndef WIRE_JSON_WHERE_H
#define WIRE_JSON_WHERE_H

#include "wire/json.h"

struct json_where {
    struct span path; /* "instances[2].x[0]", from the root on; in the arena */
    size_t offset;    /* of its first byte in the text */
};

/* `root` is what json_parse() made of `text`, `value` one of its values or keys. */
struct json_where json_where(struct span text, const struct json_value *root,
                             const struct json_value *value, struct arena *arena);

#endif
