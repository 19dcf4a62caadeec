import { join } from 'node:path';
import { z } from 'zod';
import { GATEWAY_SETTINGS } from '../gateway/settings.ts';
import { tokenValue } from '../runtime/files/secret-value.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import type { SettingsTable } from '../runtime/settings/setting.ts';
import { codeOf } from './doctor/listeners.ts';
import { printable, type Terminal } from './terminal.ts';
import { readText, unreadable } from '../runtime/files/text-file.ts';

/** Exit codes of the commands that query a running gateway. */
const ANSWERED = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** Ends such a command with a message for a person and an exit code. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly code: 'refused' | 'usage' | 'unreachable';
  constructor(code: CommandFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const { FIREHOSE_INNER_HOST, FIREHOSE_INNER_PORT, FIREHOSE_STATE, FIREHOSE_ADMIN_TOKEN_FILE } = GATEWAY_SETTINGS;

/** Settings of every command that queries a gateway: those with which the gateway itself was started. */
export const ENDPOINT_SETTINGS = {
  FIREHOSE_INNER_HOST: { ...FIREHOSE_INNER_HOST, about: 'address of the gateway' },
  FIREHOSE_INNER_PORT: { ...FIREHOSE_INNER_PORT, about: 'inner port of the gateway' },
  FIREHOSE_STATE: { ...FIREHOSE_STATE, about: 'state folder of the gateway, which holds `admin-token`' },
  FIREHOSE_ADMIN_TOKEN_FILE: {
    ...FIREHOSE_ADMIN_TOKEN_FILE,
    flag: 'admin-token-file',
    about: 'file with the administration token',
  },
} as const satisfies SettingsTable;

/** Sends a request to the administration endpoint; returns the body of a 200. Rejects with a CommandFault. */
export type Ask = <T>(path: string, schema: z.ZodType<T>, body?: object) => Promise<T>;

const LIMIT_MS = 10_000;
const problem = z.object({ code: z.string(), detail: z.string(), field: z.string().optional() });

/** Rejects with a CommandFault when there is no token. */
export async function openEndpoint(environment: Environment): Promise<Ask> {
  const { values, faults } = readSettings(ENDPOINT_SETTINGS, environment);
  if (faults.length > 0) throw new CommandFault('usage', faults.join('\n'));
  const origin = originOf(values.FIREHOSE_INNER_HOST, values.FIREHOSE_INNER_PORT);
  const file = values.FIREHOSE_ADMIN_TOKEN_FILE ?? join(values.FIREHOSE_STATE, 'admin-token');
  const token = await readToken(file);
  return async (path, schema, body) => {
    const answer = await send(new URL(path, origin), token, body);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new CommandFault('refused', `${origin.host} does not answer as a gateway does: is this its inner port?`);
  };
}

/** Runs a command and prints why it failed. Returns the exit code. */
export async function answering(terminal: Terminal, run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return ANSWERED.done;
  } catch (error) {
    if (!(error instanceof CommandFault)) throw error;
    for (const line of error.message.split('\n')) terminal.errors.write(`error: ${printable(line)}\n`);
    return ANSWERED[error.code];
  }
}

/** Output form of a list: one JSON document, or lines for people. */
export interface ListFlags {
  readonly json?: boolean;
}

/** Reads an answer of the gateway and prints it. Returns the exit code. */
export function listing<Answer extends object>(
  { json = false }: ListFlags,
  { terminal, environment }: { readonly terminal: Terminal; readonly environment: Environment },
  read: (ask: Ask) => Promise<Answer>,
  asText: (answer: Answer) => string,
): Promise<number> {
  return answering(terminal, async () => {
    const answer = await read(await openEndpoint(environment));
    terminal.output.write(json ? `${JSON.stringify(answer, null, 2)}\n` : asText(answer));
  });
}

function originOf(host: string, port: number): URL {
  const origin = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`);
  if (origin === null) throw new CommandFault('usage', `${host} is not an address`);
  return origin;
}

async function readToken(file: string): Promise<string> {
  let text = '';
  try {
    text = await readText(file);
  } catch (error) {
    throw new CommandFault(
      'usage',
      `${file}: the admin token ${unreadable(error)}: run this where the gateway is, or name its state folder by --state`,
    );
  }
  // The error of `fetch` would show the value.
  const token = tokenValue(text);
  if ('fault' in token) throw new CommandFault('usage', `${file}: does not hold a token: it ${token.fault}`);
  return token.value;
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
  } catch (error) {
    const why = codeOf(error);
    // A port after an IPv6 address without brackets would be part of the address.
    const asPort = /:(\d{4,5})\]$/.exec(url.hostname)?.[1];
    const hint = asPort === undefined ? '' : ` If ${asPort} is the port: give it by --inner-port.`;
    throw new CommandFault(
      'unreachable',
      `no gateway answers at ${url.host} (${why}): is this its inner address and port?${hint}`,
    );
  }
  const content = parseJson(text);
  if (response.ok) return content;
  const told = problem.safeParse(content);
  const { code, detail, field } = told.success
    ? told.data
    : { code: 'no_problem', detail: 'no reason was given', field: undefined };
  throw new CommandFault('refused', `${response.status} ${code}: ${field === undefined ? '' : `${field}: `}${detail}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // For example, a proxy's own page; the caller reports an answer without a problem.
    return null;
  }
}
