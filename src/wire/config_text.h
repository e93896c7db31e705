/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files in protobuf's text format. */
#ifndef WIRE_CONFIG_TEXT_H
#define WIRE_CONFIG_TEXT_H

#include "base/arena.h"
#include "base/error.h"
#include "wire/pb.h"

/* Reads a message of that type, in the arena. INVALID_ARGUMENT `Invalid protobuf file: '<path>'`,
 * with the line and column in the log as protobuf prints them. */
enum code config_text_parse(const char *path, struct span text, const struct pb_message *type,
                            struct arena *arena, void *message, struct error *err);

/* The same of a file; what file_read() says, too. */
enum code config_text_read(const char *path, const struct pb_message *type, struct arena *arena,
                           void *message, struct error *err);

#endif
