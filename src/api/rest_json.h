/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON bodies of all REST methods have in common (reference 2.4, 2.9). */
#ifndef API_REST_JSON_H
#define API_REST_JSON_H

#include "wire/json.h"

/* The root object of a body and its member 'signature_name', empty when there is none. The texts of
 * json_parse(), `JSON Value: <d> Is not object`, `JSON Value: <d> not formatted correctly.
 * 'signature_name' key must be a string value.` */
enum code rest_json_read(struct span body, struct arena *arena, const struct json_value **root,
                         struct span *signature_name, struct error *err);

/* INVALID_ARGUMENT `JSON Value: <d> <what>`. The original shows the whole document, root, whatever
 * it complains about. */
enum code rest_json_complain(const struct json_value *value, const char *what, struct arena *arena,
                             struct error *err);

#endif
