/**
 * Other clients of a gateway while its latency is measured. Environment: PORT, TARGET (an accepted request target),
 * LOGINS and RESUMES a second, SLOW connections that do not read. Prints {"ready":true}, and a count of its actions for
 * each line of input.
 */
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { LOGIN_PATH } from '../../protocol/paths.ts';
import { LOGIN } from './configuration.ts';

const number = (name: string) => Number(process.env[name] ?? 0);
const base = `127.0.0.1:${process.env['PORT'] ?? ''}`;
const target = process.env['TARGET'] ?? '/';
const done = { logins: 0, resumes: 0, slow: 0, failed: 0 };

async function login(): Promise<void> {
  const answer = await fetch(`http://${base}${LOGIN_PATH}`, { method: 'POST', body: JSON.stringify(LOGIN) });
  await answer.arrayBuffer();
  if (answer.ok) done.logins += 1;
  else done.failed += 1;
}

/** From a second ago, until it has the first event. */
function resume(): Promise<void> {
  const socket = new WebSocket(`ws://${base}${target}&from=-1s`, { perMessageDeflate: false });
  return new Promise((resolve) => {
    socket.once('error', () => {
      done.failed += 1;
      resolve();
    });
    socket.once('message', () => {
      done.resumes += 1;
      socket.terminate();
      resolve();
    });
  });
}

/** Open, but not read from then on. */
function slow(): Promise<void> {
  const socket = new WebSocket(`ws://${base}${target}`, { perMessageDeflate: false });
  // A slow one may be closed: that is the product's policy, not a fault of the run.
  socket.on('error', () => socket.terminate());
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.pause();
      done.slow += 1;
      resolve();
    });
    socket.once('close', () => resolve());
  });
}

/** Starts even if the previous login has not ended: real users do not wait for each other. */
function every(perSecond: number, what: () => Promise<void>): void {
  if (perSecond > 0) setInterval(() => void what().catch(() => (done.failed += 1)), 1_000 / perSecond);
}

await Promise.all(Array.from({ length: number('SLOW') }, slow));
every(number('LOGINS'), login);
every(number('RESUMES'), resume);
process.stdout.write('{"ready":true}\n');
for await (const _line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(done)}\n`);
process.exit(0);
