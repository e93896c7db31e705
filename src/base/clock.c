/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { CALIBRATION_NS = 1000000 };

bool clock_has_counter;

uint64_t clock_us_per_2_32_ticks = (UINT64_C(1) << 32) / 1000;

static double tick_ns = 1;

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_now_us(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_coarse_us(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE) / 1000;
}

int64_t clock_wall_us(void)
{
    return read_ns(CLOCK_REALTIME) / 1000;
}

int64_t clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

#if defined(__x86_64__)
/* "Invariant TSC": the same rate in all states of the processor (CPUID 80000007h, EDX bit 8). */
static bool counter_is_even(void)
{
    unsigned a, b, c, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
}

void clock_calibrate(void)
{
    if (!counter_is_even())
        return;
    int64_t start_ns = clock_now_ns(), ns;
    uint64_t start = __builtin_ia32_rdtsc();
    do
        ns = clock_now_ns() - start_ns;
    while (ns < CALIBRATION_NS);
    uint64_t ticks = __builtin_ia32_rdtsc() - start;
    if (!ticks)
        return;
    tick_ns = (double)ns / (double)ticks;
    clock_us_per_2_32_ticks = (uint64_t)(tick_ns / 1000 * 0x1p32);
    clock_has_counter = true;
}
#else
void clock_calibrate(void)
{
}
#endif

double clock_tick_ns(void)
{
    return tick_ns;
}
