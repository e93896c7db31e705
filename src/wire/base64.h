/* SPDX-License-Identifier: Apache-2.0 */
/* Standard base64 (RFC 4648, section 4). */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"

/* Characters for n bytes. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_SIZE(bytes.len) characters, with padding; returns their end. */
char *base64_encode(struct span bytes, char *out);

/* Padding is optional, white space skipped; false if it is none, or for lack of memory. */
bool base64_decode(struct span text, struct arena *arena, struct span *bytes);

#endif
