/* SPDX-License-Identifier: Apache-2.0 */
#include "api/trace.h"

#include <stdio.h>

#include "base/random.h"

/* Where the parts begin. */
enum {
    VERSION_AT = 0,
    ID_AT = 3,
    PARENT_AT = 36,
    FLAGS_AT = 53,
};

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies `count` digits and ends them with a zero byte. False: not all are; *nothing: all are 0. */
static bool take(struct span text, size_t at, size_t count, char *to, bool *nothing)
{
    *nothing = true;
    for (size_t i = 0; i < count; i++) {
        to[i] = text.ptr[at + i];
        if (digit_of(to[i]) < 0)
            return false;
        *nothing &= to[i] == '0';
    }
    to[count] = 0;
    return true;
}

bool trace_parse(struct span text, struct trace *trace)
{
    char version[3], flags[3];
    bool is_first, no_id, no_parent, no_flags;
    if (text.len < TRACE_PARENT_SIZE || text.ptr[ID_AT - 1] != '-' ||
        text.ptr[PARENT_AT - 1] != '-' || text.ptr[FLAGS_AT - 1] != '-')
        return false;
    if (!take(text, VERSION_AT, 2, version, &is_first) ||
        !take(text, ID_AT, 32, trace->id, &no_id) ||
        !take(text, PARENT_AT, 16, trace->parent, &no_parent) ||
        !take(text, FLAGS_AT, 2, flags, &no_flags))
        return false;
    trace->sampled = digit_of(flags[1]) & 1;
    if (no_id || no_parent || (version[0] == 'f' && version[1] == 'f'))
        return false;
    if (text.len == TRACE_PARENT_SIZE)
        return true;
    return !is_first && text.ptr[TRACE_PARENT_SIZE] == '-';
}

void trace_begin(struct trace *trace)
{
    uint64_t id;
    do
        id = random_next();
    while (!id);
    snprintf(trace->span, sizeof trace->span, "%016llx", (unsigned long long)id);
}

struct span trace_response(const struct trace *trace, char *text)
{
    char whole[TRACE_PARENT_SIZE + 1];
    snprintf(whole, sizeof whole, "00-%s-%s-%02x", trace->id, trace->span, trace->sampled);
    memcpy(text, whole, TRACE_PARENT_SIZE);
    return span_make(text, TRACE_PARENT_SIZE);
}
