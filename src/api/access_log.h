/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: a line for each request that was answered, whatever it was.
 *
 *   time=2026-11-25T13:20:00.123456Z peer=127.0.0.1:40312 protocol=grpc path=/tensorflow...
 *   method=predict model=half version=1 signature=serving_default code=OK bytes_in=52
 *   bytes_out=64 total_us=41 read_us=0 parse_us=3 queue_us=0 run_us=12 encode_us=1 write_us=20
 *   trace=4bf92f3577b34da6a3ce929d0e0e4736 span=00f067aa0ba902b7
 *
 * in one line; or the same as a JSON object. What is not known is left out. Values that a client
 * chooses are quoted as JSON strings where they are no plain words, and cut.
 */
#ifndef API_ACCESS_LOG_H
#define API_ACCESS_LOG_H

#include "api/record.h"

enum {
    ACCESS_LINE_MAX = 6144, /* four such values, each byte of them quoted, and the rest */
    ACCESS_VALUE_MAX = 200, /* bytes that a client chose */
};

/* Writes the line into `text` (ACCESS_LINE_MAX bytes). `record` may be NULL. */
struct span access_line(const struct exchange *exchange, const struct record *record,
                        const struct net_report *report, bool json, char *text);

#endif
