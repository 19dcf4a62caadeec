/** `node.mjs own|ws URL STEP`: Node's own WebSocket, or the package ws. */
import { createHash } from 'node:crypto';

const [kind, url, step] = process.argv.slice(2);
const { WebSocket: Client } = kind === 'ws' ? await import('ws') : globalThis;
const digest = createHash('sha256');
let [first, count, socket] = [null, 0, null];

function connect(more) {
  const mine = new Client(url + more);
  socket = mine;
  mine.addEventListener('message', ({ data }) => {
    if (mine === socket && data.startsWith('{"Event-Name"')) read(data);
  });
}

function read(text) {
  const tail = text.lastIndexOf(',"_firehose":');
  digest.update(tail < 0 ? `${text}\n` : `${text.slice(0, tail)}}\n`);
  count += 1;
  first ??= JSON.parse(text).n;
  if (text.includes('"last":true')) {
    console.log(first, count, digest.digest('hex'), socket.extensions);
    socket.close();
  } else if (count % step === 0) walk(count / step, /"cursor":"([^"]+)"/.exec(text)?.[1]);
}

function walk(turn, cursor) {
  if (cursor !== undefined && turn % 4 === 3) {
    const old = socket;
    connect(`&cursor=${cursor}`);
    old.close();
    return;
  }
  if (cursor !== undefined)
    socket.send(JSON.stringify({ filter: { accounts: turn % 2 === 0 ? null : ['account_id_1'], events: null } }));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
}

connect('');
