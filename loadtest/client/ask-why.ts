import http from 'k6/http';
import { STREAM_PATH } from '../../protocol/paths.ts';

/** Why a handshake was refused; status 0 when nobody answered or it would not be refused now. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  /** Seconds; null when it does not say. */
  readonly retryAfter: number | null;
}

const LIMIT = '2s';

/**
 * Asks for the same handshake again as a plain request, as k6/websockets tells neither status nor headers. One that
 * would come about now is cut off after two seconds.
 */
export async function askWhy(url: string, headers: Readonly<Record<string, string>>, query: string): Promise<Refusal> {
  const answer = await http.asyncRequest('GET', `${url}${STREAM_PATH}${query}`, null, {
    headers: {
      ...headers,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'bG9hZCB0ZXN0IG9mIEZILg==',
    },
    tags: { name: 'ask_why' },
    timeout: LIMIT,
    responseCallback: http.expectedStatuses({ min: 101, max: 599 }),
  });
  const code = typeof answer.body === 'string' ? (/"code":"(\w+)"/.exec(answer.body)?.[1] ?? '') : '';
  const retryAfter = Number.parseInt(answer.headers['Retry-After'] ?? '', 10);
  const status = answer.status === 101 ? 0 : answer.status;
  return { status, code, retryAfter: Number.isNaN(retryAfter) ? null : retryAfter };
}
