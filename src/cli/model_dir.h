/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a user means: a version's own, or a model's, of which the newest version is
 * taken. */
#ifndef CLI_MODEL_DIR_H
#define CLI_MODEL_DIR_H

#include "base/arena.h"
#include "base/error.h"

/* Has the folder a SavedModel? */
bool model_dir_has_saved_model(const char *dir, struct arena *arena);

/* The version's folder. NOT_FOUND when there is neither a model nor a numbered folder in `dir`. */
enum code model_dir_find(const char *dir, struct arena *arena, const char **version_dir,
                         struct error *err);

#endif
