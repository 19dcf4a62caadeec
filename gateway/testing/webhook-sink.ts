/**
 * A receiver as a process of its own, for measurements: answers 204 at once, and on the path `/silent` never. Prints its port, and for each
 * `reset` that it reads what it got since: requests, the time from the first to the last, and their age in milliseconds. What comes
 * to `/other` is answered and not counted. Two arguments, the files of a certificate and its key: over TLS.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createInterface } from 'node:readline';
import type { AddressInfo } from 'node:net';

let [first, last, taken] = [0, 0, 0];
let ages: number[] = [];
const AT = /"at":(\d+(?:\.\d+)?)/;

const receive: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/silent') return;
    if (request.url === '/other') return void response.writeHead(204).end();
    const now = performance.timeOrigin + performance.now();
    if (taken === 0) first = now;
    last = now;
    taken += 1;
    const at = AT.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
    if (at !== undefined) ages.push(now - Number(at));
    response.writeHead(204).end();
  });
};
const [cert, key] = process.argv.slice(2).map((file) => readFileSync(file));
const options = { keepAliveTimeout: 60_000 };
const server =
  cert === undefined ? createServer(options, receive) : createSecureServer({ ...options, cert, key }, receive);
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
createInterface(process.stdin).on('line', (line) => {
  process.stdout.write(`${JSON.stringify({ taken, ms: last - first, ages: line === 'reset' ? ages : [] })}\n`);
  if (line === 'reset') [taken, ages] = [0, []];
});
process.stdin.on('end', () => process.exit());
