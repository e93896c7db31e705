/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms: a shared library that brings new kinds of servables, loaded with
 * --platform_library=x.so (tensord, repeatable). A configuration asks for one with
 * `model_platform: "name"`; versions, policies, labels, reloads, status and metrics are the
 * server's and work as for SavedModels. The library exports one function,
 *
 *   const struct tensord_platform_library *
 *   tensord_platform_library(const struct tensord_servable_host *host);
 *
 * which keeps `host`, the functions that it may call, and returns its platforms:
 *
 *   load      makes an object of a version's folder; minutes are fine
 *   predict   answers a Predict call with the object; on any thread, several at once
 *   unload    ends the object, when no call uses it any more
 *
 * Functions that return int return TENSORD_OK or a code, and say why with host->fail(). Nothing of
 * a call may be kept after it returns.
 *
 * This header is stable: what is here does not change, new things come behind the old ones, and
 * TENSORD_SERVABLE_ABI says how far a library knows it. It needs nothing but C11 (or C++11).
 */
#ifndef TENSORD_SERVABLE_H
#define TENSORD_SERVABLE_H

#include <tensord/op.h> /* tensors, strings, codes */

#ifdef __cplusplus
extern "C" {
#endif

#define TENSORD_SERVABLE_ABI 1

/* One call of a platform's functions. */
struct tensord_servable_call;

/* What tensord does for a platform. The functions of requests are for predict() alone: elsewhere
 * there are no inputs and no outputs. */
struct tensord_servable_host {
    size_t size; /* of this struct: a function behind it is not there */

    /* Sets the error's message; returns `code`. */
    int (*fail)(struct tensord_servable_call *call, int code, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 3, 4)))
#endif
        ;

    /* A line in the server's log, as information. */
    void (*log)(const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 1, 2)))
#endif
        ;

    /* Memory that lasts until the answer is sent (elsewhere: until the call returns); NULL when
     * there is none. */
    void *(*alloc)(struct tensord_servable_call *call, size_t bytes);

    /* Not 0: the client went away or its time is over; a long call looks now and then, and returns.
     */
    int (*is_cancelled)(const struct tensord_servable_call *call);

    /* The signature's name that the request asks for; empty: none. */
    struct tensord_string (*signature)(const struct tensord_servable_call *call);

    /* The request's inputs, read only. INVALID_ARGUMENT when there is no such input. */
    size_t (*input_count)(const struct tensord_servable_call *call);
    int (*input)(struct tensord_servable_call *call, size_t i, struct tensord_string *name,
                 struct tensord_tensor *tensor);
    int (*find_input)(struct tensord_servable_call *call, const char *name,
                      struct tensord_tensor *tensor);

    /* Not 0: the client wants this output (it need not say which; then it wants all). */
    int (*wants_output)(const struct tensord_servable_call *call, const char *name);

    /* An output of the answer, with memory to be filled in whole. Strings are empty at first; their
     * bytes must be an input's, host->alloc()'s, or last as long as the object does.
     * INVALID_ARGUMENT for what is no type or shape, RESOURCE_EXHAUSTED, INTERNAL for a name that
     * was given before. */
    int (*output)(struct tensord_servable_call *call, const char *name, int32_t dtype, int rank,
                  const int64_t *dims, struct tensord_tensor *tensor);
};

enum tensord_platform_flags {
    /* predict() takes some microseconds and never waits: it runs where the request is read. */
    TENSORD_PLATFORM_QUICK = 1
};

struct tensord_platform {
    const char *name; /* what `model_platform` says */
    unsigned flags;

    /* Makes *object of `path`, a version's folder. On a thread of its own, low in priority; may be
     * called again after a failure. */
    int (*load)(struct tensord_servable_call *call, const char *path, void **object);

    /* Ends it. */
    void (*unload)(void *object);

    /* Answers: reads inputs, makes outputs. */
    int (*predict)(struct tensord_servable_call *call, void *object);

    /* May be NULL. Are all files there? Not 0: not yet, host->fail() says what is missing, and the
     * version waits. */
    int (*check)(struct tensord_servable_call *call, const char *path);

    /* May be NULL. How many bytes of memory the object will take, for the server's limit. */
    int (*estimate)(struct tensord_servable_call *call, const char *path, size_t *bytes);
};

struct tensord_platform_library {
    uint32_t abi;           /* TENSORD_SERVABLE_ABI */
    uint32_t platform_size; /* sizeof(struct tensord_platform) */
    size_t platform_count;
    const struct tensord_platform *platforms;
};

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct tensord_platform_library *
tensord_platform_library(const struct tensord_servable_host *host);

#ifdef __cplusplus
}
#endif

#endif
