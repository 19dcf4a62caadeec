import { natsFiles } from '../../protocol/nats-files.ts';
import type { Nats } from '../../protocol/subscription/nats.ts';
import { secretValue } from '../../runtime/files/secret-value.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { FollowedFiles, type FileReader } from '../sender/followed-files.ts';

/** How a sink logs in, and the authorities with which it verifies servers. */
export interface NatsCredentials {
  /** Null: without credentials. */
  readonly login:
    | { readonly kind: 'creds'; readonly jwt: string; readonly seed: string }
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'user'; readonly user: string; readonly pass: string }
    | null;
  /** Authorities in PEM form; null: those of Node.js. */
  readonly ca: string | null;
}

/** Both parts of a credentials file, in its order. */
const CREDS =
  /-----BEGIN NATS USER JWT-----\s+(?<jwt>\S+)\s+-+END NATS USER JWT-+[^]*-----BEGIN USER NKEY SEED-----\s+(?<seed>SU\S+)\s+-+END/;

/** The files of one group. A declared kind of credentials is required; else a file that exists is used. */
export function followCredentials(
  folder: string,
  { group, nats }: { readonly group: string; readonly nats: Nats },
  logger: Logger,
): FollowedFiles<NatsCredentials> {
  const names = natsFiles(group);
  const read = async (files: FileReader) => ({
    login: await loginOf(files, names, nats),
    ca: await files.authorities(names.ca),
  });
  return new FollowedFiles({ folder, title: 'a NATS sink', read, logger });
}

async function loginOf(
  files: FileReader,
  names: ReturnType<typeof natsFiles>,
  { credsSecretRef, tokenSecretRef, loginSecretName }: Nats,
): Promise<NatsCredentials['login']> {
  const creds = await files.text(names.creds, credsSecretRef !== undefined);
  if (creds !== null) {
    const { jwt = '', seed = '' } = CREDS.exec(creds)?.groups ?? {};
    if (seed === '') files.faults.push(`${names.creds} is not a credentials file of NATS`);
    return { kind: 'creds', jwt, seed };
  }
  const token = await valueOf(files, names.token, tokenSecretRef !== undefined);
  if (token !== null) return { kind: 'token', token };
  const user = await valueOf(files, names.username, loginSecretName !== undefined);
  const pass = await valueOf(files, names.password, user !== null || loginSecretName !== undefined);
  return user === null || pass === null ? null : { kind: 'user', user, pass };
}

async function valueOf(files: FileReader, name: string, isNeeded: boolean): Promise<string | null> {
  const text = await files.text(name, isNeeded);
  if (text === null) return null;
  const read = secretValue(text);
  if ('value' in read) return read.value;
  files.faults.push(`${name} ${read.fault}`);
  return null;
}
