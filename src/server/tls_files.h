/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct tls_files: certificates and keys from files, for both ports: TensorFlow Serving's own
 * --ssl_config_file (an SSLConfig in text format with the PEM texts inside; gRPC only, as there),
 * or
 * --tls_cert_file, --tls_key_file and --tls_client_ca_file for gRPC and REST. When a file changes,
 * or on SIGHUP, new connections get what it says now; a file that can not be used leaves all as it
 * was.
 */
#ifndef SERVER_TLS_FILES_H
#define SERVER_TLS_FILES_H

#include "net/server.h"
#include "server/options.h"

struct tls_files;

/* *files is NULL with OK when no flag asks for TLS. INVALID_ARGUMENT for flags that do not go
 * together and for what is no certificate or key; what file_read() says. The options are borrowed.
 */
enum code tls_files_new(const struct options *options, struct tls_files **files, struct error *err);

/* The port's context; NULL: it goes without. */
struct tls_context *tls_files_context(const struct tls_files *files, enum net_protocol protocol);

/* From now on looks whether the files have changed, on a thread of its own. */
enum code tls_files_start(struct tls_files *files, struct error *err);

/* Reads them now, on that thread. Any thread; NULL is fine, here and below. */
void tls_files_reload(struct tls_files *files);

/* Ends the thread; no connection is open any more. */
void tls_files_free(struct tls_files *files);

#endif
