import { connect, type TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { logIn } from './neighbour.ts';

/** A gateway as an attacker knows it. */
export interface Victim {
  readonly port: number;
  /** Authority that signed its certificate, PEM. */
  readonly ca: string;
}

interface AttackOptions {
  readonly victim: Victim;
  /** Loopback addresses that the attacker sends from. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  /** Called for each hostile act that reached the victim. */
  readonly onAct: () => void;
}

/** Runs until the signal aborts. */
type Attack = (options: AttackOptions) => Promise<void>;

/** A user of another account than the well-behaved client's. */
const HOSTILE_USER = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const BLOCK_BYTES = 65_536;
const NOTHING = Buffer.alloc(0);
const LOGINS_AT_ONCE = 1_000;
/** Interval at which one of these logs in: 500 logins a second in all. */
const LOGIN_EVERY_MS = 2_000;
/** For users that an external server judges: 1,000 logins within the time of one answer. */
const ASKED_EVERY_MS = 4_000;
const STREAMS_PER_ADDRESS = 2;
/**
 * The rate of an attack does not depend on its effect, so that a control can be compared: an address opens 20
 * connections a second, one after the other, and writes at most 1 MB on each.
 */
const CONNECT_EVERY_MS = 50;
const MOST_BLOCKS = 16;
const HOLD_MS = 1_000;

export const ATTACKS = {
  /** B1: blocks of pipelined requests, on many connections. */
  'pipelined requests': (options) => keepSending(options, pipelined(`GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n`)),
  /** B1: the same with logins, of which each has its body read. */
  'pipelined logins': (options) =>
    keepSending(options, pipelined(`POST ${LOGIN_PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}`)),
  /** B2: 1,000 concurrent logins, half of them with the correct password of one user. */
  'flood of logins': (options) =>
    floodLogins(options, LOGIN_EVERY_MS, (at) => (at % 2 === 0 ? HOSTILE_USER : strangerOf(at))),
  /** 1,000 logins of users that the directory lacks, at a gateway whose external login server hangs. */
  'logins at a hanging server': (options) => floodLogins(options, ASKED_EVERY_MS, strangerOf),
  /** B3: unsolicited pongs, as fast as the socket takes them. */
  'flood of pongs': (options) => floodFrames(options, Buffer.concat(repeat(frame(10, 'x'), 1_000))),
  /** B3: a frame that makes the gateway close, and a flood after it. */
  'frames after close': (options) =>
    floodFrames(options, Buffer.concat([...repeat(frame(1, 'x'), 200), ...repeat(frame(9, 'y'), 1_000)])),
  /** Only TLS handshakes. */
  'handshakes for nothing': (options) => keepSending(options, NOTHING),
  /** Streams with a valid token that are closed as soon as they are open. */
  reconnects: (options) => floodFrames(options, frame(8, ''), NOTHING),
  /** B5: streams that never read, over TLS. */
  'unread streams': holdUnread,
  /** TLS handshakes that stop half way, and requests that never end. */
  'half-open connections': holdHalfOpen,
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;

/** Its target uses a login server that hangs. */
export const AT_HANGING_SERVER: AttackName = 'logins at a hanging server';

function pipelined(request: string): Buffer {
  return Buffer.from(request.repeat(Math.ceil(BLOCK_BYTES / request.length)));
}

function repeat<T>(value: T, times: number): T[] {
  return Array.from({ length: times }, () => value);
}

/** A masked client frame of at most 125 bytes (RFC 6455 5.2); the key of zeros leaves the payload unchanged. */
function frame(opcode: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

/**
 * Connections of each address, one after the other: each writes the block until it is ended or has written enough. With
 * an empty block it is closed after `hello` and the time of one answer.
 */
async function keepSending(options: AttackOptions, block: Buffer, hello: Buffer | null = null): Promise<void> {
  const one = async (localAddress: string) => {
    for await (const _beat of beats(CONNECT_EVERY_MS, options.signal)) {
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(HOLD_MS)]);
      await using connection = await openSocket(options.victim, localAddress, signal);
      if (connection === null) continue;
      const { socket } = connection;
      options.onAct();
      socket.resume();
      if (hello !== null) {
        await written(socket, hello, signal);
        if (block.length === 0) await answered(socket);
      }
      if (block.length === 0) continue;
      for (let blocks = 0; blocks < MOST_BLOCKS && socket.writable && !signal.aborted; blocks += 1) {
        await written(socket, block, signal);
      }
    }
  };
  await Promise.all(options.addresses.map(one));
}

/** Each of 1,000 clients logs in every `everyMs`. */
async function floodLogins(
  { victim, addresses, signal, onAct }: AttackOptions,
  everyMs: number,
  userOf: (at: number) => object,
): Promise<void> {
  const one = async (at: number) => {
    const address = addresses[at % addresses.length] ?? '127.0.0.1';
    await pause((at / LOGINS_AT_ONCE) * everyMs, signal);
    for await (const _beat of beats(everyMs, signal)) {
      await logIn(victim, userOf(at), address);
      onAct();
    }
  };
  await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, (_, at) => one(at)));
}

function strangerOf(at: number): object {
  return { ...HOSTILE_USER, username: `nobody-${at}`, password: 'wrong' };
}

/** Streams with one valid token that write the frames as long as the socket takes them. */
async function floodFrames(options: AttackOptions, frames: Buffer, block = flooding(frames)): Promise<void> {
  const { token } = await logIn(options.victim, HOSTILE_USER, options.addresses[0]);
  return keepSending(options, block, Buffer.concat([upgrade(token), frames]));
}

function flooding(frames: Buffer): Buffer {
  return Buffer.concat(repeat(frames, Math.ceil(BLOCK_BYTES / frames.length)));
}

async function holdUnread({ victim, addresses, signal, onAct }: AttackOptions): Promise<void> {
  const { token } = await logIn(victim, HOSTILE_USER, addresses[0]);
  const all = addresses.flatMap((address) => repeat(address, STREAMS_PER_ADDRESS));
  const one = async (localAddress: string) => {
    await using connection = await openSocket(victim, localAddress, signal);
    if (connection === null) return;
    connection.socket.pause();
    await written(connection.socket, upgrade(token), signal);
    onAct();
    await aborted(signal);
  };
  await Promise.all(all.map(one));
}

async function holdHalfOpen({ victim, addresses, signal, onAct }: AttackOptions): Promise<void> {
  const one = async (localAddress: string) => {
    for await (const _beat of beats(CONNECT_EVERY_MS, signal)) {
      await using connection = await openSocket(victim, localAddress, signal);
      if (connection === null) continue;
      await written(connection.socket, Buffer.from(`POST ${LOGIN_PATH} HTTP/1.1\r\nHost: a\r\nX-Slow: `), signal);
      onAct();
      while (connection.socket.writable && !signal.aborted) {
        await written(connection.socket, Buffer.from('y'), signal);
        await pause(CONNECT_EVERY_MS, signal);
      }
    }
  };
  await Promise.all(addresses.map(one));
}

function upgrade(token: string): Buffer {
  const lines = ['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  return Buffer.from([`GET ${STREAM_PATH}?token=${token} HTTP/1.1`, ...lines, key, '\r\n'].join('\r\n'));
}

interface OwnedSocket extends AsyncDisposable {
  readonly socket: TLSSocket;
}

/** Null when the gateway refuses the connection. */
async function openSocket(victim: Victim, localAddress: string, signal: AbortSignal): Promise<OwnedSocket | null> {
  const options = { host: '127.0.0.1', servername: 'localhost', localAddress } as const;
  const socket = connect({ ...options, port: victim.port, ca: victim.ca });
  const close = () => socket.destroy();
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => resolve(true));
    socket.once('close', () => resolve(false));
    socket.on('error', () => socket.destroy());
  });
  if (!isOpen) return null;
  return {
    socket,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', close);
      socket.destroy();
    },
  };
}

/** Resolves when the kernel took the bytes, the connection ended or the signal aborted. */
async function written(socket: TLSSocket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (signal.aborted || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', resolve);
    socket.write(bytes, () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}

/** Resolves with the first bytes of the victim, or with the end of the connection. */
async function answered(socket: TLSSocket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('data', () => resolve());
    socket.once('close', () => resolve());
  });
}

/** Calls every `ms`, and skips calls while the last one is still running. Ends when the signal aborts. */
async function* beats(ms: number, signal: AbortSignal): AsyncGenerator<void> {
  let next = performance.now();
  while (!signal.aborted) {
    yield;
    const now = performance.now();
    next = Math.max(next + ms, now);
    await pause(next - now, signal);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
