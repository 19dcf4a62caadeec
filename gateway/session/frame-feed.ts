import type { Socket } from 'node:net';

/** At most 170 empty frames, the smallest there are (RFC 6455 5.2). */
const PIECE_BYTES = 1_024;

/**
 * Gives `ws` what a connection brings in small pieces, and stops between two of them when nothing more may be read. `ws`
 * parses a whole read at once: 64 KB are 10,000 frames, and a hundred milliseconds, whatever was decided at the first of
 * them. It also parses what is still buffered when the connection ends. Called once `ws` has the socket.
 */
export function feedInPieces(socket: Socket, mayRead: () => boolean): void {
  const parsers = socket.listeners('data') as ((this: Socket, chunk: Buffer) => void)[];
  socket.removeAllListeners('data');
  const goesOn = () => !socket.destroyed && mayRead();
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && goesOn(); at += PIECE_BYTES) {
      for (const parse of parsers) parse.call(socket, chunk.subarray(at, at + PIECE_BYTES));
    }
  });
  socket.prependListener('close', () => {
    if (!mayRead()) discard(socket);
  });
}

function discard(socket: Socket): void {
  while (socket.read() !== null);
}
