/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    RECORD = 16 * 1024,     /* the most that one record holds */
    READ_AHEAD = 32 * 1024, /* of the socket at once */
    ALPN_MAX = 32,          /* bytes of a protocol's name with its length */
};

struct tls_context {
    pthread_mutex_t mutex;
    SSL_CTX *ssl; /* guarded by mutex; sessions keep references */
    unsigned char alpn[ALPN_MAX];
    unsigned alpn_len;
};

struct tls_session {
    SSL *ssl;
    bool wants_write;
};

/* Where short pieces are put together. A record that is offered again has the same bytes, not the
 * same place. */
static _Thread_local char joined[RECORD];

/* ---- contexts ---- */

static enum code refuse(const char *what, struct error *err)
{
    unsigned long number = ERR_peek_last_error();
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    error_set(err, CODE_INVALID_ARGUMENT, "TLS: %s%s%s", what, reason ? ": " : "",
              reason ? reason : "");
    ERR_clear_error();
    return CODE_INVALID_ARGUMENT;
}

static BIO *text_of(struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.ptr : "", (int)pem.len);
    CHECK(bio && "out of memory");
    return bio;
}

/* The next certificate of the text, or NULL at its end; *bad: what stands there is none. */
static X509 *next_certificate(BIO *bio, bool *bad)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    *bad = !certificate && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    if (!certificate && !*bad)
        ERR_clear_error();
    return certificate;
}

static enum code use_certificates(SSL_CTX *ssl, struct span pem, struct error *err)
{
    BIO *bio = text_of(pem);
    bool bad, used = true;
    X509 *first = next_certificate(bio, &bad), *certificate = NULL;
    if (first)
        used = SSL_CTX_use_certificate(ssl, first) == 1;
    while (first && used && !bad && (certificate = next_certificate(bio, &bad))) {
        used = SSL_CTX_add_extra_chain_cert(ssl, certificate) == 1;
        if (!used)
            X509_free(certificate);
    }
    BIO_free(bio);
    bool ok = first && used && !bad;
    X509_free(first);
    return ok ? CODE_OK : refuse("the certificate can not be used", err);
}

static enum code use_key(SSL_CTX *ssl, struct span pem, struct error *err)
{
    BIO *bio = text_of(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool ok = key && SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok ? CODE_OK : refuse("the private key can not be used", err);
}

static enum code use_roots(SSL_CTX *ssl, struct span pem, struct error *err)
{
    BIO *bio = text_of(pem);
    bool bad, ok = true;
    int count = 0;
    X509 *certificate;
    while (ok && (certificate = next_certificate(bio, &bad))) {
        ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), certificate) == 1 &&
             SSL_CTX_add_client_CA(ssl, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    BIO_free(bio);
    return ok && !bad && count ? CODE_OK
                               : refuse("the clients' root certificates can not be used", err);
}

static enum code verify_clients(SSL_CTX *ssl, const struct tls_options *options, struct error *err)
{
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (options->client_roots.len)
        return use_roots(ssl, options->client_roots, err);
    return SSL_CTX_set_default_verify_paths(ssl) == 1
               ? CODE_OK
               : refuse("the system's root certificates can not be used", err);
}

/* A client that names protocols must name ours. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *argument)
{
    (void)ssl;
    const struct tls_context *context = argument;
    int found = SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, context->alpn,
                                      context->alpn_len, in, in_len);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *ssl_new(struct tls_context *context)
{
    static const unsigned char name[] = "tensord";
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    CHECK(ssl && "out of memory");
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_default_read_buffer_len(ssl, READ_AHEAD);
    SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, context);
    return ssl;
}

static enum code make(struct tls_context *context, const struct tls_options *options,
                      SSL_CTX **result, struct error *err)
{
    if (options->certificates.len > INT32_MAX || options->key.len > INT32_MAX ||
        options->client_roots.len > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "TLS: a PEM text of more than 2 GiB");
    ERR_clear_error();
    SSL_CTX *ssl = ssl_new(context);
    enum code code = use_certificates(ssl, options->certificates, err);
    if (!code)
        code = use_key(ssl, options->key, err);
    if (!code && (options->verify_clients || options->client_roots.len))
        code = verify_clients(ssl, options, err);
    if (code)
        SSL_CTX_free(ssl);
    else
        *result = ssl;
    return code;
}

enum code tls_context_new(const struct tls_options *options, struct tls_context **result,
                          struct error *err)
{
    struct tls_context *context = calloc(1, sizeof *context);
    CHECK(context && "out of memory");
    pthread_mutex_init(&context->mutex, NULL);
    size_t len = strlen(options->protocol);
    CHECK(len + 1 <= ALPN_MAX);
    context->alpn[0] = (unsigned char)len;
    memcpy(context->alpn + 1, options->protocol, len);
    context->alpn_len = (unsigned)len + 1;
    enum code code = make(context, options, &context->ssl, err);
    if (code)
        tls_context_free(context);
    else
        *result = context;
    return code;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    pthread_mutex_destroy(&context->mutex);
    free(context);
}

enum code tls_context_change(struct tls_context *context, const struct tls_options *options,
                             struct error *err)
{
    SSL_CTX *ssl;
    enum code code = make(context, options, &ssl, err);
    if (code)
        return code;
    pthread_mutex_lock(&context->mutex);
    SSL_CTX *before = context->ssl;
    context->ssl = ssl;
    pthread_mutex_unlock(&context->mutex);
    SSL_CTX_free(before);
    return code;
}

/* ---- sessions ---- */

struct tls_session *tls_session_new(struct tls_context *context, int fd)
{
    struct tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    pthread_mutex_lock(&context->mutex);
    session->ssl = SSL_new(context->ssl);
    pthread_mutex_unlock(&context->mutex);
    if (session->ssl && SSL_set_fd(session->ssl, fd) == 1) {
        SSL_set_accept_state(session->ssl);
        return session;
    }
    tls_session_free(session);
    return NULL;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    ERR_clear_error();
    if (session->ssl && SSL_is_init_finished(session->ssl))
        SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    ERR_clear_error();
    free(session);
}

/* What a call that gave `result` <= 0 means to one who expects a socket: 0 or -1 with errno. */
static ssize_t outcome(struct tls_session *session, int result)
{
    int why = SSL_get_error(session->ssl, result);
    session->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    int error = errno;
    bool waits = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    bool failed = why == SSL_ERROR_SYSCALL && error;
    ERR_clear_error();
    errno = waits ? EAGAIN : failed ? error : EPROTO;
    return -1;
}

ssize_t tls_read(struct tls_session *session, void *buffer, size_t size)
{
    size_t used = 0;
    session->wants_write = false;
    ERR_clear_error();
    while (used < size) {
        size_t room = size - used < INT32_MAX ? size - used : INT32_MAX;
        errno = 0;
        int n = SSL_read(session->ssl, (char *)buffer + used, (int)room);
        if (n <= 0)
            return used ? (ssize_t)used : outcome(session, n);
        used += (size_t)n;
        if (!SSL_has_pending(session->ssl))
            break;
    }
    return (ssize_t)used;
}

/* The bytes of one record: where they lie if they lie in one piece, else put together. */
static struct span next_record(const struct iovec *pieces, int count, size_t skip)
{
    size_t used = 0;
    for (int i = 0; i < count && used < RECORD; i++) {
        size_t len = pieces[i].iov_len;
        if (skip >= len) {
            skip -= len;
            continue;
        }
        const char *from = (const char *)pieces[i].iov_base + skip;
        len -= skip;
        skip = 0;
        if (!used && len >= RECORD)
            return span_make(from, RECORD);
        len = len < RECORD - used ? len : RECORD - used;
        memcpy(joined + used, from, len);
        used += len;
    }
    return span_make(joined, used);
}

ssize_t tls_write(struct tls_session *session, const struct iovec *pieces, int count)
{
    size_t written = 0;
    ERR_clear_error();
    for (;;) {
        struct span record = next_record(pieces, count, written);
        if (!record.len)
            return (ssize_t)written;
        errno = 0;
        int n = SSL_write(session->ssl, record.ptr, (int)record.len);
        if (n <= 0)
            return written ? (ssize_t)written : outcome(session, n);
        written += (size_t)n;
    }
}

bool tls_is_ready(const struct tls_session *session)
{
    return SSL_is_init_finished(session->ssl);
}

bool tls_has_more(const struct tls_session *session)
{
    return SSL_has_pending(session->ssl);
}

bool tls_wants_write(const struct tls_session *session)
{
    return session->wants_write;
}
