/* SPDX-License-Identifier: Apache-2.0 */
/* The tape has the values in the order of the text; so counting slots finds the place. */
#include "wire/json_where.h"

static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':' || c == ']' ||
           c == '}';
}

/* Behind the string whose opening quote stands at `at`. */
static size_t skip_string(struct span text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++)
        at += text.ptr[at] == '\\';
    return at + 1;
}

static size_t skip_word(struct span text, size_t at)
{
    while (at < text.len && !is_between(text.ptr[at]))
        at++;
    return at;
}

static size_t find_offset(struct span text, size_t slot)
{
    static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, or parts of it */
    size_t at = 0;
    for (size_t k = 0; k < 3 && at < text.len; k++)
        at += text.ptr[at] == mark[k];
    for (size_t i = 0;;) {
        while (at < text.len && is_between(text.ptr[at]))
            at++;
        if (i >= slot || at >= text.len)
            return at;
        char c = text.ptr[at];
        i += c == '"' ? 2 : 1;
        if (c == '"')
            at = skip_string(text, at);
        else
            at = c == '[' || c == '{' ? at + 1 : skip_word(text, at);
    }
}

/* The element of `array` that has `value` in it or is it; *path goes on to there. */
static const struct json_value *find_element(const struct json_value *array,
                                             const struct json_value *value, struct arena *arena,
                                             const char **path)
{
    const struct json_value *element = json_first(array);
    size_t i = 0;
    for (; json_next(element) <= value; i++)
        element = json_next(element);
    *path = arena_printf(arena, "%s[%zu]", *path, i);
    return element;
}

/* The same of an object's members; a key stands for its member. */
static const struct json_value *find_member(const struct json_value *object,
                                            const struct json_value *value, struct arena *arena,
                                            const char **path)
{
    const struct json_value *key = json_first(object);
    while (json_next(json_next(key)) <= value)
        key = json_next(json_next(key));
    struct span name = json_string(key);
    *path = arena_printf(arena, "%s%s%.*s", *path, **path ? "." : "", SPAN_ARG(name));
    return value == key ? value : json_next(key);
}

struct json_where json_where(struct span text, const struct json_value *root,
                             const struct json_value *value, struct arena *arena)
{
    const char *path = "";
    for (const struct json_value *at = root; at != value;)
        at = (at->type == JSON_OBJECT ? find_member : find_element)(at, value, arena, &path);
    return (struct json_where){span_of(path), find_offset(text, (size_t)(value - root))};
}
