/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ports.h"

#include <stdlib.h>
#include <string.h>

#include "api/access.h"
#include "base/log.h"

enum { ADDRESS_SIZE = 64, MODE_MAX = 0777 };

/* A TCP address as flags say it. */
struct bind {
    char address[ADDRESS_SIZE];
    int port;
    bool asked; /* a port was given, here or in the flag of its own */
};

/* "address", "address:port", "[address]" or "[address]:port" into address and ":port". Without
 * brackets two colons make an IPv6 address. False: a bracket is not closed. */
static bool split(struct span text, struct span *address, struct span *rest)
{
    bool bracket = text.len && *text.ptr == '[';
    size_t begin = bracket, end = span_find(text, bracket ? ']' : ':');
    if (bracket && end == text.len)
        return false;
    if (!bracket && span_find(span_sub(text, end + 1, text.len), ':') + end + 1 < text.len)
        end = text.len;
    *address = span_sub(text, begin, end - begin);
    *rest = span_sub(text, end + bracket, text.len);
    return true;
}

/* `port`: where the text has none. */
static enum code parse_bind(const char *text, int port, struct bind *bind, struct error *err)
{
    struct span address = {0}, rest = {0};
    int64_t number = port;
    bool fits = split(span_of(text), &address, &rest) && address.len < sizeof bind->address;
    if (rest.len)
        fits = fits && *rest.ptr == ':' && span_to_int64(span_sub(rest, 1, rest.len), &number);
    if (!fits || number < 0 || number > 65535)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "'%s' with port %lld is no address: ADDRESS, ADDRESS:PORT or [IPV6]:PORT "
                         "is expected, and a port up to 65535",
                         text, (long long)number);
    *bind = (struct bind){.port = (int)number, .asked = rest.len || port};
    if (address.len)
        memcpy(bind->address, address.ptr, address.len);
    return CODE_OK;
}

bool ports_parse_mode(const char *text, unsigned *mode)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);
    *mode = (unsigned)value;
    return !text[0] || (*text >= '0' && *text <= '7' && !*end && value <= MODE_MAX);
}

bool ports_administration_is_apart(const struct options *o)
{
    return o->admin_port || o->admin_rest_api_port || o->admin_socket_path[0];
}

bool ports_speak_http(const struct options *o)
{
    struct bind bind;
    return o->rest_api_socket_path[0] || o->admin_rest_api_port ||
           (!parse_bind(o->rest_bind, o->rest_api_port, &bind, NULL) && bind.asked);
}

/* ---- one place after the other ---- */

struct opening {
    struct net_server *net;
    const struct options *options;
    unsigned mode; /* of sockets */
    int grpc_port; /* those that are open; 0: none */
    int rest_port;
};

static enum code listen_tcp(struct opening *o, enum net_protocol protocol, unsigned entrance,
                            struct bind *bind, struct error *err)
{
    const struct net_place place = {
        .protocol = protocol,
        .address = bind->address,
        .port = bind->port,
        .entrance = entrance,
    };
    return net_server_listen(o->net, &place, &bind->port, err);
}

static enum code listen_socket(struct opening *o, enum net_protocol protocol, unsigned entrance,
                               const char *path, struct error *err)
{
    const struct net_place place = {
        .protocol = protocol,
        .path = path,
        .mode = o->mode,
        .entrance = entrance,
    };
    return path[0] ? net_server_listen(o->net, &place, NULL, err) : CODE_OK;
}

static enum code listen_grpc(struct opening *o, struct error *err)
{
    const struct options *f = o->options;
    struct bind bind;
    enum code code = parse_bind(f->grpc_bind, f->port, &bind, err);
    if (!code && bind.asked) {
        code = listen_tcp(o, NET_GRPC, API_ENTRANCE_PUBLIC, &bind, err);
        o->grpc_port = bind.port;
    }
    if (!code)
        code = listen_socket(o, NET_GRPC, API_ENTRANCE_PUBLIC, f->grpc_socket_path, err);
    if (!code)
        return code;
    log_error("%s", err->message);
    return error_set(err, CODE_INVALID_ARGUMENT, "Failed to BuildAndStart gRPC server");
}

/* All addresses: of both families where there is IPv6. */
static enum code listen_rest_tcp(struct opening *o, struct bind *bind, struct error *err)
{
    if (bind->address[0])
        return listen_tcp(o, NET_HTTP, API_ENTRANCE_PUBLIC, bind, err);
    struct bind both = {.address = "::", .port = bind->port};
    struct bind old = {.address = "0.0.0.0", .port = bind->port};
    bool has_both = !listen_tcp(o, NET_HTTP, API_ENTRANCE_PUBLIC, &both, err);
    enum code code = has_both ? CODE_OK : listen_tcp(o, NET_HTTP, API_ENTRANCE_PUBLIC, &old, err);
    bind->port = has_both ? both.port : old.port;
    return code;
}

static void listen_rest(struct opening *o)
{
    const struct options *f = o->options;
    struct bind bind;
    struct error err;
    enum code code = parse_bind(f->rest_bind, f->rest_api_port, &bind, &err);
    if (!code && bind.asked && bind.port && bind.port == o->grpc_port) {
        log_error("server_options.http_port cannot be same as grpc_port. Please use a different "
                  "port for HTTP/REST API. Skipped exporting HTTP/REST API.");
        return;
    }
    if (!code && bind.asked)
        code = listen_rest_tcp(o, &bind, &err);
    if (!code && bind.asked)
        o->rest_port = bind.port;
    if (code)
        log_error("Failed to start HTTP Server at localhost:%d: %s", f->rest_api_port, err.message);
    if (listen_socket(o, NET_HTTP, API_ENTRANCE_PUBLIC, f->rest_api_socket_path, &err))
        log_error("Failed to start HTTP Server: %s", err.message);
}

/* Who asks for a door of its own for administration does not want to go without. */
static enum code listen_admin(struct opening *o, struct error *err)
{
    const struct options *f = o->options;
    struct bind grpc, rest;
    enum code code = parse_bind(f->admin_bind, f->admin_port, &grpc, err);
    if (!code && f->admin_port)
        code = listen_tcp(o, NET_GRPC, API_ENTRANCE_ADMIN, &grpc, err);
    if (!code)
        code = parse_bind(f->admin_bind, f->admin_rest_api_port, &rest, err);
    if (!code && f->admin_rest_api_port)
        code = listen_tcp(o, NET_HTTP, API_ENTRANCE_ADMIN, &rest, err);
    if (!code)
        code = listen_socket(o, NET_GRPC, API_ENTRANCE_ADMIN, f->admin_socket_path, err);
    return code ? error_prefix(err, "Administration: ") : CODE_OK;
}

static void announce(const struct opening *o)
{
    const struct options *f = o->options;
    struct bind bind;
    parse_bind(f->grpc_bind, 0, &bind, NULL);
    if (o->grpc_port)
        log_info("Running gRPC ModelServer at %s:%d ...", bind.address, o->grpc_port);
    if (f->grpc_socket_path[0])
        log_info("Running gRPC ModelServer at UNIX socket %s ...", f->grpc_socket_path);
    if (o->rest_port)
        log_info("Exporting HTTP/REST API at:localhost:%d ...", o->rest_port);
    if (f->rest_api_socket_path[0])
        log_info("Exporting HTTP/REST API at UNIX socket %s ...", f->rest_api_socket_path);
    if (f->admin_port)
        log_info("Administration over gRPC at %s:%d ...", f->admin_bind, f->admin_port);
    if (f->admin_rest_api_port)
        log_info("Administration over HTTP at %s:%d ...", f->admin_bind, f->admin_rest_api_port);
    if (f->admin_socket_path[0])
        log_info("Administration over gRPC at UNIX socket %s ...", f->admin_socket_path);
}

enum code ports_open(struct net_server *net, const struct options *options, struct error *err)
{
    struct opening o = {.net = net, .options = options};
    ports_parse_mode(options->socket_mode, &o.mode);
    enum code code = listen_grpc(&o, err);
    if (!code)
        code = listen_admin(&o, err);
    if (code)
        return code;
    listen_rest(&o);
    code = net_server_start(net, err);
    if (!code)
        announce(&o);
    return code;
}
