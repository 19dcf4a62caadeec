import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bagsWithoutReason } from './option-bags.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

test('options of more than eight members state why', () => {
  const faults = repositoryFiles()
    .filter((path) => path.endsWith('.ts') && !/\.(test|suite|bench)\.ts$/.test(path))
    .flatMap((path) => bagsWithoutReason(readRepositoryFile(path)).map((fault) => `${path}: ${fault}`));
  assert.deepEqual(faults, []);
});

test('options of nine members are found, and those of eight or with a reason are not', () => {
  const bag = (name: string, count: number) =>
    `export interface ${name} {\n${Array.from({ length: count }, (_, i) => `  readonly m${i}: string;`).join('\n')}\n}\n`;
  assert.deepEqual(bagsWithoutReason(bag('OpenOptions', 9)), ['OpenOptions: 9 members']);
  assert.deepEqual(bagsWithoutReason(bag('GatewayConfig', 9)), ['GatewayConfig: 9 members']);
  assert.deepEqual(bagsWithoutReason(bag('OpenOptions', 8)), []);
  assert.deepEqual(
    bagsWithoutReason(`/** More than eight members: each is set by itself. */\n${bag('OpenOptions', 9)}`),
    [],
  );
});
