import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const HEALTH = fileURLToPath(new URL('../gitops/argo-cd/health.lua', import.meta.url));

/** What Argo CD would show. */
export interface Health {
  readonly status: string;
  readonly message: string;
}

/** Runs health.lua over an object, in the Lua version of Argo CD. Throws with its output. */
export function argoHealth(glua: string, object: unknown): Health {
  const script = `obj = ${luaOf(object)}
local result = dofile(${JSON.stringify(HEALTH)})
print(result.status)
print(result.message or "")`;
  const { status, stdout, stderr } = spawnSync(glua, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr || stdout);
  const [word = '', ...message] = stdout.trimEnd().split('\n');
  return { status: word, message: message.join('\n') };
}

function luaOf(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return `{${value.map(luaOf).join(', ')}}`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `[${JSON.stringify(key)}] = ${luaOf(item)}`)
      .join(', ')}}`;
  }
  // The tested text contains no escapes that Lua 5.1 lacks.
  return JSON.stringify(value);
}
