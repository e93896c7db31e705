/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups in the tables of messages and enums: by number, by name, by full name. What is sorted is
 * bisected; names of fields are compared one by one, for messages are small and only the text
 * format asks by name.
 */
#include "wire/pb.h"

#include "wire/pb_table.h"

const char *pb_name(const struct pb_message *type)
{
    return type->name;
}

size_t pb_size(const struct pb_message *type)
{
    return type->size;
}

const struct pb_message *pb_find(struct span full_name)
{
    size_t low = 0, high = pb_message_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = span_compare(span_of(pb_messages[middle]->name), full_name);
        if (order == 0)
            return pb_messages[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct pb_field *pb_field_by_number(const struct pb_message *type, uint32_t number)
{
    if (number < type->dense_count) {
        uint8_t index = type->dense[number];
        return index ? &type->fields[index - 1] : NULL;
    }
    size_t low = 0, high = type->field_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (type->fields[middle].number == number)
            return &type->fields[middle];
        if (type->fields[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct pb_field *pb_field_by_name(const struct pb_message *type, struct span name)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (span_is(name, type->fields[i].name))
            return &type->fields[i];
    }
    return NULL;
}

const char *pb_enum_name(const struct pb_enum *type, int32_t number)
{
    size_t low = 0, high = type->number_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (type->values[middle].number == number)
            return type->values[middle].name;
        if (type->values[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool pb_enum_number(const struct pb_enum *type, struct span name, int32_t *number)
{
    for (size_t i = 0; i < type->count; i++) {
        if (span_is(name, type->values[i].name)) {
            *number = type->values[i].number;
            return true;
        }
    }
    return false;
}
