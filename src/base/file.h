/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files. Errors name the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"

/* The file's bytes in the arena, with a zero behind them. NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE
 * (reading failed), RESOURCE_EXHAUSTED. */
enum code file_read(const char *path, struct arena *arena, struct span *bytes, struct error *err);

/* The start of a pseudo file (they claim to be empty, so that file_read does not help), without
 * the blanks at its end; empty: there is none. */
struct span file_read_small(const char *path, char *text, size_t size);

/* Creates or replaces it. */
enum code file_write(const char *path, struct span bytes, struct error *err);

/* "path: what errno says", with the code that fits errno. */
enum code file_error(const char *path, int number, struct error *err);

#endif
