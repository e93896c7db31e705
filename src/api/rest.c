/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rest.h"

#include "api/access.h"
#include "api/pages.h"
#include "api/record.h"
#include "api/rest_inference.h"
#include "api/rest_metadata.h"
#include "api/rest_predict.h"
#include "api/status.h"
#include "wire/json_where.h"

static const int http_statuses[] = {
    [CODE_OK] = 200,
    [CODE_CANCELLED] = 499,
    [CODE_UNKNOWN] = 500,
    [CODE_INVALID_ARGUMENT] = 400,
    [CODE_DEADLINE_EXCEEDED] = 504,
    [CODE_NOT_FOUND] = 404,
    [CODE_ALREADY_EXISTS] = 409,
    [CODE_PERMISSION_DENIED] = 403,
    [CODE_RESOURCE_EXHAUSTED] = 429,
    [CODE_FAILED_PRECONDITION] = 400,
    [CODE_ABORTED] = 409,
    [CODE_OUT_OF_RANGE] = 400,
    [CODE_UNIMPLEMENTED] = 501,
    [CODE_INTERNAL] = 500,
    [CODE_UNAVAILABLE] = 503,
    [CODE_DATA_LOSS] = 500,
    [CODE_UNAUTHENTICATED] = 401,
};

int rest_http_status(enum code code)
{
    return (unsigned)code < sizeof http_statuses / sizeof *http_statuses ? http_statuses[code]
                                                                         : 500;
}

enum { HEADERS_MAX = 6 };

static size_t add_cors(const struct api *api, struct exchange_header *headers)
{
    bool asks = api->access && access_asks(api->access);
    headers[0] =
        (struct exchange_header){SPAN_LITERAL("Access-Control-Allow-Origin"), SPAN_LITERAL("*")};
    headers[1] = (struct exchange_header){SPAN_LITERAL("Access-Control-Allow-Methods"),
                                          SPAN_LITERAL("POST, GET")};
    headers[2] = (struct exchange_header){SPAN_LITERAL("Access-Control-Allow-Headers"),
                                          asks ? SPAN_LITERAL("Content-Type, Authorization")
                                               : SPAN_LITERAL("Content-Type")};
    return 3;
}

/* What the status calls for (RFC 6750, RFC 9110). */
static size_t add_advice(struct exchange *exchange, int status, struct exchange_header *headers)
{
    if (status == 401) {
        headers[0] =
            (struct exchange_header){SPAN_LITERAL("WWW-Authenticate"), SPAN_LITERAL("Bearer")};
        return 1;
    }
    if (!exchange->retry_ms && status != 503 && status != 429)
        return 0;
    long long seconds = exchange->retry_ms ? (exchange->retry_ms + 999) / 1000 : 1;
    headers[0] = (struct exchange_header){SPAN_LITERAL("Retry-After"),
                                          span_of(arena_printf(&exchange->arena, "%lld", seconds))};
    return 1;
}

static void answer(const struct api *api, struct exchange *exchange, int status, struct span type,
                   struct span body)
{
    struct exchange_header headers[HEADERS_MAX];
    size_t count = 0;
    if (type.len)
        headers[count++] = (struct exchange_header){SPAN_LITERAL("Content-Type"), type};
    if (api->cors)
        count += add_cors(api, headers + count);
    count += add_advice(exchange, status, headers + count);
    exchange_answer_http(exchange, status, headers, count, &body, body.len ? 1 : 0);
}

void rest_answer(const struct api *api, struct exchange *exchange, enum rest_format format,
                 struct span body)
{
    record_end(exchange, CODE_OK);
    answer(api, exchange, 200, rest_format_type(format), body);
}

static void write_fault(struct json_writer *w, const struct rest_fault *fault)
{
    json_key(w, SPAN_LITERAL("detail"));
    json_open_object(w);
    if (fault->input.len) {
        json_key(w, SPAN_LITERAL("input"));
        json_write_string(w, fault->input);
        json_key(w, SPAN_LITERAL("expected"));
        json_write_string(w, span_of(fault->expected));
    }
    json_key(w, SPAN_LITERAL("path"));
    json_write_string(w, fault->path);
    json_key(w, SPAN_LITERAL("byte"));
    json_write_uint(w, fault->offset);
    json_close(w);
}

void rest_answer_fault(const struct api *api, struct exchange *exchange, const struct error *err,
                       const struct rest_fault *fault)
{
    struct json_writer w;
    json_writer_init(&w, &exchange->arena, strlen(err->message) + 32);
    json_open_object(&w);
    json_key(&w, SPAN_LITERAL("error"));
    json_write_string(&w, span_of(err->message));
    if (fault)
        write_fault(&w, fault);
    json_close(&w);
    record_end(exchange, err->code);
    answer(api, exchange, rest_http_status(err->code), rest_format_type(REST_JSON),
           json_writer_text(&w));
}

void rest_answer_error(const struct api *api, struct exchange *exchange, const struct error *err)
{
    rest_answer_fault(api, exchange, err, NULL);
}

struct pb_model_spec *rest_model_spec(const struct rest_url *url, struct arena *arena)
{
    struct pb_model_spec *spec = ARENA_NEW(arena, struct pb_model_spec);
    spec->name = url->name;
    if (url->has_version) {
        spec->version_choice_case = API_SPEC_VERSION;
        spec->version = ARENA_NEW(arena, struct pb_int64_value);
        spec->version->value = url->version;
    }
    if (url->has_label) {
        spec->version_choice_case = API_SPEC_LABEL;
        spec->version_label = url->label;
    }
    return spec;
}

void rest_formats(const struct exchange *exchange, enum rest_format *body,
                  enum rest_format *answer_format)
{
    *body = rest_format_of_body(exchange_header(exchange, "content-type"), exchange->body);
    *answer_format = rest_format_of_accept(exchange_header(exchange, "accept"), *body);
}

void rest_fail_at(struct api_call *call, const struct error *err, const struct json_value *root,
                  const struct json_value *fault, struct rest_fault known)
{
    struct exchange *exchange = call->exchange;
    if (!fault) {
        rest_answer_error(call->api, exchange, err);
        return;
    }
    struct json_where where = json_where(exchange->body, root, fault, &exchange->arena);
    known.path = where.path;
    known.offset = where.offset;
    rest_answer_fault(call->api, exchange, err, &known);
}

void *rest_call_new(struct api *api, struct exchange *exchange, const struct api_call_ops *ops,
                    size_t size)
{
    struct api_call *call = api_call_new(api, exchange, ops, size);
    int64_t limit_us = api->rest_timeout_us, until_us;
    if (limit_us > 0 && !__builtin_add_overflow(exchange->start_us, limit_us, &until_us) &&
        until_us < call->run.deadline_us)
        call->run.deadline_us = until_us;
    return call;
}

/* ---- the pages ---- */

static void show_status(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    struct pb_get_model_status_response response;
    struct error err;
    if (!url->name.len && !url->has_version && !url->has_label) {
        rest_answer(api, exchange, REST_JSON, api_status_list(api, &exchange->arena));
        return;
    }
    enum code code;
    if (!url->name.len)
        code = error_set(&err, CODE_INVALID_ARGUMENT, "Missing model name in request.");
    else
        code = api_status_get(api, rest_model_spec(url, &exchange->arena), &exchange->arena,
                              &response, &err);
    if (code)
        rest_answer_error(api, exchange, &err);
    else
        rest_answer(api, exchange, REST_JSON,
                    pb_print_json(&pb_get_model_status_response_type, &response, &exchange->arena));
}

static void show_metadata(struct api *api, struct exchange *exchange, const struct rest_url *url)
{
    struct error err;
    if (url->name.len) {
        rest_metadata(api, exchange, url);
        return;
    }
    error_set(&err, CODE_INVALID_ARGUMENT, "Missing model name in request.");
    rest_answer_error(api, exchange, &err);
}

typedef void page_fn(struct api *api, struct exchange *exchange, const struct rest_url *url);
static page_fn *const pages[REST_ACTION_COUNT] = {
    [REST_PREDICT] = rest_predict, [REST_CLASSIFY] = rest_classify, [REST_REGRESS] = rest_regress,
    [REST_STATUS] = show_status,   [REST_METADATA] = show_metadata,
};

static const enum served_method methods[REST_ACTION_COUNT] = {
    [REST_PREDICT] = SERVED_PREDICT,   [REST_CLASSIFY] = SERVED_CLASSIFY,
    [REST_REGRESS] = SERVED_REGRESS,   [REST_STATUS] = SERVED_STATUS,
    [REST_METADATA] = SERVED_METADATA,
};

/* A browser asks whether a script of another origin may call. */
static void answer_preflight(struct api *api, struct exchange *exchange)
{
    struct span origin = exchange_header(exchange, "origin");
    bool named = origin.len && (memmem(origin.ptr, origin.len, "http://", 7) ||
                                memmem(origin.ptr, origin.len, "https://", 8));
    record_begin(exchange, api, (struct served_way){SERVED_OTHER, true});
    record_end(exchange, named ? CODE_OK : CODE_FAILED_PRECONDITION);
    answer(api, exchange, named ? 200 : 400, (struct span){0}, (struct span){0});
}

static void answer_not_found(struct exchange *exchange)
{
    static const struct exchange_header html = {{"Content-Type", 12}, {"text/html", 9}};
    struct span page = SPAN_LITERAL("<html><head><title>404 Not Found</title></head>"
                                    "<body><h1>Not Found</h1></body></html>\n");
    exchange_answer_http(exchange, 404, &html, 1, &page, 1);
}

void api_rest(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct span path = rest_url_path(exchange->path);
    if (exchange->refusal) {
        record_begin(exchange, api, (struct served_way){SERVED_OTHER, true});
        rest_answer_error(api, exchange, exchange->refusal);
        return;
    }
    if (!rest_url_is_ours(path)) {
        if (!api_page(api, exchange, path))
            answer_not_found(exchange);
        return;
    }
    if (span_is(exchange->method, "OPTIONS")) {
        answer_preflight(api, exchange);
        return;
    }
    struct rest_url url;
    struct error err;
    enum code code = rest_url_parse(exchange->method, path, &exchange->arena, &url, &err);
    struct served_way way = {code ? SERVED_OTHER : methods[url.action], true};
    struct record *record = record_begin(exchange, api, way);
    if (!code) {
        record->model = url.name;
        pages[url.action](api, exchange, &url);
    } else if (url.silent) {
        record_end(exchange, code);
        answer(api, exchange, rest_http_status(code), rest_format_type(REST_JSON),
               (struct span){0});
    } else {
        rest_answer_error(api, exchange, &err);
    }
}
