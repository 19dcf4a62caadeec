import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensurePackages, type Installed } from './debian.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** A real database server of this machine, on the loopback interface, with a folder of its own. */
export interface DatabaseServer extends AsyncDisposable {
  /** URL for a user that owns the database `platform`. */
  readonly url: string;
  /** Runs SQL as that user. */
  sql(text: string): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const postgresBin = () => globSync('/usr/lib/postgresql/*/bin').at(-1) ?? '/usr/lib/postgresql/none';

/** Installs both as root on Debian when they are missing; on other machines `remedy` says how. */
export function ensureDatabases(say: (line: string) => void): Installed {
  return ensurePackages(
    [
      { name: 'postgresql', isThere: () => existsSync(join(postgresBin(), 'postgres')) },
      { name: 'mariadb-server', isThere: () => existsSync('/usr/sbin/mariadbd') },
    ],
    say,
  );
}

/** Neither server runs as root, but as the user of its package. Nothing when the tests do not run as root. */
function userOf(name: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function folderFor(user: { uid?: number; gid?: number }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'firehose-database-'));
  if (user.uid !== undefined && user.gid !== undefined) await chown(dir, user.uid, user.gid);
  await chmod(dir, 0o700);
  return dir;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A server that is started, stopped and started again in the same folder. */
async function supervise(start: () => ChildProcess, isReady: () => Promise<unknown>, dir: string) {
  let child = start();
  alive.add(child);
  const ready = () => until('a database that answers', async () => (await isReady(), true));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(timer);
    alive.delete(child);
  };
  await ready();
  return {
    stop,
    async restart() {
      child = start();
      alive.add(child);
      await ready();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function startPostgres(): Promise<DatabaseServer> {
  const user = userOf('postgres');
  const dir = await folderFor(user);
  const port = await freePort();
  const bin = postgresBin();
  const as = { ...user, cwd: dir, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } };
  await run(join(bin, 'initdb'), ['-D', join(dir, 'data'), '-U', 'admin', '-A', 'trust', '-N'], as);
  const options = ['-D', join(dir, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', dir, '-F'];
  const psql = (database: string, text: string) =>
    run(
      join(bin, 'psql'),
      ['-h', '127.0.0.1', '-p', String(port), '-U', 'admin', '-v', 'ON_ERROR_STOP=1', '-c', text, database],
      as,
    );
  const server = await supervise(
    () => spawn(join(bin, 'postgres'), options, { ...as, stdio: 'ignore' }),
    () => psql('postgres', 'SELECT 1'),
    dir,
  );
  await psql('postgres', 'CREATE DATABASE platform');
  return {
    ...server,
    url: `postgres://admin@127.0.0.1:${port}/platform`,
    sql: async (text) => void (await psql('platform', text)),
  };
}

export async function startMariadb(): Promise<DatabaseServer> {
  const user = userOf('mysql');
  const dir = await folderFor(user);
  const port = await freePort();
  const [data, socket] = [join(dir, 'data'), join(dir, 'socket')];
  const as = { ...user, cwd: dir, env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } };
  const plain = ['--no-defaults', `--datadir=${data}`];
  await run('mariadb-install-db', [...plain, '--skip-test-db', '--auth-root-authentication-method=normal'], as);
  const options = [...plain, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1', '--skip-log-bin'];
  const client = (text: string, database: string) =>
    run('mariadb', ['--no-defaults', `--socket=${socket}`, '-u', 'root', '-e', text, database], as);
  const server = await supervise(
    () => spawn('/usr/sbin/mariadbd', options, { ...as, stdio: 'ignore' }),
    () => client('SELECT 1', 'mysql'),
    dir,
  );
  const grants =
    "CREATE DATABASE platform; CREATE USER u@'127.0.0.1' IDENTIFIED BY 'pass word'; GRANT ALL ON platform.* TO u@'127.0.0.1'";
  await client(grants, 'mysql');
  return {
    ...server,
    url: `mysql://u:pass%20word@127.0.0.1:${port}/platform`,
    sql: async (text) => void (await client(text, 'platform')),
  };
}
