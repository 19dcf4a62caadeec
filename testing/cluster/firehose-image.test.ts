import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, copiesOf, excludesOf, readLastStage } from './firehose-image.ts';

const DOCKERFILE = `# a comment
FROM node:1 AS dependencies
WORKDIR /build
RUN npm ci \\
  && rm -rf x
FROM base:1
COPY --from=dependencies /build/node_modules ./node_modules
WORKDIR /app
COPY package.json ./
COPY protocol ./protocol
USER 65532:65532
ENV NODE_ENV=production A=b
ENTRYPOINT ["/usr/local/bin/node", "main.ts"]
CMD ["--help"]
`;

test('the image is what the last stage of the Dockerfile says', () => {
  const stage = readLastStage(DOCKERFILE);
  assert.deepEqual(configOf(stage), {
    Entrypoint: ['/usr/local/bin/node', 'main.ts'],
    Cmd: ['--help'],
    User: '65532:65532',
    WorkingDir: '/app',
    Env: ['NODE_ENV=production', 'A=b'],
  });
  assert.deepEqual(copiesOf(stage), [
    { paths: ['package.json'], to: '.' },
    { paths: ['protocol'], to: '.' },
  ]);
});

test('what the build leaves out is left out here', () => {
  assert.deepEqual(excludesOf('# all\n*\n!protocol\n\ntesting\n**/*.test.ts\n'), ['testing', '*.test.ts']);
});
