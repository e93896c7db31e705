/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load client: calls one method or URL over and over, checks every answer, and prints one JSON
 * object. It is light, so that what is measured is the server; give it a core of its own.
 *
 *   load [-c CONNECTIONS] [-m IN_FLIGHT] [-n REQUESTS | -t SECONDS] [-s] [-a FILE] [-y TYPE]
 *        grpc|http HOST:PORT PATH [BODY_FILE]
 *
 *   -m  calls in flight on each connection (gRPC only)
 *   -s  spins instead of sleeping in epoll_wait(): the server then never pays for waking a core
 *   -a  writes the first answer there: the caller says whether it is right, we compare the others
 *
 *   -y  the Content-Type of the body (HTTP only); JSON if there is none
 *   -H  "name: value", one more header field
 *   -r  goes on with a new connection when the server asks for that (GOAWAY, "Connection: close")
 *
 * BODY_FILE is a message (gRPC, without its frame) or a JSON text; without it HTTP sends a GET.
 * SIGTERM ends it as if its time were over. Exits with 1 when a call failed. Latencies stand in
 * buckets 1/64 wide.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "load.h"

enum {
    EVENTS = 256,
    BUCKET_BITS = 6,
    BUCKETS = (64 - BUCKET_BITS) << BUCKET_BITS,
};

struct options {
    const char *protocol, *target, *path, *body_file, *answer_file, *type, *header;
    size_t connections, in_flight;
    uint64_t requests;
    double seconds;
    bool spin, reconnects;
};

struct run {
    struct load load; /* first, so that a load is a run */
    struct options options;
    int epoll;
    struct connection **connections;
    struct addrinfo *address; /* owned */
    uint64_t reconnections;
    int64_t start_ns, end_ns; /* of all but the first call */
    uint64_t latency[BUCKETS];
};

static volatile sig_atomic_t told_to_end; /* by SIGTERM: what runs is finished and counted */

void load_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

bool load_check(struct load *load, size_t offset, struct span bytes)
{
    if (load->learning) {
        load->expected = realloc(load->expected, offset + bytes.len + 1);
        CHECK(load->expected);
        if (bytes.len)
            memcpy(load->expected + offset, bytes.ptr, bytes.len);
        load->expected_len = offset + bytes.len;
        return true;
    }
    return offset + bytes.len <= load->expected_len &&
           (!bytes.len || !memcmp(load->expected + offset, bytes.ptr, bytes.len));
}

static size_t bucket_of(uint64_t ns)
{
    if (ns < 1 << BUCKET_BITS)
        return ns;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(ns) - BUCKET_BITS;
    return ((size_t)exponent << BUCKET_BITS) + (ns >> exponent);
}

static double bucket_us(size_t bucket)
{
    size_t exponent = bucket >> BUCKET_BITS;
    if (exponent)
        exponent--;
    return (double)((bucket - (exponent << BUCKET_BITS)) << exponent) / 1e3;
}

static double percentile_us(const struct run *run, double share)
{
    double wanted = share * (double)run->load.done;
    uint64_t seen = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += run->latency[i];
        if (seen && (double)seen >= wanted)
            return bucket_us(i);
    }
    return 0;
}

void load_finish(struct connection *connection, int64_t start_ns, const char *failure)
{
    struct load *load = connection->load;
    struct run *run = (struct run *)load;
    connection->running--;
    if (failure && !load->failed++)
        snprintf(load->first_failure, sizeof load->first_failure, "%s", failure);
    if (load->learning)
        return;
    load->done++;
    run->latency[bucket_of((uint64_t)(load->now_ns - start_ns))]++;
}

void load_leave(struct connection *connection, const char *why)
{
    const struct run *run = (const struct run *)connection->load;
    if (!run->options.reconnects)
        load_die("%s", why);
    connection->leaving = true;
}

void connection_put(struct connection *connection, const void *bytes, size_t len)
{
    CHECK(len <= connection_room(connection));
    if (len)
        memcpy(connection->output + connection->output_len, bytes, len);
    connection->output_len += len;
}

/* A client that spins over one connection need not be told: it reads and writes until something
 * comes of it. */
static bool needs_no_epoll(const struct run *run)
{
    return run->options.spin && run->options.connections == 1;
}

static void watch(struct run *run, struct connection *connection, int operation)
{
    if (needs_no_epoll(run))
        return;
    struct epoll_event event = {.events = EPOLLIN | (connection->writable ? 0 : EPOLLOUT),
                                .data.ptr = connection};
    CHECK(epoll_ctl(run->epoll, operation, connection->fd, &event) == 0);
}

static void dial(struct run *run, struct connection *connection)
{
    const struct addrinfo *address = run->address;
    int yes = 1;
    connection->writable = true;
    connection->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, address->ai_addr, address->ai_addrlen) ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) ||
        fcntl(connection->fd, F_SETFL, O_NONBLOCK))
        load_die("connect to %s: %s", run->options.target, strerror(errno));
    watch(run, connection, EPOLL_CTL_ADD);
    run->load.protocol->open(connection);
}

static void hang_up(struct connection *connection)
{
    connection->load->protocol->close(connection);
    close(connection->fd);
}

/* Nothing runs on it any more, and nothing may. */
static void redial(struct run *run, struct connection *connection)
{
    hang_up(connection);
    connection->leaving = false;
    connection->input_len = connection->output_len = connection->output_sent = 0;
    run->reconnections++;
    dial(run, connection);
}

static void flush(struct run *run, struct connection *connection)
{
    bool writable = true;
    while (writable && connection->output_len) {
        ssize_t sent = send(connection->fd, connection->output + connection->output_sent,
                            connection->output_len - connection->output_sent, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            load_die("send: %s", strerror(errno));
        connection->output_sent += sent > 0 ? (size_t)sent : 0;
        writable = sent >= 0 || errno == EINTR;
        if (connection->output_sent < connection->output_len)
            continue;
        connection->output_sent = connection->output_len = 0;
        connection->load->protocol->on_room(connection);
    }
    if (writable == connection->writable)
        return;
    connection->writable = writable;
    watch(run, connection, EPOLL_CTL_MOD);
}

/* Starts calls until as many run as should. */
static void fill(struct run *run, struct connection *connection)
{
    struct load *load = &run->load;
    size_t most = load->learning ? 1 : load->in_flight;
    if (connection->leaving && !connection->running)
        redial(run, connection);
    while (!load->ending && !connection->leaving && connection->running < most &&
           connection_room(connection) >= LOAD_OUTPUT_RESERVE) {
        load->started++;
        connection->running++;
        load->protocol->start(connection);
        load->ending =
            load->learning || (run->options.requests && load->started >= run->options.requests);
    }
}

static void receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->input + connection->input_len,
                       LOAD_INPUT_SIZE - connection->input_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        const char *why = got ? strerror(errno) : "end of stream";
        if (connection->running)
            load_die("the server closed a connection with %zu calls under way: %s",
                     connection->running, why);
        load_leave(connection, why);
        return;
    }
    connection->input_len += (size_t)got;
    struct span input = span_make(connection->input, connection->input_len);
    for (size_t used = 1; used && input.len;) {
        used = connection->load->protocol->on_input(connection, input);
        input = span_sub(input, used, input.len);
    }
    if (input.len == LOAD_INPUT_SIZE)
        load_die("the server's input has no end");
    if (input.len && input.len < connection->input_len)
        memmove(connection->input, input.ptr, input.len);
    connection->input_len = input.len;
}

static int wait_for_events(const struct run *run, struct epoll_event *events)
{
    if (needs_no_epoll(run)) {
        events[0] = (struct epoll_event){.events = EPOLLIN, .data.ptr = run->connections[0]};
        return 1;
    }
    int count = epoll_wait(run->epoll, events, EVENTS, run->options.spin ? 0 : 1000);
    if (count < 0 && errno != EINTR)
        load_die("epoll_wait: %s", strerror(errno));
    return count;
}

static void turn(struct run *run)
{
    struct epoll_event events[EVENTS];
    int count = wait_for_events(run, events);
    run->load.now_ns = clock_now_ns();
    if (told_to_end || (run->end_ns && run->load.now_ns >= run->end_ns))
        run->load.ending = true;
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(connection);
        fill(run, connection);
        flush(run, connection);
    }
}

static size_t running(const struct run *run)
{
    size_t sum = 0;
    for (size_t i = 0; i < run->options.connections; i++)
        sum += run->connections[i]->running;
    return sum;
}

/* Fills and flushes the first `count` connections, then turns until all calls have ended. */
static void go(struct run *run, size_t count)
{
    run->load.ending = false;
    run->load.started = 0;
    run->load.now_ns = clock_now_ns();
    for (size_t i = 0; i < count; i++) {
        fill(run, run->connections[i]);
        flush(run, run->connections[i]);
    }
    while (!run->load.ending || running(run))
        turn(run);
}

static struct addrinfo *resolve(const char *target)
{
    char host[256];
    const char *colon = strrchr(target, ':');
    if (!colon || (size_t)(colon - target) >= sizeof host)
        load_die("%s is not HOST:PORT", target);
    snprintf(host, sizeof host, "%.*s", (int)(colon - target), target);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int failure = getaddrinfo(host, colon + 1, &hints, &found);
    if (failure)
        load_die("%s: %s", target, gai_strerror(failure));
    return found;
}

static struct connection *open_connection(struct run *run)
{
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection);
    connection->load = &run->load;
    dial(run, connection);
    return connection;
}

static struct span read_body(const char *path, bool framed)
{
    struct arena arena;
    struct error err;
    struct span body = {0};
    arena_init(&arena, ARENA_FIRST_BLOCK);
    if (path && file_read(path, &arena, &body, &err))
        load_die("%s", err.message);
    size_t head = framed ? 5 : 0;
    char *copy = calloc(1, head + body.len + 1);
    CHECK(copy && body.len <= UINT32_MAX);
    for (size_t i = 1; i < head; i++)
        copy[i] = (char)(body.len >> (8 * (4 - i)));
    if (body.len)
        memcpy(copy + head, body.ptr, body.len);
    arena_release(&arena);
    return span_make(copy, head + body.len);
}

static void write_answer(const struct load *load, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(load->expected, 1, load->expected_len, file) != load->expected_len ||
        fclose(file))
        load_die("%s: %s", path, strerror(errno));
}

static double cpu_us(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3;
}

static void measure(struct run *run)
{
    struct load *load = &run->load;
    load->learning = true;
    go(run, 1);
    load->learning = false;
    if (load->failed)
        load_die("the first call failed: %s", load->first_failure);
    if (run->options.answer_file)
        write_answer(load, run->options.answer_file);
    double cpu = cpu_us();
    run->start_ns = clock_now_ns();
    if (!run->options.requests)
        run->end_ns = run->start_ns + (int64_t)(run->options.seconds * 1e9);
    go(run, run->options.connections);
    double seconds = (double)(clock_now_ns() - run->start_ns) / 1e9;
    printf("{\"requests\": %lu, \"failures\": %lu, \"seconds\": %.6f, \"per_second\": %.0f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"client_cpu_us\": %.3f, "
           "\"answer_bytes\": %zu, \"reconnections\": %lu}\n",
           load->done, load->failed, seconds, (double)load->done / seconds, percentile_us(run, 0.5),
           percentile_us(run, 0.99), percentile_us(run, 0.999),
           (cpu_us() - cpu) / (double)load->done, load->expected_len, run->reconnections);
    if (load->failed)
        fprintf(stderr, "load: %lu calls failed; the first: %s\n", load->failed,
                load->first_failure);
}

static void run_load(struct run *run)
{
    const struct options *options = &run->options;
    run->address = resolve(options->target);
    bool grpc = !strcmp(options->protocol, load_h2.name);
    run->load.protocol = grpc ? &load_h2 : &load_http;
    run->load.path = span_of(options->path);
    run->load.type = options->type ? options->type : "application/json";
    run->load.host = span_of(options->target);
    run->load.value = span_of(options->header ? options->header : "");
    run->load.header = span_cut(&run->load.value, ':');
    run->load.value = span_trim(run->load.value);
    run->load.body = read_body(options->body_file, grpc);
    run->load.in_flight = options->in_flight;
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->connections = calloc(options->connections, sizeof *run->connections);
    CHECK(run->epoll >= 0 && run->connections);
    for (size_t i = 0; i < options->connections; i++)
        run->connections[i] = open_connection(run);
    measure(run);
    for (size_t i = 0; i < options->connections; i++) {
        hang_up(run->connections[i]);
        free(run->connections[i]);
    }
    free(run->connections);
    free((void *)run->load.body.ptr);
    free(run->load.expected);
    freeaddrinfo(run->address);
    close(run->epoll);
}

static bool parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){.connections = 1, .in_flight = 1, .seconds = 1};
    for (int option; (option = getopt(argc, argv, "c:m:n:t:a:y:H:rs")) != -1;) {
        if (option == 'c')
            options->connections = strtoul(optarg, NULL, 10);
        else if (option == 'm')
            options->in_flight = strtoul(optarg, NULL, 10);
        else if (option == 'n')
            options->requests = strtoul(optarg, NULL, 10);
        else if (option == 't')
            options->seconds = strtod(optarg, NULL);
        else if (option == 'a')
            options->answer_file = optarg;
        else if (option == 'y')
            options->type = optarg;
        else if (option == 'H')
            options->header = optarg;
        else if (option == 'r')
            options->reconnects = true;
        else if (option == 's')
            options->spin = true;
        else
            return false;
    }
    if (argc - optind < 3 || argc - optind > 4)
        return false;
    options->protocol = argv[optind];
    options->target = argv[optind + 1];
    options->path = argv[optind + 2];
    options->body_file = argv[optind + 3];
    bool grpc = !strcmp(options->protocol, load_h2.name);
    return options->connections && options->in_flight && options->in_flight <= 10000 &&
           (grpc || (!strcmp(options->protocol, load_http.name) && options->in_flight == 1));
}

static void on_term(int number)
{
    (void)number;
    told_to_end = 1;
}

int main(int argc, char **argv)
{
    static struct run run;
    signal(SIGTERM, on_term);
    if (!parse(argc, argv, &run.options)) {
        fprintf(stderr,
                "usage: load [-c CONNECTIONS] [-m IN_FLIGHT] [-n REQUESTS | -t SECONDS] "
                "[-r] [-s] [-a FILE] [-y TYPE] [-H FIELD] grpc|http HOST:PORT PATH [BODY_FILE]\n");
        return 2;
    }
    run_load(&run);
    return run.load.failed != 0;
}
