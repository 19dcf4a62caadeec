import { chooseWay, DEFLATED_A_TURN } from './compression-policy.ts';
import type { Connection } from './connection.ts';
import type { FanoutCounters } from './counters.ts';
import { deflatedFrame, isWorthDeflating } from './deflate.ts';
import { framesOf, selfFramesOf } from './forms.ts';
import { frameAt, payloadAt } from './frames.ts';
import type { Round } from './round.ts';
import { entriesOf, type Selection } from './selection.ts';
import type { View } from './view.ts';

const NOTHING = Buffer.alloc(0);

/** The frames of a round for one view; a connection gets one of the two. */
export interface DeflatedChunks {
  /** For connections in step; null when there is none, or when all get the same. */
  readonly shared: Buffer | null;
  /** Connections with this mark or a smaller one get `shared`. */
  readonly inStepUpTo: number;
  /** Self-contained; made when the first connection needs it. */
  readonly self: () => Buffer;
}

/** Compresses rounds for views whose connections negotiated it, as far as the policy allows. */
export class Compressor {
  readonly #counters: FanoutCounters;
  readonly #isEncrypted: boolean;
  #left = DEFLATED_A_TURN;
  /** Share of the last interval in which the event loop was busy. */
  busy = 0;

  constructor(counters: FanoutCounters, isEncrypted: boolean) {
    this.#counters = counters;
    this.#isEncrypted = isEncrypted;
  }

  /** All other work has had its turn. */
  renew(): void {
    this.#left = DEFLATED_A_TURN;
  }

  /** For the live connections of a view; null: the round is sent uncompressed. */
  live(view: View, round: Round, selection: Selection): DeflatedChunks | null {
    const { stream } = view;
    const way = this.#way(view, selection, view.live.size);
    if (way === 'raw' || stream === null) return null;
    let made: Buffer | null = null;
    const self = () => (made ??= this.#self(round, selection));
    if (way === 'self') {
      stream.cut();
      return { shared: null, inStepUpTo: -1, self };
    }
    const { inStepUpTo } = stream;
    const shared = this.#timed(() => sharedChunk(view, round, selection));
    return { shared: anyInStep(view.live, inStepUpTo) ? shared : null, inStepUpTo, self };
  }

  /** Self-contained, for a connection that pulls; null: the round is sent uncompressed. */
  pulled(view: View, round: Round, selection: Selection): Buffer | null {
    return this.#way(view, selection, 1) === 'raw' ? null : this.#self(round, selection);
  }

  #way(view: View, selection: Selection, connections: number) {
    const { transport } = view.encoding;
    const events = entriesOf(selection).length;
    const way = chooseWay({
      transport,
      isEncrypted: this.#isEncrypted,
      connections,
      events,
      busy: this.busy,
      left: this.#left,
    });
    if (way !== 'raw') this.#left -= events;
    return way;
  }

  #self(round: Round, selection: Selection): Buffer {
    return this.#timed(() => Buffer.concat(selfFramesOf(round, selection, deflatedFrame)));
  }

  #timed(make: () => Buffer): Buffer {
    const started = performance.now();
    const made = make();
    this.#counters.compressMs += performance.now() - started;
    return made;
  }
}

function anyInStep(connections: ReadonlySet<Connection>, inStepUpTo: number): boolean {
  for (const { mark } of connections) if (mark <= inStepUpTo) return true;
  return false;
}

/** Small and very large messages remain uncompressed, whether connections are in step or not. */
function sharedChunk({ stream }: View, round: Round, selection: Selection): Buffer {
  const frames = framesOf(round, selection);
  const entries = entriesOf(selection);
  const chosen = entries.map((entry) => payloadAt(frames, entry));
  const deflated = (stream?.append(chosen) ?? []).values();
  const pieces = entries.map((entry, at) =>
    isWorthDeflating(chosen[at] ?? NOTHING) ? (deflated.next().value ?? NOTHING) : frameAt(frames, entry),
  );
  return Buffer.concat(pieces);
}
