/**
 * Detects a restart of Asterisk by channel ids. An id that Asterisk makes is `[<systemname>-]<second>.<n>`, and n
 * counts all channels of one life: a later second with a smaller n is of a new life. Ids that an application chose say
 * nothing.
 */
export interface Life {
  /** Whether this channel is the first of a new life. */
  hasRestarted(channelId: string): boolean;
  /** Knows no life: the next channel is the first of one. */
  forget(): void;
}

const MADE_BY_ASTERISK = /^(.*-)?(\d{9,11})\.(\d{1,10})$/;
/** Channels are made by many threads: the order of ids within a second or two says nothing. */
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
