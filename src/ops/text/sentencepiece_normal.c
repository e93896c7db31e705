/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation: the longest rule of a double array replaces the text that it matches; blanks
 * become U+2581.
 */
#include "ops/string/rune.h"
#include "ops/text/double_array.h"
#include "ops/text/sentencepiece.h"

static const struct span space_symbol = {"\xe2\x96\x81", 3};

struct normalizer {
    const struct sentencepiece *model;
    const struct sentencepiece_rules *rules;
    struct arena *arena;
    struct text_builder out;
    uint32_t *origins;
    size_t origins_room;
};

/* ---- rules ---- */

/* Bytes of the longest rule that the text begins with, and where its replacement begins. */
static size_t longest_rule(const struct sentencepiece_rules *rules, struct span text,
                           uint32_t *value)
{
    struct double_array trie = {rules->trie};
    struct double_array_cursor cursor;
    size_t longest = 0;
    if (!double_array_stand(trie, 0, &cursor))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!double_array_step(trie, (unsigned char)text.ptr[i], &cursor))
            break;
        if (double_array_value(trie, &cursor, value))
            longest = i + 1;
    }
    return longest;
}

/* What the text begins with becomes *piece; returns the bytes that it had. */
static size_t next_piece(const struct normalizer *n, struct span text, struct span *piece)
{
    uint32_t value = 0;
    size_t length = sentencepiece_symbol(n->model, text);
    *piece = span_sub(text, 0, length);
    if (length)
        return length;
    length = longest_rule(n->rules, text, &value);
    if (length) {
        struct span rest = span_sub(n->rules->replacements, value, n->rules->replacements.len);
        *piece = span_sub(rest, 0, span_find(rest, 0));
        return length;
    }
    if (rune_decode(text, 0, &length) == RUNE_BAD) {
        *piece = SPAN_LITERAL("\xef\xbf\xbd");
        return 1;
    }
    *piece = span_sub(text, 0, length);
    return length;
}

/* ---- output ---- */

/* Adds text that comes from `origin`. */
static void add(struct normalizer *n, struct span text, size_t origin)
{
    size_t need = n->out.len + text.len + 1;
    if (need > n->origins_room) {
        size_t room = 2 * need;
        uint32_t *origins = arena_try_alloc(n->arena, room * sizeof *origins, ARENA_ALIGN);
        if (!origins) {
            n->out.failed = true;
            return;
        }
        if (n->out.len)
            memcpy(origins, n->origins, n->out.len * sizeof *origins);
        n->origins = origins;
        n->origins_room = room;
    }
    for (size_t i = 0; i < text.len; i++)
        n->origins[n->out.len + i] = (uint32_t)origin;
    text_builder_add(&n->out, text);
}

static struct span space_of(const struct normalizer *n)
{
    return n->rules->escape_spaces ? space_symbol : SPAN_LITERAL(" ");
}

static void add_piece(struct normalizer *n, struct span piece, size_t origin)
{
    while (piece.len && !n->out.failed) {
        size_t plain = n->rules->escape_spaces ? span_find(piece, ' ') : piece.len;
        add(n, span_sub(piece, 0, plain), origin);
        if (plain < piece.len)
            add(n, space_symbol, origin);
        piece = span_sub(piece, plain + 1, piece.len);
    }
}

static void add_text(struct normalizer *n, struct span text, size_t *at)
{
    bool after_space = n->rules->drop_spaces;
    while (*at < text.len && !n->out.failed) {
        struct span piece;
        size_t length = next_piece(n, span_sub(text, *at, text.len), &piece);
        while (after_space && piece.len && *piece.ptr == ' ')
            piece = span_sub(piece, 1, piece.len);
        if (piece.len) {
            add_piece(n, piece, *at);
            after_space = n->rules->drop_spaces && piece.ptr[piece.len - 1] == ' ';
        }
        *at += length;
    }
}

/* Blanks at the start, when extra ones are dropped. */
static size_t skip_spaces(const struct normalizer *n, struct span text)
{
    size_t at = 0;
    while (n->rules->drop_spaces && at < text.len) {
        struct span piece;
        size_t length = next_piece(n, span_sub(text, at, text.len), &piece);
        if (!span_is(piece, " "))
            break;
        at += length;
    }
    return at;
}

enum code sentencepiece_normalize(const struct sentencepiece *model,
                                  const struct sentencepiece_rules *rules, struct span text,
                                  struct arena *arena, struct sentencepiece_normal *normal,
                                  struct error *err)
{
    struct normalizer n = {model, rules, arena, text_builder_in(arena), NULL, 0};
    struct span space = space_of(&n);
    if (text.len > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "a text of %zu bytes is too long", text.len);
    size_t at = skip_spaces(&n, text);
    *normal = (struct sentencepiece_normal){0};
    if (at == text.len)
        return CODE_OK;
    if (!model->space_behind && rules->dummy_prefix)
        add(&n, space, at);
    add_text(&n, text, &at);
    while (rules->drop_spaces && !n.out.failed &&
           span_ends_with(span_make(n.out.ptr, n.out.len), space)) {
        n.out.len -= space.len;
        at = n.origins[n.out.len];
    }
    if (model->space_behind && rules->dummy_prefix)
        add(&n, space, at);
    add(&n, span_make(NULL, 0), at);
    if (!n.out.failed)
        n.origins[n.out.len] = (uint32_t)at;
    normal->origins = n.origins;
    return text_builder_take(&n.out, &normal->text, err);
}
