/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <sched.h>

#include "base/file.h"

static unsigned cores_of(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t cores = quota / period + (quota % period != 0);
    return cores < UINT16_MAX ? (unsigned)cores : UINT16_MAX;
}

unsigned cpu_quota(struct span text)
{
    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    size_t blank = span_find(text, ' ');
    int64_t quota, period;
    if (!span_to_int64(span_sub(text, 0, blank), &quota) ||
        !span_to_int64(span_sub(text, blank + 1, text.len), &period))
        return 0;
    return cores_of(quota, period);
}

static unsigned quota_of_group(void)
{
    char text[64], period_text[64];
    struct span quota = file_read_small("/sys/fs/cgroup/cpu.max", text, sizeof text);
    if (quota.len)
        return cpu_quota(quota);
    int64_t quota_us, period_us;
    quota = file_read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text);
    struct span period =
        file_read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_text, sizeof period_text);
    if (!span_to_int64(quota, &quota_us) || !span_to_int64(period, &period_us))
        return 0;
    return cores_of(quota_us, period_us);
}

unsigned cpu_count(void)
{
    cpu_set_t set;
    unsigned count = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        count = (unsigned)CPU_COUNT(&set);
    unsigned quota = quota_of_group();
    return quota && quota < count ? quota : count;
}
