import { access } from 'node:fs/promises';
import { get as plainGet } from 'node:http';
import { get, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { CommandFault } from '../administration.ts';
import { codeOf } from '../doctor/listeners.ts';
import { tlsFault, type SeenCertificate } from './tls-fault.ts';

const LIMIT_MS = 10_000;
const KEYS_PATH = '/.well-known/jwks.json';
const MOST_BYTES = 65_536;
/** Where `npm start` stores its certificate authority. */
const EXAMPLE = '.firehose/ca.crt';

export interface Place {
  readonly url: string;
  readonly ca: string;
  readonly insecure: boolean;
  /** Whether the caller named `ca`. */
  readonly hasOwnAuthority: boolean;
}

/** Requests the gateway's public keys, once. Rejects with a CommandFault that says what is wrong and what to do. */
export async function reachGateway(place: Place): Promise<void> {
  const url = new URL(place.url);
  let answer: { status: number; body: string };
  try {
    answer = await ask(new URL(KEYS_PATH, url), place);
  } catch (error) {
    const fault = { code: codeOf(error), message: (error as Error).message };
    const seen = url.protocol === 'https:' ? await seenCertificate(url) : null;
    const exampleAuthority = await access(EXAMPLE).then(
      () => EXAMPLE,
      () => null,
    );
    const lines = tlsFault(fault, { url, hasOwnAuthority: place.hasOwnAuthority, exampleAuthority }, seen);
    throw new CommandFault('unreachable', lines.join('\n'));
  }
  if (url.protocol === 'http:' && answer.body.includes('"tls_required"')) {
    throw new CommandFault('unreachable', `${url.host} speaks TLS: give https://${url.host}`);
  }
  if (answer.status === 404 || (answer.status === 200 && !answer.body.includes('"keys"'))) {
    throw new CommandFault(
      'unreachable',
      `${url.host} does not answer as the public port of a gateway does (${answer.status}): its default is 9443`,
    );
  }
}

function ask(url: URL, { ca, insecure }: Place): Promise<{ status: number; body: string }> {
  const options: RequestOptions = {
    agent: false,
    ca,
    rejectUnauthorized: !insecure,
    signal: AbortSignal.timeout(LIMIT_MS),
  };
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'http:' ? plainGet : get)(url, options, (answer) => {
      let body = '';
      answer.on('data', (part: Buffer) => {
        if (body.length < MOST_BYTES) body += part.toString();
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
  });
}

/** The certificate that the server presents, trusted or not; null when there is none. */
function seenCertificate({ hostname, port }: URL): Promise<SeenCertificate | null> {
  const host = hostname.replaceAll(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      timeout: LIMIT_MS,
      ...(isIP(host) === 0 && { servername: host }),
    });
    const end = (seen: SeenCertificate | null) => {
      socket.destroy();
      resolve(seen);
    };
    socket.once('secureConnect', () => end(seenOf(socket.getPeerCertificate())));
    socket.once('error', () => end(null));
    socket.once('timeout', () => end(null));
  });
}

function seenOf(certificate: Partial<PeerCertificate>): SeenCertificate {
  const { subjectaltname = 'no name', issuer, valid_from: from = '?', valid_to: until = '?' } = certificate;
  const name = issuer?.CN ?? issuer?.O ?? 'which has no name';
  return { names: subjectaltname, issuer: Array.isArray(name) ? name.join(' ') : name, from, until };
}
