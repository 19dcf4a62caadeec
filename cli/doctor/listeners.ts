import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import type { GatewayConfig } from '../../gateway/config.ts';
import { ALL_ADDRESSES } from '../../runtime/http/listen.ts';
import { judgeClock } from './clock.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { PROBE_MS } from './limit.ts';

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

const ABSENT = 'start the gateway if it should run, and read its log';
const TAKEN = 'stop what listens there, or set FIREHOSE_PORT and FIREHOSE_INNER_PORT';

/** The gateway's own ports, as configured here: whether they answer, and whether the gateway is ready. */
export async function lookAtListeners(config: GatewayConfig, now: () => number): Promise<readonly Finding[]> {
  const findings = await Promise.all([lookAtInner(config, now), lookAtPublic(config)]);
  return findings.flat();
}

async function lookAtInner(config: GatewayConfig, now: () => number): Promise<Finding[]> {
  const origin = `http://${reachable(config.innerHost)}:${config.innerPort}`;
  const say = about('gateway.inner', origin);
  if (config.innerPort === 0) return [say.ok('is any free port: not looked at')];
  const asked = now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(PROBE_MS), redirect: 'error' });
    text = await response.text();
  } catch (error) {
    return [judgeFailure(say, error)];
  }
  const answered = now();
  const state = parse(text);
  if (state === null) return [say.fail('something else than a gateway answers', TAKEN)];
  const failing = Object.entries(state.checks).filter(([name, { ok }]) => !ok && name !== 'draining');
  const words = failing.map(([name, { detail }]) => `${name} ${detail}`);
  const isDraining = state.checks['draining']?.ok === false;
  const judged = state.ready
    ? say.ok('ready')
    : failing.length === 0 && isDraining
      ? say.warn('is draining: this replica goes away', 'nothing, if another takes its place')
      : say.fail(`is not ready: ${words.join(', ')}`, 'fix what is reported of Redis here, and read its log');
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return [judged];
  // The header has whole seconds, and Node's may be a second old.
  const reading = { asked, answered, earliest: date, latest: date + 2_000 };
  return [judged, judgeClock({ check: 'gateway.clock', subject: origin, ...reading })];
}

function parse(text: string): z.output<typeof readiness> | null {
  try {
    return readiness.parse(JSON.parse(text));
  } catch {
    // Another program may listen there; the caller reports an answer of another form.
    return null;
  }
}

async function lookAtPublic(config: GatewayConfig): Promise<Finding[]> {
  const { tls, proxyProtocol } = config.subscription.spec.gateway;
  const host = reachable(config.host);
  const say = about('gateway.public', `${host}:${config.port}`);
  if (config.port === 0) return [say.ok('is any free port: not looked at')];
  const place = { host: host.replace(/^\[|\]$/g, ''), port: config.port };
  let socket: Socket = connectPlain(place);
  let shown: X509Certificate | null = null;
  try {
    await opened(socket, 'connect');
    if (proxyProtocol) socket.write(PROXY_HEADER);
    if (!tls.disabled) {
      // Compares the served certificate with the file, whatever authority has signed it.
      socket = connectTls({ socket, rejectUnauthorized: false });
      await opened(socket, 'secureConnect');
      shown = (socket as TLSSocket).getPeerX509Certificate() ?? null;
    } else if (proxyProtocol) await answered(socket);
  } catch (error) {
    if (proxyProtocol && !isAbsent(error)) return [say.warn(NOT_TRUSTED, TRUST)];
    return [judgeFailure(say, error)];
  } finally {
    socket.destroy();
  }
  if (shown === null) return [say.ok('accepts connections')];
  const file = await certificateFile(config);
  if (file === null || shown.fingerprint256 === file.fingerprint256) {
    return [say.ok(`answers, with a certificate until ${new Date(shown.validTo).toISOString()}`)];
  }
  const fix = 'restart it if it is the gateway of these files; else something else listens there';
  return [say.warn('shows another certificate than that of the file', fix)];
}

/** A header without an address (proxy-protocol.txt 2.1): the address of the connection counts. */
const PROXY_HEADER = 'PROXY UNKNOWN\r\n';
const NOT_TRUSTED = 'cannot be judged from here: it cuts off a connection with a PROXY header from this machine';
const TRUST = 'add an address of this machine to gateway.trustedProxies, or ask from the load balancer';

function isAbsent(error: unknown): boolean {
  return ['ECONNREFUSED', 'TimeoutError', 'ENOTFOUND', 'EAI_AGAIN'].includes(codeOf(error));
}

/** Settles when an HTTP answer begins, or rejects with the obstacle. */
function answered(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('HTTP/1.1 ')) resolve();
      else reject(new Error('not HTTP'));
    });
    socket.once('close', () => reject(new Error('closed before it answered')));
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  });
}

/** Settles with the event, or rejects with the obstacle. */
function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(PROBE_MS, () => reject(new DOMException('no answer', 'TimeoutError')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before it was open')));
    socket.once(event, () => resolve());
  });
}

async function certificateFile({ tlsFolder, stateFolder }: GatewayConfig): Promise<X509Certificate | null> {
  const file = tlsFolder === null ? join(stateFolder, 'server.crt') : join(tlsFolder, 'tls.crt');
  try {
    return new X509Certificate(await readFile(file));
  } catch {
    // The check of certificates reports a file that cannot be read or parsed; here it is only compared.
    return null;
  }
}

/** Why an inner or public port did not answer. `absent`: what to do when nothing listens there. */
export function judgeFailure(say: ReturnType<typeof about>, error: unknown, absent = ABSENT): Finding {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return say.warn('nothing listens there', absent);
  if (code === 'TimeoutError') {
    return say.fail(`no answer within ${PROBE_MS / 1_000} s`, 'the process hangs: read its log, restart it');
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return say.fail('the host is not found', 'set FIREHOSE_HOST or FIREHOSE_INNER_HOST');
  return say.fail(`something else than a gateway answers (${code})`, TAKEN);
}

/** The system's error; `fetch` hides it in the cause. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const cause = error.cause instanceof Error ? error.cause : error;
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = inner instanceof Error && 'code' in inner ? inner.code : undefined;
  return typeof code === 'string' ? code : error.name;
}

/** A listener on all addresses is reached by the loopback one. */
function reachable(host: string): string {
  if (host === ALL_ADDRESSES || host === '::' || host === '0.0.0.0') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
