/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct text_builder: a string that grows in an arena. What does not fit into memory is left out
 * and remembered: look once, at the end.
 */
#ifndef OPS_STRING_TEXT_BUILDER_H
#define OPS_STRING_TEXT_BUILDER_H

#include "base/arena.h"
#include "base/error.h"

struct text_builder {
    struct arena *arena; /* borrowed */
    char *ptr;
    size_t len, room;
    bool failed;
};

static inline struct text_builder text_builder_in(struct arena *arena)
{
    return (struct text_builder){.arena = arena};
}

void text_builder_add(struct text_builder *b, struct span text);
void text_builder_add_byte(struct text_builder *b, char byte);
/* A character, 0 to 0x10ffff, in UTF-8. */
void text_builder_add_rune(struct text_builder *b, uint32_t rune);

/* The text so far, which later additions may move. RESOURCE_EXHAUSTED if something was left out. */
enum code text_builder_take(struct text_builder *b, struct span *text, struct error *err);

#endif
