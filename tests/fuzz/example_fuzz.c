/* SPDX-License-Identifier: Apache-2.0 */
/* A serialised Example from a client: as many values must come out as were counted, and the
 * protobuf codec must agree on names and counts where it accepts the bytes. */
#include "base/check.h"
#include "tensor/example.h"
#include "wire/messages.h"
#include "wire/pb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const struct example_feature *f, struct arena *arena)
{
    /* Exactly as large as needed, so that the address sanitizer sees one too many. */
    size_t n = (size_t)f->count;
    if (f->dtype == DTYPE_FLOAT)
        example_read_floats(f, ARENA_ARRAY(arena, float, n));
    else if (f->dtype == DTYPE_INT64)
        example_read_int64s(f, ARENA_ARRAY(arena, int64_t, n));
    else if (f->dtype == DTYPE_STRING)
        example_read_strings(f, ARENA_ARRAY(arena, struct span, n));
}

static void compare(const struct example *example, const struct pb_example *proto)
{
    size_t count = proto->features ? proto->features->feature.count : 0;
    CHECK(example->count == count);
    for (size_t i = 0; i < count; i++) {
        const struct pb_features_feature_entry *entry = &proto->features->feature.items[i];
        const struct example_feature *f = example_find(example, entry->key);
        static const enum dtype dtypes[] = {DTYPE_INVALID, DTYPE_STRING, DTYPE_FLOAT, DTYPE_INT64};
        CHECK(f && f->dtype == dtypes[entry->value->kind_case]);
        size_t values = f->dtype == DTYPE_FLOAT    ? entry->value->float_list->value.count
                        : f->dtype == DTYPE_INT64  ? entry->value->int64_list->value.count
                        : f->dtype == DTYPE_STRING ? entry->value->bytes_list->value.count
                                                   : 0;
        CHECK((size_t)f->count == values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct example example;
    struct pb_example proto;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!example_parse(span_make(data, size), &arena, &example, NULL)) {
        for (size_t i = 0; i < example.count; i++)
            read_values(&example.features[i], &arena);
        if (!pb_decode(&pb_example_type, span_make(data, size), &arena, &proto, NULL))
            compare(&example, &proto);
    }
    arena_release(&arena);
    return 0;
}
