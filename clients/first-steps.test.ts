import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { codeBlocks } from '../docs/markdown.ts';
import { readRepositoryFile, ROOT } from '../docs/repository.ts';
import { serve, type Served } from '../docs/testing/served.ts';
import { readTranscript } from './transcript.ts';

const LIMIT = { timeout: 240_000 };
const INSTALL_LIMIT_MS = 150_000;
const PAGE = 'clients/README.md';

/** The terminals of README.md, from an empty folder, beside `npm start` as in the project's README.md. */
describe('the first steps of a stranger', () => {
  let served: Served;
  let home: string;

  before(async () => {
    served = await serve('start');
    // The checkout of the transcripts: the packages as they are, and the state of the running gateway.
    home = await mkdtemp(join(tmpdir(), 'firehose-home-'));
    for (const language of ['typescript', 'python']) {
      await cp(join(ROOT, 'clients', language), join(home, 'firehose/clients', language), { recursive: true });
    }
    await symlink(join(ROOT, 'node_modules'), join(home, 'firehose/node_modules'));
    await symlink(join(served.workplace.folder, '.firehose'), join(home, 'firehose/.firehose'));
  }, LIMIT);
  after(async () => {
    await served[Symbol.asyncDispose]();
    await rm(home, { recursive: true });
  });

  const transcripts = codeBlocks(readRepositoryFile(PAGE)).filter(({ language }) => language === 'console');
  for (const [n, what] of ['npm install and five lines', 'pip install and seven lines'].entries()) {
    test(`${what} print the events of npm start, as ${PAGE} shows it`, LIMIT, async () => {
      const transcript = readTranscript(transcripts[n]?.code ?? '');
      const folder = await mkdtemp(join(tmpdir(), 'firehose-empty-'));
      try {
        // The Node.js of this process: the machine's own may be older.
        const path = `${dirname(process.execPath)}:${process.env['PATH']}`;
        const url = `https://${served.client['FIREHOSE']}`;
        const environment = { ...process.env, PATH: path, FIREHOSE_URL: url };
        const at = (script: string) => `cd ${folder}\n${script.replaceAll('~/firehose', `${home}/firehose`)}`;
        const options = { env: environment, encoding: 'utf8', timeout: INSTALL_LIMIT_MS } as const;
        const { stdout, stderr, status } = spawnSync('bash', ['-ec', at(transcript.before)], options);
        assert.equal(status, 0, stdout + stderr);
        const line = /^\S+ CHANNEL_CREATE \w+$/m;
        const { output } = await served.workplace.prints(at(transcript.last), line, environment);
        assert.match(`${stdout}${output}`, transcript.output);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
});
