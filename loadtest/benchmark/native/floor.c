/*
 * The least that a server can do: write() of frames built beforehand, to every connection that takes them.
 *
 *   floor <frames a write> [<payload bytes>]
 *
 * Prints {"port":N}; answers any upgrade; after `start` on stdin it writes batches round robin as fast as they are
 * taken, until `stop`; after `once` it writes one batch. `mark` prints {"frames":N,"writes":N}: what the kernel took, which is not yet delivered.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 20000

struct connection {
  int fd, open, writable;
  size_t offset;
};

static struct connection connections[MAX_CONNECTIONS];
static int count, epoll_fd, running;
static unsigned char *batch;
static size_t batch_bytes, payload = 1025;
static uint64_t taken, writes;

static const char REPLY[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void build(int frames) {
  size_t frame_bytes = 4 + payload;
  batch_bytes = (size_t)frames * frame_bytes;
  batch = malloc(batch_bytes);
  memset(batch, 'x', batch_bytes);
  for (int at = 0; at < frames; at++) {
    unsigned char *frame = batch + (size_t)at * frame_bytes;
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = (unsigned char)(payload >> 8);
    frame[3] = (unsigned char)payload;
  }
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (count == MAX_CONNECTIONS) exit(1);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[count] = (struct connection){.fd = fd, .writable = 1};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)count++};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

static void on_event(struct connection *c, uint32_t events) {
  if (events & EPOLLOUT) c->writable = 1;
  if (!(events & EPOLLIN)) return;
  char request[16384];
  ssize_t size;
  while ((size = read(c->fd, request, sizeof request)) > 0) {
    if (!c->open && memmem(request, (size_t)size, "\r\n\r\n", 4)) {
      c->open = write(c->fd, REPLY, sizeof REPLY - 1) == (ssize_t)sizeof REPLY - 1;
    }
  }
  if (size == 0) c->open = 0;
}

/* One write to every connection that takes one; 0 when nobody did. */
static int round_robin(void) {
  int wrote = 0;
  for (int at = 0; at < count; at++) {
    struct connection *c = &connections[at];
    if (!c->open || !c->writable) continue;
    ssize_t size = write(c->fd, batch + c->offset, batch_bytes - c->offset);
    if (size < 0) {
      c->writable = 0;
      if (errno != EAGAIN) c->open = 0;
      continue;
    }
    wrote = 1;
    writes++;
    taken += (uint64_t)size;
    c->offset = (c->offset + (size_t)size) % batch_bytes;
  }
  return wrote;
}

static void command(void) {
  char line[256];
  ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
  if (size <= 0) exit(0);
  line[size] = 0;
  for (char *word = strtok(line, "\n"); word; word = strtok(NULL, "\n")) {
    if (strcmp(word, "start") == 0) running = 1;
    if (strcmp(word, "stop") == 0) running = 0;
    if (strcmp(word, "once") == 0) round_robin();
    if (strcmp(word, "quit") == 0) exit(0);
    if (strcmp(word, "mark") == 0) printf("{\"frames\":%lu,\"writes\":%lu}\n", taken / (4 + payload), writes);
  }
}

int main(int argc, char **argv) {
  if (argc == 3) payload = (size_t)atoi(argv[2]);
  /* The lengths that a header of four bytes tells. */
  if (argc < 2 || argc > 3 || atoi(argv[1]) < 1 || payload < 126 || payload > 65535) {
    fprintf(stderr, "usage: floor <frames a write> [<payload bytes>]\n");
    return 2;
  }
  build(atoi(argv[1]));
  setvbuf(stdout, NULL, _IOLBF, 0);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1024) < 0) return 1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  epoll_fd = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
  event.data.u32 = UINT32_MAX - 1;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  struct epoll_event events[1024];
  int idle = 1;
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, 1024, idle ? -1 : 0);
    for (int at = 0; at < ready; at++) {
      uint32_t index = events[at].data.u32;
      if (index == UINT32_MAX) accept_all(listener);
      else if (index == UINT32_MAX - 1) command();
      else on_event(&connections[index], events[at].events);
    }
    idle = running ? !round_robin() : 1;
  }
}
