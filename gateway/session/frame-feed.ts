import type { Socket } from 'node:net';

/** At most 170 empty frames, the smallest there are (RFC 6455 5.2). */
const PIECE_BYTES = 1_024;

/** Who says whether more of a connection may be read. */
export interface FrameReader {
  readonly mayRead: boolean;
}

/** On the socket itself, and the listeners shared: closures of their own would cost memory for each connection. */
const FEED = Symbol('feed');
type Fed = Socket & { [FEED]: { readonly parse: (this: Socket, chunk: Buffer) => void; readonly reader: FrameReader } };

/**
 * Gives `ws` what a connection brings in small pieces, and stops between two of them when nothing more may be read. `ws`
 * parses a whole read at once: 64 KB are 10,000 frames, and a hundred milliseconds, whatever was decided at the first of
 * them. It also parses what is still buffered when the connection ends. Called once `ws` has the socket.
 */
export function feedInPieces(socket: Socket, reader: FrameReader): void {
  const [parse, ...others] = socket.listeners('data') as ((this: Socket, chunk: Buffer) => void)[];
  if (parse === undefined || others.length > 0) throw new Error('unreachable: ws alone reads the connection');
  const fed = Object.assign(socket, { [FEED]: { parse, reader } });
  // Not `removeAllListeners`, which makes a dictionary of the socket's listeners: 400 bytes.
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
