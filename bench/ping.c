/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request and its answer cost a server that does nothing else: two processes on two cores,
 * one TCP connection over the loopback interface, a send and a receive each, no protocol. The floor
 * of all rows with one call in flight: no server can cost less than the kernel does.
 *
 *   ping [-s] REQUEST_BYTES ANSWER_BYTES SECONDS
 *
 * -s: both sides spin instead of sleeping. Prints the CPU time of the answering side, in us an
 * exchange.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { MESSAGE_MAX = 4 << 20 };

static char message[MESSAGE_MAX];

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* False: the other side has closed. */
static bool receive(int fd, size_t len, bool spins)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = recv(fd, message, len - got, spins ? MSG_DONTWAIT : 0);
        if (n == 0)
            return false;
        got += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static int no_delay(int fd)
{
    CHECK(fd >= 0);
    int yes = 1;
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
    return fd;
}

static void ask(const struct sockaddr_in *address, size_t request, size_t answer, bool spins,
                double seconds)
{
    pin(1);
    int fd = no_delay(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(connect(fd, (const struct sockaddr *)address, sizeof *address) == 0);
    double end = seconds_of(CLOCK_MONOTONIC) + seconds;
    while (seconds_of(CLOCK_MONOTONIC) < end) {
        CHECK(send(fd, message, request, MSG_NOSIGNAL) == (ssize_t)request);
        CHECK(receive(fd, answer, spins));
    }
}

static double answer_all(int listener, size_t request, size_t answer, bool spins)
{
    pin(0);
    int fd = no_delay(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    size_t exchanges = 0;
    double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (; receive(fd, request, spins); exchanges++)
        CHECK(send(fd, message, answer, MSG_NOSIGNAL) == (ssize_t)answer);
    return (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e6 / (double)exchanges;
}

int main(int argc, char **argv)
{
    bool spins = argc > 1 && !strcmp(argv[1], "-s");
    if (argc - spins != 4)
        return fputs("usage: ping [-s] REQUEST_BYTES ANSWER_BYTES SECONDS\n", stderr), 2;
    size_t request = strtoul(argv[1 + spins], NULL, 10),
           answer = strtoul(argv[2 + spins], NULL, 10);
    CHECK(request && answer && request <= MESSAGE_MAX && answer <= MESSAGE_MAX);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 &&
          listen(listener, 1) == 0 &&
          getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        ask(&address, request, answer, spins, strtod(argv[3 + spins], NULL));
        _exit(0);
    }
    printf("%.3f\n", answer_all(listener, request, answer, spins));
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
