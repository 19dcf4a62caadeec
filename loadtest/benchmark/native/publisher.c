/*
 * The benchmark's producer: XADD of events of 1,025 bytes over one pipelined connection, round robin over partitions.
 *
 *   publisher <port> <account> <partitions> <filler every> <dialect> <traced every> <accounts> [<events file>]
 *
 * With a file (../event-file.ts) the events are those of its lines in turn, of other lengths, behind the same head.
 * Events are of the account, or of a0, a1, ... in turn where there are several.
 * The port is that of Redis, for NATS that of its server.
 *
 * Commands on stdin, each answered by one JSON line when all its entries are in Redis:
 *   burst <n>              n events as fast as Redis takes them
 *   pace <rate> <events>   open loop: event i is due at start + i / rate, whether or not anything keeps up
 * Every `filler every`-th event (0: none) is a CHANNEL_HOLD that no subscriber here asks for; all others are a
 * CHANNEL_ANSWER that everyone does. "Bench-Seq" counts the latter within a partition, from 1, and "Bench-Sent" is the
 * microsecond of Unix time at which the event was *due*: a producer that runs late shows in the latency.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "dialect.h"

#define EVENT_BYTES 1025
/* As many keys as a real event has: parsing a single long string would flatter whoever parses. */
#define FIELDS                                                                                                         \
  "\"Event-Category\":\"call_event\",\"App-Name\":\"ecallmgr\",\"App-Version\":\"4.3.0\",\"Call-Direction\":\"inbound\","    \
  "\"Channel-Call-State\":\"ACTIVE\",\"Channel-State\":\"EXCHANGE_MEDIA\",\"Caller-ID-Name\":\"Reception\","                 \
  "\"Caller-ID-Number\":\"+15555550100\",\"Callee-ID-Number\":\"+15555550101\",\"From\":\"1001@sip.example.com\","           \
  "\"To\":\"1002@sip.example.com\",\"Request\":\"1002@sip.example.com\",\"Presence-ID\":\"1001@sip.example.com\","           \
  "\"Media-Server\":\"fs-1.example.com\",\"Switch-Nodename\":\"freeswitch@fs-1.example.com\",\"Node\":\"a1b2c3\","         \
  "\"Custom-Channel-Vars\":{\"Account-Realm\":\"sip.example.com\",\"Authorizing-Type\":\"device\",\"Inception\":\"on\"},"  \
  "\"Custom-SIP-Headers\":{},\"Disposition\":\"ANSWER\",\"Timestamp\":63900000000,"
#define ROOM (512 * 1024)
#define MAX_PARTITIONS 64
#define MOST_LINE 8192

static int fd, partitions, filler_every, traced_every;
static enum dialect dialect;
static const char *account;
static char out[ROOM], filler[EVENT_BYTES];
static size_t held;
static char **lines;
static uint64_t line_count, accounts, produced, matched, replies, sequence[MAX_PARTITIONS];

static uint64_t clock_us(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void fail(const char *what) {
  fprintf(stderr, "publisher: %s\n", what);
  exit(1);
}

__attribute__((format(printf, 1, 2))) static void hold(const char *format, ...) {
  va_list values;
  va_start(values, format);
  held += (size_t)vsnprintf(out + held, ROOM - held, format, values);
  va_end(values);
}

static void read_lines_of(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail("the events file cannot be read");
  char line[MOST_LINE];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    lines = realloc(lines, sizeof *lines * (line_count + 1));
    lines[line_count++] = strdup(line);
  }
  fclose(file);
  if (line_count == 0) fail("the events file is empty");
}

static void append(uint64_t due_us) {
  uint64_t number = produced++;
  int partition = (int)(number % (uint64_t)partitions);
  /* Counted a partition, so that no partition holds the filler alone. */
  int is_filler = filler_every > 0 && number / (uint64_t)partitions % (uint64_t)filler_every == 0;
  const char *name = is_filler ? "CHANNEL_HOLD" : "CHANNEL_ANSWER";
  if (!is_filler) {
    matched++;
    sequence[partition]++;
  }
  char data[EVENT_BYTES + MOST_LINE];
  int size = EVENT_BYTES, head = snprintf(data, sizeof data,
                      "{\"Event-Name\":\"%s\",\"Bench-Part\":%d,\"Bench-Seq\":%lu,\"Bench-Sent\":%lu," FIELDS "\"Filler\":\"",
                      name, partition, sequence[partition], due_us);
  if (line_count > 0) {
    size = snprintf(data, sizeof data, "{\"Bench-Part\":%d,\"Bench-Seq\":%lu,\"Bench-Sent\":%lu,%s", partition,
                    sequence[partition], due_us, lines[number % line_count]);
  } else {
    memcpy(data + head, filler, (size_t)(EVENT_BYTES - 2 - head));
    memcpy(data + EVENT_BYTES - 2, "\"}", 3);
  }
  if (dialect == FIREHOSE) {
    char meta[256], key[64], own[32];
    char trace[64] = "";
    snprintf(own, sizeof own, "a%lu", accounts > 0 ? number % accounts : 0);
    if (traced_every > 0 && number % (uint64_t)traced_every == 0)
      snprintf(trace, sizeof trace, "00-%032lx-%016lx-01", number + 1, number + 1);
    int meta_bytes = snprintf(meta, sizeof meta, "1\t%s\t%s\tc%d\te%lu\t%lu\t%s", name, accounts > 0 ? own : account,
                              partition, number, due_us, trace);
    int key_bytes = snprintf(key, sizeof key, "firehose:{%d}:events", partition);
    hold("*7\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n$1\r\n*\r\n$1\r\nm\r\n$%d\r\n%s\r\n$1\r\nd\r\n$%d\r\n%s\r\n", key_bytes,
         key, meta_bytes, meta, size, data);
  } else if (dialect == SOCKETIO) {
    /* What the adapter of another server of the same application writes for io.emit('event', ...). */
    char packet[EVENT_BYTES + 256];
    int bytes = snprintf(packet, sizeof packet,
                         "{\"opts\":{\"rooms\":[],\"except\":[],\"flags\":{}},\"packet\":{\"type\":2,\"data\":[\"event\",%s],"
                         "\"nsp\":\"/\"}}",
                         data);
    hold("*11\r\n$4\r\nXADD\r\n$9\r\nsocket.io\r\n$1\r\n*\r\n$3\r\nuid\r\n$5\r\nbench\r\n$3\r\nnsp\r\n$1\r\n/\r\n"
         "$4\r\ntype\r\n$1\r\n3\r\n$4\r\ndata\r\n$%d\r\n%s\r\n",
         bytes, packet);
  } else if (dialect == CENTRIFUGO) {
    hold("*7\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$8\r\nchannels\r\n$5\r\nbench\r\n$7\r\npayload\r\n$%d\r\n%s\r\n",
         EVENT_BYTES, data);
  } else {
    hold("PUB bench %d\r\n%s\r\n", EVENT_BYTES, data);
  }
}

/* NATS acknowledges nothing but a PING, once everything before it is through. Counts the PONGs in `replies`. */
static void read_lines(const char *in, ssize_t size) {
  static char line[8];
  static int have;
  for (ssize_t at = 0; at < size; at++) {
    if (in[at] != '\n') {
      if (have < (int)sizeof line) line[have++] = in[at];
      continue;
    }
    if (have >= 4 && memcmp(line, "-ERR", 4) == 0) fail("nats refused something");
    if (have >= 4 && memcmp(line, "PONG", 4) == 0) replies++;
    have = 0;
  }
}

/* Every reply is "$<n>\r\n<id>\r\n": two line feeds. */
static void read_replies(int flags) {
  static char in[65536];
  static uint64_t line_feeds;
  static int at_start = 1;
  ssize_t size = recv(fd, in, sizeof in, flags);
  if (size == 0) fail("the server closed the connection");
  if (size < 0) {
    if (errno == EAGAIN) return;
    fail("the server cannot be read");
  }
  if (dialect == NATS) return read_lines(in, size);
  for (ssize_t at = 0; at < size; at++) {
    if (at_start && in[at] == '-') fail("redis refused an entry");
    at_start = in[at] == '\n';
    line_feeds += (uint64_t)at_start;
  }
  replies = line_feeds / 2;
}

static void flush(void) {
  size_t sent = 0;
  while (sent < held) {
    ssize_t size = send(fd, out + sent, held - sent, MSG_DONTWAIT);
    if (size > 0) sent += (size_t)size;
    else if (errno != EAGAIN) fail("the server cannot be written");
    else {
      struct pollfd wait = {.fd = fd, .events = POLLIN | POLLOUT};
      poll(&wait, 1, -1);
    }
    read_replies(MSG_DONTWAIT);
  }
  held = 0;
}

static void settle(void) {
  static uint64_t pings;
  if (dialect == NATS) hold("PING\r\n");
  uint64_t wanted = dialect == NATS ? ++pings : produced;
  flush();
  while (replies < wanted) read_replies(0);
}

static void burst(uint64_t events) {
  for (uint64_t at = 0; at < events; at++) {
    append(clock_us(CLOCK_REALTIME));
    if (held > ROOM / 2) flush();
  }
  settle();
}

/* Returns how late the latest event was handed to the kernel, in microseconds. */
static uint64_t pace(double rate, uint64_t events) {
  uint64_t start = clock_us(CLOCK_REALTIME), latest = 0, at = 0;
  while (at < events) {
    uint64_t now = clock_us(CLOCK_REALTIME), due = start + (uint64_t)((double)at * 1e6 / rate);
    if (due > now) {
      flush();
      usleep((useconds_t)(due - now));
      continue;
    }
    if (now - due > latest) latest = now - due;
    append(due);
    at++;
    if (held > ROOM / 2) flush();
  }
  settle();
  return latest;
}

static void answer(uint64_t late_us, uint64_t started_us) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  uint64_t cpu = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                 (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  printf("{\"produced\":%lu,\"matched\":%lu,\"lateUs\":%lu,\"elapsedUs\":%lu,\"cpuUs\":%lu}\n", produced, matched, late_us,
         clock_us(CLOCK_MONOTONIC) - started_us, cpu);
}

int main(int argc, char **argv) {
  if (argc < 8 || argc > 9) {
    fprintf(stderr, "usage: publisher <port> <account> <partitions> <filler every> <dialect> <traced every> <accounts> [<events file>]\n");
    return 2;
  }
  account = argv[2];
  partitions = atoi(argv[3]);
  filler_every = atoi(argv[4]);
  dialect = dialect_of(argv[5]);
  if (dialect == SSE) dialect = FIREHOSE;
  traced_every = atoi(argv[6]);
  accounts = strtoull(argv[7], NULL, 10);
  if (argc == 9) read_lines_of(argv[8]);
  if (partitions < 1 || partitions > MAX_PARTITIONS) fail("1 to 64 partitions");
  memset(filler, 'x', sizeof filler);
  setvbuf(stdout, NULL, _IOLBF, 0);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("the server cannot be reached");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (dialect == NATS) hold("CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
  char line[128];
  while (fgets(line, sizeof line, stdin)) {
    uint64_t started = clock_us(CLOCK_MONOTONIC), events, late = 0;
    double rate;
    if (sscanf(line, "burst %lu", &events) == 1) burst(events);
    else if (sscanf(line, "pace %lf %lu", &rate, &events) == 2) late = pace(rate, events);
    else fail("unknown command");
    answer(late, started);
  }
  return 0;
}
