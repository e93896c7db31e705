/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include <stdbool.h>

#include "base/span.h"

/* Is all of it well-formed UTF-8? Any thread. */
bool utf8_valid(struct span text);

/* The first character of the text: its code point, and how many bytes it takes; 0 when it is none.
 */
size_t utf8_decode(struct span text, uint32_t *code_point);

/* As much of the text's beginning as is well-formed, in whole characters and at most `max` bytes.
 */
struct span utf8_prefix(struct span text, size_t max);

#endif
