import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Certificates } from '../certificates.ts';
import { nameHost } from '../debian.ts';
import { freePort } from '../free-port.ts';
import { end } from '../redis-process.ts';
import { asteriskConfiguration, type AsteriskOutbound, type AsteriskPorts } from './configuration.ts';
import { asteriskRoot } from './installed.ts';

const START_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 10_000;
const SHOWN_LOG_CHARACTERS = 2_000;

export interface AsteriskServerOptions {
  /** AMI and HTTP also listen with TLS; Asterisk trusts the authority when it connects by itself. */
  readonly tls?: Certificates;
  /** Default true, as docs/sources.md requires. */
  readonly timestampEvents?: boolean;
  /** Asterisk connects to this address, and stays connected (22.5 and later). */
  readonly outbound?: AsteriskOutbound;
  /** Replaces files of `configuration.ts`, once the ports and the folder with `tls.crt` and `tls.key` are known. */
  readonly files?: (ports: AsteriskPorts, keys: string) => Readonly<Record<string, string>>;
}

/** A real Asterisk on the loopback interface, with ports and folders of its own. */
export interface AsteriskServer extends AsyncDisposable {
  readonly ports: AsteriskPorts;
  /** `22.10.1`. */
  readonly version: string;
  readonly pid: number;
  /** Its CLI: a program and its first arguments. */
  readonly cli: readonly string[];
  /** Runs a command of the CLI; resolves with its output. */
  command(text: string): Promise<string>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts again on the same ports and folder, after `kill()`. */
  start(): Promise<void>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export async function startAsterisk(options: AsteriskServerOptions = {}): Promise<AsteriskServer> {
  const root = asteriskRoot(process.env);
  if (root === null) throw new Error('There is no Asterisk: node testing/run.ts asterisk installs it');
  const places = join(root, 'srv/firehose');
  await mkdir(places, { recursive: true });
  await removeLeftovers(places);
  await nameHost(root);
  const place = await mkdtemp(join(places, `${process.pid}-`));
  const folder = place.slice(root.length);
  const ports = await freePorts();
  await writeInstance({ root, place, folder, ports, options });
  const asterisk = (...args: readonly string[]) => [root, 'asterisk', '-C', `${folder}/etc/asterisk.conf`, ...args];
  const ask = async (...args: readonly string[]) => {
    const { stdout } = await promisify(execFile)('chroot', asterisk(...args), { timeout: COMMAND_LIMIT_MS });
    return stdout.trim();
  };
  const launch = () => launchOne(asterisk('-f'), place, () => ask('-rx', 'core waitfullybooted'));
  let child = await launch();
  return {
    ports,
    version: /Asterisk (\d+\.\d+\.\d+)/.exec(await ask('-V'))?.[1] ?? '',
    get pid() {
      return child.pid ?? 0;
    },
    cli: ['chroot', ...asterisk()],
    command: (text) => ask('-rx', text),
    kill: () => end(child, 'SIGKILL'),
    async start() {
      await end(child, 'SIGKILL');
      child = await launch();
    },
    async [Symbol.asyncDispose]() {
      await end(child, 'SIGKILL');
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** Folders of processes that were killed. */
async function removeLeftovers(places: string): Promise<void> {
  for (const name of readdirSync(places)) {
    const isAlive = existsSync(`/proc/${name.split('-', 1)[0]}`);
    if (!isAlive) await rm(join(places, name), { recursive: true, force: true });
  }
}

interface Instance {
  readonly root: string;
  /** The instance's folder on this machine. */
  readonly place: string;
  /** The same folder, as Asterisk sees it. */
  readonly folder: string;
  readonly ports: AsteriskPorts;
  readonly options: AsteriskServerOptions;
}

async function writeInstance({ root, place, folder, ports, options }: Instance): Promise<void> {
  const { tls, timestampEvents = true, outbound = null } = options;
  for (const name of ['etc', 'db', 'lib', 'cache', 'keys', 'spool', 'run', 'log']) await mkdir(join(place, name));
  const modules = modulesOf(root);
  const parts = { ports, folder, modules, timestampEvents, hasTls: tls !== undefined, outbound };
  const files = { ...asteriskConfiguration(parts), ...options.files?.(ports, `${folder}/keys`) };
  for (const [name, text] of Object.entries(files)) await writeFile(join(place, 'etc', name), text);
  if (tls === undefined) return;
  await copyFile(tls.caFile, join(place, 'keys/ca.crt'));
  await copyFile(tls.certFile, join(place, 'keys/tls.crt'));
  await copyFile(tls.keyFile, join(place, 'keys/tls.key'));
}

/** Debian 12 and later have them below the name of the architecture. */
function modulesOf(root: string): string {
  const places = readdirSync(join(root, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const folders = [...places.map((name) => `/usr/lib/${name}/asterisk/modules`), '/usr/lib/asterisk/modules'];
  const found = folders.find((folder) => existsSync(join(root, folder)));
  if (found === undefined) throw new Error(`${root} has no modules of Asterisk`);
  return found;
}

/** Ends with this process, even when that is killed. */
async function launchOne(args: readonly string[], place: string, ask: () => Promise<string>): Promise<ChildProcess> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'chroot', ...args], { stdio: 'ignore' });
  child.on('error', () => undefined);
  alive.add(child);
  child.unref();
  child.once('exit', () => alive.delete(child));
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    // When called too early, the command line answers without having waited.
    const answer = await ask().catch(() => '');
    const isUp = answer.includes('fully booted') && !answer.includes('not');
    if (isUp) return child;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      const log = await readFile(join(place, 'log/messages'), 'utf8').catch(() => '');
      child.kill('SIGKILL');
      throw new Error(`Asterisk does not start: ${log.slice(-SHOWN_LOG_CHARACTERS)}`);
    }
    await delay(50);
  }
}

async function freePorts(): Promise<AsteriskPorts> {
  return {
    sip: await freePort({ isFree: isUdpFree }),
    ami: await freePort(),
    amiTls: await freePort(),
    http: await freePort(),
    https: await freePort(),
  };
}

async function isUdpFree(port: number): Promise<boolean> {
  const probe = createSocket('udp4');
  probe.bind(port, '127.0.0.1');
  const isFree = await once(probe, 'listening').then(
    () => true,
    () => false,
  );
  probe.close();
  return isFree;
}
