/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KERNEL marks a hot loop: a static leaf function on restrict pointers, compiled for several levels
 * of the instruction set, of which the loader picks one once. Without -ffast-math the compiler
 * keeps the order of additions. The Makefile says which files are compiled at -O3 for that.
 */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#include <stdint.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&      \
    !defined(__clang__)
#define KERNEL __attribute__((target_clones("avx512f", "arch=haswell", "default"), noinline)) static
#else
#define KERNEL static
#endif

/* Before a short loop that is to become one vector operation: gcc would unroll it first. */
#if defined(__clang__)
#define KERNEL_VECTOR
#else
#define KERNEL_VECTOR _Pragma("GCC unroll 1")
#endif

/* For loops that walk through megabytes: fetches what comes a page later, as the processor's own
 * foresight ends with the page. The place need not exist. */
static inline void prefetch_ahead(const void *at)
{
    __builtin_prefetch((const void *)((uintptr_t)at + 4096));
}

static inline void prefetch_ahead_to_write(const void *at)
{
    __builtin_prefetch((const void *)((uintptr_t)at + 4096), 1);
}

#endif
