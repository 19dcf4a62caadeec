import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGoModule, lockedPlace, type FoundModule } from '../../../testing/go-module.ts';
import { ensureNats } from '../../../testing/nats-installed.ts';

export type PeerName = 'socketio' | 'nats' | 'centrifugo';

/** Where a peer is started from: a program, or the folder of a server that Node runs. */
export type Installed = FoundModule;

const INSTALL_LIMIT_MS = 3_000_000;

/** Installs a peer once, into a cache outside of the checkout; each has its own lock file. */
export async function installPeer(peer: PeerName, say: (line: string) => void): Promise<Installed> {
  if (peer === 'socketio') return installSocketIo(say);
  if (peer === 'nats') return ensureNats(process.env, say);
  const centrifugo = {
    program: 'centrifugo',
    module: 'github.com/centrifugal/centrifugo/v6',
    source: folderOf('centrifugo'),
  };
  return ensureGoModule(centrifugo, process.env, say);
}

async function installSocketIo(say: (line: string) => void): Promise<Installed> {
  const source = folderOf('socketio');
  const target = await lockedPlace(source, process.env);
  const { dependencies } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = (name: string) => `${name} ${dependencies[name] ?? ''}`;
  const version = `${named('socket.io')} with ${named('@socket.io/redis-streams-adapter')}`;
  if (isReadable(join(target, 'server.mjs'))) return { ok: true, path: target, version };
  say(`installing ${version} into ${target}, once`);
  const draft = await mkdtemp(`${target}.`);
  await cp(source, draft, { recursive: true });
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: draft,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: INSTALL_LIMIT_MS,
  });
  if (status === 0) await rename(draft, target);
  else await rm(draft, { recursive: true });
  return status === 0
    ? { ok: true, path: target, version }
    : { ok: false, remedy: `see why 'npm ci' in ${source} fails` };
}

function folderOf(peer: PeerName): string {
  return fileURLToPath(new URL(peer, import.meta.url));
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    // Absent or not accessible: in both cases it is installed.
    return false;
  }
}
