import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, problemBody, type Problem } from './problem.ts';

const LAST_WORD_MS = 2_000;

/** Answers a refused request on its raw socket and ends it; a peer that does not take the answer is cut off. */
export function refuseOnSocket(socket: Socket, problem: Problem): void {
  lastWords(socket, problemResponse(problem));
}

/** Ends a connection with an answer; a peer that does not take it is cut off. */
export function lastWords(socket: Socket, answer: string | Buffer): void {
  // A second fault on a connection that is already being ended: the first answer and its timer remain.
  if (socket.writableEnded) return;
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LAST_WORD_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('error', () => socket.destroy());
  socket.end(answer);
  // Further input of the peer is read and dropped, so that it gets the answer and not a reset.
  socket.resume();
}

/** The whole HTTP response of a problem, for a connection on which nothing more is read. */
export function problemResponse(problem: Problem): string {
  const body = problemBody(problem);
  const headers = {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...problem.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`, ...lines].join('\r\n');
  return `${head}\r\n\r\n${body}`;
}
