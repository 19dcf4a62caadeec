import type { IncomingMessage } from 'node:http';

export type BodyOutcome =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** Nothing more is read: the connection cannot be used again. */
  | { readonly kind: 'too_large' }
  /** The producer disconnected in the middle: no answer is possible. */
  | { readonly kind: 'gone' };

/** The whole body, when it has at most `maxBytes`. Never rejects. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyOutcome> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve({ kind: 'too_large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      request.off('data', onData).pause();
      return resolve({ kind: 'too_large' });
    };
    request.on('data', onData);
    request.once('end', () => resolve({ kind: 'body', bytes: Buffer.concat(chunks, size) }));
    request.once('error', () => resolve({ kind: 'gone' }));
    request.once('close', () => resolve({ kind: 'gone' }));
  });
}
