import { EVENT_FIELDS } from '../../protocol/event-schema.ts';
import { PRIVACY_CLASSES, privacyClass, type PrivacyClass } from '../../protocol/privacy-class.ts';
import { seeded } from './hostile.ts';

/**
 * An event as text, and its canaries by class: nine digits in a value of every kind of field, including unusual places
 * and spellings. They can be found in any form of the value.
 */
export interface CanaryEvent {
  readonly text: string;
  readonly canaries: ReadonlyMap<PrivacyClass, readonly string[]>;
}

const FIELDS = [...new Set([...Object.keys(EVENT_FIELDS), ...Object.values(PRIVACY_CLASSES).flat()])];
const BY_CLASS = Map.groupBy(FIELDS, privacyClass);
const ofClass = (wanted: PrivacyClass): readonly string[] => BY_CLASS.get(wanted) ?? [];
const SECRETS: readonly PrivacyClass[] = ['sdp', 'network', 'digits', 'numbers', 'names', 'billing'];
const UNKNOWN = ['Mystery', 'Zürich', 'Whatever-Else', '__proto__', 'constructor', 'a"b\\c'];
const addressed = new Set(['from', 'to', 'request', 'presence-id']);

/** Random events; the same seed gives the same ones. */
export function canaryEvents(seed: number): () => CanaryEvent {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

  /** A value that shows its class. */
  function valueWith(digits: string, of: PrivacyClass): string {
    if (of === 'numbers') return pick([`+4930${digits}`, `0049 30 ${digits}`, `user_canarynumbers${digits}`]);
    return `canary${of}${digits}`;
  }

  /** As JSON, sometimes with an unusual escape. */
  function written(text: string): string {
    return random() < 0.1 && text.length > 1
      ? `"\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(text.slice(1)).slice(1)}`
      : JSON.stringify(text);
  }

  /** The same field in the spellings of publishers. */
  const spell = (field: string) => written(pick([field, field, field, field.toLowerCase(), field.toUpperCase()]));

  function eventOf(): CanaryEvent {
    const canaries = new Map<PrivacyClass, string[]>();
    const mark = (of: PrivacyClass) => {
      const digits = String(Math.floor(random() * 1e9)).padStart(9, '7');
      const known = canaries.get(of);
      if (known === undefined) canaries.set(of, [digits]);
      else known.push(digits);
      return valueWith(digits, of);
    };
    const value = (field: string, of: PrivacyClass): string => {
      if (of === 'numbers' && addressed.has(field.toLowerCase())) return written(`${mark(of)}@a.example.com`);
      const shape = random();
      // Of the wrong type, nested, or in a list: wherever a secret can occur.
      if (shape < 0.05)
        return JSON.stringify({
          deep: [{ er: mark(of) }],
          [pick(ofClass(of).length > 0 ? ofClass(of) : UNKNOWN)]: mark(of),
        });
      if (shape < 0.1) return JSON.stringify([{ x: mark(of) }]);
      return written(mark(of));
    };
    const members = [`"Event-Name":"CHANNEL_ANSWER"`, `"Call-ID":"call"`, `"Timestamp":63900000000.50`];
    for (const of of SECRETS) {
      for (const field of ofClass(of)) if (random() < 0.5) members.push(`${spell(field)} : ${value(field, of)}`);
    }
    for (const field of UNKNOWN)
      if (random() < 0.5) members.push(`${JSON.stringify(field)}:${value(field, 'unknown')}`);
    for (const holder of ofClass('variables')) {
      const inner = SECRETS.map((of) => {
        const field = pick(ofClass(of));
        return `${spell(field)}:${written(mark(of))}`;
      });
      inner.push(`"My-Var":${JSON.stringify(mark('variables'))}`, `"Allowed":"yes"`);
      inner.push(
        `"Nested":{"Caller-ID-Number":${JSON.stringify(mark('numbers'))},"free":${JSON.stringify(mark('variables'))}}`,
      );
      members.push(`${spell(holder)}:{${inner.join(', ')}}`);
    }
    return { text: `{${members.toSorted(() => random() - 0.5).join(',')}}`, canaries };
  }

  return eventOf;
}
