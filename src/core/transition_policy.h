/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The availability-preserving policy (reference 4.4): what to do next with the versions of one
 * servable, so that there is always one that answers. A version that is to go is kept until one
 * that is to stay is ready; at most one too many is loaded at a time.
 */
#ifndef CORE_TRANSITION_POLICY_H
#define CORE_TRANSITION_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transition_state {
    TRANSITION_NEW, /* not loaded yet */
    TRANSITION_READY,
    TRANSITION_OTHER, /* loading, unloading, failed */
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

struct transition transition_next(const struct transition_version *versions, size_t count);

#endif
