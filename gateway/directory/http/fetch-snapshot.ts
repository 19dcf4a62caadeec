import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import { guardedAgent } from '../../../runtime/net/guarded-agent.ts';
import { AddressRefused } from '../../../runtime/net/guarded-socket.ts';
import { DirectoryFault, type DirectoryFaultCode } from '../fault.ts';
import { CHANGES } from './changes.ts';
import { formatOf, MAX_BYTES, NDJSON_TYPE, type SnapshotFormat } from './snapshot.ts';

export interface SnapshotRequest {
  readonly url: URL;
  /** Null: none is sent. */
  readonly token: string | null;
  /** Certificate authorities that may sign the server's certificate, PEM; null: the system's. */
  readonly ca: string | null;
  /** Null: every address may be connected to. */
  readonly policy: AddressPolicy | null;
  /** ETag of the known snapshot; null: there is none. */
  readonly etag: string | null;
  /** Whether the server may answer with the changes since that snapshot. */
  readonly takesChanges?: boolean;
  readonly signal: AbortSignal;
  /** Limit for the whole request in milliseconds, default 10 s. */
  readonly limitMs?: number;
  readonly maxBytes?: number;
}

export type FetchedSnapshot =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changes'; readonly etag: string; readonly body: Body }
  | { readonly kind: 'changed'; readonly etag: string | null; readonly format: SnapshotFormat; readonly body: Body };

/** The decoded bytes. Throws a DirectoryFault when the body ends early. */
type Body = AsyncIterable<Uint8Array>;

const LIMIT_MS = 10_000;
const MAX_CHANGES_BYTES = 4 * 1024 * 1024;

/**
 * Asks for the snapshot (RFC 9110 13.1.2, conditional GET). Rejects with a DirectoryFault that names neither address nor
 * credential. Redirects are refused: the token is for this server alone.
 */
export async function fetchSnapshot(request: SnapshotRequest): Promise<FetchedSnapshot> {
  const { limitMs = LIMIT_MS } = request;
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([request.signal, limit]);
  const explain = (error: unknown) => (limit.aborted ? late(limitMs) : explained(error));
  let response: http.IncomingMessage;
  try {
    response = await send(request, signal);
  } catch (error) {
    throw explain(error);
  }
  const { statusCode: status = 0, headers } = response;
  if (status === 200) {
    const format = formatOf(headers['content-type'] ?? '');
    const fault = format === null ? wrongFormat() : framingFault(response);
    if (format !== null && fault === null) {
      const body = wholeBody(response, { maxBytes: request.maxBytes ?? MAX_BYTES, explain });
      return { kind: 'changed', etag: headers.etag ?? null, format, body };
    }
    response.destroy();
    throw fault ?? wrongFormat();
  }
  if (status === 226 && request.takesChanges === true) {
    const fault = changesFault(response, request.etag) ?? framingFault(response);
    if (fault === null) {
      const body = wholeBody(response, { maxBytes: MAX_CHANGES_BYTES, explain });
      return { kind: 'changes', etag: headers.etag ?? '', body };
    }
    response.destroy();
    throw fault;
  }
  response.destroy();
  if (status === 304 && request.etag !== null) return { kind: 'unchanged' };
  throw statusFault(status);
}

function send(request: SnapshotRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
  const { url, token, ca, policy, etag, takesChanges = false } = request;
  const { get } = url.protocol === 'https:' ? https : http;
  const headers = {
    accept: `${NDJSON_TYPE}, application/json;q=0.9`,
    'accept-encoding': 'gzip',
    // No keep-alive: the next poll is far away.
    connection: 'close',
    ...(token !== null && { authorization: `Bearer ${token}` }),
    ...(etag !== null && { 'if-none-match': etag }),
    ...(takesChanges && { 'a-im': CHANGES }),
  };
  const agent = policy === null ? false : guardedAgent(url.protocol, policy);
  return new Promise((resolve, reject) => {
    get(url, { headers, signal, agent, ...(ca !== null && { ca }) }, resolve).on('error', reject);
  });
}

/** RFC 3229 10.4.1: what was done to the content, to which content, and the ETag of the one that it makes. */
function changesFault({ headers }: http.IncomingMessage, etag: string | null): DirectoryFault | null {
  const base = headers['delta-base'];
  const isOfBase = base === undefined || base === etag;
  if (headers['im'] === CHANGES && isOfBase && headers.etag !== undefined) return null;
  return fault(
    'directory_format',
    `the answer 226 needs an ETag, IM: ${CHANGES}, and no Delta-Base but the ETag asked with`,
  );
}

/** Without a length an answer that was cut off looks complete. */
function framingFault({ headers }: http.IncomingMessage): DirectoryFault | null {
  const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    return fault('directory_format', 'the answer is encoded otherwise than by gzip');
  }
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) return null;
  return fault('directory_truncated', 'the answer has neither Content-Length nor chunks: its end cannot be known');
}

async function* wholeBody(
  response: http.IncomingMessage,
  { maxBytes, explain }: { readonly maxBytes: number; readonly explain: (error: unknown) => DirectoryFault },
): Body {
  let bytes = 0;
  try {
    for await (const chunk of decoded(response)) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw fault('directory_too_large', `the answer is larger than ${maxBytes} bytes`);
      yield chunk;
    }
    if (!response.complete) throw truncated();
  } catch (error) {
    throw error instanceof DirectoryFault ? error : explain(error);
  } finally {
    response.destroy();
  }
}

function decoded(response: http.IncomingMessage): AsyncIterable<Uint8Array> {
  if (response.headers['content-encoding']?.toLowerCase() !== 'gzip') return response as Readable;
  const gunzip = createGunzip();
  response.on('error', (error) => gunzip.destroy(error));
  gunzip.on('close', () => response.destroy());
  return response.pipe(gunzip) as Readable;
}

const CERTIFICATE = /CERT|UNABLE_TO|SELF_SIGNED|ERR_TLS|HOSTNAME_MISMATCH|ERR_SSL/;

function explained(error: unknown): DirectoryFault {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  if (error instanceof AddressRefused) return fault('directory_address_refused', error.message);
  if (CERTIFICATE.test(code)) return fault('directory_certificate', `TLS fails (${code}): look at tls.caSecretRef`);
  if (code.startsWith('Z_')) return fault('directory_truncated', `the answer is no whole gzip (${code})`);
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return truncated();
  return fault('directory_unreachable', `the server cannot be asked (${code})`);
}

const truncated = () => fault('directory_truncated', 'the connection ended before the answer did');
const late = (limitMs: number) => fault('directory_timeout', `the answer took longer than ${limitMs} ms`);
const wrongFormat = () =>
  fault('directory_format', `the answer is neither application/json nor ${NDJSON_TYPE}: set its Content-Type`);

function statusFault(status: number): DirectoryFault {
  if (status >= 300 && status < 400 && status !== 304) {
    return fault('directory_redirected', `the server redirects (${status}): give the address that answers itself`);
  }
  const hint = status === 401 || status === 403 ? ': look at the token' : '';
  return fault('directory_status', `the server answers ${status}${hint}`);
}

function fault(code: DirectoryFaultCode, message: string): DirectoryFault {
  return new DirectoryFault(code, [{ where: 'the directory', message }]);
}
