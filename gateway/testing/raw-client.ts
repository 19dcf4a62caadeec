import { connect } from 'node:net';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { Documented } from './documented.ts';

export interface ExchangeOptions {
  /** Cuts the connection as soon as this returns true. */
  readonly isEnough?: (received: Buffer) => boolean;
  /** Ends its side after the bytes, so that a truncated input is detected at once. */
  readonly halfClose?: boolean;
  /** Sent, followed by a half-close, once an answer has arrived. */
  readonly andThen?: Buffer;
  /** The loopback address of the connection: hostile input is charged only to it. */
  readonly from?: string;
}

/** Loopback addresses one after another, none twice within 16 million. */
export function freshAddress(): string {
  addressesTaken += 1;
  return `127.${[addressesTaken >>> 16, addressesTaken >>> 8, addressesTaken].map((part) => part & 0xff).join('.')}`;
}

/** 127.0.0.x is left to clients that need no address of their own. */
let addressesTaken = 0x01_00_00;

/** The received data of a raw connection until it ended or `isEnough` returned true. */
export function exchange(port: number, bytes: Buffer | string, options: ExchangeOptions = {}): Promise<Buffer> {
  const { isEnough = () => false, halfClose = false, andThen, from } = options;
  const allowHalfOpen = halfClose || andThen !== undefined;
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen, localAddress: from });
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isEnough(received)) socket.destroy();
    });
    if (andThen !== undefined) socket.once('data', () => socket.end(andThen));
    // A reset counts as an answer too: earlier data remains.
    socket.on('error', () => socket.destroy());
    socket.once('end', () => socket.end());
    socket.once('close', () => resolve(received));
    if (halfClose) socket.end(bytes);
    else socket.write(bytes);
  });
}

export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly type: string;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

/** The first HTTP answer, null while it is incomplete. */
export function rawAnswer(received: Buffer): RawAnswer | null {
  const text = received.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  const body = /^transfer-encoding: chunked$/im.test(head) ? chunkedBody(rest) : sizedBody(head, rest);
  if (body === null) return null;
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0),
    head,
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    body,
  };
}

function sizedBody(head: string, rest: string): string | null {
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  return rest.length < length ? null : rest.slice(0, length);
}

/** RFC 9112 7.1. */
function chunkedBody(rest: string): string | null {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const length = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (length === 0) return body;
    if (rest.length < lineEnd + 2 + length + 2) return null;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + length);
    at = lineEnd + 2 + length + 2;
  }
}

/** Fails when the documents do not describe the answer to these bytes (R1). */
export function assertDocumented(bytes: Buffer | string, answer: RawAnswer): void {
  const documented = new Documented();
  documented.raw(bytes.toString('latin1'), answer);
  documented.assertNone();
}

/** Sends input that should be refused, and waits for the complete refusal. */
export async function ask(
  port: number,
  bytes: Buffer | string,
  options: Pick<ExchangeOptions, 'halfClose' | 'from'> = {},
): Promise<RawAnswer> {
  const received = await exchange(port, bytes, { ...options, isEnough: (got) => rawAnswer(got) !== null });
  const answer = rawAnswer(received);
  if (answer === null) return { status: 0, type: '', head: '', body: received.toString('latin1') };
  assertDocumented(bytes, answer);
  return answer;
}

export function upgradeRequest(token: string, query = ''): string {
  return [
    `GET ${STREAM_PATH}?token=${token}${query} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}

export interface FrameOptions {
  readonly fin?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
  /** Length in the header, independent of the payload. */
  readonly length?: number;
  /** Four bytes. */
  readonly key?: Buffer;
}

/** A client's frame, correct by default (RFC 6455 5.2). */
export function clientFrame(opcode: number, payload: Buffer | string = '', options: FrameOptions = {}): Buffer {
  const { fin = true, reserved = 0, masked = true } = options;
  const body = Buffer.from(payload);
  const length = options.length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
  const mark = masked ? 0x80 : 0;
  if (length < 126) head.push(mark | length);
  else if (length < 65_536) head.push(mark | 126, length >>> 8, length & 0xff);
  else
    head.push(
      mark | 127,
      0,
      0,
      0,
      0,
      (length >>> 24) & 0x7f,
      (length >>> 16) & 0xff,
      (length >>> 8) & 0xff,
      length & 0xff,
    );
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const key = options.key ?? Buffer.from([0x12, 0x34, 0x56, 0x78]);
  return Buffer.concat([Buffer.from([...head, ...key]), body.map((byte, at) => byte ^ (key[at % 4] ?? 0))]);
}

/** The frames after the handshake's answer: opcode and payload. */
export function serverFrames(received: Buffer): { opcode: number; payload: Buffer }[] {
  const start = received.indexOf('\r\n\r\n') + 4;
  const frames: { opcode: number; payload: Buffer }[] = [];
  let offset = start < 4 ? received.length : start;
  while (offset + 2 <= received.length) {
    const short = received.readUInt8(offset + 1);
    const header = short < 126 ? 2 : 4;
    const length = short < 126 ? short : received.readUInt16BE(offset + 2);
    frames.push({
      opcode: received.readUInt8(offset) & 0xf,
      payload: received.subarray(offset + header, offset + header + length),
    });
    offset += header + length;
  }
  return frames;
}

/** The code of the server's Close frame, null when there was none. */
export function closeCode(received: Buffer): number | null {
  const close = serverFrames(received).find(({ opcode }) => opcode === 8);
  if (close === undefined || close.payload.length < 2) return null;
  const code = close.payload.readUInt16BE(0);
  const documented = new Documented();
  const reason = close.payload.toString('utf8', 2);
  // Skips a reason whose end has not arrived yet.
  if (reason.endsWith('}')) documented.close(code, reason);
  documented.assertNone();
  return code;
}
