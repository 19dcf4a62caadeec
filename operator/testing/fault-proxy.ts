import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { issueCertificate } from '../../runtime/certificates/certificate.ts';
import type { ControlPlane } from '../../testing/control-plane/control-plane.ts';

/** What happens to one request on its way to the real API server. */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterS?: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Forwards it when this is settled. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** The answer is cut off in the middle. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'cut' }
  /** The answer begins, and then stops. */
  | { readonly kind: 'silence' };

export interface PassingRequest {
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
  readonly isWrite: boolean;
}

export interface FaultProxy extends AsyncDisposable {
  readonly server: string;
  /** All requests, in order. */
  readonly requests: readonly (PassingRequest & { readonly at: number })[];
  /** Watches that the real API server answered with 410: before the stream, or as its first event. */
  readonly expired: readonly string[];
  /** Decides on each request; null lets it pass. */
  judge: (request: PassingRequest) => Fault | null;
  /** Ends every open exchange. */
  cutAll(): void;
}

/** A proxy in front of the real API server: clients authenticate by their token, which passes through. */
export async function startFaultProxy(plane: ControlPlane): Promise<FaultProxy> {
  const names = { dns: ['localhost'], ips: ['127.0.0.1'], subject: 'CN=proxy', usage: 'server' as const };
  const certificate = await issueCertificate(plane.pki.authority, { ...names, now: Date.now(), days: 1 });
  const agent = new Agent({ keepAlive: true, ca: plane.pki.authority.cert });
  const open = new Set<ServerResponse>();
  const requests: (PassingRequest & { at: number })[] = [];
  const expired: string[] = [];
  const proxy = createServer(certificate, (incoming, outgoing) => {
    open.add(outgoing);
    outgoing.once('close', () => open.delete(outgoing));
    const passing = passingOf(incoming);
    requests.push({ ...passing, at: Date.now() });
    handle(incoming, outgoing, self.judge(passing)).catch(() => outgoing.destroy());
  });
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | null) => {
    if (fault?.kind === 'cut') return outgoing.destroy();
    if (fault?.kind === 'delay') await delay(fault.ms);
    if (fault?.kind === 'hold') await fault.until;
    if (fault?.kind === 'answer') {
      const retry = fault.retryAfterS === undefined ? {} : { 'Retry-After': String(fault.retryAfterS) };
      outgoing.writeHead(fault.status, { 'Content-Type': 'application/json', ...retry });
      return outgoing.end(JSON.stringify({ kind: 'Status', code: fault.status, message: 'by the proxy' }));
    }
    const onExpired = (path: string) => void expired.push(path);
    forward(incoming, outgoing, { plane, agent, fault, onExpired });
    return undefined;
  };
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const self: FaultProxy = {
    server: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    expired,
    judge: () => null,
    cutAll() {
      for (const response of open) response.destroy();
    },
    async [Symbol.asyncDispose]() {
      proxy.close();
      proxy.closeAllConnections();
      agent.destroy();
      await once(proxy, 'close');
    },
  };
  return self;
}

interface Forwarding {
  readonly plane: ControlPlane;
  readonly agent: Agent;
  readonly fault: Fault | null;
  readonly onExpired: (path: string) => void;
}

/** Forwards a request to the real API server, and its answer back as far as the fault allows. */
function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { plane, agent, fault, onExpired }: Forwarding,
): void {
  const { isWatch, path } = passingOf(incoming);
  const { host: _, ...headers } = incoming.headers;
  const call = request(`${plane.server}${incoming.url ?? ''}`, { method: incoming.method, headers, agent });
  call.once('error', () => outgoing.destroy());
  outgoing.once('close', () => call.destroy());
  call.once('response', (answer) => {
    if (fault?.kind === 'truncate') {
      outgoing.writeHead(answer.statusCode ?? 502, { 'Content-Type': 'application/json' });
      outgoing.write('{"kind":"FirehoseSubscri');
      answer.destroy();
      return void setTimeout(() => outgoing.destroy(), 20);
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    if (isWatch) answer.once('data', (first: Buffer) => void (saysGone(answer, first) && onExpired(path)));
    if (fault?.kind !== 'silence') answer.pipe(outgoing);
  });
  incoming.pipe(call);
}

function saysGone({ statusCode }: IncomingMessage, first: Buffer): boolean {
  return statusCode === 410 || /"type":"ERROR".*"code":410/.test(first.toString('utf8'));
}

function passingOf({ method = 'GET', url = '' }: IncomingMessage): PassingRequest {
  const [path = '', query = ''] = url.split('?');
  return { method, path, isWatch: query.includes('watch=1'), isWrite: method !== 'GET' };
}
