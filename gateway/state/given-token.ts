import { tokenValue } from '../../runtime/files/secret-value.ts';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** A bearer token that was created elsewhere and mounted; `variable` names the file. Throws a ConfigurationFault. */
export async function givenToken(file: string, variable: string): Promise<string> {
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    throw new ConfigurationFault([`${variable}: ${file} ${unreadable(error)}`]);
  }
  const read = tokenValue(text);
  if ('fault' in read) throw new ConfigurationFault([`${variable}: ${file} ${read.fault}`]);
  return read.value;
}
