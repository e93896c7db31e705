/* SPDX-License-Identifier: Apache-2.0 */
/* The platform "tensorflow": a version's folder is a SavedModel, its object a struct session,
 * loaded and warmed up. The loader's context is a struct tensorflow_options. */
#ifndef SERVABLES_TENSORFLOW_LOADER_H
#define SERVABLES_TENSORFLOW_LOADER_H

#include "core/loader.h"
#include "servables/tensorflow/warmup.h"

struct tensorflow_options {
    struct session_options session;
    struct warmup_options warmup;
};

extern const struct loader tensorflow_loader;

#endif
