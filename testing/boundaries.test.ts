import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OXLINT = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint');

const PURE = 'protocol/ is pure: it imports zod at most.';
const PROTOCOL = 'protocol/ imports nothing of the project.';
const RUNTIME = 'runtime/ imports protocol/ alone.';
const EVENT_LOG = 'event-log/ imports protocol/ and runtime/.';
const CLIENT_LIBRARY = 'A client is a package of its own';
const SOURCE = 'source/ imports protocol/, runtime/ and event-log/.';
const GATEWAY = 'gateway/ imports protocol/, runtime/ and event-log/.';
const OPERATOR = 'operator/ imports protocol/, runtime/ and event-log/.';
const CLI = 'cli/ imports the processes and what lies below them.';
const TESTING = 'testing/ imports protocol/ and runtime/.';
const CLIENT = 'operator/kubernetes/ alone talks to the API server.';
const LOADTEST = 'loadtest/ imports protocol/ and k6/*.';
const OUTSIDE = 'looks at the product from outside';
const ENVIRONMENT = 'process.env';
const tests = (room: string) => `Tests of ${room}/ import ${room}/, what lies below it, testing/ and loadtest/oracle/.`;

interface Fixture {
  readonly file: string;
  readonly code: string;
  /** Part of the linter's message; null for a file without faults. */
  readonly says: string | null;
}

const from = (file: string, module: string, says: string | null): Fixture => ({
  file,
  code: `import { thing } from '${module}';\n\nexport const it = thing;\n`,
  says,
});

/** The import rules: a room, the rooms that it may import, and the linter's message for others. */
const ROOMS: readonly (readonly [room: string, below: readonly string[], says: string])[] = [
  ['runtime', ['protocol'], RUNTIME],
  ['event-log', ['protocol', 'runtime'], EVENT_LOG],
  ['source', ['protocol', 'runtime', 'event-log'], SOURCE],
  ['gateway', ['protocol', 'runtime', 'event-log'], GATEWAY],
  ['operator', ['protocol', 'runtime', 'event-log'], OPERATOR],
  ['cli', ['protocol', 'runtime', 'event-log', 'source', 'gateway', 'operator'], CLI],
  ['testing', ['protocol', 'runtime'], TESTING],
];
const ALL = [...ROOMS.map(([room]) => room), 'loadtest', 'charts', 'clients'];

/** Every pair of rooms, from a file at the room's top and from one in a folder of it. */
const PAIRS: readonly Fixture[] = ROOMS.flatMap(([room, below, says]) =>
  ALL.filter((other) => other !== room).flatMap((other) => [
    from(`${room}/imports-${other}.ts`, `../${other}/x.ts`, below.includes(other) ? null : says),
    from(`${room}/deep/imports-${other}.ts`, `../../${other}/x.ts`, below.includes(other) ? null : says),
  ]),
);

const FIXTURES: readonly Fixture[] = [
  ...PAIRS,
  from('protocol/a.ts', 'node:fs', PURE),
  from('protocol/b.ts', 'ioredis', PURE),
  from('protocol/c.ts', '../gateway/x.ts', PROTOCOL),
  from('protocol/d.ts', '../runtime/x.ts', PROTOCOL),
  from('protocol/deep/e.ts', '../../event-log/x.ts', PROTOCOL),
  { file: 'protocol/f.ts', code: "export { thing } from 'node:net';\n", says: PURE },
  from('protocol/g.ts', 'zod', null),
  from('protocol/h.ts', './g.ts', null),
  from('protocol/i.test.ts', '../gateway/x.ts', tests('protocol')),
  from('protocol/j.test.ts', 'node:test', null),
  from('runtime/e.ts', 'node:fs', null),
  from('runtime/f.test.ts', '../testing/x.ts', null),
  from('runtime/g.test.ts', '../gateway/x.ts', tests('runtime')),
  from('event-log/f.suite.ts', '../testing/x.ts', null),
  from('event-log/g.test.ts', '../gateway/x.ts', tests('event-log')),
  from('gateway/f.test.ts', '../loadtest/oracle/x.ts', null),
  from('gateway/g.test.ts', '../loadtest/runner/x.ts', tests('gateway')),
  from('gateway/h.test.ts', '../cli/x.ts', tests('gateway')),
  from('gateway/testing/i.ts', '../../source/x.ts', null),
  from('operator/d.ts', '@kubernetes/client-node', CLIENT),
  from('operator/kubernetes/e.ts', '@kubernetes/client-node', null),
  from('operator/kubernetes/f.ts', '../../gateway/x.ts', OPERATOR),
  from('operator/h.test.ts', '../gateway/x.ts', tests('operator')),
  from('cli/h.test.ts', '../testing/x.ts', null),
  from('loadtest/a.ts', '../gateway/x.ts', LOADTEST),
  from('loadtest/b.ts', '../runtime/x.ts', LOADTEST),
  from('loadtest/c.ts', 'ws', LOADTEST),
  from('loadtest/d.ts', 'node:fs', LOADTEST),
  from('loadtest/e.ts', 'k6/http', null),
  from('loadtest/f.ts', 'k6', null),
  from('loadtest/g.ts', '../protocol/x.ts', null),
  from('loadtest/traffic/h.ts', 'node:fs', LOADTEST),
  from('loadtest/runner/i.ts', '../../runtime/x.ts', null),
  from('loadtest/j.test.ts', 'node:test', null),
  from('loadtest/j.k6.test.ts', '../gateway/x.ts', OUTSIDE),
  from('loadtest/benchmark/h.ts', '../../gateway/x.ts', OUTSIDE),
  from('loadtest/benchmark/k.ts', '../../event-log/x.ts', OUTSIDE),
  from('loadtest/benchmark/i.ts', '../../runtime/x.ts', null),
  from('charts/a.ts', '../cli/x.ts', 'charts/ is made from what the processes say'),
  from('charts/b.ts', '../operator/x.ts', null),
  from('clients/typescript/src/a.ts', './x.ts', null),
  from('clients/typescript/src/b.ts', 'node:fs', null),
  from('clients/typescript/src/c.ts', 'ws', CLIENT_LIBRARY),
  from('clients/typescript/src/d.ts', '../../../protocol/x.ts', CLIENT_LIBRARY),
  from('clients/typescript/src/e.test.ts', '../../../gateway/testing/x.ts', null),
  from('clients/typescript/src/f.test.ts', '../../../protocol/x.ts', 'Tests of a client import'),
  ...['gateway/env.ts', 'operator/env.ts', 'runtime/env.ts', 'protocol/env.ts', 'source/env.ts'].map((file) => ({
    file,
    code: 'export const home = process.env.HOME;\n',
    says: ENVIRONMENT,
  })),
  ...['gateway/main.ts', 'operator/main.ts', 'cli/env.ts'].map((file) => ({
    file,
    code: 'export const home = process.env.HOME;\n',
    says: null,
  })),
  { file: 'gateway/exit.ts', code: 'export const leave = () => process.exit(1);\n', says: 'process.exit' },
];

interface Diagnostic {
  readonly filename: string;
  readonly message: string;
  readonly help?: string;
}

/** A test of the rules themselves: for each rule one file that breaks it, in folders of the same names. */
describe('import boundaries', () => {
  let tree = '';
  let said: ReadonlyMap<string, string>;

  before(async () => {
    tree = await mkdtemp(join(tmpdir(), 'firehose-boundaries-'));
    await cp(join(ROOT, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
    for (const { file, code } of FIXTURES) {
      await mkdir(dirname(join(tree, file)), { recursive: true });
      await writeFile(join(tree, file), code);
    }
    said = lint(tree);
  });

  after(() => rm(tree, { recursive: true, force: true }));

  for (const { file, code, says } of FIXTURES) {
    const [line = ''] = code.split('\n');
    test(`${file}: \`${line}\` is ${says === null ? 'fine' : `refused: ${says}`}`, () => {
      const text = said.get(file) ?? '';
      if (says === null) assert.equal(text, '');
      else assert.ok(text.includes(says), text);
    });
  }
});

function lint(folder: string): Map<string, string> {
  const { stdout, stderr } = spawnSync(process.execPath, [OXLINT, '-c', '.oxlintrc.json', '--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.ok(stdout.startsWith('{'), `the linter did not run: ${stdout}${stderr}`);
  const said = new Map<string, string>();
  for (const { filename, message, help } of (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics) {
    said.set(filename, `${said.get(filename) ?? ''}${message} ${help ?? ''}\n`);
  }
  return said;
}
