/** `node.mjs own|ws URL`: Node's own WebSocket, or the package ws. */
import { createHash } from 'node:crypto';

const [kind, url] = process.argv.slice(2);
const { WebSocket: Client } = kind === 'ws' ? await import('ws') : globalThis;
const digest = createHash('sha256');
let [first, count] = [null, 0];
const socket = new Client(url);
socket.addEventListener('message', ({ data }) => {
  digest.update(`${data}\n`);
  count += 1;
  first ??= JSON.parse(data).n;
  if (data.includes('"last":true')) {
    console.log(first, count, digest.digest('hex'), socket.extensions);
    socket.close();
  } else if (count % 5_000 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
});
