import { tokenValue } from '../../../runtime/files/secret-value.ts';
import type { AddressPolicy } from '../../../runtime/net/address-guard.ts';
import { DirectoryFault } from '../fault.ts';
import { readText, unreadable } from '../../../runtime/files/text-file.ts';

/** Address of a directory server, and how it is polled. */
export interface HttpDirectoryConfig {
  readonly url: URL;
  /** Between two polls, milliseconds. */
  readonly intervalMs: number;
  /** Largest share of the accounts that one change may remove, in percent. */
  readonly maxShrinkPercent: number;
  /** File of the bearer token; null: none is sent. */
  readonly tokenFile: string | null;
  /** File of the certificate authorities for the server's certificate; null: the system's. */
  readonly caFile: string | null;
  /** Null: every address may be connected to. */
  readonly policy: AddressPolicy | null;
}

/** Reads token and authorities from their files again: a mounted Secret may change. Rejects with a DirectoryFault. */
export async function readCredentials({
  tokenFile,
  caFile,
}: Pick<HttpDirectoryConfig, 'tokenFile' | 'caFile'>): Promise<{ token: string | null; ca: string | null }> {
  const [token, ca] = await Promise.all([read(tokenFile), read(caFile)]);
  if (token === null) return { token, ca };
  const value = tokenValue(token);
  if ('fault' in value) throw credentialsFault(`the file of the token ${value.fault}`);
  return { token: value.value, ca };
}

async function read(path: string | null): Promise<string | null> {
  if (path === null) return null;
  try {
    return await readText(path);
  } catch (error) {
    throw credentialsFault(`${path} ${unreadable(error)}`);
  }
}

function credentialsFault(message: string): DirectoryFault {
  return new DirectoryFault('directory_unreadable', [{ where: 'the credentials', message }]);
}
