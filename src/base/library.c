/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum code library_open(const char *path, const char *kind, const char *function, library_fn **found,
                       struct error *err)
{
    /* The loader looks for a name without a slash elsewhere. */
    char near[4096];
    snprintf(near, sizeof near, "%s%s", strchr(path, '/') ? "" : "./", path);
    void *library = dlopen(near, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(err, CODE_NOT_FOUND, "the %s can not be opened: %s", kind, dlerror());
    *found = (library_fn *)(uintptr_t)dlsym(library, function);
    if (!*found)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s: no %s: it has no function %s", path, kind,
                         function);
    return CODE_OK;
}
