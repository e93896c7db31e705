/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tls_files.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "server/file_watch.h"
#include "wire/config_text.h"
#include "wire/messages.h"

struct tls_files {
    const struct options *options;
    struct tls_context *contexts[NET_PROTOCOLS]; /* owned; NULL: none */
    struct arena arena;                          /* of what is in force */
    struct tls_options in_force;
    struct file_watch *watch; /* owned; NULL: not started */
};

static const char *const alpn[NET_PROTOCOLS] = {[NET_GRPC] = "h2", [NET_HTTP] = "http/1.1"};

/* ---- reading ---- */

static enum code read_ssl_config(const char *path, struct arena *arena, struct tls_options *tls,
                                 struct error *err)
{
    struct pb_ssl_config config;
    enum code code = config_text_read(path, &pb_ssl_config_type, arena, &config, err);
    if (code)
        return code;
    *tls = (struct tls_options){
        .certificates = config.server_cert,
        .key = config.server_key,
        .client_roots = config.client_verify ? config.custom_ca : (struct span){0},
        .verify_clients = config.client_verify,
    };
    return CODE_OK;
}

static enum code read_pem_files(const struct options *o, struct arena *arena,
                                struct tls_options *tls, struct error *err)
{
    *tls = (struct tls_options){0};
    enum code code = file_read(o->tls_cert_file, arena, &tls->certificates, err);
    if (!code)
        code = file_read(o->tls_key_file, arena, &tls->key, err);
    if (!code && o->tls_client_ca_file[0]) {
        tls->verify_clients = true;
        code = file_read(o->tls_client_ca_file, arena, &tls->client_roots, err);
    }
    return code;
}

static enum code read_files(const struct options *o, struct arena *arena, struct tls_options *tls,
                            struct error *err)
{
    return o->ssl_config_file[0] ? read_ssl_config(o->ssl_config_file, arena, tls, err)
                                 : read_pem_files(o, arena, tls, err);
}

static bool is_served(const struct options *o, enum net_protocol protocol)
{
    return protocol == NET_GRPC || !o->ssl_config_file[0];
}

/* ---- putting into force ---- */

static enum code set_contexts(struct tls_files *files, struct tls_options *tls, struct error *err)
{
    enum code code = CODE_OK;
    for (int i = 0; !code && i < NET_PROTOCOLS; i++) {
        tls->protocol = alpn[i];
        if (!is_served(files->options, i))
            continue;
        code = files->contexts[i] ? tls_context_change(files->contexts[i], tls, err)
                                  : tls_context_new(tls, &files->contexts[i], err);
    }
    return code;
}

static bool is_same(const struct tls_options *a, const struct tls_options *b)
{
    return span_equal(a->certificates, b->certificates) && span_equal(a->key, b->key) &&
           span_equal(a->client_roots, b->client_roots) && a->verify_clients == b->verify_clients;
}

static enum code look(struct tls_files *files, bool *changed, struct error *err)
{
    struct arena arena;
    struct tls_options tls;
    arena_init(&arena, ARENA_FIRST_BLOCK);
    enum code code = read_files(files->options, &arena, &tls, err);
    *changed = !code && !is_same(&tls, &files->in_force);
    if (*changed)
        code = set_contexts(files, &tls, err);
    if (code || !*changed) {
        arena_release(&arena);
        return code;
    }
    arena_release(&files->arena);
    files->arena = arena;
    files->in_force = tls;
    return code;
}

/* ---- flags ---- */

static enum code check_flags(const struct options *o, struct error *err)
{
    bool cert = o->tls_cert_file[0], key = o->tls_key_file[0], ca = o->tls_client_ca_file[0];
    if (cert != key || (ca && !cert))
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "--tls_cert_file and --tls_key_file go together, and "
                         "--tls_client_ca_file with both");
    if (cert && o->ssl_config_file[0])
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Either --ssl_config_file or --tls_cert_file can be given, not both");
    return CODE_OK;
}

enum code tls_files_new(const struct options *options, struct tls_files **result, struct error *err)
{
    bool changed;
    *result = NULL;
    enum code code = check_flags(options, err);
    if (code || (!options->ssl_config_file[0] && !options->tls_cert_file[0]))
        return code;
    struct tls_files *files = calloc(1, sizeof *files);
    CHECK(files && "out of memory");
    files->options = options;
    arena_init(&files->arena, ARENA_FIRST_BLOCK);
    code = look(files, &changed, err);
    if (!code && !changed)
        code = error_set(err, CODE_INVALID_ARGUMENT, "TLS: no certificate and no key are given");
    if (code)
        tls_files_free(files);
    else
        *result = files;
    return code;
}

struct tls_context *tls_files_context(const struct tls_files *files, enum net_protocol protocol)
{
    return files ? files->contexts[protocol] : NULL;
}

/* ---- looking again ---- */

static void look_and_tell(void *context)
{
    struct tls_files *files = context;
    struct error err;
    bool changed;
    if (look(files, &changed, &err))
        log_error("TLS: the old certificate stays: %s: %s", code_name(err.code), err.message);
    else if (changed)
        log_info("TLS: new connections get the new certificate");
}

enum code tls_files_start(struct tls_files *files, struct error *err)
{
    if (!files)
        return CODE_OK;
    const struct options *o = files->options;
    const char *const paths[] = {o->ssl_config_file, o->tls_cert_file, o->tls_key_file,
                                 o->tls_client_ca_file};
    const struct file_watch_options watch = {
        .name = "certificates",
        .paths = paths,
        .path_count = sizeof paths / sizeof *paths,
        .look = look_and_tell,
        .context = files,
    };
    return file_watch_start(&watch, &files->watch, err);
}

void tls_files_reload(struct tls_files *files)
{
    if (files)
        file_watch_wake(files->watch);
}

void tls_files_free(struct tls_files *files)
{
    if (!files)
        return;
    file_watch_free(files->watch);
    for (int i = 0; i < NET_PROTOCOLS; i++)
        tls_context_free(files->contexts[i]);
    arena_release(&files->arena);
    free(files);
}
