import { join } from 'node:path';
import { secretValue } from '../../../runtime/files/secret-value.ts';
import { readText, unreadable } from '../../../runtime/files/text-file.ts';

/** Reads the files that settings name, and collects their faults. No fault repeats a file's content. */
export interface FileReader {
  readonly faults: string[];
  /** Null: no file is named, or it cannot be read. */
  text(setting: string, path: string | null): Promise<string | null>;
  /** Of one line. */
  secret(setting: string, path: string | null): Promise<string | null>;
  /** `tls.crt` and `tls.key` of a folder, as PEM; null where no folder is named or they cannot be read. */
  pair(setting: string, folder: string | null): Promise<{ readonly cert: string; readonly key: string } | null>;
}

export function fileReader(): FileReader {
  const faults: string[] = [];
  const text = async (setting: string, path: string | null) => {
    if (path === null) return null;
    try {
      return await readText(path);
    } catch (error) {
      faults.push(`${setting}: ${path} ${unreadable(error)}`);
      return null;
    }
  };
  return {
    faults,
    text,
    async secret(setting, path) {
      const content = await text(setting, path);
      const value = content === null ? null : secretValue(content);
      if (value === null || 'value' in value) return value?.value ?? null;
      faults.push(`${setting}: ${path} ${value.fault}`);
      return null;
    },
    async pair(setting, folder) {
      if (folder === null) return null;
      const cert = await text(setting, join(folder, 'tls.crt'));
      const key = await text(setting, join(folder, 'tls.key'));
      return cert === null || key === null ? null : { cert, key };
    },
  };
}
