import { randomBytes } from 'node:crypto';
import { access, chmod, constants, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { secretValue } from '../../runtime/files/secret-value.ts';

/**
 * Files that a standalone gateway creates for itself and keeps over restarts: certificates, keys, tokens. Their mode is
 * 0600.
 */
export interface StateFolder {
  readonly path: string;
  /** Null when there is no such file yet. */
  read(name: string): Promise<string | null>;
  /** Writes atomically: a crash never leaves half a key. */
  write(name: string, content: string): Promise<void>;
}

export async function openStateFolder(path: string): Promise<StateFolder> {
  try {
    await makeFolder(resolve(path));
    await closeToOthers(path);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationFault([`FIREHOSE_STATE: the folder ${path} cannot be made or used (${code})`]);
  }
  return {
    path,
    async read(name) {
      try {
        return await readFile(join(path, name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    async write(name, content) {
      const temporary = join(path, `${name}.${randomBytes(4).toString('hex')}.new`);
      await writeFile(temporary, content, { mode: 0o600 });
      await rename(temporary, join(path, name));
    },
  };
}

/** A folder of another owner, such as a pod's volume, is accepted unchanged if files can be created in it. */
async function closeToOthers(path: string): Promise<void> {
  try {
    await chmod(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    await access(path, constants.W_OK);
  }
}

/** Parents first. Not `recursive`: Node retries without end where a parent takes no children, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || (await isFolder(parent))) throw error;
    await makeFolder(parent);
    await mkdir(path, { mode: 0o700 });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

const TOKEN_BYTES = 32;

/** A bearer token for the platform, created on the first start and kept. */
export async function keptToken(state: StateFolder, name: string): Promise<string> {
  const kept = secretValue((await state.read(name)) ?? '');
  if ('value' in kept) return kept.value;
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  await state.write(name, `${token}\n`);
  return token;
}
