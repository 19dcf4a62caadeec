import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { DIRECTORY_KAZOO_SETTINGS } from '../gateway/directory/server/kazoo/settings.ts';
import { DIRECTORY_SQL_SETTINGS } from '../gateway/directory/server/sql/settings.ts';
import { GATEWAY_SETTINGS } from '../gateway/settings.ts';
import { OPERATOR_SETTINGS } from '../operator/settings.ts';
import { UNINSTALL_SETTINGS } from '../operator/uninstall/settings.ts';
import { flagsOf } from '../runtime/settings/describe.ts';
import type { SettingsTable } from '../runtime/settings/setting.ts';
import { SOURCE_SETTINGS } from '../source/settings.ts';
import { ENDPOINT_SETTINGS } from './administration.ts';
import { CLIENT_SETTINGS } from './tail/settings.ts';
import { LISTEN_SETTINGS } from './webhook/settings.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const TABLES: Readonly<Record<string, SettingsTable>> = {
  gateway: GATEWAY_SETTINGS,
  operator: OPERATOR_SETTINGS,
  uninstall: UNINSTALL_SETTINGS,
  source: SOURCE_SETTINGS,
  'directory kazoo': DIRECTORY_KAZOO_SETTINGS,
  'directory sql': DIRECTORY_SQL_SETTINGS,
  administration: ENDPOINT_SETTINGS,
  client: CLIENT_SETTINGS,
  'webhook listen': LISTEN_SETTINGS,
};

/** Variables of the tests and of the load tests' runner: no process of the product reads them. */
const OF_TESTS = ['FIREHOSE_SANDBOX', 'FIREHOSE_CLUSTER_PORT', 'FIREHOSE_OUTAGE_SCALE'];
/** A constant of Redis's Lua. */
const OF_REDIS = ['REDIS_VERSION_NUM'];
const NAME = /\b(?:FIREHOSE|REDIS)_[A-Z]+(?:_[A-Z]+)*\b/g;

async function parametersOfLoadTests(): Promise<readonly string[]> {
  const text = await readFile(`${ROOT}loadtest/settings/parameters.ts`, 'utf8');
  return [...text.matchAll(/^ {2}(FIREHOSE_\w+): parameter\(/gm)].map(([, name = '']) => name);
}

test('every setting that a chart, a document, a message or a program names is one of a table', async () => {
  const known = new Set([
    ...Object.values(TABLES).flatMap((table) => Object.keys(table)),
    ...(await parametersOfLoadTests()),
    ...OF_TESTS,
    ...OF_REDIS,
  ]);
  const unknown: string[] = [];
  const exclude = ['**/node_modules/**', '**/.git/**', 'CHANGELOG.md'];
  for await (const path of glob(['**/*.{ts,md,yaml,yml,tpl,json,txt}', 'Dockerfile'], { cwd: ROOT, exclude })) {
    const text = await readFile(`${ROOT}${path}`, 'utf8');
    for (const [name] of text.matchAll(NAME)) {
      // A constant of a program may have the same form: a setting is in quotes, in a text or as a key of an
      // environment.
      const isConstant =
        path.endsWith('.ts') && new RegExp(`\\b(?:const|type|import (?:type )?\\{[^}]*) ${name}\\b`).test(text);
      if (!known.has(name) && !isConstant) unknown.push(`${path}: ${name}`);
    }
  }
  assert.deepEqual([...new Set(unknown)], []);
});

for (const [process, table] of Object.entries(TABLES)) {
  test(`each default of ${process} can be read, and its flags are told apart`, () => {
    for (const [name, { kind, fallback }] of Object.entries(table)) {
      if (fallback !== null) assert.notEqual(kind.read(fallback), null, name);
    }
    const keys = flagsOf(table).map(({ key }) => key);
    assert.equal(new Set(keys).size, keys.length, keys.join());
  });
}
