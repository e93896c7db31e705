/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http1.h"

#include <strings.h>

/* 1: tchar (RFC 9110, 5.6.2). */
static const unsigned char is_token_char[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static int refuse(int status, const char **why, const char *text)
{
    *why = text;
    return status;
}

/* A whole line was found; its CR is counted. */
static int end_line(struct http1_scan *scan, bool *whole, const char **why)
{
    if (!scan->cr)
        return refuse(400, why, "A line must end with CR LF");
    if (scan->line_len > 1)
        scan->any_line = true;
    else if (scan->any_line)
        *whole = true;
    /* Otherwise an empty line before the request line, which is skipped (RFC 9112, 2.2). */
    scan->line_len = 0;
    scan->cr = false;
    return 0;
}

static int check_length(const struct http1_scan *scan, const char **why)
{
    if (!scan->any_line && scan->line_len > HTTP1_TARGET_MAX + 64)
        return refuse(414, why, "The request target is longer than 16 KiB");
    if (scan->len > HTTP1_HEAD_MAX)
        return refuse(431, why, "The request's headers are larger than 64 KiB");
    return 0;
}

int http1_scan(struct http1_scan *scan, struct span bytes, size_t *used, bool *whole,
               const char **why)
{
    *used = 0;
    *whole = false;
    while (*used < bytes.len && !*whole) {
        struct span rest = span_sub(bytes, *used, bytes.len);
        size_t n = span_find(rest, '\n');
        bool found = n < rest.len;
        if (n) {
            scan->line_len += n;
            scan->cr = rest.ptr[n - 1] == '\r';
        }
        scan->len += n + found;
        *used += n + found;
        int status = check_length(scan, why);
        if (!status && found)
            status = end_line(scan, whole, why);
        if (status)
            return status;
    }
    return 0;
}

/* Takes the next line off, without its CR LF. */
static struct span take_line(struct span *rest)
{
    size_t n = span_find(*rest, '\n');
    struct span line = span_sub(*rest, 0, n ? n - 1 : 0);
    *rest = span_sub(*rest, n + 1, rest->len);
    return line;
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char[(unsigned char)text.ptr[i]])
            return false;
    return text.len > 0;
}

/* No control bytes; blanks only where `blanks`. */
static bool is_text(struct span text, bool blanks)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool blank = byte == ' ' || byte == '\t';
        if (blank ? !blanks : byte < 0x21 || byte == 0x7f)
            return false;
    }
    return true;
}

static bool equals_nocase(struct span text, const char *literal)
{
    return text.len == strlen(literal) && strncasecmp(text.ptr, literal, text.len) == 0;
}

static bool starts_nocase(struct span text, const char *literal)
{
    size_t len = strlen(literal);
    return text.len >= len && strncasecmp(text.ptr, literal, len) == 0;
}

static int check_method(struct span method, const char **why)
{
    static const struct {
        const char *name;
        int status;
    } methods[] = {
        {"GET", 0},    {"POST", 0},    {"HEAD", 0},  {"PUT", 0},
        {"DELETE", 0}, {"OPTIONS", 0}, {"PATCH", 0}, {"CONNECT", 405},
    };
    if (!is_token(method))
        return refuse(400, why, "The request line has no valid method");
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (span_is(method, methods[i].name))
            return methods[i].status ? refuse(methods[i].status, why, "The method is not allowed")
                                     : 0;
    return refuse(501, why, "The method is not implemented");
}

static int check_version(struct http1_head *head, struct span version, const char **why)
{
    static const char shape[] = "HTTP/";
    bool is_version = version.len == 8 && memcmp(version.ptr, shape, 5) == 0 &&
                      version.ptr[5] >= '0' && version.ptr[5] <= '9' && version.ptr[6] == '.' &&
                      version.ptr[7] >= '0' && version.ptr[7] <= '9';
    if (!is_version)
        return refuse(400, why, "The request line does not end with an HTTP version");
    if (version.ptr[5] != '1')
        return refuse(505, why, "Only HTTP/1.0 and HTTP/1.1 are spoken here");
    head->minor = version.ptr[7] > '0'; /* a later 1.x is read as 1.1 (RFC 9110, 2.5) */
    return 0;
}

/* Cuts scheme and authority off an absolute URI. */
static struct span path_of(struct span target)
{
    size_t scheme = starts_nocase(target, "http://")    ? 7
                    : starts_nocase(target, "https://") ? 8
                                                        : 0;
    if (!scheme)
        return target;
    size_t i = scheme;
    while (i < target.len && target.ptr[i] != '/' && target.ptr[i] != '?' && target.ptr[i] != '#')
        i++;
    return i < target.len ? span_sub(target, i, target.len) : SPAN_LITERAL("/");
}

static int check_target(struct http1_head *head, struct span target, const char **why)
{
    if (!target.len || !is_text(target, false))
        return refuse(400, why, "The request line has no valid target");
    if (target.len > HTTP1_TARGET_MAX)
        return refuse(414, why, "The request target is longer than 16 KiB");
    head->target = path_of(target);
    bool whole_server = span_is(target, "*") && span_is(head->method, "OPTIONS");
    if (head->target.ptr == target.ptr && *target.ptr != '/' && !whole_server)
        return refuse(400, why, "The request target must be a path or an http URI");
    return 0;
}

static int parse_request_line(struct http1_head *head, struct span line, const char **why)
{
    size_t first = span_find(line, ' ');
    head->method = span_sub(line, 0, first);
    struct span rest = span_sub(line, first + 1, line.len);
    size_t second = span_find(rest, ' ');
    if (!is_token(head->method) || second == rest.len)
        return refuse(400, why, "The request line must be: method, target, HTTP version");
    int status = check_version(head, span_sub(rest, second + 1, rest.len), why);
    if (!status)
        status = check_method(head->method, why);
    if (!status)
        status = check_target(head, span_sub(rest, 0, second), why);
    return status;
}

/* What the headers say that frames the request. */
struct framing {
    struct http1_head *head;
    bool has_length;
    bool has_host;
    bool has_encoding;
    bool close;
    bool keep_alive;
};

static int on_content_length(struct framing *f, struct span value, const char **why)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || length > INT64_MAX / 10 - 9)
            return refuse(400, why, "Content-Length is not a number");
        length = length * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    if (!value.len)
        return refuse(400, why, "Content-Length is not a number");
    if (f->has_length && f->head->content_length != length)
        return refuse(400, why, "Two Content-Length headers differ");
    f->has_length = true;
    f->head->content_length = length;
    return 0;
}

static int on_transfer_encoding(struct framing *f, struct span value, const char **why)
{
    if (f->has_encoding)
        return refuse(400, why, "More than one Transfer-Encoding header");
    if (f->head->minor == 0)
        return refuse(400, why, "HTTP/1.0 has no Transfer-Encoding");
    if (!equals_nocase(value, "chunked"))
        return refuse(501, why, "The only Transfer-Encoding taken is chunked");
    f->has_encoding = f->head->chunked = true;
    return 0;
}

static int on_host(struct framing *f, struct span value, const char **why)
{
    if (f->has_host || span_find(value, ' ') < value.len || span_find(value, '\t') < value.len)
        return refuse(400, why, "There must be one valid Host header");
    f->has_host = true;
    return 0;
}

/* The next element of a comma-separated list. */
static bool next_element(struct span *list, struct span *element)
{
    if (!list->len)
        return false;
    *element = span_trim(span_cut(list, ','));
    return true;
}

static int on_connection(struct framing *f, struct span value, const char **why)
{
    (void)why;
    struct span option;
    while (next_element(&value, &option)) {
        f->close |= equals_nocase(option, "close");
        f->keep_alive |= equals_nocase(option, "keep-alive");
    }
    return 0;
}

static int on_expect(struct framing *f, struct span value, const char **why)
{
    if (!equals_nocase(value, "100-continue"))
        return refuse(417, why, "The only expectation met is 100-continue");
    f->head->expect_continue = f->head->minor == 1;
    return 0;
}

static int on_content_encoding(struct framing *f, struct span value, const char **why)
{
    (void)why;
    /* "Contains gzip", as the original looks at it. */
    for (size_t i = 0; i + 4 <= value.len; i++)
        f->head->gzip |= starts_nocase(span_sub(value, i, 4), "gzip");
    return 0;
}

/* Whether a quality says no: ";q=0", ";q=0.0". */
static bool is_zero_quality(struct span parameters)
{
    struct span q = span_trim(parameters);
    if (!starts_nocase(q, "q=0"))
        return false;
    for (size_t i = 3; i < q.len; i++)
        if (q.ptr[i] != '.' && q.ptr[i] != '0')
            return false;
    return true;
}

static int on_accept_encoding(struct framing *f, struct span value, const char **why)
{
    (void)why;
    struct span element;
    while (next_element(&value, &element)) {
        size_t semicolon = span_find(element, ';');
        if (equals_nocase(span_trim(span_sub(element, 0, semicolon)), "gzip"))
            f->head->accepts_gzip = !is_zero_quality(span_sub(element, semicolon + 1, element.len));
    }
    return 0;
}

static const struct {
    struct span name;
    int (*fn)(struct framing *f, struct span value, const char **why);
} known_headers[] = {
    {{"host", 4}, on_host},
    {{"connection", 10}, on_connection},
    {{"content-length", 14}, on_content_length},
    {{"transfer-encoding", 17}, on_transfer_encoding},
    {{"expect", 6}, on_expect},
    {{"content-encoding", 16}, on_content_encoding},
    {{"accept-encoding", 15}, on_accept_encoding},
};

static int look_at_header(struct framing *f, const struct exchange_header *header, const char **why)
{
    for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++)
        if (span_equal(header->name, known_headers[i].name))
            return known_headers[i].fn(f, header->value, why);
    return 0;
}

static void lower_case(struct span text)
{
    char *bytes = (char *)(uintptr_t)text.ptr;
    for (size_t i = 0; i < text.len; i++)
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] + ('a' - 'A'));
}

static int parse_header(struct exchange_header *header, struct span line, const char **why)
{
    if (*line.ptr == ' ' || *line.ptr == '\t')
        return refuse(400, why, "A header may not be folded onto a second line");
    size_t colon = span_find(line, ':');
    header->name = span_sub(line, 0, colon);
    if (colon == line.len || !is_token(header->name))
        return refuse(400, why, "A header must be: name, colon, value");
    header->value = span_trim(span_sub(line, colon + 1, line.len));
    if (!is_text(header->value, true))
        return refuse(400, why, "A header's value has a control byte");
    lower_case(header->name);
    return 0;
}

static int parse_headers(struct framing *f, struct span rest, const char **why)
{
    struct http1_head *head = f->head;
    int status = 0;
    for (struct span line = take_line(&rest); line.len && !status; line = take_line(&rest)) {
        if (head->header_count == HTTP1_HEADERS_MAX)
            return refuse(431, why, "The request has more than 100 headers");
        struct exchange_header *header = &head->headers[head->header_count++];
        status = parse_header(header, line, why);
        if (!status)
            status = look_at_header(f, header, why);
    }
    return status;
}

int http1_head_parse(struct http1_head *head, char *bytes, size_t len, const char **why)
{
    /* All but the headers, which are written before they are read. */
    memset(head, 0, offsetof(struct http1_head, headers));
    struct framing f = {.head = head};
    struct span rest = span_make(bytes, len), line;
    do
        line = take_line(&rest);
    while (!line.len && rest.len);
    int status = parse_request_line(head, line, why);
    if (!status)
        status = parse_headers(&f, rest, why);
    if (status)
        return status;
    if (f.has_length && f.has_encoding)
        return refuse(400, why, "Content-Length and Transfer-Encoding exclude each other");
    if (head->minor == 1 && !f.has_host)
        return refuse(400, why, "HTTP/1.1 demands a Host header");
    head->keep_alive = !f.close && (head->minor == 1 || f.keep_alive);
    return 0;
}

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static int chunk_size(struct http1_chunks *c, char byte, const char **why)
{
    int digit = hex_value(byte);
    if (digit >= 0) {
        /* 15 digits: no overflow, and leading zeros without end are refused too. */
        if (++c->digits > 15)
            return refuse(400, why, "A chunk's size has more than 15 digits");
        c->left = c->left << 4 | (unsigned)digit;
        return 0;
    }
    if (!c->digits || (byte != '\r' && byte != ';' && !is_blank(byte)))
        return refuse(400, why, "A chunk's size is not a hexadecimal number");
    c->state = byte == '\r'  ? HTTP1_CHUNK_SIZE_LF
               : byte == ';' ? HTTP1_CHUNK_EXTENSION
                             : HTTP1_CHUNK_BLANKS;
    c->line_len = 0;
    return 0;
}

/* Blanks stand before an extension only. */
static int chunk_blanks(struct http1_chunks *c, char byte, const char **why)
{
    if (byte == ';')
        c->state = HTTP1_CHUNK_EXTENSION;
    else if (!is_blank(byte) || ++c->line_len > HTTP1_CHUNK_LINE_MAX)
        return refuse(400, why, "A chunk's size is not a hexadecimal number");
    return 0;
}

static int chunk_extension(struct http1_chunks *c, char byte, const char **why)
{
    if (byte == '\r')
        c->state = HTTP1_CHUNK_SIZE_LF;
    else if (((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f)
        return refuse(400, why, "A chunk's extension has a control byte");
    else if (++c->line_len > HTTP1_CHUNK_LINE_MAX)
        return refuse(400, why, "A chunk's extension is too long");
    return 0;
}

static int chunk_size_lf(struct http1_chunks *c, char byte, const char **why)
{
    if (byte != '\n')
        return refuse(400, why, "A chunk's size must end with CR LF");
    c->state = c->left ? HTTP1_CHUNK_DATA : HTTP1_CHUNK_TRAILER;
    c->digits = c->line_len = 0;
    return 0;
}

static int chunk_data_cr(struct http1_chunks *c, char byte, const char **why)
{
    if (byte != '\r')
        return refuse(400, why, "A chunk must end with CR LF");
    c->state = HTTP1_CHUNK_DATA_LF;
    return 0;
}

static int chunk_data_lf(struct http1_chunks *c, char byte, const char **why)
{
    if (byte != '\n')
        return refuse(400, why, "A chunk must end with CR LF");
    c->state = HTTP1_CHUNK_SIZE;
    return 0;
}

static int chunk_trailer(struct http1_chunks *c, char byte, const char **why)
{
    bool ends_name = byte == ':' && c->line_len;
    if (byte == '\r' && (c->trailer_named || !c->line_len)) {
        c->state = HTTP1_CHUNK_TRAILER_LF;
        return 0;
    }
    if (!c->trailer_named && !ends_name && !is_token_char[(unsigned char)byte])
        return refuse(400, why, "A trailer is no field");
    c->trailer_named |= ends_name;
    if (((unsigned char)byte < 0x20 && byte != '\t') || byte == 0x7f)
        return refuse(400, why, "A trailer has a control byte");
    c->line_len++;
    if (++c->trailers_len > HTTP1_TRAILERS_MAX)
        return refuse(431, why, "The trailers are larger than 8 KiB");
    return 0;
}

static int chunk_trailer_lf(struct http1_chunks *c, char byte, const char **why)
{
    if (byte != '\n')
        return refuse(400, why, "A trailer must end with CR LF");
    c->state = c->line_len ? HTTP1_CHUNK_TRAILER : HTTP1_CHUNK_END;
    c->line_len = 0;
    c->trailer_named = false;
    return 0;
}

static int (*const chunk_steps[])(struct http1_chunks *c, char byte, const char **why) = {
    [HTTP1_CHUNK_SIZE] = chunk_size,           [HTTP1_CHUNK_BLANKS] = chunk_blanks,
    [HTTP1_CHUNK_EXTENSION] = chunk_extension, [HTTP1_CHUNK_SIZE_LF] = chunk_size_lf,
    [HTTP1_CHUNK_DATA_CR] = chunk_data_cr,     [HTTP1_CHUNK_DATA_LF] = chunk_data_lf,
    [HTTP1_CHUNK_TRAILER] = chunk_trailer,     [HTTP1_CHUNK_TRAILER_LF] = chunk_trailer_lf,
};

int http1_chunks_feed(struct http1_chunks *c, struct span bytes, size_t *used, struct span *data,
                      const char **why)
{
    *used = 0;
    *data = (struct span){0};
    while (*used < bytes.len && c->state != HTTP1_CHUNK_END) {
        if (c->state == HTTP1_CHUNK_DATA) {
            *data = span_sub(bytes, *used, c->left < bytes.len ? (size_t)c->left : bytes.len);
            *used += data->len;
            c->left -= data->len;
            if (!c->left)
                c->state = HTTP1_CHUNK_DATA_CR;
            return 0;
        }
        int status = chunk_steps[c->state](c, bytes.ptr[*used], why);
        ++*used;
        if (status)
            return status;
    }
    return 0;
}

const char *http1_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
