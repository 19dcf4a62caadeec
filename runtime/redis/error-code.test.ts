import assert from 'node:assert/strict';
import { it } from 'node:test';
import { redisErrorCode, RedisTimeout, replyWasLost } from './error-code.ts';
import { reconnectDelay } from './reconnect-delay.ts';

it("takes the first word of Redis's own reply", () => {
  const replies = {
    LOADING: 'LOADING Redis is loading the dataset in memory',
    OOM: "OOM command not allowed when used memory > 'maxmemory'.",
    READONLY: "READONLY You can't write against a read only replica.",
    NOAUTH: 'NOAUTH Authentication required.',
    WRONGPASS: 'WRONGPASS invalid username-password pair or user is disabled.',
    NOPERM: "NOPERM this user has no permissions to run the 'xadd' command",
    MISCONF: 'MISCONF Redis is configured to save RDB snapshots',
    BUSY: 'BUSY Redis is busy running a script.',
    CLUSTERDOWN: 'CLUSTERDOWN The cluster is down',
    WRONGTYPE: 'WRONGTYPE Operation against a key holding the wrong kind of value',
    ERR: 'ERR unknown command',
  };
  for (const [code, text] of Object.entries(replies)) assert.equal(redisErrorCode(new Error(text)), code);
});

it('tells a command that was not sent from one whose reply was lost', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
  assert.equal(redisErrorCode(refused), 'UNREACHABLE');
  assert.equal(
    redisErrorCode(new Error("Stream isn't writeable and enableOfflineQueue options is false")),
    'UNREACHABLE',
  );
  const lost = redisErrorCode(new Error('Connection is closed.'));
  assert.equal(lost, 'CONNECTION_LOST');
  assert.ok(replyWasLost(lost) && replyWasLost('TIMEOUT') && !replyWasLost('UNREACHABLE') && !replyWasLost('OOM'));
  assert.equal(redisErrorCode(new RedisTimeout('')), 'TIMEOUT');
  assert.equal(redisErrorCode(new Error('Command timed out')), 'TIMEOUT');
});

it('says what lies behind words of the client', () => {
  const said = {
    UNREACHABLE: 'All sentinels are unreachable. Retrying from scratch after 10ms. Last error: Connection is closed.',
    WRONGPASS: 'All sentinels are unreachable. Retrying from scratch after 10ms. Last error: WRONGPASS invalid',
    NOAUTH: 'failed to connect to sentinel 127.0.0.1:1 because NOAUTH Authentication required.',
    UNKNOWN_MASTER: 'connected to sentinel 127.0.0.1:1 successfully, but got an invalid reply: null',
    CLUSTERDOWN: 'Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN Hash slot not served',
    NOPERM: "ERR The user executing the script can't run this command or subcommand script: 1",
  };
  for (const [code, text] of Object.entries(said)) assert.equal(redisErrorCode(new Error(text)), code);
  const nodes = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: new Error('LOADING x') });
  assert.equal(redisErrorCode(nodes), 'LOADING');
  const untrusted = Object.assign(new Error('unable to verify'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  assert.equal(redisErrorCode(untrusted), 'TLS');
});

it('never shows what it does not know', () => {
  assert.equal(redisErrorCode(new Error('password hunter2')), 'UNKNOWN');
  assert.equal(redisErrorCode('text'), 'UNKNOWN');
  assert.equal(redisErrorCode(undefined), 'UNKNOWN');
});

it('waits between attempts at most two seconds', () => {
  assert.equal(
    reconnectDelay(1, () => 0),
    50,
  );
  assert.equal(
    reconnectDelay(1_000, () => 1),
    2_000,
  );
});
