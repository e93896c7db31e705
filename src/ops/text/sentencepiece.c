/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a model: its ModelProto is read field by field, for it is proto2, whose defaults our
 * tables of messages do not know. Pieces are found by a map; prefixes by halving a sorted array.
 */
#include "ops/text/sentencepiece.h"

#include <float.h>
#include <stdlib.h>

#include "wire/field.h"

/* ---- fields ---- */

/* Takes one field off a message. False at its end, or (bad) where it is broken. */
static bool take_field(struct span *in, struct pb_wire_field *f, bool *bad)
{
    bool done = false;
    *bad = !pb_next_field(in, f, &done);
    return !*bad && !done;
}

static float float_of(const struct pb_wire_field *f)
{
    float value = 0;
    if (f->wire == PB_WIRE_32)
        memcpy(&value, f->bytes.ptr, sizeof value);
    return value;
}

static enum code broken(struct error *err)
{
    return error_set(err, CODE_INTERNAL, "the SentencePiece model is broken");
}

static enum code read_piece(struct span in, struct sentencepiece_piece *piece, struct error *err)
{
    struct pb_wire_field f;
    bool bad = false;
    piece->type = SENTENCEPIECE_NORMAL;
    while (take_field(&in, &f, &bad)) {
        if (f.number == 1)
            piece->text = f.bytes;
        else if (f.number == 2)
            piece->score = float_of(&f);
        else if (f.number == 3 && f.varint >= SENTENCEPIECE_NORMAL &&
                 f.varint <= SENTENCEPIECE_BYTE)
            piece->type = (enum sentencepiece_type)f.varint;
    }
    return bad || !piece->text.len ? broken(err) : CODE_OK;
}

static enum code read_trainer(struct span in, struct sentencepiece *m, struct error *err)
{
    struct pb_wire_field f;
    bool bad = false;
    while (take_field(&in, &f, &bad)) {
        if (f.number == 3)
            m->kind = (enum sentencepiece_kind)f.varint;
        else if (f.number == 24)
            m->space_behind = f.varint;
        else if (f.number == 35)
            m->byte_fallback = f.varint;
        else if (f.number == 44)
            m->unknown_surface = f.bytes;
        else if (f.number == 46)
            m->bos = f.bytes;
        else if (f.number == 47)
            m->eos = f.bytes;
    }
    if (m->kind < SENTENCEPIECE_UNIGRAM || m->kind > SENTENCEPIECE_CHAR)
        bad = true;
    return bad ? broken(err) : CODE_OK;
}

/* The size of a double array in 4 bytes, the array, the texts. */
static enum code read_charsmap(struct span map, struct sentencepiece_rules *rules,
                               struct error *err)
{
    uint32_t size;
    if (!map.len)
        return CODE_OK;
    if (map.len <= sizeof size)
        return error_set(err, CODE_INTERNAL, "Blob for normalization rule is broken.");
    memcpy(&size, map.ptr, sizeof size);
    if (size >= map.len - sizeof size)
        return error_set(err, CODE_INTERNAL, "Trie data size exceeds the input blob size.");
    rules->trie = span_sub(map, sizeof size, size / sizeof size * sizeof size);
    rules->replacements = span_sub(map, sizeof size + size, map.len);
    return CODE_OK;
}

static enum code read_rules(struct span in, struct sentencepiece_rules *rules, struct error *err)
{
    struct pb_wire_field f;
    bool bad = false;
    enum code code = CODE_OK;
    while (!code && take_field(&in, &f, &bad)) {
        if (f.number == 2)
            code = read_charsmap(f.bytes, rules, err);
        else if (f.number == 3)
            rules->dummy_prefix = f.varint;
        else if (f.number == 4)
            rules->drop_spaces = f.varint;
        else if (f.number == 5)
            rules->escape_spaces = f.varint;
    }
    return code ? code : bad ? broken(err) : CODE_OK;
}

static enum code count_pieces(struct span in, struct sentencepiece *m, struct error *err)
{
    struct pb_wire_field f;
    bool bad = false;
    while (take_field(&in, &f, &bad))
        m->count += f.number == 1;
    return bad ? broken(err) : CODE_OK;
}

static enum code read_model(struct span in, struct sentencepiece *m, struct error *err)
{
    struct pb_wire_field f;
    bool bad = false;
    int32_t pieces = 0;
    enum code code = CODE_OK;
    while (!code && take_field(&in, &f, &bad)) {
        if (f.number == 1)
            code = read_piece(f.bytes, &m->pieces[pieces++], err);
        else if (f.number == 2)
            code = read_trainer(f.bytes, m, err);
        else if (f.number == 3)
            code = read_rules(f.bytes, &m->rules, err);
        else if (f.number == 5)
            code = read_rules(f.bytes, &m->denormal, err);
    }
    return code;
}

/* ---- the index ---- */

static bool may_be_cut(const struct sentencepiece_piece *p)
{
    return p->type == SENTENCEPIECE_NORMAL || p->type == SENTENCEPIECE_USER_DEFINED ||
           p->type == SENTENCEPIECE_UNUSED;
}

static int by_text(const void *a, const void *b, void *pieces)
{
    const struct sentencepiece_piece *p = pieces;
    return span_compare(p[*(const int32_t *)a].text, p[*(const int32_t *)b].text);
}

static void fill_index(struct sentencepiece *m, struct sentencepiece_index *index, bool symbols,
                       struct arena *arena)
{
    index->ids = ARENA_ARRAY(arena, int32_t, m->count);
    for (int32_t i = 0; i < m->count; i++) {
        const struct sentencepiece_piece *p = &m->pieces[i];
        if (symbols ? p->type == SENTENCEPIECE_USER_DEFINED : may_be_cut(p))
            index->ids[index->count++] = i;
    }
    qsort_r(index->ids, (size_t)index->count, sizeof *index->ids, by_text, m->pieces);
}

bool sentencepiece_narrow(const struct sentencepiece *m, const struct sentencepiece_index *index,
                          int32_t range[2], size_t depth, char byte)
{
    int32_t bounds[2];
    for (int side = 0; side < 2; side++) {
        int32_t low = range[0], high = range[1];
        while (low < high) {
            int32_t middle = low + (high - low) / 2;
            struct span text = m->pieces[index->ids[middle]].text;
            int own = text.len > depth ? (unsigned char)text.ptr[depth] : -1;
            if (own < (unsigned char)byte + side)
                low = middle + 1;
            else
                high = middle;
        }
        bounds[side] = low;
    }
    range[0] = bounds[0];
    range[1] = bounds[1];
    return range[0] < range[1];
}

size_t sentencepiece_symbol(const struct sentencepiece *m, struct span text)
{
    int32_t range[2] = {0, m->symbols.count};
    size_t longest = 0;
    for (size_t i = 0; i < text.len && sentencepiece_narrow(m, &m->symbols, range, i, text.ptr[i]);
         i++) {
        if (m->pieces[m->symbols.ids[range[0]]].text.len == i + 1)
            longest = i + 1;
    }
    return longest;
}

static enum code index_pieces(struct sentencepiece *m, struct arena *arena, struct error *err)
{
    map_init(&m->ids, arena);
    m->unknown = -1;
    m->score_min = FLT_MAX;
    m->score_max = FLT_MIN;
    for (int32_t i = 0; i < m->count; i++) {
        struct sentencepiece_piece *p = &m->pieces[i];
        if (map_has(&m->ids, p->text))
            return error_set(err, CODE_INTERNAL, "%.*s is already defined.", SPAN_ARG(p->text));
        map_put(&m->ids, p->text, p);
        if (p->type == SENTENCEPIECE_UNKNOWN)
            m->unknown = i;
        if (p->type != SENTENCEPIECE_NORMAL)
            continue;
        m->score_min = p->score < m->score_min ? p->score : m->score_min;
        m->score_max = p->score > m->score_max ? p->score : m->score_max;
    }
    if (m->unknown < 0)
        return error_set(err, CODE_INTERNAL, "unk is not defined.");
    fill_index(m, &m->index, false, arena);
    fill_index(m, &m->symbols, true, arena);
    return CODE_OK;
}

enum code sentencepiece_load(struct span proto, struct arena *arena, struct sentencepiece **model,
                             struct error *err)
{
    const struct sentencepiece_rules rules = {
        .dummy_prefix = true, .drop_spaces = true, .escape_spaces = true};
    struct sentencepiece *m = ARENA_NEW(arena, struct sentencepiece);
    *model = m;
    m->kind = SENTENCEPIECE_UNIGRAM;
    m->rules = rules;
    m->unknown_surface = SPAN_LITERAL(" \xe2\x81\x87 ");
    m->bos = SPAN_LITERAL("<s>");
    m->eos = SPAN_LITERAL("</s>");
    enum code code = count_pieces(proto, m, err);
    if (code)
        return code;
    m->pieces = ARENA_ARRAY(arena, struct sentencepiece_piece, m->count);
    code = read_model(proto, m, err);
    return code ? code : index_pieces(m, arena, err);
}

int32_t sentencepiece_id(const struct sentencepiece *m, struct span piece)
{
    const struct sentencepiece_piece *p = map_get(&m->ids, piece);
    return p ? (int32_t)(p - m->pieces) : m->unknown;
}
