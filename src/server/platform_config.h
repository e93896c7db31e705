/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --platform_config_file: a PlatformConfigMap in text format. A configuration may then name its
 * platforms and no others, and SavedModels are loaded as it says, not as the flags do.
 */
#ifndef SERVER_PLATFORM_CONFIG_H
#define SERVER_PLATFORM_CONFIG_H

#include "servables/tensorflow/loader.h"

struct platform_config {
    const struct span *names; /* of the platforms */
    size_t count;
};

/* Reads the file, in the arena, and puts what it says of SavedModels into *tensorflow.
 * INVALID_ARGUMENT as config_text_read(), and for a platform with another's configuration;
 * UNIMPLEMENTED naming what it asks for and is not there. */
enum code platform_config_read(const char *path, struct arena *arena,
                               struct tensorflow_options *tensorflow,
                               struct platform_config *config, struct error *err);

bool platform_config_has(const struct platform_config *config, const char *name);

#endif
