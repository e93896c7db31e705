/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rest_format.h"

#include <strings.h>

#include "tensor/npy.h"

static const struct {
    const char *type;
    enum rest_format format;
} types[] = {
    {"application/json", REST_JSON},
    {"application/x-protobuf", REST_PROTOBUF},
    {"application/protobuf", REST_PROTOBUF},
    {"application/x-npy", REST_NPY},
};

#define BYTES "application/octet-stream"

static bool is_word(struct span text, const char *word)
{
    return text.len == strlen(word) && (!text.len || !strncasecmp(text.ptr, word, text.len));
}

/* Cuts what stands before the separator off the front, without blanks around it. */
static struct span take(struct span *rest, char separator)
{
    size_t end = span_find(*rest, separator);
    struct span part = span_trim(span_sub(*rest, 0, end));
    *rest = span_sub(*rest, end + 1, rest->len);
    return part;
}

static bool find_type(struct span type, enum rest_format *format)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (is_word(type, types[i].type)) {
            *format = types[i].format;
            return true;
        }
    }
    return false;
}

enum rest_format rest_format_of_body(struct span content_type, struct span body)
{
    enum rest_format format = REST_JSON;
    struct span type = take(&content_type, ';');
    if (is_word(type, BYTES) && span_starts_with(body, SPAN_LITERAL(NPY_MAGIC)))
        return REST_NPY;
    find_type(type, &format);
    return format;
}

struct span rest_format_parameter(struct span content_type, const char *name)
{
    take(&content_type, ';');
    while (content_type.len) {
        struct span value = take(&content_type, ';');
        if (!is_word(take(&value, '='), name))
            continue;
        value = span_trim(value);
        bool quoted = value.len > 1 && *value.ptr == '"' && value.ptr[value.len - 1] == '"';
        return quoted ? span_sub(value, 1, value.len - 2) : value;
    }
    return (struct span){0};
}

/* "0.25" in thousandths; 1000 where there is none or it can not be read. */
static int read_quality(struct span text)
{
    if (!text.len || *text.ptr != '0')
        return 1000;
    int quality = 0, unit = 100;
    for (size_t i = 2; i < text.len && unit; i++, unit /= 10) {
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
            quality += unit * (text.ptr[i] - '0');
    }
    return quality;
}

enum rest_format rest_format_of_accept(struct span accept, enum rest_format otherwise)
{
    enum rest_format best = otherwise;
    int best_quality = 0;
    while (accept.len) {
        struct span item = take(&accept, ',');
        enum rest_format format = otherwise;
        int quality = read_quality(rest_format_parameter(item, "q"));
        struct span type = take(&item, ';');
        bool known =
            find_type(type, &format) || is_word(type, "*/*") || is_word(type, "application/*");
        if (is_word(type, BYTES)) {
            known = true;
            format = REST_NPY;
        }
        if (known && quality > best_quality) {
            best = format;
            best_quality = quality;
        }
    }
    return best;
}

struct span rest_format_type(enum rest_format format)
{
    static const struct span names[REST_FORMAT_COUNT] = {
        [REST_JSON] = {"application/json", 16},
        [REST_PROTOBUF] = {"application/x-protobuf", 22},
        [REST_NPY] = {"application/x-npy", 17},
    };
    return names[format];
}
