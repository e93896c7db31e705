/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a bundle whose index lies in memory: for fuzzing, and for the bundle reader itself. */
#ifndef SAVEDMODEL_BUNDLE_INDEX_H
#define SAVEDMODEL_BUNDLE_INDEX_H

#include "savedmodel/bundle.h"

/* Like bundle_open(), but the index is `index`, which outlives the bundle. */
enum code bundle_open_index(const char *prefix, struct span index, struct bundle **bundle,
                            struct error *err);

#endif
