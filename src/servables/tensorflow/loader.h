/* SPDX-License-Identifier: Apache-2.0 */
/* The platform "tensorflow": version folders that hold SavedModels. Its objects are struct session.
 */
#ifndef SERVABLES_TENSORFLOW_LOADER_H
#define SERVABLES_TENSORFLOW_LOADER_H

#include "core/loader.h"
#include "servables/tensorflow/session.h"

/* Its context is a const struct session_options, or NULL. Codes and texts of session_load(). */
extern const struct loader tensorflow_loader;

#endif
