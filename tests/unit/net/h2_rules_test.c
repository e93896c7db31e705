/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 9113 and RFC 7541 ask of a server, rule by rule, with frames made by hand: each breach
 * ends its stream or the connection with the right error, and the server goes on. */
#include "raw.h"

/* ---- frames ---- */

#define FRAME(type, flags, stream, payload)                                                        \
    raw_frame(NGHTTP2_##type, flags, stream, payload, sizeof(payload) - 1)

/* :method POST, :scheme http, :path /t.T/Echo, :authority a; content-type application/grpc */
#define PSEUDO                                                                                     \
    "\x83\x86\x04\x09/t.T/Echo\x01\x01"                                                            \
    "a"
#define GRPC_TYPE                                                                                  \
    "\x0f\x10\x10"                                                                                 \
    "application/grpc"
#define LITERAL(name, name_len, value, value_len) "\x00" name_len name value_len value

enum {
    OPEN = NGHTTP2_FLAG_END_HEADERS,
    END = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
};

/* ---- breaches ---- */

enum { ANY = -1 }; /* of the errors that a rule allows */

struct rule {
    const char *what;
    void (*say)(void);
    int connection_error; /* NO: the connection goes on */
    int stream_error;
};

enum { NO = -2 };

#define SAYS(name, ...)                                                                            \
    static void name(void)                                                                         \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }

SAYS(data_on_0, FRAME(DATA, 0, 0, "x"))
SAYS(headers_on_0, FRAME(HEADERS, END, 0, PSEUDO GRPC_TYPE))
SAYS(even_stream, FRAME(HEADERS, END, 2, PSEUDO GRPC_TYPE))
SAYS(lower_stream, FRAME(HEADERS, OPEN, 5, PSEUDO GRPC_TYPE);
     FRAME(HEADERS, END, 3, PSEUDO GRPC_TYPE))
SAYS(data_on_idle, FRAME(DATA, 0, 1, "x"))
SAYS(reset_of_idle, FRAME(RST_STREAM, 0, 1, "\0\0\0\x08"))
SAYS(window_of_idle, FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\1"))
SAYS(reset_on_0, FRAME(RST_STREAM, 0, 0, "\0\0\0\x08"))
SAYS(short_reset, FRAME(HEADERS, OPEN, 1, PSEUDO GRPC_TYPE); FRAME(RST_STREAM, 0, 1, "\0\0\x08"))
SAYS(settings_on_stream, FRAME(SETTINGS, 0, 1, ""))
SAYS(settings_of_odd_size, FRAME(SETTINGS, 0, 0, "\0\1\0\0\0"))
SAYS(settings_ack_with_payload, FRAME(SETTINGS, NGHTTP2_FLAG_ACK, 0, "\0\1\0\0\0\0"))
SAYS(window_too_large, FRAME(SETTINGS, 0, 0, "\0\4\x80\0\0\0"))
SAYS(frame_size_too_small, FRAME(SETTINGS, 0, 0, "\0\5\0\0\0\1"))
SAYS(push_of_2, FRAME(SETTINGS, 0, 0, "\0\2\0\0\0\2"))
SAYS(ping_on_stream, FRAME(PING, 0, 1, "12345678"))
SAYS(short_ping, FRAME(PING, 0, 0, "1234567"))
SAYS(goaway_on_stream, FRAME(GOAWAY, 0, 1, "\0\0\0\0\0\0\0\0"))
SAYS(no_increment, FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0\0"))
SAYS(no_increment_of_stream, FRAME(HEADERS, OPEN, 1, PSEUDO GRPC_TYPE);
     FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\0"))
SAYS(short_increment, FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0"))
SAYS(window_overflow, FRAME(WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff"))
SAYS(push_promise, FRAME(PUSH_PROMISE, OPEN, 1, "\0\0\0\2" PSEUDO))
SAYS(continuation_alone, FRAME(CONTINUATION, OPEN, 1, PSEUDO))
SAYS(interrupted_headers, FRAME(HEADERS, 0, 1, PSEUDO); FRAME(PING, 0, 0, "12345678"))
SAYS(continued_elsewhere, FRAME(HEADERS, 0, 1, PSEUDO); FRAME(CONTINUATION, OPEN, 3, GRPC_TYPE))
SAYS(padding_beyond_data, FRAME(HEADERS, OPEN, 1, PSEUDO GRPC_TYPE);
     FRAME(DATA, NGHTTP2_FLAG_PADDED, 1, "\x09x"))
SAYS(padding_beyond_headers, FRAME(HEADERS, END | NGHTTP2_FLAG_PADDED, 1, "\xff" PSEUDO))
SAYS(too_large_a_frame, static char big[16385]; raw_frame(NGHTTP2_DATA, 0, 1, big, sizeof big))
SAYS(bad_index, FRAME(HEADERS, END, 1, "\xff\xff\xff\x0f"))
SAYS(index_0, FRAME(HEADERS, END, 1, "\x80"))
SAYS(table_too_large, FRAME(HEADERS, END, 1, "\x3f\xff\xff\x0f" PSEUDO GRPC_TYPE))
SAYS(bad_huffman, FRAME(HEADERS, END, 1, "\x83\x86\x04\x84\xff\xff\xff\xff"))
SAYS(data_after_the_end, FRAME(HEADERS, END, 1, PSEUDO GRPC_TYPE); FRAME(DATA, 0, 1, "x"))

SAYS(upper_case_name, FRAME(HEADERS, END, 1, PSEUDO GRPC_TYPE LITERAL("X-A", "\3", "b", "\1")))
SAYS(connection_field,
     FRAME(HEADERS, END, 1, PSEUDO GRPC_TYPE LITERAL("connection", "\x0a", "close", "\5")))
SAYS(other_te, FRAME(HEADERS, END, 1, PSEUDO GRPC_TYPE LITERAL("te", "\2", "gzip", "\4")))
SAYS(late_pseudo, FRAME(HEADERS, END, 1, "\x83\x86" GRPC_TYPE "\x04\x09/t.T/Echo"))
SAYS(unknown_pseudo, FRAME(HEADERS, END, 1, PSEUDO LITERAL(":what", "\5", "b", "\1")))
SAYS(response_pseudo, FRAME(HEADERS, END, 1, PSEUDO "\x88"))
SAYS(no_method, FRAME(HEADERS, END, 1, "\x86\x04\x09/t.T/Echo" GRPC_TYPE))
SAYS(no_scheme, FRAME(HEADERS, END, 1, "\x83\x04\x09/t.T/Echo" GRPC_TYPE))
SAYS(no_path, FRAME(HEADERS, END, 1, "\x83\x86" GRPC_TYPE))
SAYS(two_paths, FRAME(HEADERS, END, 1, PSEUDO "\x04\x09/t.T/Echo"))
SAYS(empty_path, FRAME(HEADERS, END, 1, "\x83\x86\x04\x00" GRPC_TYPE))
SAYS(control_in_value, FRAME(HEADERS, END, 1, PSEUDO GRPC_TYPE LITERAL("a", "\1", "b\nc", "\3")))
SAYS(wrong_length, FRAME(HEADERS, OPEN, 1,
                         PSEUDO GRPC_TYPE "\x0f\x0d\x01"
                                          "3");
     FRAME(DATA, NGHTTP2_FLAG_END_STREAM, 1, "\0\0\0\0\0"))
SAYS(trailers_that_go_on, FRAME(HEADERS, OPEN, 1, PSEUDO GRPC_TYPE);
     FRAME(HEADERS, OPEN, 1, LITERAL("a", "\1", "b", "\1")))
SAYS(depends_on_itself, FRAME(PRIORITY, 0, 1, "\0\0\0\1\0"))
SAYS(short_priority, FRAME(PRIORITY, 0, 1, "\0\0\0\0"))

static const struct rule rules[] = {
    {"5.1.1", even_stream, NGHTTP2_PROTOCOL_ERROR, NO},
    /* It may have been closed: passed over. */
    {"5.1.1: lower than before", lower_stream, NO, NO},
    {"5.1: DATA on an idle stream", data_on_idle, NGHTTP2_PROTOCOL_ERROR, NO},
    {"5.1: RST_STREAM of an idle stream", reset_of_idle, NGHTTP2_PROTOCOL_ERROR, NO},
    {"5.1: WINDOW_UPDATE of an idle stream", window_of_idle, NGHTTP2_PROTOCOL_ERROR, NO},
    {"5.1: DATA after END_STREAM", data_after_the_end, ANY, ANY},
    {"4.2: a frame that is too large", too_large_a_frame, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.1: DATA on stream 0", data_on_0, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.1: padding", padding_beyond_data, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.2: HEADERS on stream 0", headers_on_0, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.2: padding", padding_beyond_headers, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.2: interrupted", interrupted_headers, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.3: PRIORITY of another size", short_priority, ANY, ANY},
    {"6.4: RST_STREAM on stream 0", reset_on_0, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.4: of another size", short_reset, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.5: SETTINGS on a stream", settings_on_stream, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.5: of another size", settings_of_odd_size, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.5: ACK with a payload", settings_ack_with_payload, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.5.2: a window too large", window_too_large, NGHTTP2_FLOW_CONTROL_ERROR, NO},
    {"6.5.2: a frame size too small", frame_size_too_small, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.5.2: ENABLE_PUSH of 2", push_of_2, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.6: a client does not push", push_promise, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.7: PING on a stream", ping_on_stream, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.7: of another size", short_ping, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.8: GOAWAY on a stream", goaway_on_stream, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.9: an increment of 0", no_increment, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.9: of 0, of a stream", no_increment_of_stream, ANY, ANY},
    {"6.9: of another size", short_increment, NGHTTP2_FRAME_SIZE_ERROR, NO},
    {"6.9.1: a window that overflows", window_overflow, NGHTTP2_FLOW_CONTROL_ERROR, NO},
    {"6.10: CONTINUATION of nothing", continuation_alone, NGHTTP2_PROTOCOL_ERROR, NO},
    {"6.10: of another stream", continued_elsewhere, NGHTTP2_PROTOCOL_ERROR, NO},
    {"RFC 7541, 2.3.3: an index of nothing", bad_index, NGHTTP2_COMPRESSION_ERROR, NO},
    {"RFC 7541, 6.1: index 0", index_0, NGHTTP2_COMPRESSION_ERROR, NO},
    {"RFC 7541, 6.3: a table too large", table_too_large, NGHTTP2_COMPRESSION_ERROR, NO},
    {"RFC 7541, 5.2: padding of ones", bad_huffman, NGHTTP2_COMPRESSION_ERROR, NO},
    {"8.2: upper case", upper_case_name, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.2.1: line feed", control_in_value, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.2.2: connection", connection_field, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.2.2: te", other_te, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3: a pseudo-field behind", late_pseudo, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3: of no meaning", unknown_pseudo, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3: of an answer", response_pseudo, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3.1: no :method", no_method, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3.1: no :scheme", no_scheme, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3.1: no :path", no_path, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3.1: two of them", two_paths, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.3.1: an empty one", empty_path, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.1.1: another length", wrong_length, NO, NGHTTP2_PROTOCOL_ERROR},
    {"8.1: trailers without END_STREAM", trailers_that_go_on, ANY, NGHTTP2_PROTOCOL_ERROR},
    {"5.3.1: a stream that depends on itself", depends_on_itself, ANY, ANY},
};

/* ---- what comes of them ---- */

struct outcome {
    int connection_error; /* of the last GOAWAY with one; NO */
    int stream_error;     /* of a RST_STREAM; NO */
    bool ponged;          /* the server still answers */
};

static struct outcome look(const char *bytes, size_t len)
{
    struct outcome o = {NO, NO, false};
    for (size_t i = 0; i + 9 <= len;) {
        const unsigned char *p = (const unsigned char *)bytes + i;
        size_t size = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
        if (p[3] == NGHTTP2_GOAWAY && i + 17 <= len && p[16] != NGHTTP2_NO_ERROR)
            o.connection_error = p[16];
        if (p[3] == NGHTTP2_RST_STREAM && i + 13 <= len && p[12] != NGHTTP2_NO_ERROR)
            o.stream_error = p[12];
        o.ponged |= p[3] == NGHTTP2_PING && (p[4] & NGHTTP2_FLAG_ACK);
        i += 9 + size;
    }
    return o;
}

static bool fits(int got, int wanted)
{
    return wanted == ANY || got == wanted;
}

/* The breach, and behind it a PING: the connection ends, or that is answered. */
static struct outcome commit(const struct server *server, const struct rule *rule)
{
    static char answer[1 << 16];
    size_t len = 0;
    struct outcome o = {NO, NO, false};
    raw_begin();
    rule->say();
    FRAME(PING, 0, 0, "are you?");
    int fd = dial(server->grpc_port);
    send_all(fd, raw.bytes, raw.len);
    for (ssize_t n = 1; n > 0 && !o.ponged;) {
        n = recv(fd, answer + len, sizeof answer - len, 0);
        assert_false(n < 0 && errno == EAGAIN);
        len += n > 0 ? (size_t)n : 0;
        o = look(answer, len);
    }
    close(fd);
    return o;
}

/* As a rule has it: by the connection's end, or by the stream's and the connection goes on. */
static bool is_right(const struct rule *rule, const struct outcome *o)
{
    if (o->connection_error != NO)
        return rule->connection_error != NO && fits(o->connection_error, rule->connection_error);
    bool may_go_on = rule->connection_error == NO || rule->stream_error != NO;
    return o->ponged && may_go_on && fits(o->stream_error, rule->stream_error);
}

static void every_breach_is_answered(void **state)
{
    (void)state;
    struct server server;
    server_start(&server, (struct net_options){0});
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct outcome o = commit(&server, &rules[i]);
        if (!is_right(&rules[i], &o))
            fail_msg("%s: connection error %d, stream error %d, %s", rules[i].what,
                     o.connection_error, o.stream_error, o.ponged ? "goes on" : "has ended");
    }
    check_service(&server);
    server_stop(&server);
}

SAYS(unknown_frame, raw_frame(0xf0, 0, 0, "what", 4))
SAYS(unknown_setting, FRAME(SETTINGS, 0, 0, "\xff\xff\0\0\0\1"))
SAYS(unknown_flags, FRAME(PING, 0xfe, 0, "12345678"))

/* What is new or of no meaning is passed over (4.1, 5.5, 6.5.2). */
static void the_unknown_is_passed_over(void **state)
{
    (void)state;
    static const struct rule unknown[] = {
        {"5.5: a frame", unknown_frame, NO, NO},
        {"6.5.2: a setting", unknown_setting, NO, NO},
        {"4.1: flags", unknown_flags, NO, NO},
    };
    struct server server;
    server_start(&server, (struct net_options){0});
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct outcome o = commit(&server, &unknown[i]);
        assert_true(is_right(&unknown[i], &o));
    }
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_breach_is_answered),
        cmocka_unit_test(the_unknown_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
