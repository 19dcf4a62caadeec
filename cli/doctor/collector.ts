import { connect as connectHttp2 } from 'node:http2';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { readSettings, settingFaults, type OtlpProtocol } from '../../runtime/telemetry/settings.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { PROBE_MS } from './limit.ts';
import { codeOf } from './listeners.ts';

const SIGNALS = ['traces', 'metrics'] as const;
const AWAY = 'start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT; the gateway goes on without it';

/** Whether its settings can be read, and whether the collector accepts an (empty) export of a gateway. */
export async function lookAtCollector(environment: Environment): Promise<readonly Finding[]> {
  const faults = settingFaults(environment, ['gateway']).map((fault) =>
    about('telemetry').warn(fault, 'correct it, or leave it out'),
  );
  const settings = readSettings(environment, ['gateway']);
  if (settings === null) return faults;
  const findings = await Promise.all(
    SIGNALS.map(async (signal) => {
      const protocol = settings[signal];
      return protocol === null ? [] : [await lookAtSignal(signal, protocol, environment)];
    }),
  );
  return [...faults, ...findings.flat()];
}

async function lookAtSignal(
  signal: (typeof SIGNALS)[number],
  protocol: OtlpProtocol,
  environment: Environment,
): Promise<Finding> {
  const own = environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`]?.trim() ?? '';
  const base = URL.parse(own || (environment['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() ?? ''));
  if (base === null || !['http:', 'https:'].includes(base.protocol)) {
    const fix = 'give it as http://host:4318, or with https, and port 4317 for gRPC';
    return about('collector', signal).fail('its endpoint is no http or https URL', fix);
  }
  const say = about('collector', `${signal} to ${base.host}`);
  if (protocol === 'grpc') return judged(say, () => speaksHttp2(base));
  // The general endpoint is a base, a signal's own is used unchanged.
  const path = own === '' ? `${base.pathname.replace(/\/$/, '')}/v1/${signal}` : base.pathname;
  return judged(say, () => exportNothing(new URL(path, base), protocol, environment['OTEL_EXPORTER_OTLP_HEADERS']));
}

async function judged(say: ReturnType<typeof about>, look: () => Promise<string>): Promise<Finding> {
  try {
    const refusal = await look();
    return refusal === '' ? say.ok('takes what it is sent') : say.warn(`refuses: ${refusal}`, AWAY);
  } catch (error) {
    return say.warn(`cannot be reached (${codeOf(error)})`, AWAY);
  }
}

/** An empty message is a valid empty export. Returns the refusal, empty for none. */
async function exportNothing(url: URL, protocol: OtlpProtocol, headers = ''): Promise<string> {
  const isJson = protocol === 'http/json';
  // In the form for Node's HTTP clients; fetch refuses a URL with a login.
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const authorization = login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  [url.username, url.password] = ['', ''];
  const response = await fetch(url, {
    method: 'POST',
    body: isJson ? '{}' : '',
    headers: {
      ...authorization,
      ...parseHeaders(headers),
      'content-type': isJson ? 'application/json' : 'application/x-protobuf',
    },
    redirect: 'error',
    signal: AbortSignal.timeout(PROBE_MS),
  });
  await response.arrayBuffer();
  return response.ok ? '' : `HTTP ${response.status}`;
}

/** `key=value,key=value`, values percent-encoded (W3C Baggage). Malformed parts are omitted. */
function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^\s*([\w.-]+)\s*=\s*(\S.*?)\s*$/.exec(pair));
  return Object.fromEntries(
    pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', decodeURIComponent(pair[2] ?? '')]])),
  );
}

/** gRPC is HTTP/2 from the first byte: its settings frame shows it. */
function speaksHttp2(base: URL): Promise<string> {
  const session = connectHttp2(base);
  return new Promise<string>((resolve, reject) => {
    session.setTimeout(PROBE_MS, () => reject(new DOMException('no answer', 'TimeoutError')));
    session.once('error', reject);
    session.once('close', () => reject(new Error('closed before it spoke')));
    session.once('remoteSettings', () => resolve(''));
  }).finally(() => session.destroy());
}
