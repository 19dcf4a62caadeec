import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files and environment that all replicas of a run share. */
export interface Setup extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  readonly stateFolder: string;
  /** Replaces the directory; users `admin` (root), `north`, `south`. */
  writeDirectory(directory: Directory): Promise<void>;
}

export interface Directory {
  /** Account to parent. */
  readonly accounts: Readonly<Record<string, string | null>>;
  readonly disabled?: readonly string[];
}

export interface SetupOptions {
  readonly redisUrl: string;
  /** Merged into the subscription's `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

export const PASSWORD = 'adminpassword';
const PASSWORD_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$bH+IAfKAjZqGzEW5SZblmw$RvC0N43H+pRTQtfL7IyMUdHKATLJ5zhDVQdm3iNKVS0';

export const TREE: Directory = { accounts: { root: null, north: 'root', south: 'root', 'north-1': 'north' } };

export async function setUp(options: SetupOptions): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-faults-'));
  const [config, stateFolder] = [join(folder, 'config'), join(folder, 'state')];
  await mkdir(config);
  const { gateway, ...rest }: Record<string, unknown> = { gateway: {}, ...options.spec };
  const subscription = {
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'faults' },
    spec: { account: { id: 'root' }, gateway: { tls: { disabled: true }, ...(gateway as object) }, ...rest },
  };
  // JSON is YAML.
  await writeFile(join(config, 'subscription.yaml'), JSON.stringify(subscription));
  const writeDirectory = (directory: Directory) =>
    writeFile(join(config, 'directory.yaml'), JSON.stringify(directoryOf(directory)));
  await writeDirectory(TREE);
  return {
    environment: {
      FIREHOSE_CONFIG: config,
      FIREHOSE_STATE: stateFolder,
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: options.redisUrl,
      ...options.environment,
    },
    stateFolder,
    writeDirectory,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The same in directory.yaml: a user `admin` with the same password in each account. */
export function directoryOf({ accounts, disabled = [] }: Directory): object {
  const ids = Object.keys(accounts);
  const list = ids.map((id) => ({ id, name: id, realm: `${id}.sip.example.com`, parent: accounts[id] ?? undefined }));
  const users = ids.map((id) => ({
    username: 'admin',
    account: id,
    passwordHash: PASSWORD_HASH,
    enabled: !disabled.includes(id),
  }));
  return { accounts: list, users };
}
