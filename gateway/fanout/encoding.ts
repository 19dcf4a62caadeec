import { MOST_PROFILES } from '../../protocol/subscription/privacy.ts';
import type { Redactor } from '../privacy/redactor.ts';

/**
 * What a connection gets of an event: its bytes, its bytes with one trailing `_firehose` key, or a CloudEvent with them
 * as data.
 */
const FORMATS = ['plain', 'meta', 'cloudevents'] as const;
export type Format = (typeof FORMATS)[number];

/** The framing of each text: a WebSocket frame, or the lines of a Server-Sent Event. */
export type Framing = 'websocket' | 'sse';

/**
 * How a text is sent to connections that negotiated permessage-deflate (RFC 7692): `shared` to those that keep their
 * window between messages, `self` to those that do not; `raw` to all others.
 */
const TRANSPORTS = ['raw', 'self', 'shared'] as const;
export type Transport = (typeof TRANSPORTS)[number];
/** Framings of a WebSocket, and Server-Sent Events. */
const WAYS = TRANSPORTS.length + 1;

/** Everything that determines the bytes of an event. Two connections with equal forms may share the bytes. */
export interface Form {
  readonly format: Format;
  readonly framing: Framing;
  /** For a WebSocket; Server-Sent Events are `raw`. */
  readonly transport: Transport;
  /** Null shows everything. */
  readonly privacy: Redactor | null;
  /** The `source` of CloudEvents, the same for all connections of a resource. */
  readonly source: string;
}

export const PLAIN: Form = { format: 'plain', framing: 'websocket', transport: 'raw', privacy: null, source: '' };
export const WITH_META: Form = { ...PLAIN, format: 'meta' };

/** A form in use; a replica has one object for each. */
export interface Encoding extends Form {
  readonly key: string;
  /** Names the framed text of an event, without its compression: rounds store their texts by this name. */
  readonly text: string;
}

/**
 * Largest number of forms in use with compression. Connections beyond it get events uncompressed: no connection is
 * refused because of the forms of others. The limit equals what one resource can declare, with every set of its
 * profiles, so that the logins of one account cannot take compression away from others. A form costs nothing unless a
 * connection needs an event in it (F1).
 */
const MOST_ENCODINGS = FORMATS.length * WAYS * 2 ** MOST_PROFILES;

interface Held {
  readonly encoding: Encoding;
  uses: number;
}

/** The forms in use on this replica (F1). A form is dropped with its last user. */
export class Encodings {
  readonly #held = new Map<string, Held>();
  readonly #most: number;

  constructor(most = MOST_ENCODINGS) {
    this.#most = most;
  }

  get size(): number {
    return this.#held.size;
  }

  hasRoomFor(form: Form): boolean {
    return form.transport === 'raw' || this.#held.size < this.#most || this.#held.has(keyOf(form));
  }

  /** Return it with `release`. Check `hasRoomFor` first. */
  hold(form: Form): Encoding {
    const key = keyOf(form);
    let held = this.#held.get(key);
    if (held === undefined) {
      if (!this.hasRoomFor(form)) throw new Error(`more than ${this.#most} forms of an event are in use`);
      const { format, framing, transport, privacy, source } = form;
      held = { encoding: { format, framing, transport, privacy, source, key, text: textOf(form) }, uses: 0 };
      this.#held.set(key, held);
    }
    held.uses += 1;
    return held.encoding;
  }

  release({ key }: Encoding): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.uses -= 1;
    if (held.uses === 0) this.#held.delete(key);
  }
}

function keyOf(form: Form): string {
  return form.transport === 'raw' ? textOf(form) : `${textOf(form)}/${form.transport}`;
}

function textOf({ format, framing, privacy }: Form): string {
  const text = framing === 'websocket' ? format : `${framing} ${format}`;
  return privacy === null ? text : `${text} ${privacy.name}@${privacy.version}`;
}
