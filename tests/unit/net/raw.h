/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 frames made by hand, for what no sound client would send: they gather in `raw`. */
#ifndef TESTS_UNIT_NET_RAW_H
#define TESTS_UNIT_NET_RAW_H

#include "client.h"

static struct {
    char bytes[1 << 20];
    size_t len;
} raw;

static inline void raw_put(const void *bytes, size_t len)
{
    assert_true(raw.len + len <= sizeof raw.bytes);
    if (len)
        memcpy(raw.bytes + raw.len, bytes, len);
    raw.len += len;
}

static inline void raw_frame(int type, int flags, uint32_t stream, const void *payload, size_t len)
{
    unsigned char head[9] = {
        (unsigned char)(len >> 16),    (unsigned char)(len >> 8),    (unsigned char)len,
        (unsigned char)type,           (unsigned char)flags,         (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream,
    };
    raw_put(head, sizeof head);
    raw_put(payload, len);
}

/* A connection's first bytes: the preface, empty settings. */
static inline void raw_begin(void)
{
    raw.len = 0;
    raw_put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    raw_frame(NGHTTP2_SETTINGS, 0, 0, "", 0);
}

#endif
