import { getCACertificates } from 'node:tls';
import type { FirehoseOptions, Login } from '../../clients/typescript/src/index.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { readSettings } from '../../runtime/settings/read-settings.ts';
import type { ValuesOf } from '../../runtime/settings/setting.ts';
import { CommandFault } from '../administration.ts';
import { printable, readSecret, type Terminal } from '../terminal.ts';
import { reachGateway } from './reach.ts';
import { CLIENT_SETTINGS } from './settings.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** Flags of both commands. */
export interface ClientFlags {
  readonly passwordStdin?: boolean;
  readonly tokenStdin?: boolean;
  readonly insecure?: boolean;
  readonly json?: boolean;
  readonly pretty?: boolean;
}

/** Syntax and help texts of `ClientFlags`. */
export const CLIENT_FLAGS = [
  ['--password-stdin', 'the password is the first line of the standard input'],
  ['--token-stdin', 'a token instead of a login, in the first line of the standard input'],
  ['--insecure', 'take any certificate: for a trial on your own machine alone'],
  ['--json', 'one JSON object a line, also at a terminal'],
  ['--pretty', 'for people, also into a pipe'],
] as const;

type Values = ValuesOf<typeof CLIENT_SETTINGS>;

/**
 * The options of the client, after the gateway has answered; a secret is requested only after that. Rejects with a
 * CommandFault that names every fault. `events` are those of the login.
 */
export async function openGateway(
  flags: ClientFlags,
  terminal: Terminal,
  environment: Environment,
  events: readonly string[] | null = null,
): Promise<FirehoseOptions> {
  const { values, faults } = readSettings(CLIENT_SETTINGS, environment);
  const scope = {
    ...(values.FIREHOSE_ACCOUNTS !== null && { accounts: values.FIREHOSE_ACCOUNTS }),
    ...(events !== null && { events }),
  };
  const hasToken = flags.tokenStdin === true || (flags.passwordStdin !== true && values.FIREHOSE_TOKEN !== null);
  const wrong = [
    ...faults,
    ...contradictions(flags),
    ...(hasToken ? faultsOfToken(scope, values) : faultsOfLogin(flags, values, terminal)),
  ];
  if (wrong.length > 0) throw new CommandFault('usage', wrong.join('\n'));
  const { FIREHOSE_URL: url, FIREHOSE_CA: file } = values;
  const [ca, insecure] = [await readAuthority(file), flags.insecure === true];
  await reachGateway({ url, ca, insecure, hasOwnAuthority: file !== null });
  const log = (line: string) => void terminal.errors.write(`${printable(line)}\n`);
  const common = { url, ca, insecure, log };
  if (!hasToken) return { ...common, ...scope, login: await readLogin(flags, values, terminal) };
  const token = await readToken(flags, values, terminal);
  return { ...common, token: () => Promise.resolve(token) };
}

function contradictions({ passwordStdin, tokenStdin, json, pretty }: ClientFlags): string[] {
  return [
    ...(passwordStdin === true && tokenStdin === true ? ['--password-stdin, --token-stdin: give one of them'] : []),
    ...(json === true && pretty === true ? ['--json, --pretty: give one of them'] : []),
  ];
}

/**
 * Without given authorities, those of Node.js and `NODE_EXTRA_CA_CERTS`: the client then uses a socket that can be
 * paused.
 */
async function readAuthority(path: string | null): Promise<string> {
  if (path === null) return getCACertificates('default').join('\n');
  let pem: string;
  try {
    pem = await readText(path);
  } catch (error) {
    throw new CommandFault('usage', `${path}: the authority ${unreadable(error)}`);
  }
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new CommandFault('usage', `${path}: holds no certificate as PEM (-----BEGIN CERTIFICATE-----)`);
}

function faultsOfToken(scope: object, { FIREHOSE_PRIVACY: privacy }: Values): string[] {
  const isNarrow = Object.keys(scope).length > 0 || privacy !== null;
  const fault = 'a token has accounts, events and a profile of its own: leave out --accounts, --events and --privacy';
  return isNarrow ? [fault] : [];
}

function faultsOfLogin({ passwordStdin }: ClientFlags, values: Values, { input }: Terminal): string[] {
  const { FIREHOSE_USERNAME: username, FIREHOSE_DOMAIN: domain, FIREHOSE_PASSWORD: password } = values;
  const missing = [...(username === null ? ['--user'] : []), ...(domain === null ? ['--domain'] : [])];
  const isAskedFor = passwordStdin === true || input.isTTY === true;
  return [
    ...(missing.length > 0 ? [`name who logs in by ${missing.join(' and ')}, or give a token by --token-stdin`] : []),
    ...(password === null && !isAskedFor
      ? ['no password: set FIREHOSE_PASSWORD, or pipe it in with --password-stdin']
      : []),
  ];
}

async function readToken({ tokenStdin }: ClientFlags, values: Values, terminal: Terminal): Promise<string> {
  if (tokenStdin !== true) return values.FIREHOSE_TOKEN ?? '';
  const token = (await readSecret(terminal, 'Token')).trim();
  if (token === '') throw new CommandFault('usage', 'no token came on the standard input');
  return token;
}

async function readLogin({ passwordStdin }: ClientFlags, values: Values, terminal: Terminal): Promise<Login> {
  const { FIREHOSE_USERNAME: username, FIREHOSE_DOMAIN: domain, FIREHOSE_PASSWORD: known } = values;
  const { FIREHOSE_PRIVACY: privacy } = values;
  const name = username ?? '';
  const password = passwordStdin === true || known === null ? await readSecret(terminal, `Password of ${name}`) : known;
  if (password === '') throw new CommandFault('usage', 'the password is empty');
  return { username: name, password, domain: domain ?? '', ...(privacy !== null && { privacy }) };
}
