/* A model provider that answers at once, in OpenAI's words. Its prompts say what is wanted of it:
 * `wait=MS` before the answer, and of a stream `pieces=N` and `pause=MS` between them. */
#include "net.h"

static const char SENTENCE[] =
    "A circuit breaker stops calling a service that keeps failing, waits for a while, and then lets one call through "
    "to see whether it has recovered. Meanwhile its callers get an answer at once instead of waiting for a timeout.";

typedef struct {
    Buffer in;
    int64_t due; /* 0: nothing is owed */
    long pieces, pause;
    int streams;
} Peer;

static Peer peers[MOST_FILES];
static int timer;

static long number_after(const char *text, size_t size, const char *name, long otherwise) {
    char *at = memmem(text, size, name, strlen(name));
    return at ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

static int says_stream(const char *text, size_t size) {
    char *at = memmem(text, size, "\"stream\":", 9);
    return at && !strncmp(at + 9 + strspn(at + 9, " "), "true", 4);
}

static int send_chunk(int fd, const char *data) {
    char out[1024];
    int size = snprintf(out, sizeof out, "%zx\r\n%s\r\n", strlen(data), data);
    return send_all(fd, out, (size_t)size);
}

static int send_event(int fd, const char *inside) {
    char data[512];
    snprintf(data, sizeof data,
             "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,"
             "\"model\":\"gpt-4o-mini\",%s}\n\n",
             inside);
    return send_chunk(fd, data);
}

static int send_json(int fd) {
    char body[1024], out[1400];
    int size = snprintf(body, sizeof body,
                        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1790000000,"
                        "\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                        "\"content\":\"%s\"},\"finish_reason\":\"stop\"}],"
                        "\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":45,\"total_tokens\":65}}",
                        SENTENCE);
    size = snprintf(out, sizeof out,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", size, body);
    return send_all(fd, out, (size_t)size);
}

static int begin_stream(int fd) {
    static const char HEAD[] =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    if (send_all(fd, HEAD, sizeof HEAD - 1)) return -1;
    return send_event(fd, "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"A \"},"
                          "\"finish_reason\":null}]");
}

static int end_stream(int fd) {
    if (send_event(fd, "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]") ||
        send_event(fd, "\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":45,\"total_tokens\":65}"))
        return -1;
    return send_chunk(fd, "data: [DONE]\n\n") || send_all(fd, "0\r\n\r\n", 5);
}

/* What is owed now; sets what is owed next. */
static int step(int fd, Peer *p) {
    if (!p->streams) {
        p->due = 0;
        return send_json(fd);
    }
    while (p->due && p->due <= now_ns()) {
        if (p->streams == 1) {
            p->streams = 2;
            if (begin_stream(fd)) return -1;
        } else if (p->pieces-- > 0) {
            if (send_event(fd, "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]"))
                return -1;
        } else {
            p->due = 0;
            return end_stream(fd);
        }
        p->due += p->pause * 1000000LL;
    }
    return 0;
}

static int take_request(int fd, Peer *p) {
    size_t head = head_size(&p->in);
    if (!head) return 0;
    const char *length = header(&p->in, head, "content-length:");
    size_t body = length ? strtoul(length, NULL, 10) : 0;
    if (p->in.size < head + body) return 0;
    const char *text = p->in.data + head;
    p->streams = says_stream(text, body);
    p->pieces = number_after(text, body, "pieces=", 20);
    p->pause = number_after(text, body, "pause=", 0);
    p->due = now_ns() + number_after(text, body, "wait=", 0) * 1000000LL;
    drop(&p->in, head + body);
    return step(fd, p);
}

static void forget(int fd) {
    peers[fd].in.size = 0;
    peers[fd].due = 0;
    close(fd);
}

static void serve_due(int highest) {
    int64_t next = 0;
    for (int fd = 0; fd <= highest; fd++) {
        Peer *p = &peers[fd];
        if (p->due && p->due <= now_ns() && step(fd, p)) forget(fd);
        if (p->due && (!next || p->due < next)) next = p->due;
    }
    if (next) wake_at(timer, next);
}

int main(void) {
    int listener = listen_and_tell(), epoll = epoll_create1(0), highest = 0;
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(epoll, listener);
    watch(epoll, timer);
    for (struct epoll_event events[EVENTS];;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            uint64_t fired;
            if (fd == listener) {
                int peer = accept(listener, NULL, NULL);
                if (peer < 0 || peer >= MOST_FILES) continue;
                without_delay(peer);
                watch(epoll, peer);
                highest = peer > highest ? peer : highest;
            } else if (fd == timer) {
                if (read(timer, &fired, sizeof fired) < 0 && errno != EAGAIN) die("timer");
            } else if (receive(fd, &peers[fd].in) < 0 || take_request(fd, &peers[fd])) {
                forget(fd);
            }
        }
        serve_due(highest);
    }
}
