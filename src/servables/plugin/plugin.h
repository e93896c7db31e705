/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of servables from shared libraries: what include/tensord/servable.h promises to them. */
#ifndef SERVABLES_PLUGIN_PLUGIN_H
#define SERVABLES_PLUGIN_PLUGIN_H

#include "base/error.h"

/* Loads the library and adds its platforms to the kinds of servables. Before anything else runs; it
 * is never unloaded. NOT_FOUND when it can not be opened, INVALID_ARGUMENT when it is no platform
 * library of an ABI that we know, ALREADY_EXISTS when there is a platform of that name. */
enum code plugin_load(const char *path, struct error *err);

#endif
