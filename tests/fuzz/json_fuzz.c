/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from a client: the tape must be sound, a dump must come out, and whatever the tape holds as
 * a request must be read or refused. What is read as an Example parses as one.
 */
#include "base/check.h"
#include "tensor/example.h"
#include "tensor/tensor_json.h"
#include "wire/json_where.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Members must fill their container exactly. */
static void check_tape(const struct json_document *doc)
{
    const struct json_value *behind = doc->values + doc->count;
    CHECK(json_end(doc->values) == behind);
    for (const struct json_value *v = doc->values; v < behind;) {
        CHECK(json_end(v) <= behind);
        if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) {
            v = json_next(v);
            continue;
        }
        size_t parts = v->type == JSON_OBJECT ? 2 * v->count : v->count;
        CHECK(parts < v->extent);
        v++;
    }
}

static void try_example(const struct json_value *v, struct arena *arena)
{
    struct span bytes;
    struct example example;
    const struct json_value *fault;
    if (v->type != JSON_OBJECT)
        return;
    if (!example_from_json(v, arena, &bytes, &fault, NULL))
        CHECK(example_parse(bytes, arena, &example, NULL) == CODE_OK);
    CHECK(fault >= v && fault < json_end(v));
}

/* Where a value stands begins what it is. */
static void check_place(struct span text, const struct json_value *root, const struct json_value *v,
                        struct arena *arena)
{
    struct json_where where = json_where(text, root, v, arena);
    CHECK(where.offset < text.len);
    char first = text.ptr[where.offset];
    CHECK(v->type != JSON_ARRAY || first == '[');
    CHECK(v->type != JSON_OBJECT || first == '{');
    CHECK((v->type == JSON_STRING) == (first == '"'));
    CHECK((v == root) == (where.path.len == 0));
}

static void try_tensors(struct span text, const struct json_value *v, struct arena *arena)
{
    static const enum dtype dtypes[] = {DTYPE_FLOAT, DTYPE_STRING, DTYPE_INT8, DTYPE_BOOL,
                                        DTYPE_HALF};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        struct tensor_json_input inputs[] = {{{"x", 1}, dtypes[i]}, {{"y", 1}, DTYPE_INT64}};
        for (size_t count = 1; count <= 2; count++) {
            struct tensor_json_found found;
            struct json_writer w;
            json_writer_init(&w, arena, 64);
            if (!tensor_json_read(v, inputs, count, arena, &found, NULL))
                (void)tensor_json_write(&w, found.format, found.tensors, found.count, NULL);
            else if (found.fault)
                check_place(text, v, found.fault, arena);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct json_document doc;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (!json_parse(span_make(data, size), &arena, &doc, NULL)) {
        check_tape(&doc);
        CHECK(json_dump(doc.values, &arena).len <= 256);
        try_example(doc.values, &arena);
        try_tensors(span_make(data, size), doc.values, &arena);
    }
    arena_release(&arena);
    return 0;
}
