/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 character by character, as strict as Unicode asks. */
#ifndef OPS_STRING_RUNE_H
#define OPS_STRING_RUNE_H

#include "ops/string/text_builder.h"

enum { RUNE_BAD = -1, RUNE_REPLACEMENT = 0xfffd };

/* The character at text.ptr[at], at < text.len, or RUNE_BAD; *length is how many bytes it takes. Of
 * bad bytes, as many as could have begun a character go together, as Unicode recommends (3.9, table
 * 3-8). */
int32_t rune_decode(struct span text, size_t at, size_t *length);

bool rune_text_is_valid(struct span text);

/* The text with U+FFFD for what is bad: itself if nothing is, else a copy in the arena.
 * RESOURCE_EXHAUSTED. */
enum code rune_text_repair(struct span text, struct arena *arena, struct span *result,
                           struct error *err);

#endif
