/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one code and one message, set once where the error happens and prefixed on the way up.
 *
 * The codes are gRPC's canonical codes, so that an error from the depth of a kernel needs no
 * translation on its way to the client. A function that can fail returns `enum code` (CODE_OK is 0)
 * and takes `struct error *err` as its last argument; `err` may be NULL where the caller does not
 * want the text. Bad input, peers, files and models give a code; a broken invariant of ours is a
 * CHECK() (base/check.h).
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

/* Canonical codes (google.rpc.Code), numbers as on the wire. */
enum code {
    CODE_OK = 0,
    CODE_CANCELLED = 1,
    CODE_UNKNOWN = 2,
    CODE_INVALID_ARGUMENT = 3,
    CODE_DEADLINE_EXCEEDED = 4,
    CODE_NOT_FOUND = 5,
    CODE_ALREADY_EXISTS = 6,
    CODE_PERMISSION_DENIED = 7,
    CODE_RESOURCE_EXHAUSTED = 8,
    CODE_FAILED_PRECONDITION = 9,
    CODE_ABORTED = 10,
    CODE_OUT_OF_RANGE = 11,
    CODE_UNIMPLEMENTED = 12,
    CODE_INTERNAL = 13,
    CODE_UNAVAILABLE = 14,
    CODE_DATA_LOSS = 15,
    CODE_UNAUTHENTICATED = 16,
};

/* Longer messages are cut at the end. gRPC cuts at 1,024 anyway; REST shows whole what fits here.
 */
enum { ERROR_MESSAGE_SIZE = 4096 };

struct error {
    enum code code;
    char message[ERROR_MESSAGE_SIZE];
};

/* Makes `err` an OK with an empty message. */
void error_clear(struct error *err);

/* Sets code and printf-style message; returns `code`, so that `return error_set(...)` reads well.
 * The arguments may point into err->message itself. */
enum code error_set(struct error *err, enum code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum code error_setv(struct error *err, enum code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Puts printf-style text before the message; returns err's code (CODE_UNKNOWN when err is NULL). */
enum code error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends printf-style text to the message; returns err's code (CODE_UNKNOWN when err is NULL). */
enum code error_append(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "INVALID_ARGUMENT" and so on; "UNKNOWN" for a number that is no code. */
const char *code_name(enum code code);

#endif
