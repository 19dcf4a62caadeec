import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = {
  'package.json': JSON.stringify({
    type: 'module',
    bin: { firehose: 'cli/firehose.ts' },
    dependencies: { ws: '*', zod: '*' },
  }),
  'cli/firehose.ts': "import { used } from '../gateway/part.ts';\nimport 'ws';\nused();\n",
  'gateway/part.ts': 'export function used(): void {}\nexport function spare(): void {}\nexport interface Spare {}\n',
  'gateway/left.ts': 'export const left = 1;\n',
  'gateway/part.test.ts': "import { used } from './part.ts';\nused();\n",
};

interface Finding {
  readonly file: string;
  readonly files?: readonly { name: string }[];
  readonly exports?: readonly { name: string }[];
  readonly types?: readonly { name: string }[];
  readonly dependencies?: readonly { name: string }[];
}

test('the check finds a file, an export, a type and a dependency that nothing uses', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-unused-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(SOURCES)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await copyFile(join(ROOT, 'knip.jsonc'), join(folder, 'knip.jsonc'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const knip = join(ROOT, 'node_modules/knip/bin/knip.js');
  const options = ['--no-progress', '--reporter', 'json', '--directory', folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, [knip, ...options], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(status, 1, stderr);
  const { issues } = JSON.parse(stdout) as { issues: readonly Finding[] };
  const found = issues.flatMap((issue) =>
    (['files', 'exports', 'types', 'dependencies'] as const).flatMap((kind) =>
      (issue[kind] ?? []).map(({ name }) => `${kind}: ${issue.file} ${name}`),
    ),
  );
  assert.deepEqual(found.toSorted(), [
    'dependencies: package.json zod',
    'exports: gateway/part.ts spare',
    'files: gateway/left.ts gateway/left.ts',
    'types: gateway/part.ts Spare',
  ]);
});
