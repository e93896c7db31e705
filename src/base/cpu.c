/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

static unsigned cores_of(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t cores = quota / period + (quota % period != 0);
    return cores < UINT16_MAX ? (unsigned)cores : UINT16_MAX;
}

static struct span trim(struct span text)
{
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == ' '))
        text.len--;
    return text;
}

unsigned cpu_quota(struct span text)
{
    text = trim(text);
    size_t blank = span_find(text, ' ');
    int64_t quota, period;
    if (!span_to_int64(span_sub(text, 0, blank), &quota) ||
        !span_to_int64(span_sub(text, blank + 1, text.len), &period))
        return 0;
    return cores_of(quota, period);
}

/* Pseudo files claim to be empty, so that they are read without asking for their size. */
static struct span read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (struct span){0};
    ssize_t n = read(fd, text, size);
    close(fd);
    return span_make(text, n > 0 ? (size_t)n : 0);
}

static unsigned quota_of_group(void)
{
    char text[64], period_text[64];
    struct span quota = read_small("/sys/fs/cgroup/cpu.max", text, sizeof text);
    if (quota.len)
        return cpu_quota(quota);
    int64_t quota_us, period_us;
    quota = read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text);
    struct span period =
        read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_text, sizeof period_text);
    if (!span_to_int64(trim(quota), &quota_us) || !span_to_int64(trim(period), &period_us))
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
