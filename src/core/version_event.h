/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to versions, as events of a profile (monitoring/recording.h), if there is one. Both
 * on the thread that did it, when it is done; times are of clock_ticks(). */
#ifndef CORE_VERSION_EVENT_H
#define CORE_VERSION_EVENT_H

#include "base/progress.h"
#include "core/servable.h"

/* "load", with its stages. */
void version_event_loaded(const struct servable_id *id, int64_t begin,
                          const struct progress *progress, enum code code);

/* "unload": until `idle` it waited for the requests that were under way. */
void version_event_unloaded(const struct servable_id *id, int64_t begin, int64_t idle);

#endif
