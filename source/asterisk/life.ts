/**
 * Detects a restart of Asterisk by channel ids. An id that Asterisk creates is `[<systemname>-]<second>.<n>`, where n
 * counts all channels of one life: a later second with a smaller n belongs to a new life. Ids that an application chose
 * are ignored.
 */
export interface Life {
  /** Returns whether this channel is the first of a new life. */
  hasRestarted(channelId: string): boolean;
  /** Forgets the life: the next channel is the first of one. */
  forget(): void;
}

const MADE_BY_ASTERISK = /^(.*-)?(\d{9,11})\.(\d{1,10})$/;
/** Many threads create channels: the order of ids within one or two seconds has no meaning. */
const SLACK_SECONDS = 2;

export function createLife(): Life {
  let latest: { readonly system: string; readonly second: number; readonly count: number } | null = null;
  return {
    hasRestarted(channelId) {
      const match = MADE_BY_ASTERISK.exec(channelId);
      if (match === null) return false;
      const made = { system: match[1] ?? '', second: Number(match[2]), count: Number(match[3]) };
      if (latest === null || made.system !== latest.system) {
        latest = made;
        return false;
      }
      const isNew = made.second >= latest.second + SLACK_SECONDS && made.count < latest.count;
      if (isNew || made.count > latest.count) latest = made;
      return isNew;
    },
    forget() {
      latest = null;
    },
  };
}
