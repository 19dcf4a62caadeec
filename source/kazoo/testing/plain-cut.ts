import type { HiddenFields } from '../../legs/hidden-fields.ts';
import { isObjectText, spliceMembers, type Cut } from '../../../event-log/intake/splice-members.ts';

const VARIABLES = 'Custom-Channel-Vars';
/** May name a file of the switch: cut when the value is a path, kept when it is a name. */
const MAY_HOLD_PATHS: ReadonlySet<string> = new Set([
  'Media-Recordings',
  'Media-Name',
  'Application-Data',
  'Raw-Application-Data',
]);
const SLASH = '/';

/** The result of `hide-fields` and `cut-members`, computed simply: by slices of the text, without their scan. */
export function plainHide(body: Buffer, isHidden: HiddenFields, isKept: HiddenFields): Buffer {
  return spliceMembers(body, (key, value): Cut => {
    if (isHidden(key)) return 'cut';
    if (key === VARIABLES && isObjectText(value)) return unlessSame(value, spliceMembers(value, hiddenIn(isHidden)));
    if (key === 'Recording' && isObjectText(value)) return unlessSame(value, spliceMembers(value, pathsIn(isKept)));
    return MAY_HOLD_PATHS.has(key) && !isKept(key) && value.includes(SLASH) ? 'cut' : 'keep';
  });
}

function hiddenIn(isHidden: HiddenFields) {
  return (key: string): Cut => (isHidden(key) ? 'cut' : 'keep');
}

function pathsIn(isKept: HiddenFields) {
  return (key: string, value: Buffer): Cut => (!isKept(key) && value.includes(SLASH) ? 'cut' : 'keep');
}

function unlessSame(before: Buffer, after: Buffer): Cut {
  return before === after ? 'keep' : after;
}
