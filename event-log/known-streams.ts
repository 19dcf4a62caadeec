import { CursorSeal } from './cursor-seal.ts';
import { retentionField } from './provisioning/retention.ts';

const CURSOR_KEY = 'cursor-key:';

/** Field of the first partition's meta with the key of a resource's cursors: it is lost only together with the log. */
export function cursorKeyField(resource: string): string {
  return `${CURSOR_KEY}${resource}`;
}

/** This process's knowledge of the streams since its last read: each read updates it. */
export class KnownStreams {
  /** `<namespace>/<name>`; null for a process that serves no resource: it needs no cursors. */
  readonly resource: string | null;
  readonly cursors = new CursorSeal();
  /** Last entry id of each partition, as far as it was seen. */
  readonly newest: string[] = [];
  /** Whether another resource has registered with the same streams. */
  isShared = false;
  #hasKey = false;

  constructor(resource: string | null) {
    this.resource = resource;
  }

  /**
   * Arguments of the script for one partition: the field of the cursor key, the key to store when there is none, `1`
   * while the key in force is unknown, and the field of this resource's retention.
   */
  argumentsFor(partition: number): [field: string, record: string, isFirst: string, own: string] {
    if (partition !== 0 || this.resource === null) return ['', '', '', ''];
    const { record } = this.cursors;
    return [cursorKeyField(this.resource), record, this.#hasKey ? '' : '1', retentionField(this.resource)];
  }

  /** `record` is empty, and `others` 0, for partitions that do not have them. */
  looked(partition: number, look: { readonly newest: string; readonly record: string; readonly others: number }): void {
    this.newest[partition] = look.newest;
    if (look.record === '') return;
    this.cursors.learn(look.record);
    this.#hasKey = true;
    this.isShared = look.others > 0;
  }
}
