/** `npm run manifests`: renders install.yaml again. `gitops.cluster.test.ts` fails when this was forgotten. */
import { writeFile } from 'node:fs/promises';
import { announceBuilds } from '../../testing/go-build.ts';
import { ensureGoTool, missingGoTools } from '../../testing/go-tools.ts';
import { INSTALL_FILE, installYaml } from './render.ts';

announceBuilds(missingGoTools(['helm'], process.env), process.env, console.log);
const found = await ensureGoTool('helm', process.env, console.log);
if (!found.ok) throw new Error(found.remedy);
await writeFile(INSTALL_FILE, await installYaml(found.path));
