/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format, read by recursive descent with one token of look-ahead. Which texts are legal,
 * and how errors are worded and placed, is protobuf's own parser (3.21, text_format.cc): a position
 * is that of the token behind the one at fault where that is so there. We stop at the first error.
 *
 * A singular field given twice is an error when its first value is visible (a proto3 scalar: when
 * it is not zero); so is a second member of a oneof. More lenient than 3.21, like its successors: a
 * separator may also stand behind an expanded Any.
 */
#include <math.h>
#include <strings.h>

#include "base/check.h"
#include "wire/pb.h"
#include "wire/pb_token.h"
#include "wire/pb_value.h"
#include "wire/text.h"

struct parser {
    struct pb_tokens tokens;
    struct arena *arena; /* borrowed */
    unsigned depth;
    struct error *err;
};

/* A message that is being filled. */
struct target {
    const struct pb_message *type;
    void *message;
};

static bool parse_body(struct parser *p, struct target *target, char close);

__attribute__((cold, format(printf, 2, 3))) static bool fail(struct parser *p, const char *format,
                                                             ...)
{
    const struct pb_tokens *t = &p->tokens;
    va_list args;
    va_start(args, format);
    error_setv(p->err, CODE_INVALID_ARGUMENT, format, args);
    va_end(args);
    error_prefix(p->err, "%zu:%zu: ", t->token_line + 1, t->token_column + 1);
    return false;
}

/* Moves on; false when the tokenizer found the text broken. */
static bool next(struct parser *p)
{
    struct pb_tokens *t = &p->tokens;
    pb_tokens_next(t);
    if (!t->error)
        return true;
    error_set(p->err, CODE_INVALID_ARGUMENT, "%zu:%zu: %s", t->error_line + 1, t->error_column + 1,
              t->error);
    return false;
}

static bool looking_at(const struct parser *p, char symbol)
{
    const struct pb_tokens *t = &p->tokens;
    return t->type == PB_TOKEN_SYMBOL && *t->text.ptr == symbol;
}

static bool looking_at_type(const struct parser *p, enum pb_token_type type)
{
    return p->tokens.type == type;
}

/* Takes the symbol if it is there and says so in *taken; false on a broken text. */
static bool take_if(struct parser *p, char symbol, bool *taken)
{
    *taken = looking_at(p, symbol);
    return !*taken || next(p);
}

static bool take(struct parser *p, char symbol)
{
    if (!looking_at(p, symbol))
        return fail(p, "Expected \"%c\", found \"%.*s\".", symbol, SPAN_ARG(p->tokens.text));
    return next(p);
}

static bool take_identifier(struct parser *p, struct span *name)
{
    if (!looking_at_type(p, PB_TOKEN_IDENTIFIER))
        return fail(p, "Expected identifier, got: %.*s", SPAN_ARG(p->tokens.text));
    *name = p->tokens.text;
    return next(p);
}

static bool take_unsigned(struct parser *p, uint64_t max, uint64_t *value)
{
    struct span text = p->tokens.text;
    if (!looking_at_type(p, PB_TOKEN_INTEGER))
        return fail(p, "Expected integer, got: %.*s", SPAN_ARG(text));
    if (!pb_token_integer(text, max, value))
        return fail(p, "Integer out of range (%.*s)", SPAN_ARG(text));
    return next(p);
}

/* In two's complement; there is one more negative number than `max`. */
static bool take_signed(struct parser *p, uint64_t max, uint64_t *value)
{
    bool negative;
    if (!take_if(p, '-', &negative) || !take_unsigned(p, max + negative, value))
        return false;
    if (negative)
        *value = 0 - *value;
    return true;
}

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* A decimal integer, a float, inf or nan, without sign. */
static bool double_of(struct parser *p, double *value)
{
    struct span text = p->tokens.text;
    bool integer = looking_at_type(p, PB_TOKEN_INTEGER);
    if (integer && text.len > 1 && *text.ptr == '0')
        return fail(p, "Expect a decimal number, got: %.*s", SPAN_ARG(text));
    if (integer || looking_at_type(p, PB_TOKEN_FLOAT))
        *value = pb_token_double(text, p->arena);
    else if (is_word(text, "inf") || is_word(text, "infinity"))
        *value = INFINITY;
    else if (is_word(text, "nan"))
        *value = NAN;
    else
        return fail(p, "Expected double, got: %.*s", SPAN_ARG(text));
    return true;
}

static bool take_double(struct parser *p, double *value)
{
    bool negative;
    if (!take_if(p, '-', &negative) || !double_of(p, value))
        return false;
    if (negative)
        *value = -*value;
    return next(p);
}

/* One or more string tokens side by side. */
static bool take_string(struct parser *p, struct span *bytes)
{
    if (!looking_at_type(p, PB_TOKEN_STRING))
        return fail(p, "Expected string, got: %.*s", SPAN_ARG(p->tokens.text));
    struct span first = p->tokens.text;
    char *text = arena_alloc(p->arena, first.len);
    size_t len = pb_token_string(first, text), room = first.len;
    if (!next(p))
        return false;
    for (; looking_at_type(p, PB_TOKEN_STRING); len += pb_token_string(first, text + len)) {
        first = p->tokens.text;
        if (first.len > room - len) { /* doubling, so that many small pieces stay linear */
            room = 2 * room + first.len;
            char *larger = arena_alloc(p->arena, room);
            memcpy(larger, text, len);
            text = larger;
        }
        if (!next(p))
            return false;
    }
    *bytes = span_make(text, len);
    return true;
}

static bool take_bool(struct parser *p, const struct pb_field *field, uint64_t *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"True", true},   {"t", true},
                 {"false", false}, {"False", false}, {"f", false}};
    if (looking_at_type(p, PB_TOKEN_INTEGER))
        return take_unsigned(p, 1, value);
    struct span word = {0};
    if (!take_identifier(p, &word))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_is(word, words[i].word)) {
            *value = words[i].value;
            return true;
        }
    }
    return fail(p, "Invalid value for boolean field \"%s\". Value: \"%.*s\".", field->name,
                SPAN_ARG(word));
}

/* By name, or any number: proto3 enums are open. */
static bool take_enum(struct parser *p, const struct pb_field *field, uint64_t *value)
{
    if (looking_at(p, '-') || looking_at_type(p, PB_TOKEN_INTEGER))
        return take_signed(p, INT32_MAX, value);
    if (!looking_at_type(p, PB_TOKEN_IDENTIFIER))
        return fail(p, "Expected integer or identifier, got: %.*s", SPAN_ARG(p->tokens.text));
    struct span name = p->tokens.text;
    if (!next(p))
        return false;
    int32_t number;
    if (!pb_enum_number(field->enumeration, name, &number))
        return fail(p, "Unknown enumeration value of \"%.*s\" for field \"%s\".", SPAN_ARG(name),
                    field->name);
    *value = (uint64_t)number;
    return true;
}

static bool take_scalar(struct parser *p, const struct pb_field *field, uint64_t *value)
{
    switch ((enum pb_kind)field->kind) {
    case PB_KIND_INT32:
    case PB_KIND_SINT32:
    case PB_KIND_SFIXED32:
        return take_signed(p, INT32_MAX, value);
    case PB_KIND_INT64:
    case PB_KIND_SINT64:
    case PB_KIND_SFIXED64:
        return take_signed(p, INT64_MAX, value);
    case PB_KIND_UINT32:
    case PB_KIND_FIXED32:
        return take_unsigned(p, UINT32_MAX, value);
    case PB_KIND_UINT64:
    case PB_KIND_FIXED64:
        return take_unsigned(p, UINT64_MAX, value);
    case PB_KIND_BOOL:
        return take_bool(p, field, value);
    case PB_KIND_ENUM:
        return take_enum(p, field, value);
    default:
        check_failed(__FILE__, __LINE__, "a scalar");
    }
}

static bool parse_value(struct parser *p, struct target *target, const struct pb_field *field)
{
    if (pb_is_bytes(field)) {
        struct span bytes;
        if (!take_string(p, &bytes))
            return false;
        *(struct span *)pb_place(field, target->message, p->arena) = bytes;
        return true;
    }
    if (field->kind == PB_KIND_DOUBLE || field->kind == PB_KIND_FLOAT) {
        double value = 0;
        if (!take_double(p, &value))
            return false;
        void *at = pb_place(field, target->message, p->arena);
        if (field->kind == PB_KIND_DOUBLE)
            *(double *)at = value;
        else
            *(float *)at = (float)value;
        return true;
    }
    uint64_t value;
    if (!take_scalar(p, field, &value))
        return false;
    pb_store_plain(field->kind, pb_place(field, target->message, p->arena), value);
    return true;
}

/* `{ ... }` or `< ... >`. */
static bool parse_braces(struct parser *p, struct target *target)
{
    if (p->depth >= PB_DEPTH_MAX)
        return fail(
            p, "Message is too deep, the parser exceeded the configured recursion limit of %d.",
            PB_DEPTH_MAX);
    p->depth++;
    bool angle;
    if (!take_if(p, '<', &angle) || (!angle && !take(p, '{')))
        return false;
    bool done = parse_body(p, target, angle ? '>' : '}') && take(p, angle ? '>' : '}');
    p->depth--;
    return done;
}

static void *message_new(struct parser *p, const struct pb_message *type)
{
    return arena_calloc(p->arena, 1, type->size);
}

static bool parse_entry(struct parser *p, struct target *map, const struct pb_field *field)
{
    struct target entry = {.type = field->message, .message = message_new(p, field->message)};
    if (!parse_braces(p, &entry))
        return false;
    const struct pb_field *value = &field->message->fields[1];
    struct pb_pointer *slot = pb_at(entry.message, value->offset);
    if (value->kind == PB_KIND_MESSAGE && !slot->ptr)
        slot->ptr = message_new(p, value->message);
    CHECK(pb_map_insert(field, map->message, entry.message, p->arena));
    return true;
}

static bool parse_message(struct parser *p, struct target *target, const struct pb_field *field)
{
    if (field->rule == PB_RULE_MAP)
        return parse_entry(p, target, field);
    struct target inner = {.type = field->message};
    void *at = pb_place(field, target->message, p->arena);
    inner.message = at;
    if (field->rule != PB_RULE_REPEATED) {
        inner.message = message_new(p, field->message);
        ((struct pb_pointer *)at)->ptr = inner.message;
    }
    return parse_braces(p, &inner);
}

static bool parse_one(struct parser *p, struct target *target, const struct pb_field *field)
{
    return field->kind == PB_KIND_MESSAGE ? parse_message(p, target, field)
                                          : parse_value(p, target, field);
}

/* Behind the bracket of `[a, b]`. */
static bool parse_list(struct parser *p, struct target *target, const struct pb_field *field)
{
    bool done;
    if (!take_if(p, ']', &done))
        return false;
    while (!done) {
        if (!parse_one(p, target, field) || !take_if(p, ']', &done))
            return false;
        if (!done && !take(p, ','))
            return false;
    }
    return true;
}

/* identifier.identifier.identifier */
static bool take_dotted(struct parser *p, struct span *name)
{
    struct text text;
    struct span part;
    text_init(&text, p->arena);
    for (bool more = true; more;) {
        if (!take_identifier(p, &part))
            return false;
        text_span_add(&text, part);
        if (!take_if(p, '.', &more))
            return false;
        if (more)
            text_char(&text, '.');
    }
    *name = text_span(&text);
    return true;
}

/* Behind the bracket of `[type.googleapis.com/x.Y] { ... }` inside an Any. */
static bool parse_any(struct parser *p, struct target *target)
{
    struct span host, name;
    if (!take_dotted(p, &host) || !take(p, '/') || !take_dotted(p, &name) || !take(p, ']'))
        return false;
    bool colon;
    if (!take_if(p, ':', &colon))
        return false;
    bool known_host = span_is(host, "type.googleapis.com") || span_is(host, "type.googleprod.com");
    const struct pb_message *type = known_host ? pb_find(name) : NULL;
    char *url = arena_printf(p->arena, "%.*s/%.*s", SPAN_ARG(host), SPAN_ARG(name));
    if (!type)
        return fail(p, "Could not find type \"%s\" stored in google.protobuf.Any.", url);
    struct target inner = {.type = type, .message = message_new(p, type)};
    if (!parse_braces(p, &inner))
        return false;
    const struct pb_field *url_field = pb_field_by_number(target->type, 1);
    const struct pb_field *value_field = pb_field_by_number(target->type, 2);
    if (pb_has(url_field, target->message) || pb_has(value_field, target->message))
        return fail(p, "Non-repeated Any specified multiple times.");
    *(struct span *)pb_set(url_field, target->message) = span_of(url);
    *(struct span *)pb_set(value_field, target->message) = pb_encode(type, inner.message, p->arena);
    return true;
}

static bool parse_extension(struct parser *p, const struct target *target)
{
    struct span name;
    if (!take_dotted(p, &name) || !take(p, ']'))
        return false;
    return fail(p, "Extension \"%.*s\" is not defined or is not an extension of \"%s\".",
                SPAN_ARG(name), target->type->name);
}

/* Is there a visible first value? Key and value of a map entry have no presence; they count like
 * proto3 scalars. */
static bool is_given(const struct target *target, const struct pb_field *field)
{
    if (field->rule != PB_RULE_ALWAYS)
        return !pb_is_repeated(field) && pb_has(field, target->message);
    const void *at = pb_at(target->message, field->offset);
    return field->kind == PB_KIND_MESSAGE ? ((const struct pb_pointer *)at)->ptr != NULL
                                          : pb_is_set(field, at);
}

/* Is it the first time that the field, and any member of its oneof, is given? */
static bool check_first(struct parser *p, const struct target *target, const struct pb_field *field)
{
    if (is_given(target, field))
        return fail(p, "Non-repeated field \"%s\" is specified multiple times.", field->name);
    if (field->rule != PB_RULE_ONEOF)
        return true;
    uint32_t other = *(const uint32_t *)pb_at(target->message, field->presence);
    if (!other)
        return true;
    return fail(
        p, "Field \"%s\" is specified along with field \"%s\", another member of oneof \"%s\".",
        field->name, pb_field_by_number(target->type, other)->name,
        target->type->oneofs[field->oneof]);
}

static bool parse_field(struct parser *p, struct target *target)
{
    bool taken;
    if (!take_if(p, '[', &taken))
        return false;
    if (taken) {
        return pb_is_any(target->type) ? parse_any(p, target) : parse_extension(p, target);
    }
    struct span name;
    if (!take_identifier(p, &name))
        return false;
    const struct pb_field *field = pb_field_by_name(target->type, name);
    if (!field)
        return fail(p, "Message type \"%s\" has no field named \"%.*s\".", target->type->name,
                    SPAN_ARG(name));
    if (!check_first(p, target, field))
        return false;
    bool optional = field->kind == PB_KIND_MESSAGE; /* the colon */
    if (optional ? !take_if(p, ':', &taken) : !take(p, ':'))
        return false;
    if (pb_is_repeated(field) && looking_at(p, '['))
        return next(p) && parse_list(p, target, field);
    return parse_one(p, target, field);
}

/* Fields up to the closing symbol, 0: up to the end of the text. */
static bool parse_body(struct parser *p, struct target *target, char close)
{
    for (;;) {
        bool at_end =
            close ? looking_at(p, '>') || looking_at(p, '}') : looking_at_type(p, PB_TOKEN_END);
        if (at_end)
            return true;
        bool separated;
        if (!parse_field(p, target) || !take_if(p, ';', &separated))
            return false;
        if (!separated && !take_if(p, ',', &separated))
            return false;
    }
}

enum code pb_parse_text(const struct pb_message *type, struct span text, struct arena *arena,
                        void *message, struct error *err)
{
    memset(message, 0, type->size);
    struct parser p = {.arena = arena, .err = err};
    struct target target = {.type = type, .message = message};
    if (!text.len)
        return CODE_OK;
    pb_tokens_init(&p.tokens, text);
    const struct pb_tokens *t = &p.tokens;
    if (t->error)
        return error_set(err, CODE_INVALID_ARGUMENT, "%zu:%zu: %s", t->error_line + 1,
                         t->error_column + 1, t->error);
    return parse_body(&p, &target, 0) ? CODE_OK : CODE_INVALID_ARGUMENT;
}
