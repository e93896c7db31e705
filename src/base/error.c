/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};

void error_clear(struct error *err)
{
    if (!err)
        return;
    err->code = CODE_OK;
    err->message[0] = 0;
}

enum code error_setv(struct error *err, enum code code, const char *format, va_list args)
{
    if (!err)
        return code;
    /* The arguments may point into the old message: format beside it, then copy. */
    char text[ERROR_MESSAGE_SIZE];
    vsnprintf(text, sizeof text, format, args);
    err->code = code;
    memcpy(err->message, text, strlen(text) + 1);
    return code;
}

enum code error_set(struct error *err, enum code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(err, code, format, args);
    va_end(args);
    return code;
}

enum code error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return CODE_UNKNOWN;
    char text[ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = strlen(text);
    size_t room = sizeof text - 1 - used;
    size_t len = strnlen(err->message, room);
    memcpy(text + used, err->message, len);
    text[used + len] = 0;
    memcpy(err->message, text, used + len + 1);
    return err->code;
}

enum code error_append(struct error *err, const char *format, ...)
{
    if (!err)
        return CODE_UNKNOWN;
    size_t used = strlen(err->message);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message + used, sizeof err->message - used, format, args);
    va_end(args);
    return err->code;
}

const char *code_name(enum code code)
{
    size_t i = (size_t)code;
    return i < sizeof names / sizeof *names ? names[i] : "UNKNOWN";
}
