/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do next with the versions of one servable (reference 4.4).
 *
 * Availability-preserving: there is always one that answers. A version that is to go is kept until
 * one that is to stay is ready; at most one too many is loaded at a time.
 *
 * Resource-preserving: there is never one too many. What is to go goes first; until the new one is
 * ready nobody answers.
 */
#ifndef CORE_TRANSITION_POLICY_H
#define CORE_TRANSITION_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transition_state {
    TRANSITION_NEW, /* may be loaded */
    TRANSITION_READY,
    TRANSITION_BUSY,  /* loading, unloading, waiting for something */
    TRANSITION_ENDED, /* failed: it takes nothing */
};

struct transition_version {
    int64_t version;
    enum transition_state state;
    bool aspired;
};

enum transition_kind {
    TRANSITION_NONE,
    TRANSITION_LOAD,
    TRANSITION_UNLOAD,
};

struct transition {
    enum transition_kind kind;
    size_t index; /* of the version it is about */
};

typedef struct transition transition_fn(const struct transition_version *versions, size_t count);

transition_fn transition_availability_preserving;
transition_fn transition_resource_preserving;

/* By name: "availability_preserving", "resource_preserving"; NULL: there is none of that name. */
transition_fn *transition_find(const char *name);

#endif
