import type { Logger } from '../../runtime/logging/logger.ts';
import { webhookFiles } from '../../protocol/webhook-files.ts';
import { FollowedFiles, type FileReader } from '../sender/followed-files.ts';
import { parseSecret, type SigningKey } from './sign.ts';

/** The keys with which a webhook signs, and the authorities with which it verifies. */
export interface WebhookSecrets {
  /** The current one first. */
  readonly keys: readonly SigningKey[];
  /** Authorities in PEM form; null: those of Node.js. */
  readonly ca: string | null;
}

/** Where a webhook has its secrets from. */
export interface Secrets {
  /** Null until they are known. */
  readonly current: WebhookSecrets | null;
  /** `onChange` after each change, until aborted. Never rejects. */
  follow(signal: AbortSignal, onChange: () => void): Promise<void>;
}

/** The secrets of one group; only the current signing secret is required. */
export function followSecrets(folder: string, group: string, logger: Logger): Secrets {
  const { secrets, ca } = webhookFiles(group);
  const read = async (files: FileReader) => {
    const [current, previous] = secrets;
    const keys = [await keyOf(current, files, true), await keyOf(previous, files, false)];
    return { keys: keys.filter((key) => key !== null), ca: await files.authorities(ca) };
  };
  return new FollowedFiles({ folder, title: 'a webhook', read, logger });
}

async function keyOf(name: string, files: FileReader, isNeeded: boolean): Promise<SigningKey | null> {
  const text = await files.text(name, isNeeded);
  if (text === null) return null;
  const parsed = parseSecret(text);
  if ('key' in parsed) return parsed.key;
  files.faults.push(`${name} ${parsed.fault}`);
  return null;
}
