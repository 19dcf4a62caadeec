import { readFile } from 'node:fs/promises';
import { tokenValue } from '../../runtime/files/secret-value.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';

/** A bearer token that was made elsewhere and mounted; `variable` names the file. Throws a ConfigurationFault. */
export async function givenToken(file: string, variable: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationFault([`${variable}: ${file} cannot be read (${code})`]);
  }
  const read = tokenValue(text);
  if ('fault' in read) throw new ConfigurationFault([`${variable}: ${file} ${read.fault}`]);
  return read.value;
}
