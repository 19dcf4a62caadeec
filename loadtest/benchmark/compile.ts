import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAMS = ['receiver', 'floor', 'publisher', 'distance'] as const;
const run = promisify(execFile);

/** Paths of the compiled programs. */
export type Programs = Readonly<Record<(typeof PROGRAMS)[number], string>> & {
  /** The receiver with TLS; null without OpenSSL to build it (package libssl-dev). */
  readonly receiverTls: string | null;
  /** Receivers that inflate, without and with TLS; null without zlib to build them (package zlib1g-dev). */
  readonly receiverDeflate: string | null;
  readonly receiverDeflateTls: string | null;
};

/** There is no compiler: the benchmark cannot run, but the product has no fault. */
export class CompilerFault extends Error {
  override readonly name = 'CompilerFault';
  readonly code = 'no_compiler';
}

/** Compiles the programs of `native/` with `cc -O2`, once for each version of their source. */
export async function compilePrograms(): Promise<Programs> {
  const folder = join(tmpdir(), `firehose-benchmark-${userInfo().username}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = await Promise.all(
    PROGRAMS.map(async (name) => [name, await compile(name, folder, ['-pthread'])] as const),
  );
  // They lack OpenSSL or zlib: without these the same source was compiled above.
  const [receiverTls = null, receiverDeflate = null, receiverDeflateTls = null] = await Promise.all(
    [WITH_TLS, WITH_DEFLATE, [...WITH_DEFLATE, ...WITH_TLS]].map((flags) =>
      compile('receiver', folder, flags).catch(() => null),
    ),
  );
  const programs = Object.fromEntries(paths) as Record<(typeof PROGRAMS)[number], string>;
  return { ...programs, receiverTls, receiverDeflate, receiverDeflateTls };
}

const WITH_TLS = ['-DTLS', '-lssl', '-lcrypto'];
const WITH_DEFLATE = ['-DDEFLATE', '-lz'];

async function compile(name: string, folder: string, flags: readonly string[]): Promise<string> {
  const source = fileURLToPath(new URL(`native/${name}.c`, import.meta.url));
  const version = createHash('sha256')
    .update(await readFile(source))
    .update(await readFile(new URL('native/dialect.h', import.meta.url)))
    .update(flags.join(' '))
    .digest('hex')
    .slice(0, 16);
  const binary = join(folder, `${name}-${version}`);
  if (await isThere(binary)) return binary;
  const draft = `${binary}.${process.pid}`;
  try {
    await run('cc', ['-O2', '-Wall', '-Wextra', '-o', draft, source, ...flags]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CompilerFault('no C compiler: the benchmark needs `cc` (package gcc or clang) for its load generator', {
      cause: error,
    });
  }
  await rename(draft, binary);
  return binary;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
