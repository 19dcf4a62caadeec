/*
 * How far apart two cores are just now: the nanoseconds that a cache line needs from one to the other and back.
 *   distance <core> <core>
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_TRIPS 20000

static _Alignas(128) atomic_int turn;
static int cores[2];

static void run_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    perror("distance: sched_setaffinity");
    exit(1);
  }
}

static void await(int mine) {
  while (atomic_load_explicit(&turn, memory_order_acquire) != mine) {
  }
}

static void *answer(void *unused) {
  run_on(cores[1]);
  for (int at = 0; at < ROUND_TRIPS; at++) {
    await(1);
    atomic_store_explicit(&turn, 0, memory_order_release);
  }
  return unused;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: distance <core> <core>\n");
    return 2;
  }
  cores[0] = atoi(argv[1]);
  cores[1] = atoi(argv[2]);
  run_on(cores[0]);
  pthread_t other;
  if (pthread_create(&other, NULL, answer, NULL) != 0) return 1;
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int at = 0; at < ROUND_TRIPS; at++) {
    atomic_store_explicit(&turn, 1, memory_order_release);
    await(0);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  pthread_join(other, NULL);
  printf("%.0f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ROUND_TRIPS);
  return 0;
}
