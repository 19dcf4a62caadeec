import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastWords } from './last-words.ts';

const pod = (name: string, container: object) => ({ metadata: { name }, status: { containerStatuses: [container] } });
const line = (level: number, msg: string, more: object = {}) => JSON.stringify({ level, time: 1, msg, ...more });
const ended = (message: string, more: object = {}) => ({
  lastState: { terminated: { exitCode: 2, message, finishedAt: '2026-01-01T00:00:00Z', ...more } },
});

test('a gateway that ended says why: every fatal line of its log', () => {
  const text = ['cut off"}', line(30, 'starting'), line(60, 'REDIS_URL: a URL'), line(60, 'FIREHOSE_PORT: a port'), ''];
  assert.deepEqual(lastWords([pod('acme-1', ended(text.join('\n')))]), {
    reason: 'Crashing',
    message: 'acme-1 ended with exit code 2: REDIS_URL: a URL; FIREHOSE_PORT: a port',
  });
});

test('an unexpected error comes with its cause; what is no log line is shown as it is', () => {
  const unexpected = line(60, 'ended by an unexpected error', { err: { message: 'no memory', stack: 'long' } });
  assert.match(lastWords([pod('a', ended(unexpected))])?.message ?? '', /ended by an unexpected error: no memory$/);
  assert.match(lastWords([pod('a', ended('Killed'))])?.message ?? '', /: Killed$/);
  assert.match(lastWords([pod('a', ended(''))])?.message ?? '', /: it logged nothing$/);
});

test('of several the one that ended last speaks, in one line of bounded length', () => {
  const late = pod('late', ended(`a\u0007b${'x'.repeat(5_000)}`, { finishedAt: '2026-01-02T00:00:00Z' }));
  const words = lastWords([late, pod('early', ended('early'))])?.message ?? '';
  assert.match(words, /^late ended with exit code 2: a bx+…$/);
  assert.ok(words.length < 600);
});

test('a container that was not started says why; one that starts or runs says nothing', () => {
  const waiting = (reason: string, message: string) => pod('a', { state: { waiting: { reason, message } } });
  assert.deepEqual(lastWords([waiting('ImagePullBackOff', 'Back-off pulling image')]), {
    reason: 'NotStarted',
    message: 'a: ImagePullBackOff: Back-off pulling image',
  });
  assert.equal(lastWords([waiting('ContainerCreating', '')]), null);
  assert.equal(lastWords([pod('a', { state: { running: {} } })]), null);
  assert.equal(lastWords([pod('a', ended('done', { exitCode: 0 }))]), null);
  assert.equal(lastWords([{ metadata: { name: 'new' } }]), null);
});
