import { z } from 'zod';
import { durationMs } from './duration.ts';

/** A rule over several fields: a zod refinement for files, and CEL for the API server. Both must agree. */
export interface Rule<T> {
  /** Kubernetes CEL over `self`. */
  readonly cel: string;
  readonly holds: (value: T) => boolean;
  /** The fault and what to do. */
  readonly message: string;
  /** The field that a file's fault names; default: the object itself. */
  readonly field?: string;
}

/** The schema with its rules, for both readers. */
export function ruled<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  let checked = schema;
  for (const { holds, message, field } of rules) {
    checked = checked.refine(holds, { error: message, path: field === undefined ? [] : [field], abort: true });
  }
  const validations = rules.map(({ cel, message }) => ({ rule: cel, message }));
  return checked.meta({ ...schema.meta(), 'x-kubernetes-validations': validations });
}

/** Fixed once it is set: a rule over the old and the new value, which a file does not have. */
export function immutable<S extends z.ZodType>(schema: S, message: string): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message }] });
}

/** A duration within bounds, inclusive, in the form of Kubernetes (`1h30m`). */
export function duration(least: string, most: string) {
  const DURATION = /^([0-9]+h)?([0-9]+m)?([0-9]+s)?$/;
  return ruled(z.string().min(2).max(24).regex(DURATION, 'a duration as 30s, 5m or 1h30m'), {
    cel: `duration(self) >= duration('${least}') && duration(self) <= duration('${most}')`,
    holds: (text) => durationMs(text) >= durationMs(least) && durationMs(text) <= durationMs(most),
    message: `a duration from ${least} to ${most}`,
  });
}

/** A list without equal elements; merged element by element under server-side apply. */
export function setOf<S extends z.ZodType<string>>(element: S, most: number, least = 0) {
  return z
    .array(element)
    .min(least)
    .max(most)
    .refine((values) => new Set(values).size === values.length, 'no value twice')
    .meta({ 'x-kubernetes-list-type': 'set' });
}

/** A list that is replaced as a whole. */
export function listOf<S extends z.ZodType>(element: S, most: number, least = 0) {
  return z.array(element).min(least).max(most).meta({ 'x-kubernetes-list-type': 'atomic' });
}

const MAX_NAME = 253;
/** Labels between dots, none of them empty (RFC 1123). */
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Name of an object in the same namespace. */
export const objectName = () => z.string().min(1).max(MAX_NAME).regex(NAME, 'the name of a Kubernetes object');
export const hostName = () => z.string().min(1).max(MAX_NAME).regex(NAME, 'a DNS name as firehose.example.com');

/** Name or namespace in the metadata of a file. */
export const dnsName = (what: string) => z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, what);

/** Host, port, path and query: credentials are in Secrets. */
const HTTP_ADDRESS =
  /^https?:\/\/([A-Za-z0-9][-A-Za-z0-9.]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(\/[-A-Za-z0-9._~/%]*)?(\?[-A-Za-z0-9._~/%=&]*)?$/;

export const httpAddress = (example: string) => z.string().max(1_024).regex(HTTP_ADDRESS, `an address as ${example}`);

/** One key of a Secret of the same namespace: another namespace's cannot be named. */
export const secretRef = (key: string) =>
  z.strictObject({
    name: objectName(),
    key: z
      .string()
      .min(1)
      .max(MAX_NAME)
      .regex(/^[-._a-zA-Z0-9]+$/, 'a key of a Secret')
      .default(key),
  });

/** Labels or annotations. */
export const stringMap = (most: number) =>
  z
    .record(z.string(), z.string().max(4_096))
    .refine((map) => Object.keys(map).length <= most, `at most ${most} entries`)
    .meta({ maxProperties: most });
