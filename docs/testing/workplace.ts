import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../repository.ts';

const LIMIT_MS = 60_000;
const LEFT_OUT = new Set(['.git', '.firehose']);

export type Environment = Readonly<Record<string, string | undefined>>;

interface Printing {
  readonly output: string;
  /** The text after the first match of the expected output. */
  readonly match: RegExpExecArray;
}

/** A running process that has printed the expected text. */
interface Running extends Printing, AsyncDisposable {}

/**
 * A folder that looks like the checkout (its entries are links) and has a state folder of its own, so that commands run
 * in it unchanged.
 */
export interface Workplace extends AsyncDisposable {
  readonly folder: string;
  write(name: string, text: string): Promise<void>;
  /** Runs `bash -ec script` until it has printed the expected text; then it is killed. Rejects with its output. */
  prints(script: string, expected: RegExp, environment?: Environment, signal?: NodeJS.Signals): Promise<Printing>;
  /** The same, and it continues until it is disposed of. */
  starts(script: string, expected: RegExp, environment?: Environment): Promise<Running>;
}

export async function openWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-docs-'));
  for (const entry of await readdir(ROOT)) {
    if (!LEFT_OUT.has(entry)) await symlink(join(ROOT, entry), join(folder, entry));
  }
  const starts: Workplace['starts'] = (script, expected, environment = {}) =>
    run(folder, { script, expected, environment });
  return {
    folder,
    write: (name, text) => writeFile(join(folder, name), text),
    starts,
    async prints(script, expected, environment = {}, signal = 'SIGKILL') {
      const running = await run(folder, { script, expected, environment, signal });
      await running[Symbol.asyncDispose]();
      return running;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Run {
  readonly script: string;
  readonly expected: RegExp;
  readonly environment: Environment;
  readonly signal?: NodeJS.Signals;
}

async function run(folder: string, { script, expected, environment, signal = 'SIGTERM' }: Run): Promise<Running> {
  // A process group of its own: processes that the script starts end with it.
  const child = spawn('bash', ['-ec', script], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const closed = once(child, 'close');
  const end = async (how: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, how);
    await closed;
  };
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  const look = (chunk: Buffer) => {
    output += chunk.toString();
    const match = expected.exec(output);
    if (match !== null) resolve(match);
  };
  child.stdout.on('data', look);
  child.stderr.on('data', look);
  child.once('error', reject);
  child.once('close', (code) => reject(new Error(`ended with ${code} and did not print ${expected}:\n${output}`)));
  const timer = setTimeout(() => reject(new Error(`did not print ${expected} in time:\n${output}`)), LIMIT_MS);
  try {
    const match = await promise;
    return { output, match, [Symbol.asyncDispose]: () => end(signal) };
  } catch (error) {
    await end('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
