import type { IncomingMessage } from 'node:http';

/**
 * The scheme of an incoming request. The instrumentation itself knows only which server answers, and Node's plain HTTP
 * server also answers behind TLS.
 */
export function schemeOf({ socket }: IncomingMessage): 'https' | 'http' {
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
}
