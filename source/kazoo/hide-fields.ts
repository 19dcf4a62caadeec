import type { JsonScan } from '../../event-log/intake/json-scan.ts';
import type { HiddenFields } from '../legs/hidden-fields.ts';
import { cutMembers, type Judge } from './cut-members.ts';

const VARIABLES = 'Custom-Channel-Vars';
/** May name a file of the switch: cut when the value is a path, kept when it is a name. */
const MAY_HOLD_PATHS: ReadonlySet<string> = new Set([
  'Media-Recordings',
  'Media-Name',
  'Application-Data',
  'Raw-Application-Data',
]);
const SLASH = 0x2f;

/** Returns the text of a body of Kazoo's bus without the fields that are hidden from tenants. */
export function createFieldHider(isHidden: HiddenFields, isKept: HiddenFields): (scan: JsonScan) => string {
  const ofVariables: Judge = (key) => (isHidden(key) ? 'cut' : 'keep');
  return (scan) => {
    const ofRecording: Judge = (key, node) => (!isKept(key) && holdsSlash(scan, node) ? 'cut' : 'keep');
    return cutMembers(scan, (key, node) => {
      if (isHidden(key)) return 'cut';
      if (key === VARIABLES && scan.isObject(node)) return ofVariables;
      if (key === 'Recording' && scan.isObject(node)) return ofRecording;
      return MAY_HOLD_PATHS.has(key) && !isKept(key) && holdsSlash(scan, node) ? 'cut' : 'keep';
    });
  };
}

function holdsSlash(scan: JsonScan, node: number): boolean {
  return scan.bytes.subarray(scan.from(node), scan.to(node)).includes(SLASH);
}
