/* SPDX-License-Identifier: Apache-2.0 */
/* struct loader: turns a version's folder into an object that serves, and ends it again. A platform
 * (a kind of servable) is one const record of these. */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include "base/error.h"

struct loader {
    /* What a configuration calls the platform: "tensorflow". Two servables are of one kind when
     * their loaders are the same record. */
    const char *platform;

    /* Loads `path` (a version's folder, as the source found it) into *object, ready for requests.
     * Called on a load thread, at low priority; it may take minutes and as much memory as the model
     * has. On an error nothing is left behind, and the call may be repeated. `context` is what the
     * manager was given for its loads. */
    enum code (*load)(const char *path, void *context, void **object, struct error *err);

    /* Ends the object; its memory goes back to the system. Called on an unload thread, when no
     * handle is out any more. */
    void (*unload)(void *object);
};

#endif
