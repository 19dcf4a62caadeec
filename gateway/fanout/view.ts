import type { Grant } from '../auth/grant.ts';
import { wantedBy, type Wanted } from './route-index.ts';
import type { Encoding } from './encoding.ts';
import { framesOf } from './forms.ts';
import type { Round } from './round.ts';
import type { Scratch, ScratchLease } from './scratch.ts';
import { countOf, fill, seal, type Part, type Selection } from './selection.ts';
import type { Connection } from './connection.ts';
import { SharedStream } from './shared-stream.ts';

export interface Sealed {
  readonly round: Round;
  /**
   * Version of the route index at the time of gathering: after a change of the tree the Buffer must not be used (I5).
   */
  readonly scope: number;
  readonly chunk: Buffer;
  readonly events: number;
  /** Bytes saved in comparison with the uncompressed frames. */
  readonly saved: number;
}

/**
 * One scope, filter and encoding, shared by all connections that requested the same. It gathers the matching entries of
 * a round, and keeps the Buffer that its connections share as long as the round is in the tail.
 */
export class View implements Wanted {
  readonly key: string;
  readonly root: string;
  readonly accounts: ReadonlySet<string> | null;
  readonly events: ReadonlySet<string> | null;
  readonly encoding: Encoding;
  /** Connections of this view that are at the head of the log. */
  readonly live = new Set<Connection>();
  /** The content of its live connections' windows; null for connections that did not negotiate compression. */
  readonly stream: SharedStream | null;
  /** All connections of this view: at 0 the view is removed. */
  references = 0;
  #round = -1;
  #parts: Part[] = [];
  #sealed: Sealed | null = null;

  constructor(key: string, grant: Grant, encoding: Encoding) {
    this.key = key;
    const { root, accounts, events } = wantedBy(grant);
    this.root = root;
    this.accounts = accounts;
    this.events = events;
    this.encoding = encoding;
    this.stream = encoding.transport === 'raw' ? null : new SharedStream();
  }

  /** At the head of the log from now on. */
  enter(connection: Connection): void {
    connection.mark = this.stream?.mark ?? 0;
    this.live.add(connection);
  }

  /** Adds a matching part of the current round; true for the first one. */
  gather(round: number, part: Part): boolean {
    const isFirst = this.#round !== round;
    if (isFirst) {
      this.#round = round;
      this.#parts = [part];
    } else this.#parts.push(part);
    return isFirst;
  }

  /** Everything gathered from the current round. */
  get gathered(): Selection {
    return { parts: this.#parts, encoding: this.encoding };
  }

  /** The selected frames as one Buffer that connections share, kept for those that pull the same round later. */
  seal(round: Round, selection: Selection, scope: number): Buffer {
    return this.keep(round, selection, {
      scope,
      chunk: seal(framesOf(round, selection), selection),
      saved: 0,
    });
  }

  /** The same for a Buffer that was made from the selection elsewhere. */
  keep(round: Round, selection: Selection, kept: Pick<Sealed, 'scope' | 'chunk' | 'saved'>): Buffer {
    this.unseal();
    this.#sealed = { round, ...kept, events: countOf(selection) };
    round.sealedBy.add(this);
    return kept.chunk;
  }

  /** What was sealed for this round under this state of the account tree, else null. */
  sealed(round: number, scope: number): Sealed | null {
    return this.#sealed?.round.number === round && this.#sealed.scope === scope ? this.#sealed : null;
  }

  /** Releases what was sealed: no connection will pull it again. */
  unseal(): void {
    this.#sealed?.round.sealedBy.delete(this);
    this.#sealed = null;
  }

  /** The selected frames for one connection, in a pooled buffer that is released when the socket has taken it. */
  fill(round: Round, selection: Selection, scratch: Scratch): ScratchLease {
    return fill(framesOf(round, selection), selection, scratch);
  }
}

/** Same key, same view: order and repetition in the filters do not matter. */
export function viewKey(grant: Grant, encodingKey: string): string {
  const canonical = (list: readonly string[] | null) => (list === null ? null : [...new Set(list)].sort());
  return JSON.stringify([grant.account, canonical(grant.accounts), canonical(grant.events), encodingKey]);
}
