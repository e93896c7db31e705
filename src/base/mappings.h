/* SPDX-License-Identifier: Apache-2.0 */
/* The files that the process has mapped, as the system tells it (/proc/self/smaps). */
#ifndef BASE_MAPPINGS_H
#define BASE_MAPPINGS_H

#include <stdint.h>

#include "base/span.h"

/* A mapping: what it spans, and what of it is in memory; `path` of its file, empty for none, lives
 * during the call. */
typedef void mappings_fn(struct span path, int64_t bytes, int64_t resident_bytes, void *context);

/* Each of them; none where the system tells nothing. It takes milliseconds for each GiB. */
void mappings_read(mappings_fn *fn, void *context);

#endif
