/* Upstash's REST protocol in front of a Redis, as fast as Redis itself: `store REDIS_PORT DELAY_US`.
 * Takes `/pipeline` and single commands in JSON; every answer waits DELAY_US, as one from a distance would.
 * Each connection has one to Redis of its own. */
#include "net.h"

typedef struct {
    Buffer in, redis, out;
    int fd, upstream, commands, single;
    int64_t due;
} Peer;

static Peer *owner[MOST_FILES]; /* by either socket */
static int timer, redis_port;
static int64_t delay;

static void add_number(Buffer *b, const char *form, long value) {
    char text[32];
    add(b, text, (size_t)snprintf(text, sizeof text, form, value));
}

/* -- JSON to RESP ---------------------------------------------------------------------------------------------- */

static void add_character(Buffer *b, unsigned code) {
    char out[3];
    if (code < 0x80) {
        out[0] = (char)code;
        add(b, out, 1);
    } else if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6), out[1] = (char)(0x80 | (code & 63));
        add(b, out, 2);
    } else {
        out[0] = (char)(0xE0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 63)), out[2] = (char)(0x80 | (code & 63));
        add(b, out, 3);
    }
}

static const char *read_string(const char *at, Buffer *to) {
    for (;;) {
        size_t plain = strcspn(at, "\"\\");
        add(to, at, plain);
        at += plain;
        if (*at != '\\') return *at ? at + 1 : at;
        static const char FROM[] = "nrtbf\"\\/", INTO[] = "\n\r\t\b\f\"\\/";
        const char *found = at[1] ? strchr(FROM, at[1]) : NULL;
        if (found) {
            add(to, INTO + (found - FROM), 1);
            at += 2;
        } else if (at[1] == 'u') {
            char hex[5] = {0};
            memcpy(hex, at + 2, 4);
            add_character(to, (unsigned)strtoul(hex, NULL, 16));
            at += 6;
        } else {
            return at + strlen(at);
        }
    }
}

/* The one dialect difference: flags of a script's first line that only Upstash knows. */
static void add_argument(Buffer *out, Buffer *text) {
    if (text->size > 5 && !memcmp(text->data, "#!lua", 5)) {
        char *line = memchr(text->data, '\n', text->size);
        if (line) {
            memmove(text->data + 5, line, text->size - (size_t)(line - text->data));
            text->size -= (size_t)(line - text->data) - 5;
        }
    }
    add_number(out, "$%ld\r\n", (long)text->size);
    add(out, text->data, text->size);
    add(out, "\r\n", 2);
}

static const char *read_command(const char *at, Buffer *out) {
    static Buffer arguments, text;
    long count = 0;
    arguments.size = 0;
    while (*at && *at != ']') {
        text.size = 0;
        if (*at == '"') {
            at = read_string(at + 1, &text);
        } else if (strchr(", \n", *at)) {
            at++;
            continue;
        } else {
            size_t size = strcspn(at, ",] \n");
            add(&text, at, size);
            at += size;
        }
        add_argument(&arguments, &text);
        count++;
    }
    add_number(out, "*%ld\r\n", count);
    add(out, arguments.data, arguments.size);
    return *at ? at + 1 : at;
}

/* How many commands; `text` ends in a NUL. */
static int read_commands(const char *text, Buffer *out, int single) {
    int count = 0;
    for (const char *at = single ? text : text + 1; (at = strchr(at, '[')); count++) at = read_command(at + 1, out);
    return count;
}

/* -- RESP to JSON ---------------------------------------------------------------------------------------------- */

static void add_quoted(Buffer *b, const char *data, size_t size) {
    add(b, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\') add(b, "\\", 1);
        if (c < 32) add_number(b, "\\u%04lx", c);
        else add(b, data + i, 1);
    }
    add(b, "\"", 1);
}

/* Bytes read of one reply, 0 while it is not all there. */
static size_t read_reply(const char *at, const char *end, Buffer *out) {
    const char *line = at < end ? memmem(at, (size_t)(end - at), "\r\n", 2) : NULL;
    if (!line) return 0;
    size_t head = (size_t)(line - at) + 2;
    long value = strtol(at + 1, NULL, 10);
    switch (*at) {
    case '$':
        if (value < 0) break;
        if (at + head + value + 2 > end) return 0;
        add_quoted(out, at + head, (size_t)value);
        return head + (size_t)value + 2;
    case '*':
        if (value < 0) break;
        add(out, "[", 1);
        for (long i = 0; i < value; i++) {
            if (i) add(out, ",", 1);
            size_t size = read_reply(at + head, end, out);
            if (!size) return 0;
            head += size;
        }
        add(out, "]", 1);
        return head;
    case ':':
        add_number(out, "%ld", value);
        return head;
    default:
        add_quoted(out, at + 1, (size_t)(line - at) - 1);
        return head;
    }
    add(out, "null", 4);
    return head;
}

static int take_replies(Peer *p) {
    const char *at = p->redis.data, *end = at + p->redis.size;
    p->out.size = 0;
    if (!p->single) add(&p->out, "[", 1);
    for (int i = 0; i < p->commands; i++) {
        if (i) add(&p->out, ",", 1);
        add_text(&p->out, at < end && *at == '-' ? "{\"error\":" : "{\"result\":");
        size_t size = read_reply(at, end, &p->out);
        if (!size) return 0;
        add(&p->out, "}", 1);
        at += size;
    }
    if (!p->single) add(&p->out, "]", 1);
    p->redis.size = 0;
    p->due = now_ns() + delay;
    return 1;
}

/* -- connections ----------------------------------------------------------------------------------------------- */

static void forget(Peer *p) {
    owner[p->fd] = owner[p->upstream] = NULL;
    close(p->fd);
    close(p->upstream);
    free(p->in.data), free(p->redis.data), free(p->out.data), free(p);
}

static void answer(Peer *p) {
    char head[160];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
                        "upstash-sync-token: bench-1\r\n\r\n",
                        p->out.size);
    p->due = 0;
    if (send_all(p->fd, head, (size_t)size) || send_all(p->fd, p->out.data, p->out.size)) forget(p);
}

static void take_request(Peer *p) {
    static Buffer resp;
    size_t head = head_size(&p->in);
    if (!head) return;
    const char *length = header(&p->in, head, "content-length:");
    size_t body = length ? strtoul(length, NULL, 10) : 0;
    if (p->in.size < head + body) return;
    add(&p->in, "", 1); /* ends the text */
    p->in.size--;
    p->single = !memmem(p->in.data, head, "/pipeline", 9);
    resp.size = 0;
    p->commands = read_commands(p->in.data + head, &resp, p->single);
    drop(&p->in, head + body);
    if (send_all(p->upstream, resp.data, resp.size)) forget(p);
}

static void admit(int listener, int epoll) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || fd >= MOST_FILES) return;
    without_delay(fd);
    Peer *p = calloc(1, sizeof *p);
    if (!p) die("calloc");
    p->fd = fd;
    p->upstream = connect_to(redis_port);
    owner[fd] = owner[p->upstream] = p;
    watch(epoll, fd);
    watch(epoll, p->upstream);
}

static void serve_due(void) {
    int64_t next = 0;
    for (int fd = 0; fd < MOST_FILES; fd++) {
        Peer *p = owner[fd];
        if (!p || p->fd != fd || !p->due) continue;
        if (p->due > now_ns()) next = !next || p->due < next ? p->due : next;
        else answer(p);
    }
    if (next) wake_at(timer, next);
}

int main(int count, char **given) {
    if (count != 3) return 2;
    redis_port = atoi(given[1]);
    delay = atol(given[2]) * 1000LL;
    int listener = listen_and_tell(), epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(epoll, listener);
    watch(epoll, timer);
    for (struct epoll_event events[EVENTS];;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            Peer *p = owner[fd];
            uint64_t fired;
            if (fd == listener) {
                admit(listener, epoll);
            } else if (fd == timer) {
                if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN) die("timer");
            } else if (p && fd == p->fd) {
                if (receive(fd, &p->in) < 0) forget(p);
                else take_request(p);
            } else if (p) {
                if (receive(fd, &p->redis) < 0) forget(p);
                else take_replies(p);
            }
        }
        serve_due();
    }
}
