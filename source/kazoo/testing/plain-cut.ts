import type { HiddenFields } from '../../legs/hidden-fields.ts';
import {
  bytesOf,
  byteText,
  CUT,
  isObjectText,
  MemberRules,
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
  const variables = rules((key) => (value) => (isHidden(key) ? CUT : value));
  const recording = rules((key) => (value) => (!isKept(key) && value.includes(SLASH) ? CUT : value));
  const top = rules((key) => (value) => {
    if (isHidden(key)) return CUT;
    if (key === VARIABLES && isObjectText(value)) return spliceMembers(value, variables);
    if (key === 'Recording' && isObjectText(value)) return spliceMembers(value, recording);
    return MAY_HOLD_PATHS.has(key) && !isKept(key) && value.includes(SLASH) ? CUT : value;
  });
  const shown = spliceMembers(text, top);
  return shown === text ? body : bytesOf(shown);
}

/** One rule for any value. */
function rules(judgeOf: (key: string) => Judge): MemberRules {
  return new MemberRules((key) => ({ scalar: judgeOf(key), container: judgeOf(key) }));
}
