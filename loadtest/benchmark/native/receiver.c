/*
 * The benchmark's subscriber: opens many plain WebSocket connections and counts whole frames (RFC 6455 section 5.2).
 *
 *   receiver <port> <connections> <targets file> <sample every> <dialect> [<extension>]
 *
 * Compiled with -DTLS (and -lssl -lcrypto) it speaks TLS, and trusts whatever certificate it is shown. Compiled with
 * -DDEFLATE (and -lz) it reads the events of ../event-file.ts: the payloads of sampled connections are looked into as a whole,
 * inflated where they are compressed (RFC 7692), and everything behind "Bench-Sum" must have that CRC-32. It offers the
 * extension, `permessage-deflate` or `none`.
 *
 * The targets file holds one request target a line, used round robin. Every n-th connection is sampled: its payloads
 * are looked into for "Bench-Part", "Bench-Seq" and "Bench-Sent" (see publisher.c), which gives order, completeness and
 * latency. A delivery is an event, in however many to a frame the dialect puts them. READY is printed when everyone is
 * subscribed; then `mark` prints one JSON line, `reset` clears the
 * latencies, `quit` ends. The accept value of the handshake is not checked: the floor sends a fixed one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "dialect.h"
#ifdef TLS
#include <openssl/ssl.h>
#endif
#ifdef DEFLATE
#include <zlib.h>
#define MOST_TEXT (64 * 1024)
#endif

#define READ_BYTES (256 * 1024)
#define KEEP_BYTES 256
#define PARTITIONS 64
/* Handshakes under way at once: a listen backlog is finite. */
#define OPENING 100
/* The same for every server under test, so that none of them measures how far the kernel lets it run ahead. */
#define RECEIVE_BUFFER (256 * 1024)
#define SUB 64
#define BUCKETS (SUB * 40)

enum phase { CONNECTING, SECURING, HANDSHAKE, OPEN, CLOSED };

struct connection {
#ifdef TLS
  SSL *tls;
#endif
#ifdef DEFLATE
  z_stream inflater;
  /* The payload under way, of a sampled connection. */
  unsigned char *payload;
  int payload_bytes;
#endif
  int fd;
  enum phase phase;
  int sampled;
  unsigned char header[10];
  int have;
  uint64_t left;
  unsigned char opcode;
  int kept;
  unsigned char keep[KEEP_BYTES];
  /* Of dialects whose messages are not frames: the line or payload under way, as far as it is kept, and what is left. */
  int lined, is_subscribed, is_named;
  unsigned char line[KEEP_BYTES];
  uint64_t body;
  uint64_t last[PARTITIONS];
};

static struct connection *connections;
static char **targets;
static enum dialect dialect;
static int target_count, total, opened, next_to_open, port, epoll_fd, closed_count, close_code;
static uint64_t frames, bytes, sampled_frames, missing, doubled, inverted, unreadable;
static uint64_t histogram[BUCKETS], recorded, slowest;
static unsigned char chunk[READ_BYTES];

static uint64_t clock_us(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void fail(const char *what) {
  fprintf(stderr, "receiver: %s (%s)\n", what, strerror(errno));
  exit(1);
}

#ifdef TLS
static SSL_CTX *context;

/* As read() and write() have it: -1 with EAGAIN when there is nothing to be done now, 0 at the end. */
static ssize_t settled(struct connection *c, int size) {
  if (size > 0) return size;
  int error = SSL_get_error(c->tls, size);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return 0;
  errno = EAGAIN;
  return -1;
}

static ssize_t take(struct connection *c, void *to, size_t size) { return settled(c, SSL_read(c->tls, to, (int)size)); }
static ssize_t look(struct connection *c, void *to, size_t size) { return settled(c, SSL_peek(c->tls, to, (int)size)); }
static ssize_t give(struct connection *c, const void *of, size_t size) {
  return settled(c, SSL_write(c->tls, of, (int)size));
}
static int holds_more(struct connection *c) { return SSL_pending(c->tls) > 0; }

/* 1 when it is through. */
static int secure(struct connection *c) {
  if (!c->tls) {
    c->tls = SSL_new(context);
    SSL_set_fd(c->tls, c->fd);
    SSL_set_connect_state(c->tls);
  }
  int done = SSL_do_handshake(c->tls);
  if (done != 1 && settled(c, done) == 0) fail("no TLS");
  return done == 1;
}

static void prepare(void) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}
#else
static ssize_t take(struct connection *c, void *to, size_t size) { return read(c->fd, to, size); }
static ssize_t look(struct connection *c, void *to, size_t size) { return recv(c->fd, to, size, MSG_PEEK); }
static ssize_t give(struct connection *c, const void *of, size_t size) { return write(c->fd, of, size); }
static int holds_more(struct connection *c) { return c->fd < 0; }
static int secure(struct connection *c) { return c->fd >= 0; }
static void prepare(void) {}
#endif

/* Log-linear buckets: within 1/64 of the value. */
static int bucket_of(uint64_t us) {
  if (us < SUB) return (int)us;
  int shift = 63 - __builtin_clzll(us) - 6;
  int bucket = (shift + 1) * SUB + (int)((us >> shift) - SUB);
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t bucket_top(int bucket) {
  if (bucket < SUB) return (uint64_t)bucket;
  int shift = bucket / SUB - 1;
  return ((uint64_t)(bucket % SUB + SUB + 1) << shift) - 1;
}

static uint64_t percentile(double share) {
  uint64_t wanted = (uint64_t)((double)recorded * share), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += histogram[bucket];
    if (seen > wanted) return bucket_top(bucket) < slowest ? bucket_top(bucket) : slowest;
  }
  return slowest;
}

static int64_t number_after(const unsigned char *text, int length, const char *name) {
  const char *found = memmem(text, (size_t)length, name, strlen(name));
  return found ? strtoll(found + strlen(name), NULL, 10) : -1;
}

#ifdef DEFLATE
static const char *extension = "none";
static unsigned char plain[MOST_TEXT + 1];

static void keep_payload(struct connection *c, const unsigned char *data, size_t size) {
  if (!c->payload) {
    /* Behind a payload there is room for what a flush ends with. */
    c->payload = malloc(MOST_TEXT + 4);
    if (inflateInit2(&c->inflater, -15) != Z_OK) fail("zlib");
  }
  if (c->payload_bytes + size > MOST_TEXT) fail("a payload is too long");
  memcpy(c->payload + c->payload_bytes, data, size);
  c->payload_bytes += (int)size;
}

/* The payload as text, and its length; -1 for one that cannot be inflated. RFC 7692 7.2.2. */
static int unpack(struct connection *c) {
  int length = c->payload_bytes;
  c->payload_bytes = 0;
  if (!(c->opcode & 0x40)) {
    memcpy(plain, c->payload, (size_t)length);
    return length;
  }
  memcpy(c->payload + length, "\0\0\xff\xff", 4);
  c->inflater.next_in = c->payload;
  c->inflater.avail_in = (unsigned)length + 4;
  c->inflater.next_out = plain;
  c->inflater.avail_out = MOST_TEXT;
  int result = inflate(&c->inflater, Z_SYNC_FLUSH);
  if ((result != Z_OK && result != Z_BUF_ERROR) || c->inflater.avail_in > 0) return -1;
  return MOST_TEXT - (int)c->inflater.avail_out;
}

/* Whether the whole text is what was published. */
static int is_exact(const unsigned char *text, int length) {
  int64_t sum = number_after(text, length, "\"Bench-Sum\":");
  /* Shown by a privacy profile, which changes the text. */
  if (sum < 0) return text[0] == '{' && text[length - 1] == '}';
  const unsigned char *name = memmem(text, (size_t)length, "\"Bench-Sum\":", 12);
  const unsigned char *rest = memchr(name, ',', (size_t)(text + length - name));
  return rest && crc32(0, rest, (unsigned)(text + length - rest)) == (unsigned long)sum;
}
#endif

static void inspect(struct connection *c, unsigned char *text, int length, uint64_t now) {
#ifdef DEFLATE
  text = plain;
  length = unpack(c);
  if (length <= 0 || !is_exact(text, length)) {
    sampled_frames++;
    unreadable++;
    return;
  }
#endif
  text[length < KEEP_BYTES ? length : KEEP_BYTES - 1] = 0;
  int64_t sequence = number_after(text, length, "\"Bench-Seq\":");
  int64_t sent = number_after(text, length, "\"Bench-Sent\":");
  int64_t partition = number_after(text, length, "\"Bench-Part\":");
  sampled_frames++;
  if (sequence < 0) {
    unreadable++;
    return;
  }
  if (partition < 0 || partition >= PARTITIONS) partition = 0;
  uint64_t last = c->last[partition];
  /* The first event of a partition has the number 1. */
  if ((uint64_t)sequence == last) doubled++;
  else if ((uint64_t)sequence < last) inverted++;
  else {
    missing += (uint64_t)sequence - last - 1;
    c->last[partition] = (uint64_t)sequence;
  }
  if (sent <= 0) return;
  uint64_t us = now > (uint64_t)sent ? now - (uint64_t)sent : 0;
  histogram[bucket_of(us)]++;
  recorded++;
  if (us > slowest) slowest = us;
}

static void close_connection(struct connection *c) {
  if (c->phase == CLOSED) return;
  if (c->phase != OPEN) fail("a connection was refused");
  c->phase = CLOSED;
  closed_count++;
  close(c->fd);
}

/* Client frames are masked (RFC 6455 section 5.3); a mask of zeros leaves the payload as it is. */
static void send_frame(struct connection *c, int opcode, const void *payload, size_t size) {
  unsigned char frame[8 + 256] = {(unsigned char)(0x80 | opcode)};
  size_t head = size < 126 ? 2 : 4;
  frame[1] = (unsigned char)(0x80 | (size < 126 ? size : 126));
  if (size >= 126) {
    frame[2] = (unsigned char)(size >> 8);
    frame[3] = (unsigned char)size;
  }
  memcpy(frame + head + 4, payload, size);
  if (give(c, frame, head + 4 + size) < 0 && errno != EAGAIN) close_connection(c);
}

static void say(struct connection *c, const char *text) { send_frame(c, 1, text, strlen(text)); }

static void open_next(void);

static void subscribed(struct connection *c) {
  if (c->is_subscribed) return;
  c->is_subscribed = 1;
  if (++opened == total) puts("READY");
  if (next_to_open < total) open_next();
}

static void delivered(struct connection *c, unsigned char *text, int length, uint64_t now) {
  frames++;
  if (c->sampled) inspect(c, text, length, now);
}

static int begins(const unsigned char *text, int length, const char *with) {
  return length >= (int)strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static void refused(const unsigned char *text, int length) {
  fprintf(stderr, "receiver: refused: %.*s\n", length, text);
  exit(1);
}

/* After the upgrade: subscribes. Engine.IO's server speaks first. */
static void greet(struct connection *c) {
  if (dialect == FIREHOSE || dialect == SSE) subscribed(c);
  if (dialect == NATS) say(c, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB bench 1\r\nPING\r\n");
  if (dialect == CENTRIFUGO) say(c, "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"bench\"}}");
}

static void on_packet(struct connection *c, uint64_t now) {
  if (begins(c->keep, c->kept, "42")) delivered(c, c->keep, c->kept, now);
  else if (begins(c->keep, c->kept, "40")) subscribed(c);
  else if (begins(c->keep, c->kept, "0")) say(c, "40");
  else if (begins(c->keep, c->kept, "2")) say(c, "3");
  else refused(c->keep, c->kept);
}

static void on_line(struct connection *c, uint64_t now) {
  int length = c->lined;
  c->lined = 0;
  if (dialect == SSE) {
    /* What is no event of a call has a name; an empty line ends an event. */
    if (length == 0) c->is_named = 0;
    else if (begins(c->line, length, "event:")) c->is_named = 1;
    else if (begins(c->line, length, "data: ") && !c->is_named) delivered(c, c->line + 6, length - 6, now);
    return;
  }
  if (dialect == NATS) {
    c->line[length < KEEP_BYTES ? length : KEEP_BYTES - 1] = 0;
    const char *size = strrchr((const char *)c->line, ' ');
    if (begins(c->line, length, "MSG ") && size) c->body = strtoull(size, NULL, 10) + 2;
    else if (begins(c->line, length, "PONG")) subscribed(c);
    else if (begins(c->line, length, "PING")) say(c, "PONG\r\n");
    else if (begins(c->line, length, "-ERR")) refused(c->line, length);
    return;
  }
  if (begins(c->line, length, "{\"push\":{\"channel\":\"bench\",\"pub\"")) delivered(c, c->line, length, now);
  else if (begins(c->line, length, "{\"id\":2,\"subscribe\"")) subscribed(c);
  else if (begins(c->line, length, "{}")) say(c, "{}");
  else if (length > 0 && !begins(c->line, length, "{\"id\":1,\"connect\"")) refused(c->line, length);
}

static void keep_line(struct connection *c, const unsigned char *data, size_t size) {
  /* Of a line that is not looked into, its field alone. */
  int most = dialect == SSE && !c->sampled ? 6 : KEEP_BYTES - 1;
  size_t room = (size_t)(most - c->lined);
  memcpy(c->line + c->lined, data, size < room ? size : room);
  c->lined += (int)(size < room ? size : room);
}

/* Bytes of a dialect whose messages are lines, and with NATS payloads of a length that the line before has told. */
static void on_bytes(struct connection *c, const unsigned char *data, size_t size, uint64_t now) {
  while (size > 0) {
    size_t part;
    if (c->body > 0) {
      part = c->body < size ? (size_t)c->body : size;
      keep_line(c, data, part);
      c->body -= part;
      if (c->body == 0) {
        int length = c->lined;
        c->lined = 0;
        delivered(c, c->line, length, now);
      }
    } else {
      const unsigned char *end = memchr(data, '\n', size);
      part = end ? (size_t)(end - data) : size;
      keep_line(c, data, part);
      if (end) {
        part++;
        on_line(c, now);
      }
    }
    data += part;
    size -= part;
  }
}

static void frame_done(struct connection *c, uint64_t now) {
  unsigned char kind = c->opcode & 0x0f;
  if (kind < 8) {
    if (dialect == FIREHOSE) delivered(c, c->keep, c->kept, now);
    else if (dialect == SOCKETIO) on_packet(c, now);
    /* The last line of a frame has no line feed. */
    else if (dialect == CENTRIFUGO && c->lined > 0) on_line(c, now);
  } else if (kind == 9) {
    send_frame(c, 10, c->keep, (size_t)c->kept);
  } else if (kind == 8) {
    close_code = c->kept >= 2 ? c->keep[0] << 8 | c->keep[1] : 1005;
    close_connection(c);
  }
}

static int header_length(const unsigned char *header, int have) {
  if (have < 2) return 2;
  int length = header[1] & 0x7f;
  return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static uint64_t payload_length(const unsigned char *header) {
  uint64_t length = header[1] & 0x7f;
  if (length < 126) return length;
  int width = length == 126 ? 2 : 8;
  length = 0;
  for (int at = 0; at < width; at++) length = length << 8 | header[2 + at];
  return length;
}

static void consume(struct connection *c, const unsigned char *data, size_t size, uint64_t now) {
  bytes += size;
  if (dialect == SSE) {
    on_bytes(c, data, size, now);
    return;
  }
  while (size > 0 && c->phase == OPEN) {
    if (c->left == 0) {
      while (size > 0 && c->have < header_length(c->header, c->have)) {
        c->header[c->have++] = *data++;
        size--;
      }
      if (c->have < header_length(c->header, c->have)) return;
      c->left = payload_length(c->header);
      c->opcode = c->header[0];
      c->kept = 0;
    }
    size_t part = c->left < size ? (size_t)c->left : size;
    int wanted = c->sampled || c->opcode & 8 ? KEEP_BYTES - 1 : dialect == SOCKETIO ? 4 : 0;
#ifdef DEFLATE
    if (c->sampled && !(c->opcode & 8)) keep_payload(c, data, part);
#endif
    if (dialect >= NATS && !(c->opcode & 8)) {
      on_bytes(c, data, part, now);
    } else if (c->kept < wanted) {
      size_t room = (size_t)(wanted - c->kept), copied = part < room ? part : room;
      memcpy(c->keep + c->kept, data, copied);
      c->kept += (int)copied;
    }
    data += part;
    size -= part;
    c->left -= part;
    if (c->left > 0) return;
    c->have = 0;
    frame_done(c, now);
  }
}

static void open_next(void) {
  struct connection *c = &connections[next_to_open];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("no socket: too many open files?");
  int size = RECEIVE_BUFFER;
  setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) fail("connect");
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)next_to_open};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) < 0) fail("epoll_ctl");
  next_to_open++;
}

static const char *offer(void) {
#ifdef DEFLATE
  if (strcmp(extension, "permessage-deflate") == 0) return "Sec-WebSocket-Extensions: permessage-deflate\r\n";
#endif
  return "";
}

static void send_request(struct connection *c, uint32_t index) {
  char request[9000];
  const char *upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n";
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s\r\n",
                        targets[index % (uint32_t)target_count], port,
                        dialect == SSE ? "Accept: text/event-stream\r\n" : upgrade, offer());
  if (length >= (int)sizeof request || give(c, request, (size_t)length) != length) fail("request not sent");
  c->phase = HANDSHAKE;
}

/* The connection stands, or TLS has gone a step further. */
static void go_on(struct connection *c, uint32_t index) {
  if (c->phase == CONNECTING) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
    c->phase = SECURING;
  }
  if (secure(c)) send_request(c, index);
}

static void readable(struct connection *c);

/* Only what follows the blank line is frames: a server may send both in one segment. */
static void handshake(struct connection *c) {
  ssize_t size = look(c, chunk, 4096);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) fail("closed during the handshake");
  unsigned char *end = memmem(chunk, (size_t)size, "\r\n\r\n", 4);
  if (!end) return;
  if (memcmp(chunk, dialect == SSE ? "HTTP/1.1 200" : "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "receiver: not upgraded: %.*s\n", (int)size, chunk);
    exit(1);
  }
  if (*offer() && !memmem(chunk, (size_t)(end - chunk), "permessage-deflate", 18)) fail("compression was not agreed on");
  if (take(c, chunk, (size_t)(end + 4 - chunk)) < 0) fail("handshake");
  c->phase = OPEN;
  greet(c);
  if (holds_more(c)) readable(c);
}

static void readable(struct connection *c) {
  do {
    ssize_t size = take(c, chunk, sizeof chunk);
    if (size > 0) consume(c, chunk, (size_t)size, clock_us(CLOCK_REALTIME));
    else if (size == 0 || errno != EAGAIN) close_connection(c);
    /* What is decrypted already makes no socket readable. */
  } while (c->phase == OPEN && holds_more(c));
}

static void mark(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  uint64_t cpu = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                 (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  printf("{\"timeUs\":%lu,\"frames\":%lu,\"bytes\":%lu,\"cpuUs\":%lu,\"sampled\":%lu,\"missing\":%lu,\"doubled\":%lu,"
         "\"inverted\":%lu,\"unreadable\":%lu,\"closed\":%d,\"closeCode\":%d,\"timed\":%lu,\"p50Us\":%lu,\"p99Us\":%lu,"
         "\"p999Us\":%lu,\"maxUs\":%lu}\n",
         clock_us(CLOCK_MONOTONIC), frames, bytes, cpu, sampled_frames, missing, doubled, inverted, unreadable,
         closed_count, close_code, recorded, percentile(0.5), percentile(0.99), percentile(0.999), slowest);
}

static void command(void) {
  char line[256];
  ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
  if (size <= 0) exit(0);
  line[size] = 0;
  for (char *word = strtok(line, "\n"); word; word = strtok(NULL, "\n")) {
    if (strcmp(word, "quit") == 0) exit(0);
    if (strcmp(word, "mark") == 0) mark();
    if (strcmp(word, "reset") == 0) {
      memset(histogram, 0, sizeof histogram);
      recorded = slowest = 0;
    }
  }
}

static void read_targets(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail("the targets file cannot be read");
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, file)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = 0;
    targets = realloc(targets, sizeof *targets * (size_t)(target_count + 1));
    targets[target_count++] = strdup(line);
  }
  free(line);
  fclose(file);
  if (target_count == 0) fail("the targets file is empty");
}

int main(int argc, char **argv) {
  if (argc < 6 || argc > 7) {
    fprintf(stderr, "usage: receiver <port> <connections> <targets file> <sample every> <dialect> [<extension>]\n");
    return 2;
  }
#ifdef DEFLATE
  if (argc == 7) extension = argv[6];
#endif
  port = atoi(argv[1]);
  total = atoi(argv[2]);
  int every = atoi(argv[4]);
  dialect = dialect_of(argv[5]);
  read_targets(argv[3]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  connections = calloc((size_t)total, sizeof *connections);
  epoll_fd = epoll_create1(0);
  prepare();
  struct epoll_event on_stdin = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &on_stdin);
  for (int at = 0; at < total; at++) connections[at].sampled = at % every == 0;
  while (next_to_open < total && next_to_open < OPENING) open_next();
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, 256, -1);
    for (int at = 0; at < count; at++) {
      uint32_t index = events[at].data.u32;
      if (index == UINT32_MAX) command();
      else if (connections[index].phase < HANDSHAKE) go_on(&connections[index], index);
      else if (connections[index].phase == HANDSHAKE) handshake(&connections[index]);
      else if (connections[index].phase == OPEN) readable(&connections[index]);
    }
  }
}
