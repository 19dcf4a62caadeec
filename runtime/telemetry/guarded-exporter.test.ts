import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { guardExports } from './guarded-exporter.ts';

test('a collector whose name stands for a refused address from now on gets nothing more, until it is allowed again', async () => {
  const sent: string[] = [];
  let verdict: 'allowed' | 'refused' | 'unknown_host' = 'allowed';
  const exporter = {
    export(item: string, done: (result: ExportResult) => void) {
      sent.push(item);
      done({ code: ExportResultCode.SUCCESS });
    },
  };
  guardExports(exporter, ['collector.example.com'], { allowLoopback: false }, async () => verdict);
  const send = (item: string) => new Promise<ExportResult>((resolve) => exporter.export(item, resolve));
  assert.equal((await send('first')).code, ExportResultCode.SUCCESS);
  verdict = 'refused';
  const refused = await send('second');
  assert.deepEqual([refused.code, refused.error?.message], [ExportResultCode.FAILED, 'ADDRESS_REFUSED']);
  // gRPC's error for a name that DNS does not have.
  verdict = 'unknown_host';
  assert.equal((await send('third')).code, ExportResultCode.SUCCESS);
  assert.deepEqual(sent, ['first', 'third']);
});
