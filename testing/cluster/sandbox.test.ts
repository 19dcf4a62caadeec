import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openSandbox, sandboxPossible } from './sandbox.ts';
import { until } from '../../testing/until.ts';

const possible = sandboxPossible();
const skip = possible.ok ? false : possible.remedy;

/** Whether a process of this machine has this among its arguments. */
function runs(argument: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
      } catch {
        return false; // The process has ended.
      }
    });
}

describe('a sandbox', { skip }, () => {
  test('gives the exit code, has a network of its own without a way out, and leaves nothing', async () => {
    const sandbox = await openSandbox();
    const script = `ip addr add 10.250.0.11/24 dev node0 &&
      test $(ip -o link | wc -l) = 3 && ! ip route get 192.0.2.1 2>/dev/null && test -w "$FIREHOSE_SANDBOX" &&
      (sleep 96001.${process.pid} & ) && exit 7`;
    assert.equal(await sandbox.run(['bash', '-c', script], process.env), 7);
    assert.ok(!runs(`96001.${process.pid}`), 'what a command leaves behind ends with it');
    await sandbox[Symbol.asyncDispose]();
    assert.ok(!existsSync(sandbox.folder));
  });

  test('ends with its owner, even when that is killed, and the next one removes what it left', async () => {
    const argument = `96002.${process.pid}`;
    const source = `import { openSandbox } from ${JSON.stringify(import.meta.resolve('./sandbox.ts'))};
      const sandbox = await openSandbox();
      console.log(sandbox.folder);
      await sandbox.run(['sleep', '${argument}'], process.env);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [folder] = (await once(owner.stdout, 'data')) as [Buffer];
    const path = folder.toString().trim();
    await until('the command runs', async () => runs(argument));
    const exited = once(owner, 'exit');
    owner.kill('SIGKILL');
    await exited;
    await until('the command is gone', async () => !runs(argument));
    assert.ok(existsSync(path));
    await using next = await openSandbox();
    assert.ok(!existsSync(path));
    assert.ok(existsSync(next.folder));
  });
});
