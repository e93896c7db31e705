/* SPDX-License-Identifier: Apache-2.0 */
/* The platform "tensorflow": a version's folder is a SavedModel, its object a struct session,
 * loaded and warmed up. The loader's context is a struct tensorflow_options. */
#ifndef SERVABLES_TENSORFLOW_LOADER_H
#define SERVABLES_TENSORFLOW_LOADER_H

#include "core/loader.h"
#include "servables/tensorflow/batching_session.h"
#include "servables/tensorflow/warmup.h"

struct batching_options {
    struct batch_scheduler *scheduler; /* borrowed; NULL: no batching */
    struct batching_parameters parameters;
    /* A version has its own parameters in batching_params.pbtxt, or is not batched. */
    bool per_model;
};

struct tensorflow_options {
    struct session_options session;
    struct warmup_options warmup;
    struct batching_options batching;
};

extern const struct loader tensorflow_loader;

#endif
