import type { SwitchEvent } from '../mapper.ts';

/** The greeting begins with it. It is one line and has no empty line after it. */
export const GREETING = 'Asterisk Call Manager/';

const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
/** Asterisk has a few hundred keys. */
const MAX_KEYS = 4_096;
const MAX_KEY_LENGTH = 64;

/** A known key, and the key that followed it last time: messages of one kind repeat their keys. */
interface KnownKey {
  readonly name: string;
  /** The key with colon and space. */
  readonly prefix: string;
  next: KnownKey | null;
}

/**
 * Values by their keys, without inherited members: a message may contain any key. Objects of a class are filled faster
 * than those of Object.create(null).
 */
class Message {
  [key: string]: string | string[];
}
Reflect.deleteProperty(Message.prototype, 'constructor');
Object.setPrototypeOf(Message.prototype, null);

/** Reads messages of the manager interface: lines `Key: value`. */
export class MessageReader {
  readonly #known = new Map<string, KnownKey>();
  readonly #start: KnownKey = { name: '', prefix: '', next: null };

  /** The message in this text; null when it has empty lines alone. A key given twice has a list. */
  read(text: string): SwitchEvent | null {
    const message = new Message();
    let isEmpty = true;
    let key = this.#start;
    for (let at = 0; at < text.length;) {
      const feed = text.indexOf('\n', at);
      const end = feed < 0 ? text.length : feed;
      const to = end > at && text.charCodeAt(end - 1) === CARRIAGE_RETURN ? end - 1 : end;
      if (to > at) {
        isEmpty = false;
        const next = this.#keyAt(text, at, to, key);
        if (next === null) noteGreeting(message, text, at, to);
        else {
          key = next;
          addValue(message, next.name, text.slice(valueFrom(text, at + next.name.length), to));
        }
      }
      at = end + 1;
    }
    return isEmpty ? null : message;
  }

  /** The key of this line; null when it has none. */
  #keyAt(text: string, from: number, to: number, before: KnownKey): KnownKey | null {
    const expected = before.next;
    if (expected !== null && text.startsWith(expected.prefix, from)) return expected;
    if (text.startsWith(GREETING, from)) return null;
    const colon = text.indexOf(':', from);
    if (colon <= from || colon >= to) return null;
    const name = text.slice(from, colon);
    const known = this.#known.get(name) ?? this.#remember(name);
    before.next = known;
    return known;
  }

  #remember(slice: string): KnownKey {
    // A copy: a slice would keep the whole message.
    const name = Buffer.from(slice).toString();
    const key = { name, prefix: `${name}: `, next: null };
    if (this.#known.size < MAX_KEYS && name.length <= MAX_KEY_LENGTH) this.#known.set(name, key);
    return key;
  }
}

function noteGreeting(message: Message, text: string, from: number, to: number): void {
  if (text.startsWith(GREETING, from)) message['Banner'] = text.slice(from, to);
}

/** Behind the colon, and behind one space after it. */
function valueFrom(text: string, colon: number): number {
  return text.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1;
}

function addValue(message: Message, key: string, value: string): void {
  const before = message[key];
  if (before === undefined) message[key] = value;
  else if (typeof before === 'string') message[key] = [before, value];
  else before.push(value);
}
