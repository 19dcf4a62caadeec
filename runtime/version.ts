import { readFileSync } from 'node:fs';

/** The one version number of the project, from package.json. Chart, manifests and image tags are written from it. */
export const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
