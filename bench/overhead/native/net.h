/* Sockets, growing buffers, timers and the little HTTP/1.1 that the programs of this folder share. Loopback only. */
#ifndef NET_H
#define NET_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { READ_AT_ONCE = 65536, EVENTS = 256, MOST_FILES = 4096 };

typedef struct {
    char *data;
    size_t size, room;
} Buffer;

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline void reserve(Buffer *b, size_t more) {
    if (b->size + more <= b->room) return;
    while (b->size + more > b->room) b->room = b->room ? 2 * b->room : 8192;
    if (!(b->data = realloc(b->data, b->room))) die("realloc");
}

static inline void add(Buffer *b, const char *data, size_t size) {
    reserve(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void add_text(Buffer *b, const char *text) { add(b, text, strlen(text)); }

static inline void drop(Buffer *b, size_t size) {
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
}

static inline int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline void without_delay(int fd) {
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A listening socket on a port of the system's choice, which is printed as the first line of output. */
static inline int listen_and_tell(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024)) die("listen");
    getsockname(fd, (struct sockaddr *)&address, &size);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static inline int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    without_delay(fd);
    return fd;
}

static inline void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

/* 1 something came, 0 nothing yet, -1 the other side is gone. */
static inline int receive(int fd, Buffer *b) {
    reserve(b, READ_AT_ONCE);
    ssize_t got = read(fd, b->data + b->size, b->room - b->size);
    if (got > 0) {
        b->size += (size_t)got;
        return 1;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Answers are small and readers keep up: waiting for room in the socket is a rare spin. */
static inline int send_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t sent = write(fd, data, size);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return -1;
        if (sent > 0) data += sent, size -= (size_t)sent;
    }
    return 0;
}

static inline void wake_at(int timer, int64_t due) {
    struct itimerspec when = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Where the head ends, 0 while it is not all there. */
static inline size_t head_size(const Buffer *b) {
    char *end = b->size > 3 ? memmem(b->data, b->size, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - b->data) + 4 : 0;
}

/* The value of a header, or NULL; name with its colon. */
static inline const char *header(const Buffer *b, size_t head, const char *name) {
    size_t size = strlen(name);
    for (char *at = b->data; at && at + size < b->data + head;) {
        char *line = memmem(at, (size_t)(b->data + head - at), "\r\n", 2);
        if (!line) break;
        at = line + 2;
        if (!strncasecmp(at, name, size)) return at + size + strspn(at + size, " ");
    }
    return NULL;
}
#endif
