/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors (wire/descriptors.h) are small and asked for by people, not by load: they are
 * walked anew for every question. Both versions of the service have the same messages.
 */
#include "api/reflection.h"

#include "api/api.h"
#include "wire/descriptors.h"
#include "wire/field.h"

/* Numbers of google.protobuf.FileDescriptorProto. */
enum {
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
};

/* ---- walking ---- */

/* Field `number` in serialised bytes, the next one; false: no more. The bytes are our own. */
static bool next(struct span *bytes, uint32_t number, struct span *value)
{
    struct pb_wire_field field;
    for (bool done = false; pb_next_field(bytes, &field, &done) && !done;) {
        if (field.number == number && field.wire == PB_WIRE_BYTES) {
            *value = field.bytes;
            return true;
        }
    }
    return false;
}

static struct span first(struct span bytes, uint32_t number)
{
    struct span value = {0};
    next(&bytes, number, &value);
    return value;
}

static bool next_file(struct span *set, struct span *file)
{
    return next(set, 1, file);
}

/* What names a descriptor holds: in which of its fields, and what kind of descriptor that is. The
 * name of each is its field 1. */
struct holds {
    uint32_t number;
    const struct holds *kind;
};

static const struct holds leaf[] = {{0, NULL}};
static const struct holds enumeration[] = {{2, leaf}, {0, NULL}};
static const struct holds service[] = {{2, leaf}, {0, NULL}};
static const struct holds message[] = {
    {2, leaf}, {3, message}, {4, enumeration}, {8, leaf}, {0, NULL}};
static const struct holds file_holds[] = {{4, message}, {5, enumeration}, {6, service}, {0, NULL}};

/* "a.b" in "a.b.c" leaves "c"; false: it does not begin so. */
static bool take_scope(struct span *name, struct span scope)
{
    if (!scope.len)
        return true;
    if (!span_starts_with(*name, scope))
        return false;
    bool more = name->len > scope.len;
    if (more && (name->ptr[scope.len] != '.' || name->len == scope.len + 1))
        return false;
    *name = span_sub(*name, scope.len + 1, name->len);
    return true;
}

/* Depth is that of our own messages. */
static bool has_name(struct span descriptor, const struct holds *holds, struct span name)
{
    for (; holds->number; holds++) {
        struct span rest = descriptor, held;
        while (next(&rest, holds->number, &held)) {
            struct span within = name;
            /* The values of an enum stand beside it. */
            if (holds->kind == enumeration && has_name(held, enumeration, name))
                return true;
            if (take_scope(&within, first(held, 1)) &&
                (!within.len ||
                 (holds->kind != enumeration && has_name(held, holds->kind, within))))
                return true;
        }
    }
    return false;
}

static bool is_named(struct span file, struct span name)
{
    return span_equal(first(file, FILE_NAME), name);
}

static bool has_symbol(struct span file, struct span name)
{
    return take_scope(&name, first(file, FILE_PACKAGE)) && name.len &&
           has_name(file, file_holds, name);
}

/* ---- answers ---- */

enum { FILES_MAX = 256 }; /* more than proto/ has */

/* The files in the order of the set, those that are wanted marked. */
struct files {
    struct span files[FILES_MAX];
    bool wanted[FILES_MAX];
    size_t count;
};

static void want(struct files *f, struct span name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (is_named(f->files[i], name))
            f->wanted[i] = true;
    }
}

typedef bool fits_fn(struct span file, struct span name);

/* The first file that fits and all that it imports: imported files come before it. */
static bool find_file(struct files *f, fits_fn *fits, struct span name)
{
    struct span set = pb_descriptors, file;
    size_t found = FILES_MAX;
    while (f->count < FILES_MAX && next_file(&set, &file)) {
        f->files[f->count] = file;
        if (found == FILES_MAX && fits(file, name))
            found = f->count;
        f->count++;
    }
    if (found == FILES_MAX)
        return false;
    f->wanted[found] = true;
    for (size_t i = found + 1; i-- > 0;) {
        struct span rest = f->files[i], dependency;
        while (f->wanted[i] && next(&rest, FILE_DEPENDENCY, &dependency))
            want(f, dependency);
    }
    return true;
}

/* A question and its answer. */
struct talk {
    const struct api *api;
    struct pb_server_reflection_request request;
    struct pb_server_reflection_response response;
    struct arena *arena;
};

/* The answers by the number of their field. */
enum {
    ANSWER_FILE = 4,
    ANSWER_EXTENSIONS = 5,
    ANSWER_SERVICES = 6,
    ANSWER_ERROR = 7,
};

static void say_error(struct talk *t, enum code code, const char *text)
{
    t->response.message_response_case = ANSWER_ERROR;
    t->response.error_response = ARENA_NEW(t->arena, struct pb_error_response);
    t->response.error_response->error_code = (int32_t)code;
    t->response.error_response->error_message = span_of(text);
}

static void tell_file(struct talk *t, fits_fn *fits, struct span name, const char *missing)
{
    struct files files = {.count = 0};
    if (!find_file(&files, fits, name)) {
        say_error(t, CODE_NOT_FOUND, missing);
        return;
    }
    struct pb_file_descriptor_response *answer =
        ARENA_NEW(t->arena, struct pb_file_descriptor_response);
    struct pb_spans *protos = &answer->file_descriptor_proto;
    protos->items = ARENA_ARRAY(t->arena, struct span, files.count);
    /* What was asked for first. */
    for (size_t i = files.count; i-- > 0;) {
        if (files.wanted[i])
            protos->items[protos->count++] = files.files[i];
    }
    t->response.message_response_case = ANSWER_FILE;
    t->response.file_descriptor_response = answer;
}

static void tell_named_file(struct talk *t)
{
    tell_file(t, is_named, t->request.file_by_filename, "File not found.");
}

static void tell_file_of_symbol(struct talk *t)
{
    tell_file(t, has_symbol, t->request.file_containing_symbol, "Symbol not found.");
}

/* proto3 has none. */
static void tell_extension(struct talk *t)
{
    say_error(t, CODE_NOT_FOUND, "Extension not found.");
}

static void tell_extensions(struct talk *t)
{
    struct files files = {.count = 0};
    struct span type = t->request.all_extension_numbers_of_type;
    if (!find_file(&files, has_symbol, type)) {
        say_error(t, CODE_NOT_FOUND, "Type not found.");
        return;
    }
    t->response.message_response_case = ANSWER_EXTENSIONS;
    t->response.all_extension_numbers_response =
        ARENA_NEW(t->arena, struct pb_extension_number_response);
    t->response.all_extension_numbers_response->base_type_name = type;
}

/* "/package.Service/Method" */
static struct span service_of(const struct net_rpc *rpc)
{
    struct span path = span_of(rpc->path + 1);
    return span_sub(path, 0, span_find(path, '/'));
}

static void tell_services(struct talk *t)
{
    struct pb_list_service_response *list = ARENA_NEW(t->arena, struct pb_list_service_response);
    size_t count = api_rpc_count(t->api);
    list->service.items = ARENA_ARRAY(t->arena, struct pb_service_response, count);
    /* A service's methods stand together. */
    for (size_t i = 0; i < count; i++) {
        struct span name = service_of(&api_rpcs[i]);
        if (!i || !span_equal(name, service_of(&api_rpcs[i - 1])))
            list->service.items[list->service.count++].name = name;
    }
    t->response.message_response_case = ANSWER_SERVICES;
    t->response.list_services_response = list;
}

/* By the number of the question's field. */
static void (*const answers[])(struct talk *t) = {
    [3] = tell_named_file, [4] = tell_file_of_symbol, [5] = tell_extension,
    [6] = tell_extensions, [7] = tell_services,
};

void api_reflection(struct exchange *exchange, void *api)
{
    struct talk t = {.api = api, .arena = &exchange->arena};
    struct error err;
    if (pb_decode(&pb_server_reflection_request_type, exchange->body, t.arena, &t.request, &err)) {
        api_answer_error(exchange, &err);
        return;
    }
    t.response.valid_host = t.request.host;
    t.response.original_request = &t.request;
    size_t question = t.request.message_request_case;
    if (question < sizeof answers / sizeof *answers && answers[question])
        answers[question](&t);
    else
        say_error(&t, CODE_UNIMPLEMENTED, "No question");
    api_answer(exchange, &pb_server_reflection_response_type, &t.response);
}
