/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rest_json.h"

enum code rest_json_complain(const struct json_value *value, const char *what, struct arena *arena,
                             struct error *err)
{
    struct span dump = json_dump(value, arena);
    return error_set(err, CODE_INVALID_ARGUMENT, "JSON Value: %.*s %s", SPAN_ARG(dump), what);
}

enum code rest_json_read(struct span body, struct arena *arena, const struct json_value **root,
                         struct span *signature_name, struct error *err)
{
    struct json_document document;
    *signature_name = (struct span){0};
    enum code code = json_parse(body, arena, &document, err);
    if (code)
        return code;
    *root = document.values;
    if ((*root)->type != JSON_OBJECT)
        return rest_json_complain(*root, "Is not object", arena, err);
    const struct json_value *name = json_member(*root, SPAN_LITERAL("signature_name"));
    if (name && name->type != JSON_STRING)
        return rest_json_complain(
            *root, "not formatted correctly. 'signature_name' key must be a string value.", arena,
            err);
    if (name)
        *signature_name = json_string(name);
    return CODE_OK;
}
