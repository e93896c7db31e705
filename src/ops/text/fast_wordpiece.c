/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece is a number: its id from bit 8 on, its length in bytes without the suffix indicator (less
 * one) in the low 8 bits, and in bit 30 whether it continues a word. Pops of a node: where they
 * begin from bit 8 on, how many (less one) in the low 8 bits.
 *
 * Each failure link is followed with at least one byte's worth of pieces, so a text of n bytes
 * follows at most n: a model that wants more is malformed, and would never end.
 */
#include "ops/text/fast_wordpiece.h"

#include <unictype.h>

#include "ops/string/rune.h"

enum field {
    FIELD_TRIE,
    FIELD_FAILURES,
    FIELD_POPS,
    FIELD_SUFFIX_ROOT,
    FIELD_BYTES_MAX,
    FIELD_SUFFIX,
    FIELD_UNKNOWN,
    FIELD_UNKNOWN_ID,
    FIELD_SUFFIX_PIECES,
    FIELD_PUNCTUATION_END,
    FIELD_WHOLE_TEXTS,
    FIELD_DETOKENIZES,
    FIELD_VOCABULARY,
    FIELD_IS_SUFFIX,
};

enum { FAILURE_SIZE = 8 };

static const uint32_t no_node = UINT32_MAX;

static bool read_number(const struct flatbuffer_table *t, enum field field, uint32_t *value)
{
    uint64_t number = 0;
    bool good = flatbuffer_number(t, field, sizeof *value, &number);
    *value = (uint32_t)number;
    return good;
}

static bool read_flag(const struct flatbuffer_table *t, enum field field, bool *value)
{
    uint64_t number = 0;
    bool good = flatbuffer_number(t, field, 1, &number);
    *value = number != 0;
    return good;
}

enum code fast_wordpiece_read(struct span bytes, struct fast_wordpiece *m, struct error *err)
{
    struct flatbuffer_table t;
    struct flatbuffer_vector trie = {.count = 0};
    *m = (struct fast_wordpiece){.bytes_max = 0};
    bool good = flatbuffer_root(bytes, &t) && flatbuffer_vector(&t, FIELD_TRIE, 4, &trie) &&
                flatbuffer_vector(&t, FIELD_FAILURES, FAILURE_SIZE, &m->failures) &&
                flatbuffer_vector(&t, FIELD_POPS, 4, &m->pops) &&
                flatbuffer_vector(&t, FIELD_SUFFIX_PIECES, 4, &m->suffix_pieces) &&
                flatbuffer_vector(&t, FIELD_VOCABULARY, 4, &m->vocabulary) &&
                flatbuffer_vector(&t, FIELD_IS_SUFFIX, 1, &m->is_suffix) &&
                flatbuffer_string(&t, FIELD_SUFFIX, &m->suffix) &&
                flatbuffer_string(&t, FIELD_UNKNOWN, &m->unknown) &&
                read_number(&t, FIELD_SUFFIX_ROOT, &m->suffix_root) &&
                read_number(&t, FIELD_PUNCTUATION_END, &m->punctuation_end) &&
                read_number(&t, FIELD_BYTES_MAX, &m->bytes_max) &&
                read_number(&t, FIELD_UNKNOWN_ID, &m->unknown_id) &&
                read_flag(&t, FIELD_WHOLE_TEXTS, &m->whole_texts) &&
                read_flag(&t, FIELD_DETOKENIZES, &m->detokenizes);
    m->trie.units = trie.elements;
    if (!good || !trie.count)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Failed to create DartsCloneTrieWrapper from "
                         "FastWordpieceTokenizerConfig.trie_array.");
    return CODE_OK;
}

/* ---- characters ---- */

static bool is_space(int32_t rune)
{
    return rune >= 0 && uc_is_property_white_space((ucs4_t)rune);
}

/* What is a word of its own: BERT's punctuation, and CJK ideographs. */
static bool stands_alone(int32_t rune)
{
    static const int32_t ranges[][2] = {
        {33, 47},           {58, 64},           {91, 96},           {123, 126},
        {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
        {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b820, 0x2ceaf}, {0x2f800, 0x2fa1f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (rune >= ranges[i][0] && rune <= ranges[i][1])
            return true;
    }
    return rune >= 0 && uc_is_general_category_withtable((ucs4_t)rune, UC_CATEGORY_MASK_P);
}

/* ---- one word ---- */

struct reader {
    const struct fast_wordpiece *model;
    struct fast_wordpiece_rows *rows;
    struct span word;  /* from where it begins to the end of the text, or of what was read */
    size_t word_start; /* in the text */
    size_t done;       /* bytes of the word that have become pieces */
    int64_t begun;     /* pieces before the word, and what is certain of it */
    struct double_array_cursor node;
    bool bad;
};

static struct span with_suffix(const struct reader *r, struct span piece)
{
    struct span suffix = r->model->suffix;
    char *to = arena_try_alloc(r->rows->call->arena, suffix.len + piece.len + 1, 1);
    if (!to) {
        r->rows->pieces.failed = true;
        return piece;
    }
    if (suffix.len)
        memcpy(to, suffix.ptr, suffix.len);
    if (piece.len)
        memcpy(to + suffix.len, piece.ptr, piece.len);
    return span_make(to, suffix.len + piece.len);
}

static void add_row(struct reader *r, struct span piece, uint32_t id, size_t start, size_t limit)
{
    struct fast_wordpiece_rows *rows = r->rows;
    row_texts_add(&rows->pieces, rows->call, piece);
    row_numbers_add(&rows->ids, rows->call, id);
    row_numbers_add(&rows->starts, rows->call, (int64_t)start);
    row_numbers_add(&rows->limits, rows->call, (int64_t)limit);
}

static void add_piece(struct reader *r, uint32_t piece)
{
    const struct fast_wordpiece *m = r->model;
    uint32_t id = (piece & ((1u << 30) - 1)) >> 8;
    size_t length = (piece & 0xff) + 1;
    if (!r->done && piece >> 30)
        length += m->suffix.len; /* the text itself begins with the indicator */
    if (length > r->word.len - r->done) {
        r->bad = true;
        return;
    }
    struct span text = id == m->unknown_id ? m->unknown : span_sub(r->word, r->done, length);
    add_row(r, r->done ? with_suffix(r, text) : text, id, r->word_start + r->done,
            r->word_start + r->done + length);
    r->done += length;
}

/* The word, of that length, has no pieces. */
static void add_unknown(struct reader *r, size_t length)
{
    struct fast_wordpiece_rows *rows = r->rows;
    rows->pieces.count = rows->ids.count = rows->starts.count = rows->limits.count = r->begun;
    add_row(r, r->model->unknown, r->model->unknown_id, r->word_start, r->word_start + length);
    r->begun++;
}

/* Takes the pieces that are certain at the node and goes to its failure link. False if it has none.
 */
static bool fall_back(struct reader *r)
{
    const struct fast_wordpiece *m = r->model;
    uint32_t piece, link, pops;
    size_t before = r->done;
    if (r->bad || r->node.node >= m->failures.count)
        return false;
    memcpy(&link, m->failures.elements.ptr + (size_t)r->node.node * FAILURE_SIZE, 4);
    memcpy(&pops, m->failures.elements.ptr + (size_t)r->node.node * FAILURE_SIZE + 4, 4);
    if (double_array_value(m->trie, &r->node, &piece)) {
        add_piece(r, piece);
    } else {
        if (link == no_node)
            return false;
        for (size_t i = 0; i <= (pops & 0xff) && !r->bad; i++) {
            r->bad |= !flatbuffer_vector_u32(&m->pops, (pops >> 8) + i, &piece);
            if (!r->bad)
                add_piece(r, piece);
        }
    }
    r->bad |= r->done == before || !double_array_stand(m->trie, link, &r->node);
    return !r->bad;
}

/* Is the word the suffix indicator itself, and nothing else? Then it is done. */
static bool finish_suffix(struct reader *r)
{
    const struct fast_wordpiece *m = r->model;
    uint32_t piece;
    if (r->node.node != m->suffix_root || r->rows->ids.count != r->begun)
        return false;
    if (m->suffix_pieces.count == 1 && flatbuffer_vector_u32(&m->suffix_pieces, 0, &piece) &&
        (piece & ((1u << 30) - 1)) >> 8 == m->unknown_id) {
        add_unknown(r, r->word.len);
        return true;
    }
    for (size_t i = 0; i < m->suffix_pieces.count && !r->bad; i++) {
        if (flatbuffer_vector_u32(&m->suffix_pieces, i, &piece))
            add_piece(r, piece);
    }
    r->begun = r->rows->ids.count;
    return true;
}

/* The word ends here: what the trie still holds becomes pieces, or the word is unknown. */
static void finish_word(struct reader *r)
{
    const struct fast_wordpiece *m = r->model;
    if (r->node.node == 0 || finish_suffix(r))
        return;
    while (r->node.node != m->suffix_root && r->node.node != m->punctuation_end) {
        if (fall_back(r))
            continue;
        if (!r->bad)
            add_unknown(r, r->word.len);
        return;
    }
    r->begun = r->rows->ids.count;
}

static void read_word(struct reader *r)
{
    const struct fast_wordpiece *m = r->model;
    if (r->word.len > m->bytes_max) {
        add_unknown(r, r->word.len);
        return;
    }
    for (size_t i = 0; i < r->word.len; i++) {
        while (!double_array_step(m->trie, (unsigned char)r->word.ptr[i], &r->node)) {
            if (fall_back(r))
                continue;
            if (!r->bad)
                add_unknown(r, r->word.len);
            return;
        }
    }
    finish_word(r);
}

/* ---- a text ---- */

struct character {
    int32_t rune;
    size_t limit; /* where it ends */
};

static struct character next(struct span text, size_t at)
{
    size_t length;
    struct character c = {.rune = rune_decode(text, at, &length)};
    c.limit = at + length;
    return c;
}

/* Where the word that goes on at `*at` ends; *at moves behind it and one blank. */
static size_t skip_word(struct span text, size_t *at)
{
    size_t end = *at;
    while (*at < text.len) {
        struct character c = next(text, *at);
        if (is_space(c.rune)) {
            *at = c.limit;
            break;
        }
        if (stands_alone(c.rune))
            break;
        end = *at = c.limit;
    }
    return end;
}

/* Goes through the trie with the characters from *at on, until one does not fit or the word becomes
 * too long. */
static void match(struct reader *r, struct span text, size_t *at, int32_t *before,
                  struct character *c)
{
    const struct fast_wordpiece *m = r->model;
    size_t length = 0;
    while (*at < text.len) {
        *before = c->rune;
        *c = next(text, *at);
        struct span bytes = span_sub(text, *at, c->limit - *at);
        if (length + bytes.len > m->bytes_max)
            return;
        while (!double_array_walk(m->trie, bytes, &r->node)) {
            if (!fall_back(r))
                return;
        }
        length += bytes.len;
        *at = c->limit;
    }
}

/* From the character that ends at `limit` on, which has no piece, the rest of the word is unknown.
 */
static void read_unknown(struct reader *r, struct span text, size_t limit, size_t *at)
{
    *at = limit;
    size_t end = skip_word(text, at);
    if (!r->bad)
        add_unknown(r, end - r->word_start);
}

static void read_text(struct reader *r, struct span text)
{
    struct character c = {.rune = RUNE_BAD};
    int32_t before = RUNE_BAD;
    for (size_t at = 0; at < text.len && !r->bad;) {
        r->word_start = at;
        r->word = span_sub(text, at, text.len);
        r->done = 0;
        (void)double_array_stand(r->model->trie, 0, &r->node);
        match(r, text, &at, &before, &c);
        if (at >= text.len) {
            finish_word(r);
            return;
        }
        bool stuck = at == r->word_start && !is_space(c.rune);
        if (!stuck && (is_space(c.rune) || stands_alone(c.rune) || stands_alone(before))) {
            r->word.len = at - r->word_start;
            finish_word(r);
            if (is_space(c.rune))
                at = c.limit;
            continue;
        }
        read_unknown(r, text, c.limit, &at);
    }
}

enum code fast_wordpiece_tokenize(const struct fast_wordpiece *model, struct span text,
                                  struct fast_wordpiece_rows *rows, struct error *err)
{
    struct reader r = {.model = model, .rows = rows, .word = text, .begun = rows->ids.count};
    (void)double_array_stand(model->trie, 0, &r.node);
    if (model->whole_texts)
        read_text(&r, text);
    else if (text.len)
        read_word(&r);
    return r.bad ? error_set(err, CODE_INVALID_ARGUMENT, "the FastWordpiece model is malformed")
                 : CODE_OK;
}
