import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { printable, type Terminal } from './terminal.ts';

/** Exit codes of the commands that ask a running gateway. */
export const ANSWERED = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** What ends such a command: one line for a person, and the exit code. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly code: 'refused' | 'usage' | 'unreachable';
  constructor(code: CommandFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Flags of every command that asks a gateway; each falls back to its variable, then to the default of the gateway. */
export const ENDPOINT_SETTINGS = [
  ['--inner-host <address>', 'address of the gateway [$FIREHOSE_INNER_HOST] (127.0.0.1)'],
  ['--inner-port <port>', 'its inner port [$FIREHOSE_INNER_PORT] (9090)'],
  ['--state <folder>', 'its state folder, which holds admin-token [$FIREHOSE_STATE] (.firehose)'],
  ['--admin-token-file <file>', 'another file with the token [$FIREHOSE_ADMIN_TOKEN_FILE]'],
] as const;

export interface EndpointFlags {
  readonly innerHost?: string;
  readonly innerPort?: string;
  readonly state?: string;
  readonly adminTokenFile?: string;
}

/** Asks the administration endpoint; gives the body of a 200. Rejects with a CommandFault. */
export type Ask = <T>(path: string, schema: z.ZodType<T>, body?: object) => Promise<T>;

const LIMIT_MS = 10_000;
const problem = z.object({ code: z.string(), detail: z.string(), field: z.string().optional() });

export type Environment = Readonly<Record<string, string | undefined>>;

/** Rejects with a CommandFault when there is no token to present. */
export async function openEndpoint(flags: EndpointFlags, environment: Environment): Promise<Ask> {
  const setting = (flag: string | undefined, variable: string, otherwise: string) =>
    flag ?? (environment[variable] || otherwise);
  const host = setting(flags.innerHost, 'FIREHOSE_INNER_HOST', '127.0.0.1');
  const port = setting(flags.innerPort, 'FIREHOSE_INNER_PORT', '9090');
  const state = setting(flags.state, 'FIREHOSE_STATE', '.firehose');
  const file = setting(flags.adminTokenFile, 'FIREHOSE_ADMIN_TOKEN_FILE', join(state, 'admin-token'));
  const origin = originOf(host, port);
  const token = await readToken(file);
  return async (path, schema, body) => {
    const answer = await send(new URL(path, origin), token, body);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new CommandFault('refused', `${origin.host} does not answer as a gateway does: is this its inner port?`);
  };
}

/** Runs a command and tells what ended it. Returns the exit code. */
export async function answering(terminal: Terminal, run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return ANSWERED.done;
  } catch (error) {
    if (!(error instanceof CommandFault)) throw error;
    terminal.errors.write(`${printable(error.message)}\n`);
    return ANSWERED[error.code];
  }
}

function originOf(host: string, port: string): URL {
  const origin = /^\d{1,5}$/.test(port)
    ? URL.parse(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`)
    : null;
  if (origin === null) throw new CommandFault('usage', `${host} and ${port} are no address and port`);
  return origin;
}

async function readToken(file: string): Promise<string> {
  let token = '';
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new CommandFault(
      'usage',
      `${file}: the admin token cannot be read (${code}): run this where the gateway is, or name its state folder by --state`,
    );
  }
  // A header takes nothing else, and its complaint would show the value.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new CommandFault('usage', `${file}: does not hold a token`);
  return token;
}

async function send(url: URL, token: string, body: object | undefined): Promise<unknown> {
  const request: RequestInit = {
    headers: { Authorization: `Bearer ${token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  };
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, request);
    text = await response.text();
  } catch {
    throw new CommandFault('unreachable', `no gateway answers at ${url.host}: is this its inner address and port?`);
  }
  const content = parseJson(text);
  if (response.ok) return content;
  const told = problem.safeParse(content);
  const { code, detail, field } = told.success
    ? told.data
    : { code: 'no_problem', detail: 'no word of why', field: undefined };
  throw new CommandFault('refused', `${response.status} ${code}: ${field === undefined ? '' : `${field}: `}${detail}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
