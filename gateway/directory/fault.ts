/** One thing that is wrong with the directory, and what to do about it. */
export interface Fault {
  /** Where in the file: `accounts[3].parent`, or `line 12` when it is not YAML. */
  readonly where: string;
  readonly message: string;
}

const PRINTED = 100;

/** All faults as lines for a person, at most 100 of them and the number of the others. */
export function describeFaults(faults: readonly Fault[]): string {
  const lines = faults.slice(0, PRINTED).map(({ where, message }) => `${where}: ${message}`);
  if (faults.length > PRINTED) lines.push(`and ${faults.length - PRINTED} more`);
  return lines.join('\n');
}

/** Why a directory, or a newer version of it, is not in force. Labels of metrics and readiness show these codes. */
export type DirectoryFaultCode =
  | 'directory_unreadable'
  | 'directory_invalid'
  | 'directory_unreachable'
  | 'directory_address_refused'
  | 'directory_certificate'
  | 'directory_timeout'
  | 'directory_status'
  | 'directory_redirected'
  | 'directory_format'
  | 'directory_truncated'
  | 'directory_too_large'
  | 'directory_shrunk';

/** The directory cannot be used. `faults` holds every fault of it. */
export class DirectoryFault extends Error {
  override readonly name = 'DirectoryFault';
  readonly code: DirectoryFaultCode;
  readonly faults: readonly Fault[];
  constructor(code: DirectoryFaultCode, faults: readonly Fault[], options?: ErrorOptions) {
    super(`the directory cannot be used\n${describeFaults(faults)}`, options);
    this.code = code;
    this.faults = faults;
  }
}
