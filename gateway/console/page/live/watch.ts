import { clock, count, gap } from '../base/format.ts';
import { number, object, text, texts, type Json } from '../base/read.ts';
import { redraw, redrawNow } from '../base/redraw.ts';
import { filterText, isSameFilter, NO_FILTER, type Filter } from './filter.ts';
import { Rate } from './rate.ts';
import { Ring, type Item } from './ring.ts';
import { Stream, type StreamState } from './stream.ts';

/** About 20 MB of events of 1.3 KB. */
const KEPT = 10_000;

/** What the page of live events is given. */
export interface WatchParts {
  readonly token: () => string | null;
  /** The login ends soon, or has ended. */
  readonly onExpiring: () => void;
  readonly onEnd: (why: string, isLogin: boolean) => void;
}

/** The stream of a login as the page keeps it: events, notes, pause, and the filter that is in force. */
export class Watch {
  readonly ring = new Ring(KEPT);
  readonly rate = new Rate();
  readonly #parts: WatchParts;
  readonly #stream: Stream;
  #state: StreamState = { kind: 'connecting' };
  /** What is shown while it is paused. */
  #frozen: { readonly items: readonly Item[]; readonly heard: number } | null = null;
  #wanted: Filter = NO_FILTER;
  #inForce: { readonly filter: Filter; readonly cursor: string | null } = { filter: NO_FILTER, cursor: null };
  #refusal: string | null = null;
  #behind: string | null = null;
  #lostAt: number | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#stream = new Stream({
      token: parts.token,
      onEvent: (message) => {
        this.ring.addEvent(message);
        this.rate.add(Date.now());
        redraw();
      },
      onFrame: (frame) => this.#hear(frame),
      onState: (state) => this.#become(state),
    });
  }

  get state(): StreamState {
    return this.#state;
  }

  get isPaused(): boolean {
    return this.#frozen !== null;
  }

  get unseen(): number {
    return this.#frozen === null ? 0 : this.ring.heard - this.#frozen.heard;
  }

  get length(): number {
    return this.#frozen?.items.length ?? this.ring.length;
  }

  /** `at` 0 is the newest that is shown. */
  get(at: number): Item | undefined {
    return this.#frozen === null ? this.ring.get(at) : this.#frozen.items[at];
  }

  get inForce(): { readonly filter: Filter; readonly cursor: string | null } {
    return this.#inForce;
  }

  /** Why the last filter was refused. */
  get refusal(): string | null {
    return this.#refusal;
  }

  /** How far the connection is behind; null while it is not. */
  get behind(): string | null {
    return this.#behind;
  }

  open(): void {
    this.#stream.open();
  }

  close(): void {
    this.#stream.close();
  }

  pause(): void {
    this.#frozen ??= { items: this.ring.snapshot(), heard: this.ring.heard };
    redrawNow();
  }

  resume(): void {
    this.#frozen = null;
    redrawNow();
  }

  narrow(filter: Filter): void {
    this.#refusal = null;
    this.#wanted = filter;
    if (!isSameFilter(filter, this.#inForce.filter)) this.#stream.send({ filter, ref: 'filter' });
    redrawNow();
  }

  /** A new token of the same user, while the stream continues; a stream that has ended is opened again. */
  renew(token: string): void {
    if (!this.#stream.send({ auth: token, ref: 'auth' })) this.#stream.open();
  }

  #hear(frame: Json): void {
    switch (frame['type']) {
      case 'hello':
        return this.#greeted(frame);
      case 'filter':
        return this.#narrowed(frame);
      case 'gap':
        return this.#note('bad', gapText(frame));
      case 'source_gap':
        return this.#note('bad', sourceGapText(frame));
      case 'lagging':
        this.#behind = behindText(frame);
        return redraw();
      case 'watermark':
        this.#behind = null;
        return redraw();
      case 'drain':
        return this.#note(
          'plain',
          `This replica leaves: the page moves to another one in ${gap(number(frame['retry_after_ms']) ?? 0)}`,
        );
      case 'token_expiring':
        return this.#parts.onExpiring();
      case 'auth_ok':
        return this.#note('good', 'The login was renewed: the stream went on');
      case 'error':
        return this.#refused(frame);
      default:
        return undefined;
    }
  }

  #greeted(frame: Json): void {
    this.#inForce = { filter: readFilter(frame['filter']), cursor: text(frame['cursor']) };
    if (this.#lostAt !== null)
      this.#note('good', `Connected again after ${gap(Date.now() - this.#lostAt)}, where it was`);
    this.#lostAt = null;
    if (!isSameFilter(this.#wanted, NO_FILTER)) this.#stream.send({ filter: this.#wanted, ref: 'filter' });
  }

  #narrowed(frame: Json): void {
    this.#inForce = { filter: readFilter(frame['filter']), cursor: text(frame['cursor']) };
    this.#note('plain', `From here on: ${filterText(this.#inForce.filter)}`);
  }

  #refused(frame: Json): void {
    const detail = `${text(frame['code']) ?? ''}: ${text(frame['detail']) ?? ''}`;
    if (frame['ref'] === 'filter') this.#refusal = detail;
    this.#note('bad', `The gateway refused: ${detail}`);
  }

  #become(state: StreamState): void {
    if (state.kind === 'waiting' && this.#lostAt === null) {
      this.#lostAt = Date.now();
      this.#note('bad', `${state.why}: trying again`);
    }
    this.#state = state;
    if (state.kind === 'ended') this.#ended(state.verdict.text, state.verdict.again === 'login');
    redrawNow();
  }

  #ended(why: string, isLogin: boolean): void {
    this.#lostAt = Date.now();
    this.#note('bad', why);
    this.#parts.onEnd(why, isLogin);
  }

  #note(tone: 'bad' | 'plain' | 'good', said: string): void {
    this.ring.addNote(tone, said, Date.now());
    redrawNow();
  }
}

function readFilter(value: unknown): Filter {
  const { accounts, events } = object(value);
  return { accounts: accounts === null ? null : texts(accounts), events: events === null ? null : texts(events) };
}

function gapText(frame: Json): string {
  const missed = number(frame['missed']);
  const many =
    missed === null ? 'an unknown number of entries' : `${count(missed)} ${missed === 1 ? 'entry' : 'entries'}`;
  const requested = text(frame['requested']);
  return `Gap (${text(frame['reason']) ?? 'unknown'}): ${many} of all accounts were lost to this page${requested === null ? '' : ` after ${requested}`}`;
}

function sourceGapText(frame: Json): string {
  const [begun, ended] = [number(frame['legs_begun']), number(frame['legs_ended'])];
  const legs =
    begun === null || ended === null ? '' : `; ${count(ended)} legs ended and ${count(begun)} began meanwhile`;
  return `No events of switch ${text(frame['source']) ?? '?'} from ${clock(text(frame['from']))} to ${clock(text(frame['to']))} (${text(frame['reason']) ?? ''})${legs}`;
}

function behindText(frame: Json): string {
  const [events, ms] = [number(frame['behind_events']), number(frame['behind_ms'])];
  return [events === null ? '' : `${count(events)} events`, ms === null ? '' : gap(ms)]
    .filter((part) => part !== '')
    .join(', ');
}
