/* SPDX-License-Identifier: Apache-2.0 */
/* SavedModels as a kind of servable: the platform "tensorflow". */
#ifndef SERVABLES_TENSORFLOW_KIND_H
#define SERVABLES_TENSORFLOW_KIND_H

#include "servables/kinds.h"

extern const struct servable_kind tensorflow_kind;

#endif
