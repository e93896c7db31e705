/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries that the command line names. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/error.h"

typedef void library_fn(void);

/* Opens the library, for good, and finds the function that it is expected to have; `kind` of
 * library: "op library". NOT_FOUND when it can not be opened, INVALID_ARGUMENT when it lacks the
 * function. */
enum code library_open(const char *path, const char *kind, const char *function, library_fn **found,
                       struct error *err);

#endif
