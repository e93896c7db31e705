/* SPDX-License-Identifier: Apache-2.0 */
/* struct text_builder: the room doubles; old room stays in the arena, at most as much again. */
#include "ops/string/text_builder.h"

static bool make_room(struct text_builder *b, size_t more)
{
    enum { FIRST_ROOM = 64 };
    size_t need, room = b->room ? b->room : FIRST_ROOM;
    if (b->failed || __builtin_add_overflow(b->len, more, &need) || need > SIZE_MAX / 4)
        return !(b->failed = true);
    if (need <= b->room)
        return true;
    while (room < need)
        room *= 2;
    char *ptr = arena_try_alloc(b->arena, room, 1);
    if (!ptr)
        return !(b->failed = true);
    if (b->len)
        memcpy(ptr, b->ptr, b->len);
    b->ptr = ptr;
    b->room = room;
    return true;
}

void text_builder_add(struct text_builder *b, struct span text)
{
    if (!text.len || !make_room(b, text.len))
        return;
    memcpy(b->ptr + b->len, text.ptr, text.len);
    b->len += text.len;
}

void text_builder_add_byte(struct text_builder *b, char byte)
{
    if (make_room(b, 1))
        b->ptr[b->len++] = byte;
}

void text_builder_add_rune(struct text_builder *b, uint32_t rune)
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (rune < 0x80) {
        text_builder_add_byte(b, (char)rune);
        return;
    }
    int length = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    text_builder_add_byte(b, (char)(leads[length] | rune >> 6 * (length - 1)));
    for (int i = length - 2; i >= 0; i--)
        text_builder_add_byte(b, (char)(0x80 | (rune >> 6 * i & 0x3f)));
}

enum code text_builder_take(struct text_builder *b, struct span *text, struct error *err)
{
    *text = span_make(b->ptr, b->len);
    return b->failed ? error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a string") : CODE_OK;
}
