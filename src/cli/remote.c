/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { TIMEOUT_S_MAX = 86400 };

static bool take_timeout(struct remote *remote, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    remote->timeout_us = (int64_t)(seconds * 1e6);
    return *text && !*end && seconds >= 1e-3 && seconds <= TIMEOUT_S_MAX;
}

static bool read_token(struct remote *remote, const char *path, struct arena *arena)
{
    struct span text;
    struct error err;
    if (file_read(path, arena, &text, &err)) {
        fprintf(stderr, "tensorctl: %s\n", err.message);
        return false;
    }
    remote->token = span_strip(span_cut(&text, '\n'));
    return remote->token.len > 0;
}

int remote_take(struct remote *remote, int argc, char **argv, struct arena *arena)
{
    bool timeout = !strcmp(argv[0], "--timeout");
    if (!timeout && strcmp(argv[0], "--token-file") != 0)
        return 0;
    if (argc < 2)
        return -1;
    bool ok = timeout ? take_timeout(remote, argv[1]) : read_token(remote, argv[1], arena);
    return ok ? 2 : -1;
}

enum code remote_connect(const struct remote *remote, struct grpc_client **client,
                         struct error *err)
{
    enum code code = grpc_client_connect(remote->target, remote->timeout_us, client, err);
    if (!code && remote->token.len)
        grpc_client_set_token(*client, remote->token);
    return code;
}
