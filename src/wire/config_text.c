/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/config_text.h"

#include "base/file.h"
#include "base/log.h"
#include "wire/pb_table.h"

enum code config_text_parse(const char *path, struct span text, const struct pb_message *type,
                            struct arena *arena, void *message, struct error *err)
{
    struct error where;
    if (!pb_parse_text(type, text, arena, message, &where))
        return CODE_OK;
    log_error("Error parsing text-format %s: %s", type->name, where.message);
    return error_set(err, CODE_INVALID_ARGUMENT, "Invalid protobuf file: '%s'", path);
}

enum code config_text_read(const char *path, const struct pb_message *type, struct arena *arena,
                           void *message, struct error *err)
{
    struct span text;
    enum code code = file_read(path, arena, &text, err);
    return code ? code : config_text_parse(path, text, type, arena, message, err);
}
