import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** The commands of docs/sources.md that name this test, as a person runs them. */
export interface FirstTry extends AsyncDisposable {
  /** The output of the commands. */
  readonly output: () => string;
}

/**
 * Runs the block in a folder, with these texts replaced. `path` is a folder with programs that a person's machine has.
 */
export function runFirstTry(
  test: string,
  {
    folder,
    path,
    variables,
    replace,
  }: {
    readonly folder: string;
    readonly path: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly replace: Readonly<Record<string, string>>;
  },
): FirstTry {
  const page = readFileSync(new URL('docs/sources.md', ROOT), 'utf8');
  const from = page.indexOf(`<!-- run: ${test} -->`);
  const block = /```sh\n([\s\S]*?)```/.exec(page.slice(from))?.[1] ?? '';
  if (from < 0 || block === '') throw new Error(`docs/sources.md has no commands for ${test}`);
  const command = `${process.execPath} ${fileURLToPath(new URL('cli/firehose.ts', ROOT))}`;
  const all = { 'npm run -s firehose --': command, ...replace };
  const script = Object.entries(all).reduce((text, [one, other]) => text.replaceAll(one, other), block);
  const env = { ...variables, PATH: `${path}:/usr/local/bin:/usr/bin:/bin`, FIREHOSE_INNER_PORT: '0' };
  const child: ChildProcess = spawn('sh', ['-euc', script], { cwd: folder, env, detached: true });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    output: () => output,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.pid === undefined) return;
      const gone = once(child, 'exit');
      process.kill(-child.pid, 'SIGKILL');
      await gone;
    },
  };
}
