import type { HiddenFields } from '../../legs/hidden-fields.ts';
import {
  bytesOf,
  byteText,
  CUT,
  isObjectText,
  spliceMembers,
  type Judge,
} from '../../../event-log/intake/splice-members.ts';

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
  const text = byteText(body);
  const shown = spliceMembers(text, (key, value) => {
    if (isHidden(key)) return CUT;
    if (key === VARIABLES && isObjectText(value)) return spliceMembers(value, hiddenIn(isHidden));
    if (key === 'Recording' && isObjectText(value)) return spliceMembers(value, pathsIn(isKept));
    return MAY_HOLD_PATHS.has(key) && !isKept(key) && value.includes(SLASH) ? CUT : value;
  });
  return shown === text ? body : bytesOf(shown);
}

function hiddenIn(isHidden: HiddenFields): Judge {
  return (key, value) => (isHidden(key) ? CUT : value);
}

function pathsIn(isKept: HiddenFields): Judge {
  return (key, value) => (!isKept(key) && value.includes(SLASH) ? CUT : value);
}
