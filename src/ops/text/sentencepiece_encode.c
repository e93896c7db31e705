/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts to pieces. Each way to cut gives the lengths of the parts of the normalised text, from
 * which tokens are made: unknown parts side by side become one token, or bytes.
 *
 * unigram   the best score of all ways to cut up to each place, from left to right
 * BPE       a heap of pairs of neighbours that are a piece together; the best is merged first, and
 *           of equals the leftmost; a merged piece that is not used is cut again as it was made
 */
#include <stdio.h>

#include "ops/string/rune.h"
#include "ops/text/sentencepiece.h"

struct part {
    uint32_t length;
    int32_t id;
};

struct parts {
    struct part *at;
    int64_t count;
};

struct cutter {
    const struct sentencepiece *model;
    struct span text; /* normalised; not empty */
    struct arena *arena;
    struct parts parts; /* room for one a byte */
};

static enum code take(struct arena *arena, size_t count, size_t size, void *result,
                      struct error *err)
{
    size_t bytes;
    void *ptr = NULL;
    if (!__builtin_mul_overflow(count + 1, size, &bytes))
        ptr = arena_try_alloc(arena, bytes, ARENA_ALIGN);
    *(void **)result = ptr;
    return ptr ? CODE_OK : error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a text's pieces");
}

static void add_part(struct cutter *c, size_t length, int32_t id)
{
    c->parts.at[c->parts.count++] = (struct part){(uint32_t)length, id};
}

/* Bytes of the character at `at`, as its first byte tells. */
static size_t char_length(struct span text, size_t at)
{
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t length = lengths[(unsigned char)text.ptr[at] >> 4];
    return length < text.len - at ? length : text.len - at;
}

static int32_t id_of(const struct cutter *c, size_t at, size_t length)
{
    return sentencepiece_id(c->model, span_sub(c->text, at, length));
}

/* ---- unigram ---- */

/* The best way to cut the text up to a place. */
struct best {
    float score;
    int32_t id;
    uint32_t length; /* of the last part; 0: none yet */
};

/* Scores are kept as floats but compared before they are rounded: ties depend on it. */
static void offer(struct best *b, double score, size_t length, int32_t id)
{
    if (b->length && score <= (double)b->score)
        return;
    *b = (struct best){(float)score, id, (uint32_t)length};
}

/* All pieces that begin at `at`. */
static void extend(const struct cutter *c, struct best *best, size_t at)
{
    enum { UNKNOWN_PENALTY = 10 };
    const struct sentencepiece *m = c->model;
    int32_t range[2] = {0, m->index.count};
    size_t single = char_length(c->text, at);
    float score = best[at].score;
    bool has_single = false;
    for (size_t i = at;
         i < c->text.len && sentencepiece_narrow(m, &m->index, range, i - at, c->text.ptr[i]);
         i++) {
        int32_t id = m->index.ids[range[0]];
        const struct sentencepiece_piece *p = &m->pieces[id];
        size_t length = i + 1 - at;
        if (p->text.len != length || p->type == SENTENCEPIECE_UNUSED)
            continue;
        double own = p->type == SENTENCEPIECE_USER_DEFINED
                         ? (double)((float)length * m->score_max) - 0.1
                         : (double)p->score;
        offer(&best[at + length], own + (double)score, length, id);
        has_single |= length == single;
    }
    if (!has_single)
        offer(&best[at + single], (double)(m->score_min - UNKNOWN_PENALTY + score), single,
              m->unknown);
}

static enum code cut_unigram(struct cutter *c, struct error *err)
{
    struct best *best;
    size_t n = c->text.len;
    enum code code = take(c->arena, n, sizeof *best, &best, err);
    if (code)
        return code;
    memset(best, 0, (n + 1) * sizeof *best);
    for (size_t at = 0; at < n; at += char_length(c->text, at))
        extend(c, best, at);
    for (size_t at = n; at; at -= best[at].length)
        add_part(c, best[at].length, best[at].id);
    for (int64_t i = 0, k = c->parts.count - 1; i < k; i++, k--) {
        struct part part = c->parts.at[i];
        c->parts.at[i] = c->parts.at[k];
        c->parts.at[k] = part;
    }
    return CODE_OK;
}

/* ---- BPE ---- */

struct symbol {
    int32_t before, next; /* -1: none */
    uint32_t at, length;  /* length 0: merged into another */
    bool frozen;
};

struct pair {
    float score;
    int32_t left, right;
    uint32_t length;
};

struct bpe {
    struct cutter *c;
    struct symbol *symbols;
    int32_t count;
    struct pair *heap; /* the best first */
    size_t heap_count;
    struct map halves; /* of unused pieces: text -> length of its left half, as a pointer */
};

static bool is_before(const struct pair *a, const struct pair *b)
{
    return a->score != b->score ? a->score > b->score : a->left < b->left;
}

static void push_pair(struct bpe *b, struct pair pair)
{
    size_t i = b->heap_count++;
    while (i && is_before(&pair, &b->heap[(i - 1) / 2])) {
        b->heap[i] = b->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    b->heap[i] = pair;
}

static struct pair pop_pair(struct bpe *b)
{
    struct pair top = b->heap[0], last = b->heap[--b->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < b->heap_count) {
        child += child + 1 < b->heap_count && is_before(&b->heap[child + 1], &b->heap[child]);
        if (!is_before(&b->heap[child], &last))
            break;
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = last;
    return top;
}

static void offer_pair(struct bpe *b, int32_t left, int32_t right)
{
    const struct sentencepiece *m = b->c->model;
    if (left < 0 || right < 0 || b->symbols[left].frozen || b->symbols[right].frozen)
        return;
    uint32_t length = b->symbols[left].length + b->symbols[right].length;
    struct span text = span_sub(b->c->text, b->symbols[left].at, length);
    const struct sentencepiece_piece *p = map_get(&m->ids, text);
    if (!p || p->type == SENTENCEPIECE_UNKNOWN || p->type == SENTENCEPIECE_CONTROL ||
        p->type == SENTENCEPIECE_BYTE)
        return;
    push_pair(b, (struct pair){p->score, left, right, length});
    if (p->type == SENTENCEPIECE_UNUSED)
        map_put(&b->halves, text, (void *)(uintptr_t)b->symbols[left].length);
}

static void split_symbols(struct bpe *b)
{
    struct span text = b->c->text;
    for (size_t at = 0, length; at < text.len; at += length) {
        length = sentencepiece_symbol(b->c->model, span_sub(text, at, text.len));
        struct symbol *s = &b->symbols[b->count];
        s->frozen = length > 0;
        length = length ? length : char_length(text, at);
        s->at = (uint32_t)at;
        s->length = (uint32_t)length;
        s->before = b->count - 1;
        s->next = at + length < text.len ? b->count + 1 : -1;
        b->count++;
    }
}

static void merge(struct bpe *b, const struct pair *p)
{
    struct symbol *left = &b->symbols[p->left], *right = &b->symbols[p->right];
    if (!left->length || !right->length || left->length + right->length != p->length)
        return;
    left->length = p->length;
    left->next = right->next;
    if (right->next >= 0)
        b->symbols[right->next].before = p->left;
    right->length = 0;
    offer_pair(b, left->before, p->left);
    offer_pair(b, p->left, left->next);
}

/* The part, or if it is not used what it was made of. Each half is shorter, so the stack of rights
 * has fewer entries than the text bytes. */
static void add_symbol(struct bpe *b, size_t at, size_t length, uint32_t *stack)
{
    const struct sentencepiece *m = b->c->model;
    size_t depth = 0;
    stack[depth++] = (uint32_t)length;
    while (depth) {
        uint32_t own = stack[--depth];
        struct span text = span_sub(b->c->text, at, own);
        int32_t id = sentencepiece_id(m, text);
        uint32_t left = (uint32_t)(uintptr_t)map_get(&b->halves, text);
        if (m->pieces[id].type == SENTENCEPIECE_UNUSED && left) {
            stack[depth++] = own - left;
            stack[depth++] = left;
            continue;
        }
        add_part(b->c, own, id);
        at += own;
    }
}

static enum code cut_bpe(struct cutter *c, struct error *err)
{
    struct bpe b = {.c = c};
    uint32_t *stack;
    size_t n = c->text.len;
    enum code code = take(c->arena, n, sizeof *b.symbols, &b.symbols, err);
    /* n - 1 pairs at first, and at most two for each of n - 1 merges. */
    if (!code)
        code = take(c->arena, 3 * n, sizeof *b.heap, &b.heap, err);
    if (!code)
        code = take(c->arena, n + 2, sizeof *stack, &stack, err);
    if (code)
        return code;
    map_init(&b.halves, c->arena);
    split_symbols(&b);
    for (int32_t i = 1; i < b.count; i++)
        offer_pair(&b, i - 1, i);
    while (b.heap_count) {
        struct pair pair = pop_pair(&b);
        merge(&b, &pair);
    }
    for (int32_t i = 0; i >= 0; i = b.symbols[i].next)
        add_symbol(&b, b.symbols[i].at, b.symbols[i].length, stack);
    return CODE_OK;
}

/* ---- words and characters ---- */

static void cut_chars(struct cutter *c)
{
    for (size_t at = 0, length; at < c->text.len; at += length) {
        length = sentencepiece_symbol(c->model, span_sub(c->text, at, c->text.len));
        length = length ? length : char_length(c->text, at);
        add_part(c, length, id_of(c, at, length));
    }
}

/* A word begins with U+2581. */
static void cut_words(struct cutter *c)
{
    static const struct span space = {"\xe2\x96\x81", 3};
    size_t start = 0;
    for (size_t at = 0, length; at < c->text.len; at += length) {
        length = char_length(c->text, at);
        if (at == start || !span_equal(span_sub(c->text, at, length), space))
            continue;
        add_part(c, at - start, id_of(c, start, at - start));
        start = at;
    }
    add_part(c, c->text.len - start, id_of(c, start, c->text.len - start));
}

/* ---- tokens ---- */

struct maker {
    struct cutter *c;
    const struct sentencepiece_normal *normal;
    struct sentencepiece_tokens *tokens;
};

static void add_token(const struct maker *k, struct sentencepiece_token token)
{
    k->tokens->at[k->tokens->count++] = token;
}

/* An unknown part as bytes, "<0x41>"; the last one has the part's place. */
static void add_bytes(const struct maker *k, struct span text, int64_t start, int64_t limit)
{
    for (size_t i = 0; i < text.len; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", (unsigned char)text.ptr[i]);
        int32_t id = sentencepiece_id(k->c->model, span_of(name));
        struct span piece = arena_copy(k->c->arena, span_of(name));
        add_token(
            k, (struct sentencepiece_token){piece, id, start, i + 1 == text.len ? limit : start});
    }
}

static void make_tokens(const struct maker *k)
{
    bool was_unknown = false;
    size_t at = 0;
    for (int64_t i = 0; i < k->c->parts.count; i++) {
        const struct part *part = &k->c->parts.at[i];
        struct span text = span_sub(k->c->text, at, part->length);
        int64_t start = k->normal->origins[at];
        at += part->length;
        int64_t limit = k->normal->origins[at];
        bool unknown = part->id == k->c->model->unknown;
        if (unknown && k->c->model->byte_fallback) {
            add_bytes(k, text, start, limit);
        } else if (unknown && was_unknown) {
            struct sentencepiece_token *last = &k->tokens->at[k->tokens->count - 1];
            last->piece.len += text.len;
            last->limit = limit;
        } else {
            add_token(k, (struct sentencepiece_token){text, part->id, start, limit});
        }
        was_unknown = unknown;
    }
}

enum code sentencepiece_encode(const struct sentencepiece *m, struct span text, struct arena *arena,
                               struct sentencepiece_tokens *tokens, struct error *err)
{
    struct sentencepiece_normal normal;
    struct cutter c = {.model = m, .arena = arena};
    enum code code = sentencepiece_normalize(m, &m->rules, text, arena, &normal, err);
    *tokens = (struct sentencepiece_tokens){0};
    if (code || !normal.text.len)
        return code;
    c.text = normal.text;
    code = take(arena, c.text.len, sizeof *c.parts.at, &c.parts.at, err);
    if (!code)
        code = take(arena, c.text.len, sizeof *tokens->at, &tokens->at, err);
    if (!code && m->kind == SENTENCEPIECE_UNIGRAM)
        code = cut_unigram(&c, err);
    else if (!code && m->kind == SENTENCEPIECE_BPE)
        code = cut_bpe(&c, err);
    else if (!code && m->kind == SENTENCEPIECE_WORD)
        cut_words(&c);
    else if (!code)
        cut_chars(&c);
    if (!code)
        make_tokens(&(struct maker){&c, &normal, tokens});
    return code;
}

/* ---- decoding ---- */

struct decoder {
    const struct sentencepiece *model;
    struct text_builder out;
    struct text_builder bytes; /* of byte pieces that are not yet a character */
};

static void flush_bytes(struct decoder *d)
{
    struct span bytes = span_make(d->bytes.ptr, d->bytes.len);
    size_t length;
    for (size_t at = 0; at < bytes.len; at += length) {
        if (rune_decode(bytes, at, &length) == RUNE_BAD) {
            length = 1;
            text_builder_add_rune(&d->out, RUNE_REPLACEMENT);
        } else {
            text_builder_add(&d->out, span_sub(bytes, at, length));
        }
    }
    d->bytes.len = 0;
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Adds a piece whose blanks are U+2581. The blank that the dummy prefix made is dropped: one at the
 * start of each piece as long as nothing stands before it. */
static void add_piece(struct decoder *d, struct span piece, int32_t id)
{
    static const struct span space = {"\xe2\x96\x81", 3};
    const struct sentencepiece *m = d->model;
    const struct sentencepiece_piece *p = &m->pieces[id];
    if (p->type == SENTENCEPIECE_CONTROL)
        return;
    if (p->type == SENTENCEPIECE_UNKNOWN) {
        text_builder_add(&d->out, span_equal(p->text, piece) ? m->unknown_surface : piece);
        return;
    }
    if (!d->out.len && (m->rules.dummy_prefix || m->rules.drop_spaces) &&
        span_starts_with(piece, space))
        piece = span_sub(piece, space.len, piece.len);
    while (piece.len) {
        bool blank = span_starts_with(piece, space);
        if (blank)
            text_builder_add_byte(&d->out, ' ');
        else
            text_builder_add_byte(&d->out, *piece.ptr);
        piece = span_sub(piece, blank ? space.len : 1, piece.len);
    }
}

enum code sentencepiece_decode(const struct sentencepiece *m, const struct span *pieces,
                               int64_t count, struct arena *arena, struct span *text,
                               struct error *err)
{
    struct decoder d = {m, text_builder_in(arena), text_builder_in(arena)};
    for (int64_t i = 0; i < count; i++) {
        int32_t id = sentencepiece_id(m, pieces[i]);
        if (m->pieces[id].type == SENTENCEPIECE_BYTE && pieces[i].len == 6) {
            const char *hex = pieces[i].ptr + 3;
            text_builder_add_byte(&d.bytes, (char)(hex_value(hex[0]) << 4 | hex_value(hex[1])));
            continue;
        }
        flush_bytes(&d);
        add_piece(&d, pieces[i], id);
    }
    flush_bytes(&d);
    enum code code = text_builder_take(&d.out, text, err);
    if (code || !m->denormal.trie.len)
        return code;
    struct sentencepiece_normal normal;
    code = sentencepiece_normalize(m, &m->denormal, *text, arena, &normal, err);
    *text = normal.text;
    return code;
}
