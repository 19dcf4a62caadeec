import http from 'node:http';
import https from 'node:https';
import { readText } from '../../../runtime/files/text-file.ts';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import { guardedAgent } from '../../../runtime/net/guarded-agent.ts';

/** The server has not answered the request. Contains neither address nor credential. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`the server that judges logins cannot be asked: ${code}`);
    this.code = code;
  }
}

export interface ServerPlace {
  /** Certificate authorities, PEM; null: the system's. */
  readonly caFile: string | null;
  /** Null: connections to every address are allowed. */
  readonly policy: AddressPolicy | null;
}

interface Question {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export interface ServerAnswer {
  readonly status: number;
  readonly text: string;
  /** From `Retry-After`; null when it is absent, or a date. */
  readonly retryAfterS: number | null;
}

const MAX_ANSWER_BYTES = 512 * 1024;
const JSON_TYPE = { 'content-type': 'application/json', accept: 'application/json' };

/** Sends requests to one server over kept-alive connections. Rejects with a ServerUnavailable. */
export type AskServer = (question: Question) => Promise<ServerAnswer>;

export function askServer({ caFile, policy }: ServerPlace): AskServer {
  const agents = new Map<string, http.Agent>();
  return async ({ url, method, headers, body, signal }) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const agent = agentFor(agents, url.protocol, policy);
    try {
      const ca = caFile === null ? {} : { ca: await readText(caFile) };
      const call = request(url, { method, headers: { ...JSON_TYPE, ...headers }, signal, agent, ...ca });
      return await answerTo(call, body);
    } catch (error) {
      if (error instanceof ServerUnavailable) throw error;
      throw new ServerUnavailable(signal.aborted ? 'TIMEOUT' : ((error as NodeJS.ErrnoException).code ?? 'UNKNOWN'));
    }
  };
}

function agentFor(agents: Map<string, http.Agent>, protocol: string, policy: AddressPolicy | null): http.Agent {
  const known = agents.get(protocol);
  if (known !== undefined) return known;
  const own = { keepAlive: true, timeout: 4_000 };
  const plain = () => (protocol === 'https:' ? new https.Agent(own) : new http.Agent(own));
  const agent = policy === null ? plain() : guardedAgent(protocol, policy);
  agents.set(protocol, agent);
  return agent;
}

async function answerTo(call: http.ClientRequest, body: unknown): Promise<ServerAnswer> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).once('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new ServerUnavailable('ANSWER_TOO_LARGE');
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = response;
  const after = headers['retry-after'] ?? '';
  const retryAfterS = /^\d{1,6}$/.test(after) ? Number(after) : null;
  return { status, text: Buffer.concat(chunks).toString('utf8'), retryAfterS };
}

/** The answer's JSON by its schema. Rejects with a ServerUnavailable for any other. */
export function readAnswer<T>({ text }: ServerAnswer, schema: { safeParse(value: unknown): { data?: T } }): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ServerUnavailable('ANSWER_NOT_JSON');
  }
  const { data } = schema.safeParse(value);
  if (data === undefined) throw new ServerUnavailable('ANSWER_NOT_UNDERSTOOD');
  return data;
}
