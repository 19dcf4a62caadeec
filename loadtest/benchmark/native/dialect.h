/*
 * How each server under test is spoken to. Given by name to receiver and publisher.
 *
 *   firehose    one event a text frame; XADD into the partitions' streams
 *   socketio    Engine.IO 4 and Socket.IO 5 packets; XADD into the stream that its Redis Streams adapter reads
 *   nats        NATS protocol in frames that are cut anywhere; PUB over TCP, as it reads no Redis
 *   centrifugo  lines of JSON, several a frame; XADD into the stream that its Redis consumer reads
 *   sse         Server-Sent Events without frames; published as for firehose
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum dialect { FIREHOSE, SOCKETIO, NATS, CENTRIFUGO, SSE };

static enum dialect dialect_of(const char *name) {
  static const char *const names[] = {"firehose", "socketio", "nats", "centrifugo", "sse"};
  for (int at = 0; at < 5; at++) {
    if (strcmp(name, names[at]) == 0) return (enum dialect)at;
  }
  fprintf(stderr, "unknown dialect %s\n", name);
  exit(2);
}
