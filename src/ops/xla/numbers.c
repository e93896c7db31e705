/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/xla/numbers.h"

#include "wire/varint.h"

static enum code malformed(struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "malformed dimension_numbers");
}

static enum code add(struct numbers *numbers, uint64_t field, uint64_t value, struct error *err)
{
    if (field >= NUMBERS_FIELDS)
        return CODE_OK;
    struct numbers_list *list = &numbers->fields[field];
    if (list->count == SHAPE_RANK_MAX || value > SHAPE_RANK_MAX)
        return malformed(err);
    list->values[list->count++] = (int)value;
    return CODE_OK;
}

/* A packed field: a length, then that many bytes of varints. */
static enum code add_packed(struct numbers *numbers, uint64_t field, struct span *rest,
                            struct error *err)
{
    uint64_t length, value;
    if (!varint_take(rest, &length) || length > rest->len)
        return malformed(err);
    struct span packed = span_sub(*rest, 0, (size_t)length);
    *rest = span_sub(*rest, (size_t)length, rest->len);
    enum code code = CODE_OK;
    while (!code && packed.len)
        code = varint_take(&packed, &value) ? add(numbers, field, value, err) : malformed(err);
    return code;
}

enum code numbers_read(struct span bytes, struct numbers *numbers, struct error *err)
{
    enum { VARINT = 0, PACKED = 2 };
    *numbers = (struct numbers){0};
    enum code code = CODE_OK;
    while (!code && bytes.len) {
        uint64_t tag, value;
        if (!varint_take(&bytes, &tag))
            return malformed(err);
        if ((tag & 7) == PACKED)
            code = add_packed(numbers, tag >> 3, &bytes, err);
        else if ((tag & 7) == VARINT && varint_take(&bytes, &value))
            code = add(numbers, tag >> 3, value, err);
        else
            code = malformed(err);
    }
    return code;
}

bool numbers_has(const struct numbers_list *list, int value)
{
    for (int i = 0; i < list->count; i++) {
        if (list->values[i] == value)
            return true;
    }
    return false;
}

enum code numbers_check(const struct numbers_list *list, int rank, const char *what,
                        struct error *err)
{
    unsigned seen = 0;
    for (int i = 0; i < list->count; i++) {
        int value = list->values[i];
        if (value >= rank || (seen >> value & 1))
            return error_set(err, CODE_INVALID_ARGUMENT, "%s in dimension_numbers has %d: %s", what,
                             value, value >= rank ? "out of range" : "twice");
        seen |= 1u << value;
    }
    return CODE_OK;
}
