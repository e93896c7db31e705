/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SentenceFragments: documents of tokens cut where a sentence may end: behind terminal punctuation
 * and the closing brackets after it. What a token is, is found once; then a small machine reads:
 *
 *   any*  ->  terminal+  ->  close*      with ellipses and emoticons anywhere after the first
 *
 * Tokens count as parted by blanks, so only what may follow a blank extends an end: terminal
 * punctuation, ellipses, closing brackets, emoticons.
 */
#include <unictype.h>

#include "ops/string/charset.h"
#include "ops/text/rows.h"

enum token_class {
    TOKEN_ELLIPSIS = 1 << 0,
    TOKEN_TERMINAL = 1 << 1, /* also ellipses */
    TOKEN_CLOSE = 1 << 2,
    TOKEN_OPEN = 1 << 3,
    TOKEN_EMOTICON = 1 << 4,
    TOKEN_ACRONYM = 1 << 5, /* with a full stop at its end */
};

/* Bits of the input token_properties. */
enum { PROPERTY_EMOTICON = 0x80, PROPERTY_ACRONYM = 0x100 };

/* Bits of the output. */
enum fragment_property {
    FRAGMENT_TERMINAL = 1,
    FRAGMENT_MANY_TERMINALS = 2,
    FRAGMENT_CLOSE = 4,
    FRAGMENT_SENTENTIAL_CLOSE = 8,
};

enum { DOCUMENT_LENGTHS, TOKEN_STARTS, TOKEN_ENDS, TOKEN_WORDS, TOKEN_PROPERTIES };

/* ---- what tokens are ---- */

static bool is_among(const uint32_t *sorted, size_t count, uint32_t rune)
{
    for (size_t i = 0; i < count && sorted[i] <= rune; i++) {
        if (sorted[i] == rune)
            return true;
    }
    return false;
}

#define IS_AMONG(table, rune) is_among((table), sizeof(table) / sizeof *(table), (rune))

static bool is_terminal(uint32_t rune)
{
    static const uint32_t others[] = {0x2e,   0x37e,  0x55c,  0x55e, 0x17d4,
                                      0x2024, 0x2026, 0xfe52, 0xff0e};
    return uc_is_property_sentence_terminal(rune) || IS_AMONG(others, rune);
}

/* Characters whose line-breaking class is that of a closing bracket, and '>'. */
static bool is_close(uint32_t rune)
{
    static const uint32_t others[] = {0x3e,    0x3001,  0xfd3f,  0xfe10,  0xfe11,  0xfe50,  0xff0c,
                                      0xff64,  0x1325b, 0x1325c, 0x1325d, 0x13282, 0x13287, 0x13289,
                                      0x1337a, 0x1337b, 0x13438, 0x1343d, 0x145cf};
    return uc_is_general_category(rune, UC_CATEGORY_Pe) || IS_AMONG(others, rune);
}

static bool is_open(uint32_t rune)
{
    static const uint32_t others[] = {0x3c,    0xa1,    0xbf,    0x2e18,  0xfd3e,  0x13258,
                                      0x13259, 0x1325a, 0x13286, 0x13288, 0x13379, 0x1342f,
                                      0x13437, 0x1343c, 0x145ce, 0x1e95e, 0x1e95f};
    return uc_is_general_category(rune, UC_CATEGORY_Ps) || IS_AMONG(others, rune);
}

static enum code classify(struct charset_reader *r, struct span word, int64_t properties,
                          uint8_t *class, struct error *err)
{
    int32_t rune;
    size_t length;
    charset_reader_start(r, word);
    if (!charset_reader_next(r, &rune, &length))
        return error_set(err, CODE_INTERNAL, "Failed to decode string, error status=8");
    *class = 0;
    if (properties & PROPERTY_EMOTICON)
        *class |= TOKEN_EMOTICON;
    if (properties & PROPERTY_ACRONYM && word.ptr[word.len - 1] == '.')
        *class |= TOKEN_ACRONYM;
    if (span_is(word, "..."))
        *class |= TOKEN_ELLIPSIS | TOKEN_TERMINAL;
    if (length != word.len || rune == RUNE_BAD)
        return CODE_OK;
    *class |= rune == 0x2026 ? TOKEN_ELLIPSIS : 0;
    *class |= is_terminal((uint32_t)rune) ? TOKEN_TERMINAL : 0;
    *class |= is_close((uint32_t)rune) ? TOKEN_CLOSE : 0;
    *class |= is_open((uint32_t)rune) ? TOKEN_OPEN : 0;
    return CODE_OK;
}

/* ---- where fragments end ---- */

enum phase { PHASE_TEXT, PHASE_TERMINAL, PHASE_CLOSE };

struct match {
    enum phase phase;
    int64_t terminal; /* the first one's token; -1: none */
    int64_t close;    /* the first token behind the terminals */
    int64_t limit;    /* behind all */
};

static const struct match no_match = {PHASE_TEXT, -1, -1, -1};

static bool advance(struct match *m, uint8_t class, int64_t i)
{
    enum { GOES_ON = TOKEN_ELLIPSIS | TOKEN_EMOTICON };
    if (m->phase == PHASE_TEXT && class & (TOKEN_TERMINAL | TOKEN_ACRONYM | TOKEN_EMOTICON)) {
        m->terminal = i;
        m->phase = PHASE_TERMINAL;
    } else if (m->phase == PHASE_TERMINAL && !(class & (TOKEN_TERMINAL | GOES_ON))) {
        if (!(class & TOKEN_CLOSE))
            return false;
        m->close = i;
        m->phase = PHASE_CLOSE;
    } else if (m->phase == PHASE_CLOSE && !(class & (TOKEN_CLOSE | GOES_ON))) {
        return false;
    }
    m->limit = i + 1;
    if (m->phase == PHASE_TERMINAL)
        m->close = m->limit;
    return true;
}

static struct match find_end(const uint8_t *classes, int64_t count, int64_t start)
{
    enum { MAY_FOLLOW = TOKEN_ELLIPSIS | TOKEN_TERMINAL | TOKEN_CLOSE | TOKEN_EMOTICON };
    struct match now = no_match, before = no_match;
    for (int64_t i = start; i < count; i++) {
        if (now.terminal >= 0 && i > start) {
            if (!(classes[i] & MAY_FOLLOW))
                break;
            before = now;
        }
        if (advance(&now, classes[i], i))
            continue;
        if (before.terminal >= 0)
            return before;
        now = no_match;
        i--;
    }
    return now;
}

/* ---- what fragments are ---- */

/* Behind an ellipsis, the sign that is not ambiguous counts as the first. */
static int64_t first_terminal(const uint8_t *classes, const struct match *m)
{
    for (int64_t i = m->close; i > m->terminal; i--) {
        if (classes[i - 1] & (TOKEN_ELLIPSIS | TOKEN_EMOTICON))
            return i == m->close ? m->terminal : i;
    }
    return m->terminal;
}

static int64_t properties_of(const uint8_t *classes, const struct match *m, bool sentential)
{
    int64_t properties = 0;
    if (m->terminal < 0)
        return 0;
    properties |= FRAGMENT_TERMINAL;
    for (int64_t i = m->terminal + 1; i < m->close; i++) {
        bool plain = !(classes[i] & (TOKEN_ELLIPSIS | TOKEN_EMOTICON));
        if (classes[i] & TOKEN_TERMINAL && plain)
            properties |= FRAGMENT_MANY_TERMINALS;
    }
    for (int64_t i = m->close; i < m->limit; i++) {
        if (classes[i] & TOKEN_CLOSE)
            properties |= FRAGMENT_CLOSE | (sentential ? FRAGMENT_SENTENTIAL_CLOSE : 0);
    }
    return properties;
}

struct fragments {
    struct row_numbers starts, ends, properties, terminals, lengths;
};

static void cut_document(const struct op_call *call, struct fragments *f, const uint8_t *classes,
                         int64_t count)
{
    int64_t before = f->starts.count;
    /* Did the last opening bracket begin its fragment? */
    bool sentential = false;
    for (int64_t start = 0; start < count;) {
        struct match m = find_end(classes, count, start);
        for (int64_t i = m.limit; i > start; i--) {
            if (!(classes[i - 1] & TOKEN_OPEN))
                continue;
            sentential = i - 1 == start;
            break;
        }
        row_numbers_add(&f->starts, call, start);
        row_numbers_add(&f->ends, call, m.limit);
        row_numbers_add(&f->properties, call, properties_of(classes, &m, sentential));
        row_numbers_add(&f->terminals, call, m.terminal < 0 ? -1 : first_terminal(classes, &m));
        start = m.limit;
    }
    row_numbers_add(&f->lengths, call, f->starts.count - before);
}

/* ---- the op ---- */

static enum code sentence_prepare(struct op_call *call, struct error *err)
{
    struct charset *charset = ARENA_NEW(call->arena, struct charset);
    struct span name = op_attr_string(call, "input_encoding");
    call->state = charset;
    if (charset_find(name, call->arena, charset))
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Could not create converter for input encoding: %.*s", SPAN_ARG(name));
}

static enum code check_inputs(const struct op_call *call, struct error *err)
{
    static const char *const names[] = {"row_lengths", "token_start", "token_end", "token_word",
                                        "token_properties"};
    char text[SHAPE_TEXT_SIZE];
    int64_t total = 0, sizes[5];
    bool good = true;
    for (int i = 0; i < 5; i++) {
        if (call->in[i]->shape.rank != 1)
            return error_set(err, CODE_INVALID_ARGUMENT, "'%s' must be a vector, got shape: %s",
                             names[i], shape_text(&call->in[i]->shape, text));
        sizes[i] = tensor_elements(call->in[i]);
    }
    for (int64_t i = 0; i < sizes[DOCUMENT_LENGTHS]; i++) {
        int64_t length = tensor_int(call->in[DOCUMENT_LENGTHS], i);
        good &= length >= 0 && !__builtin_add_overflow(total, length, &total);
    }
    if (!good || total != sizes[TOKEN_STARTS] || sizes[TOKEN_STARTS] != sizes[TOKEN_ENDS] ||
        sizes[TOKEN_ENDS] != sizes[TOKEN_WORDS])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "num_elements(%lld), token_start(%lld), token_end(%lld), "
                         "token_word(%lld) must all be the same size.",
                         (long long)total, (long long)sizes[TOKEN_STARTS],
                         (long long)sizes[TOKEN_ENDS], (long long)sizes[TOKEN_WORDS]);
    if (sizes[TOKEN_PROPERTIES] < sizes[TOKEN_WORDS])
        return error_set(err, CODE_INVALID_ARGUMENT, "%lld tokens have %lld token_properties",
                         (long long)sizes[TOKEN_WORDS], (long long)sizes[TOKEN_PROPERTIES]);
    return CODE_OK;
}

static enum code classify_all(const struct op_call *call, uint8_t *classes, struct error *err)
{
    struct charset_reader r;
    enum code code = charset_reader_init(&r, call->state, err);
    if (code)
        return code;
    for (int64_t i = 0, n = tensor_elements(call->in[TOKEN_WORDS]); !code && i < n; i++)
        code = classify(&r, TENSOR_AT(call->in[TOKEN_WORDS], struct span)[i],
                        TENSOR_AT(call->in[TOKEN_PROPERTIES], int64_t)[i], &classes[i], err);
    charset_reader_release(&r);
    return code;
}

static enum code sentence_run(struct op_call *call, struct error *err)
{
    struct fragments f = {0};
    uint8_t *classes;
    int64_t at = 0;
    enum code code = check_inputs(call, err);
    if (!code)
        code = kernel_array(call, tensor_elements(call->in[TOKEN_WORDS]), sizeof *classes, &classes,
                            err);
    if (!code)
        code = classify_all(call, classes, err);
    if (code)
        return code;
    for (int64_t i = 0, n = tensor_elements(call->in[DOCUMENT_LENGTHS]); i < n; i++) {
        int64_t length = tensor_int(call->in[DOCUMENT_LENGTHS], i);
        cut_document(call, &f, classes + at, length);
        at += length;
    }
    const struct row_numbers *const outputs[] = {&f.starts, &f.ends, &f.properties, &f.terminals,
                                                 &f.lengths};
    for (int i = 0; !code && i < 5; i++)
        code = row_numbers_give(outputs[i], call, i, err);
    return code;
}

const struct op op_SentenceFragments = {
    .name = "SentenceFragments",
    .inputs = "row_lengths:int64 token_start:int64 token_end:int64 token_word:string "
              "token_properties:int64",
    .outputs = "fragment_start:int64 fragment_end:int64 fragment_properties:int64 "
               "terminal_punc_token:int64 output_row_lengths:int64",
    .attrs = "input_encoding:string errors:string='replace' replacement_char:int=65533 "
             "replace_control_characters:bool=false",
    .flags = OP_DYNAMIC,
    .prepare = sentence_prepare,
    .run = sentence_run,
};
