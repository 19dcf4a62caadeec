/**
 * `npm run sbom`: writes firehose.cdx.json, the CycloneDX list of the image's parts. npm makes the list from the lock
 * file. Development packages are removed here, because `npm sbom --omit=dev` also removes each package that is both a
 * development dependency and a dependency of a shipped package, with everything below it (npm 11.19).
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from './repository.ts';

const FILE = 'firehose.cdx.json';
const DEVELOPMENT = 'cdx:npm:package:development';

const bom = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  components: z.array(
    z.looseObject({
      'bom-ref': z.string(),
      name: z.string(),
      version: z.string(),
      properties: z.array(z.looseObject({ name: z.string() })).optional(),
    }),
  ),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});
export type Bom = z.output<typeof bom>;

export function shippedBom(): Bom {
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
  const text = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return withoutDevelopment(bom.parse(JSON.parse(text)));
}

function withoutDevelopment(all: Bom): Bom {
  const components = all.components.filter(
    ({ properties = [] }) => !properties.some(({ name }) => name === DEVELOPMENT),
  );
  const development = new Set(all.components.filter((one) => !components.includes(one)).map((one) => one['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => !development.has(ref))
    .map((one) => ({ ...one, dependsOn: (one.dependsOn ?? []).filter((ref) => !development.has(ref)) }));
  return { ...all, components, dependencies };
}

if (import.meta.main) {
  const { components, ...rest } = shippedBom();
  writeFileSync(join(ROOT, FILE), `${JSON.stringify({ ...rest, components }, null, 2)}\n`);
  console.log(`${FILE}: ${components.length} packages`);
}
