import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkModules, type PageModule } from './link-modules.ts';

const module = (source: string, imports: Readonly<Record<string, string>> = {}): PageModule => ({
  source,
  imports: new Map(Object.entries(imports)),
});
const load = async (text: string) =>
  (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as Record<string, unknown>;

test('modules see what they import under its own name or another one, and nothing else of each other', async () => {
  const text = linkModules(
    new Map([
      ['a.ts', module('const own = 1;\nexport const one = own;\nexport async function two() {\n  return 2;\n}')],
      ['b.ts', module('export class Three {\n  value = 3;\n}\nconst own = 4;\nexport function four() { return own; }')],
      [
        'c.ts',
        module(
          "import { sep as slash } from 'node:path';\nimport { one, two as second } from './a.ts';\nimport {\n  Three,\n  four,\n} from '../b.ts';\nglobalThis.linked = [slash, one, await0(second), new Three().value, four()];\nfunction await0(f) { return typeof f; }",
          { './a.ts': 'a.ts', '../b.ts': 'b.ts', 'node:path': 'node:path' },
        ),
      ],
    ]),
  );
  await load(text);
  assert.deepEqual((globalThis as { linked?: unknown }).linked, ['/', 1, 'function', 3, 4]);
});

test('what it does not understand is refused by the name of the module', () => {
  for (const source of ["import all from './a.ts';", "export * from './a.ts';", 'export default 1;', 'export { a };']) {
    assert.throws(() => linkModules(new Map([['odd.ts', module(source)]])), /odd\.ts imports or exports/);
  }
});
