import { readFile } from 'node:fs/promises';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';

/** A bearer token that somebody else made and mounted; `variable` names the file. Throws a ConfigurationFault. */
export async function givenToken(file: string, variable: string): Promise<string> {
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationFault([`${variable}: ${file} cannot be read (${code})`]);
  }
  if (token === '') throw new ConfigurationFault([`${variable}: ${file} is empty`]);
  return token;
}
