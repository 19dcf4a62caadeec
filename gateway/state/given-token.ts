import { readFile } from 'node:fs/promises';
import { secretValue } from '../../runtime/files/secret-value.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';

/** What a header can carry behind `Bearer`: visible ASCII characters without blanks. */
const PRESENTABLE = /^[\x21-\x7e]+$/;

/** A bearer token that was made elsewhere and mounted; `variable` names the file. Throws a ConfigurationFault. */
export async function givenToken(file: string, variable: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationFault([`${variable}: ${file} cannot be read (${code})`]);
  }
  const read = secretValue(text);
  if ('fault' in read) throw new ConfigurationFault([`${variable}: ${file} ${read.fault}`]);
  if (PRESENTABLE.test(read.value)) return read.value;
  throw new ConfigurationFault([
    `${variable}: ${file} holds a blank or a character beyond ASCII: no request can carry it`,
  ]);
}
