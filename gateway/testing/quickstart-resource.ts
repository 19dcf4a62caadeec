import { readFile } from 'node:fs/promises';

const FILE = new URL('../quickstart/subscription.yaml', import.meta.url);

/** The quickstart's resource without its table of live calls, in which tests write further fields of `spec`. */
export async function quickstartResource(): Promise<string> {
  return (await readFile(FILE, 'utf8')).replace(/^ {2}calls:.*\n/m, '');
}
