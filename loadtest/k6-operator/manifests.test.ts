import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { NAMES } from '../runner/command.ts';
import { CONFIG_MAP, configMap, flatFiles } from '../runner/config-map.ts';
import { PARAMETERS, parametersOf, type ParameterName, type ScriptName } from '../settings/parameters.ts';
import { readSettings } from '../settings/settings.ts';

interface TestRun {
  readonly kind: string;
  readonly spec: {
    readonly parallelism: number;
    readonly script: { readonly configMap: { readonly name: string; readonly file: string } };
    readonly arguments: string;
  };
}

const read = async (script: ScriptName) =>
  parse(await readFile(new URL(`${script}.yaml`, import.meta.url), 'utf8')) as TestRun;

/** Scripts that may be split: their verdict does not need all connections in one place. */
const MAY_BE_SPLIT: readonly ScriptName[] = ['load', 'resume', 'snapshot'];
/** Limit of etcd and of the API server: an object has at most about a mebibyte. */
const MOST_BYTES = 1024 * 1024;

describe('TestRuns of the k6 operator', () => {
  for (const script of NAMES) {
    test(`${script}: takes its script from the ConfigMap, and gives parameters that the script has`, async () => {
      const { kind, spec } = await read(script);
      assert.equal(kind, 'TestRun');
      assert.deepEqual(spec.script.configMap, { name: CONFIG_MAP, file: `${script}.ts` });
      assert.ok((await flatFiles()).has(spec.script.configMap.file));
      const words = spec.arguments.split(' ');
      const pairs = words.filter((word) => word !== '-e').map((word) => word.split('=', 2) as [ParameterName, string]);
      assert.equal(words.length, 2 * pairs.length);
      for (const [name] of pairs) {
        assert.ok(parametersOf(script).has(name), `${name} is no parameter of ${script}`);
        assert.notEqual(PARAMETERS[name].kind, 'secret', `${name} belongs into the Secret`);
      }
      const settings = readSettings(script, Object.fromEntries(pairs));
      assert.equal(settings.FIREHOSE_URL, 'https://firehose:9443');
      if (spec.parallelism > 1) {
        assert.ok(MAY_BE_SPLIT.includes(script));
        assert.notEqual(settings.RUN, '', 'the runners need one name');
      }
    });
  }

  test('the ConfigMap holds every file that is imported, under a key that a ConfigMap may have', async () => {
    const manifest = JSON.parse(await configMap()) as { metadata: { name: string }; data: Record<string, string> };
    assert.equal(manifest.metadata.name, CONFIG_MAP);
    assert.ok((await configMap()).length < MOST_BYTES);
    for (const [key, text] of Object.entries(manifest.data)) {
      assert.match(key, /^[-._a-zA-Z0-9]+$/);
      for (const [, from = ''] of text.matchAll(/^(?:import|export) .*from '([^']+)';$/gm)) {
        const isThere = from.startsWith('./') ? from.slice(2) in manifest.data : /^k6(\/|$)/.test(from);
        assert.ok(isThere, `${key} imports ${from}`);
      }
    }
  });
});
