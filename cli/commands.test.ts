import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { VERSION } from '../runtime/version.ts';
import { createProgram } from './commands.ts';
import { runProgram } from './program.ts';

/** Runs the command line in this process. */
async function type(...args: string[]) {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const codes: number[] = [];
  const surroundings = { environment: {}, exit: (code: number) => void codes.push(code) };
  await runProgram(createProgram({ input: new PassThrough(), output, errors }, surroundings), args, surroundings);
  const read = (stream: PassThrough) => String((stream.read() as Buffer | null) ?? '');
  return { code: codes.join(), output: read(output), errors: read(errors) };
}

interface Found {
  readonly path: readonly string[];
  readonly command: Command;
}

function all(command: Command, path: readonly string[]): Found[] {
  return [{ path, command }, ...command.commands.flatMap((one) => all(one, [...path, one.name()]))];
}

const nowhere = { environment: {}, exit: () => undefined };
const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough() };
const COMMANDS = all(createProgram(streams, nowhere), []);
const LISTS = [
  ['connections'],
  ['dead-letters', 'list'],
  ['lockouts', 'list'],
  ['groups'],
  ['directory', 'list'],
  ['sources'],
  ['health'],
  ['webhook', 'list'],
];

describe('every command', () => {
  for (const { path, command } of COMMANDS) {
    const name = ['firehose', ...path].join(' ');
    // `source` is also a command by itself.
    const isGroup = command.commands.length > 0 && name !== 'firehose source';

    test(`${name} --help describes use, flags and exit codes on the standard output`, async () => {
      for (const flag of ['--help', '-h']) {
        const { code, output, errors } = await type(...path, flag);
        assert.deepEqual([code, errors], ['0', '']);
        assert.match(output, new RegExp(`^Usage: ${name}[^]*\n  -h, --help +print this help\n`));
        if (!isGroup) assert.match(output, /\nExit codes:\n {2}0 {2}[^]*\n {2}2 {2}wrong usage or settings\n/);
        for (const line of output.split('\n')) assert.ok(line.length <= 80 || !line.trim().includes(' '), line);
      }
    });

    test(`${name} refuses a flag that does not exist with code 2, on the standard error`, async () => {
      const { code, output, errors } = await type(...path, ...command.registeredArguments.map(() => 'x'), '--nope');
      assert.deepEqual([code, output], ['2', '']);
      assert.match(errors, /^error: [^]*\n\(--help lists commands and flags\)\n$/);
    });

    test(`${name} describes each flag in one style`, () => {
      for (const { flags, description } of command.options) {
        assert.match(description, /^[a-z`0-9][^]*[^.]$/, `${flags} ${description}`);
        // The origin in `firehose tail` has no field for one: see tail/.
        const isOrigin = flags === '--url <origin>';
        assert.ok(
          isOrigin || !/(password|token|url|secret)$/.test(flags.split(' ')[0] ?? ''),
          `${flags} would hold a secret`,
        );
      }
      if (path.length > 0) assert.match(command.description(), /^[a-z][^]*[^.]$/);
    });

    if (isGroup && path.length > 0) {
      test(`${name} without a command is a wrong use`, async () => {
        const { code, output, errors } = await type(...path);
        assert.deepEqual([code, output], ['2', '']);
        assert.match(errors, new RegExp(`^Usage: ${name} `));
      });
    } else if (!isGroup && command.registeredArguments.every(({ variadic }) => !variadic)) {
      test(`${name} refuses an argument too many`, async () => {
        const { code, errors } = await type(...path, ...command.registeredArguments.map(() => 'x'), 'y');
        assert.equal(code, '2');
        assert.match(errors, /^error: too many arguments/);
      });
    }
  }

  test('what lists prints JSON for programs', () => {
    for (const path of LISTS) {
      const found = COMMANDS.find((one) => one.path.join() === path.join());
      assert.ok(
        found?.command.options.some(({ long }) => long === '--json'),
        path.join(' '),
      );
    }
  });
});

test('--version prints the version of package.json', async () => {
  assert.deepEqual(await type('--version'), { code: '0', output: `${VERSION}\n`, errors: '' });
});

test('dead letters are redriven by their ids or all at once, and not by neither or both', async () => {
  for (const args of [[], ['0:1-1', '--all'], ['0:1-1', '--account', 'a']]) {
    const { code, output, errors } = await type('dead-letters', 'redrive', ...args);
    assert.deepEqual([code, output], ['2', '']);
    assert.match(
      errors,
      /^error: name the dead letters by their ids, all of the group by --all, or all of one account of it by --account\n$/,
    );
  }
});

test('what was typed in the wrong place is not repeated: it may be a password', async () => {
  for (const args of [
    ['gateway', '--redis-url=redis://:hunter2@x'],
    ['hash-password', 'hunter2'],
    ['revoke', 'x', "hunter2's."],
  ]) {
    const { code, errors } = await type(...args);
    assert.equal(code, '2');
    assert.doesNotMatch(errors, /hunter2/);
  }
});
