import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWithGo, hasGo } from '../../../testing/go-build.ts';
import { findOnPath, programCache } from '../../../testing/program-places.ts';

export type PeerName = 'socketio' | 'nats' | 'centrifugo';

/** Where a peer is started from: a program, or the folder of a server that Node runs. */
export type Installed =
  | { readonly ok: true; readonly path: string; readonly version: string }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

/** Go programs: found on the PATH by this name, or built from this package. */
const PROGRAMS = {
  nats: { name: 'nats-server', module: 'github.com/nats-io/nats-server/v2' },
  centrifugo: { name: 'centrifugo', module: 'github.com/centrifugal/centrifugo/v6' },
} as const;

const INSTALL_LIMIT_MS = 3_000_000;

/** Installs a peer once, into a cache outside of the checkout; each has its own lock file in this folder. */
export async function installPeer(peer: PeerName, say: (line: string) => void): Promise<Installed> {
  return peer === 'socketio' ? installSocketIo(say) : installProgram(peer, say);
}

async function installSocketIo(say: (line: string) => void): Promise<Installed> {
  const source = folderOf('socketio');
  const target = await placeOf('socketio');
  const { dependencies } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = (name: string) => `${name} ${dependencies[name] ?? ''}`;
  const version = `${named('socket.io')} with ${named('@socket.io/redis-streams-adapter')}`;
  if (isThere(join(target, 'server.mjs'), constants.R_OK)) return { ok: true, path: target, version };
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

async function installProgram(peer: keyof typeof PROGRAMS, say: (line: string) => void): Promise<Installed> {
  const { name, module } = PROGRAMS[peer];
  const found = findOnPath(name, { ask: ['--version'], isWanted: () => true }, process.env);
  if (found !== null) return { ok: true, path: found, version: `${name} of the PATH` };
  const source = folderOf(peer);
  const locked = (await readFile(join(source, 'go.mod'), 'utf8')).match(new RegExp(`${module} (v\\S+)`))?.[1] ?? '';
  const path = join(await placeOf(peer), name);
  const version = `${name} ${locked}`;
  if (isThere(path, constants.X_OK)) return { ok: true, path, version };
  if (!hasGo(process.env)) {
    return { ok: false, remedy: `install Go 1.26 or newer, or put ${name} on the PATH` };
  }
  say(`building ${version} into ${path}, once`);
  const draft = `${path}.${process.pid}`;
  // Under a temporary name first: an interrupted build leaves nothing that looks complete.
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', draft, module];
  const isBuilt = await buildWithGo({ title: version, args, environment: process.env, cwd: source, draft, say });
  if (!isBuilt) return { ok: false, remedy: `see why 'go build ${module}' in ${source} fails` };
  await rename(draft, path);
  return { ok: true, path, version };
}

function folderOf(peer: PeerName): string {
  return fileURLToPath(new URL(`${peer}/`, import.meta.url));
}

/** A folder of the cache for exactly this source: another lock file has another folder. */
async function placeOf(peer: PeerName): Promise<string> {
  const source = folderOf(peer);
  const hash = createHash('sha256');
  const files = (await readdir(source, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { name } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(name).update(await readFile(join(source, name)));
  }
  const parent = join(programCache(process.env), 'peers');
  await mkdir(parent, { recursive: true });
  const place = join(parent, `${peer}-${hash.digest('hex').slice(0, 12)}`);
  if (peer !== 'socketio') await mkdir(place, { recursive: true });
  return place;
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    // Absent or not accessible: in both cases it is installed.
    return false;
  }
}
