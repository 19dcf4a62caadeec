import type { Socket } from 'node:net';

/** At most 170 empty frames, the smallest possible (RFC 6455 5.2). */
const PIECE_BYTES = 1_024;

/** Decides whether more of a connection may be read. */
export interface FrameReader {
  readonly mayRead: boolean;
}

/** Stored on the socket, with shared listeners: separate closures would cost memory for each connection. */
const FEED = Symbol('feed');
type Fed = Socket & { [FEED]: { readonly parse: (this: Socket, chunk: Buffer) => void; readonly reader: FrameReader } };

/**
 * Passes a connection's input to `ws` in small pieces, and stops between two pieces when no more may be read. `ws`
 * parses a whole read at once: 64 KB are 10,000 frames and 100 ms, even if the first frame ended the session. It also
 * parses buffered data when the connection ends. Call once `ws` has the socket.
 */
export function feedInPieces(socket: Socket, reader: FrameReader): void {
  const [parse, ...others] = socket.listeners('data') as ((this: Socket, chunk: Buffer) => void)[];
  if (parse === undefined || others.length > 0) throw new Error('unreachable: ws alone reads the connection');
  const fed = Object.assign(socket, { [FEED]: { parse, reader } });
  // Not `removeAllListeners`: it turns the socket's listeners into a dictionary of 400 bytes.
  fed.off('data', parse).on('data', feed).prependListener('close', discardUnread);
}

function feed(this: Socket, chunk: Buffer): void {
  const { parse, reader } = (this as Fed)[FEED];
  for (let at = 0; at < chunk.length && !this.destroyed && reader.mayRead; at += PIECE_BYTES) {
    parse.call(this, chunk.subarray(at, at + PIECE_BYTES));
  }
}

function discardUnread(this: Socket): void {
  if ((this as Fed)[FEED].reader.mayRead) return;
  while (this.read() !== null);
}
