/* SPDX-License-Identifier: Apache-2.0 */
/* The script of a character, by ICU's numbers (UScriptCode). */
#ifndef OPS_STRING_SCRIPT_H
#define OPS_STRING_SCRIPT_H

#include <stdint.h>

enum { SCRIPT_COMMON = 0, SCRIPT_INHERITED = 1, SCRIPT_UNKNOWN = 103 };

/* -1 for a number that is no code point. Any thread. */
int32_t script_of(int64_t rune);

#endif
