import type { IncomingMessage } from 'node:http';

/**
 * The scheme of a request that came in. The instrumentation itself knows only whose server answers, and Node's plain
 * HTTP server answers behind TLS too.
 */
export function schemeOf({ socket }: IncomingMessage): 'https' | 'http' {
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
}
