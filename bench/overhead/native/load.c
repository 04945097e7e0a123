/* Asks one URL over and over on kept connections, and prints what came of it as JSON.
 * load PORT CONNECTIONS SECONDS FIRST HEAD BODY: in HEAD and BODY `{n}` is the request's number from FIRST on, `{g}` that of its
 * group (as many in a row as there are connections), `{u}` one of a hundred users. HEAD is the request line and headers,
 * without content-length. Times are microseconds from the first byte sent; `first` is the first byte of the body. */
#include "net.h"

enum { MOST_SAMPLES = 4000000, MOST_CONNECTIONS = 1024, USERS = 100, SILENCE_MS = 10000 };

typedef struct {
    Buffer in;
    int fd;
    int64_t began, first;
    size_t seen; /* of the body, as far as chunk heads have been read */
} Connection;

typedef struct {
    int64_t *values;
    size_t count;
} Samples;

static Connection connections[MOST_CONNECTIONS];
static Samples whole, first;
static long statuses[600], number, lanes;
static const char *head_template, *body_template;

static void fill(Buffer *out, const char *template) {
    for (const char *at = template; *at;) {
        const char *mark = strchr(at, '{');
        if (!mark) {
            add_text(out, at);
            return;
        }
        char text[24];
        long value = -1;
        if (!strncmp(mark, "{n}", 3)) value = number;
        if (!strncmp(mark, "{g}", 3)) value = number / lanes;
        if (!strncmp(mark, "{u}", 3)) value = number % USERS;
        add(out, at, (size_t)(mark - at) + (value < 0));
        if (value >= 0) add(out, text, (size_t)snprintf(text, sizeof text, "%ld", value));
        at = mark + (value < 0 ? 1 : 3);
    }
}

static void ask(Connection *c) {
    static Buffer head, body;
    head.size = body.size = 0;
    char text[64];
    fill(&head, head_template);
    fill(&body, body_template);
    add(&head, text, (size_t)snprintf(text, sizeof text, "content-length: %zu\r\n\r\n", body.size));
    add(&head, body.data, body.size);
    number++;
    c->in.size = c->seen = 0;
    c->first = 0;
    c->began = now_ns();
    if (send_all(c->fd, head.data, head.size)) die("send");
}

/* Whether the answer is all there. */
static int complete(Connection *c) {
    size_t head = head_size(&c->in);
    if (!head) return 0;
    if (!c->first && c->in.size > head) c->first = now_ns();
    const char *length = header(&c->in, head, "content-length:");
    if (length) return c->in.size - head >= strtoul(length, NULL, 10);
    for (size_t at = head + c->seen;;) {
        char *line = memmem(c->in.data + at, c->in.size - at, "\r\n", 2);
        if (!line) return 0;
        size_t size = strtoul(c->in.data + at, NULL, 16);
        size_t next = (size_t)(line - c->in.data) + 2 + size + 2;
        if (c->in.size < next) return 0;
        if (!size) return 1;
        at = next;
        c->seen = at - head;
    }
}

static int rising(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, Samples *s) {
    qsort(s->values, s->count, sizeof *s->values, rising);
    printf(",\"%s\":[", name);
    const double shares[] = {0.50, 0.95, 0.99};
    for (int i = 0; i < 3; i++) {
        size_t at = (size_t)(shares[i] * (double)s->count);
        printf("%s%.1f", i ? "," : "", s->count ? (double)s->values[at] / 1000 : 0.0);
    }
    printf("]");
}

static void note(Connection *c) {
    int64_t now = now_ns();
    int status = atoi(c->in.data + 9);
    statuses[status > 0 && status < 600 ? status : 0]++;
    if (whole.count == MOST_SAMPLES) return;
    whole.values[whole.count++] = now - c->began;
    first.values[first.count++] = (c->first ? c->first : now) - c->began;
}

int main(int count, char **given) {
    if (count != 7) return 2;
    int port = atoi(given[1]), epoll = epoll_create1(0);
    lanes = atol(given[2]);
    number = atol(given[4]);
    head_template = given[5], body_template = given[6];
    whole.values = malloc(MOST_SAMPLES * sizeof *whole.values);
    first.values = malloc(MOST_SAMPLES * sizeof *first.values);
    if (lanes < 1 || lanes > MOST_CONNECTIONS || !whole.values || !first.values) return 2;
    static int owner[MOST_FILES];
    for (int i = 0; i < lanes; i++) {
        connections[i].fd = connect_to(port);
        owner[connections[i].fd] = i;
        watch(epoll, connections[i].fd);
    }
    int64_t began = now_ns(), end = began + (int64_t)(atof(given[3]) * 1e9);
    for (int i = 0; i < lanes; i++) ask(&connections[i]);
    for (long busy = lanes; busy;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, SILENCE_MS);
        if (!ready) break; /* what is missing then is not counted */
        for (int i = 0; i < ready; i++) {
            Connection *c = &connections[owner[events[i].data.fd]];
            if (receive(c->fd, &c->in) < 0) { /* closed by the server: an answer is lost, and a new connection taken */
                statuses[0]++;
                close(c->fd);
                c->fd = connect_to(port);
                owner[c->fd] = (int)(c - connections);
                watch(epoll, c->fd);
            } else if (complete(c)) {
                note(c);
            } else {
                continue;
            }
            if (now_ns() < end) ask(c);
            else busy--;
        }
    }
    printf("{\"seconds\":%.4f,\"next\":%ld,\"statuses\":{", (double)(now_ns() - began) / 1e9, number);
    for (int i = 0, some = 0; i < 600; i++)
        if (statuses[i]) printf("%s\"%d\":%ld", some++ ? "," : "", i, statuses[i]);
    printf("}");
    print_samples("whole", &whole);
    print_samples("first", &first);
    printf("}\n");
}
