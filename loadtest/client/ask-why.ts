import http from 'k6/http';
import { STREAM_PATH } from '../../protocol/paths.ts';

/** Why a handshake was refused; status 0 without an answer, or when it would not be refused now. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  /** Seconds; null when absent. */
  readonly retryAfter: number | null;
}

export interface Question {
  readonly url: string;
  readonly token: string;
  /** Cursor of a connection that resumes; empty for one that begins. */
  readonly cursor: string;
}

/**
 * k6/websockets reports neither the status of a refusal nor its headers, so the handshake is repeated as a plain
 * request. A successful one could not be closed, and would never end. So the first request has no token, and shows a
 * refusal for every client; the second requests a replay that ends at once.
 */
export async function askWhy({ url, token, cursor }: Question): Promise<Refusal> {
  const forAll = await askForAll(url);
  if (forAll.status !== 401) return forAll;
  const start = cursor === '' ? 'from=-1s' : `cursor=${cursor}`;
  return ask(`${url}${STREAM_PATH}?v=1&${start}&to=-1s`, { Authorization: `Bearer ${token}` });
}

/** 401 means that only the token is missing. */
export function askForAll(url: string): Promise<Refusal> {
  return ask(`${url}${STREAM_PATH}?v=1`, {});
}

async function ask(address: string, headers: Readonly<Record<string, string>>): Promise<Refusal> {
  const answer = await http.asyncRequest('GET', address, null, {
    headers: {
      ...headers,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'bG9hZCB0ZXN0IG9mIEZILg==',
    },
    tags: { name: 'ask_why' },
    responseCallback: http.expectedStatuses({ min: 101, max: 599 }),
  });
  const code = typeof answer.body === 'string' ? (/"code":"(\w+)"/.exec(answer.body)?.[1] ?? '') : '';
  const retryAfter = Number.parseInt(answer.headers['Retry-After'] ?? '', 10);
  return {
    status: answer.status === 101 ? 0 : answer.status,
    code,
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  };
}
