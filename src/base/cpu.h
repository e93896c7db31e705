/* SPDX-License-Identifier: Apache-2.0 */
/* How many cores this process may keep busy. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base/span.h"

/* The least of: cores in the affinity mask, and the CPU quota of the control group (version 2 or 1)
 * rounded up. At least 1. */
unsigned cpu_count(void);

/* The cores that a quota is worth, from the text of cpu.max: "150000 100000" is 2, "max 100000" is
 * 0 (no limit), as is what can not be read. */
unsigned cpu_quota(struct span text);

#endif
