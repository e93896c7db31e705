/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CHECK(): an invariant of ours, kept in release builds. When it does not hold the process prints
 * where and aborts: going on would serve wrong answers. Never use it for what comes from outside.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(__FILE__, __LINE__, #condition);                                          \
    } while (0)

/* Prints the broken invariant to stderr and aborts. Use CHECK(). */
__attribute__((noreturn, cold)) void check_failed(const char *file, int line,
                                                  const char *condition);

#endif
