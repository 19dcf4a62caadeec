import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { CertificatePem } from '../../runtime/certificates/certificate.ts';

interface AdminAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The administrator of a control plane, over plain HTTPS: prepares and reads the state of a test. */
export interface Admin {
  readonly credentials: CertificatePem;
  /** Whether the API server reports that it is ready; also false when it does not answer. */
  isReady(): Promise<boolean>;
  /** Whether there is an object at this path. */
  isServed(path: string): Promise<boolean>;
  /** JSON in, JSON out; never rejects because of a status. A string is sent unchanged. */
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<AdminAnswer>;
  /** Like `call`, but rejects for a status of 400 or more. */
  must(method: string, path: string, body?: unknown, contentType?: string): Promise<Record<string, unknown>>;
}

const LIMIT_MS = 20_000;

export function createAdmin(server: string, ca: string, credentials: CertificatePem): Admin {
  const agent = new Agent({ keepAlive: true, ca, ...credentials });
  const send = (method: string, path: string, body?: unknown, contentType = 'application/json') =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const signal = AbortSignal.timeout(LIMIT_MS);
      const headers = { ...(body !== undefined && { 'Content-Type': contentType }), Accept: 'application/json' };
      const call = request(`${server}${path}`, { method, agent, headers, signal }, (answer) => {
        text(answer).then((content) => resolve({ status: answer.statusCode ?? 0, body: content }), reject);
      });
      call.once('error', reject);
      call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
  const call: Admin['call'] = async (method, path, body, contentType) => {
    const answer = await send(method, path, body, contentType);
    return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown> };
  };
  const isServed = (path: string) =>
    send('GET', path).then(
      ({ status }) => status === 200,
      () => false,
    );
  return {
    credentials,
    isReady: () => isServed('/readyz'),
    isServed,
    call,
    async must(method, path, body, contentType) {
      const answer = await call(method, path, body, contentType);
      if (answer.status >= 400)
        throw new Error(`${method} ${path}: ${answer.status} ${String(answer.body['message'])}`);
      return answer.body;
    },
  };
}
