import { z } from 'zod';
import { TAKES_EFFECT } from '../../protocol/subscription/takes-effect.ts';

/** OpenAPI v3 as the API server takes it: a structural schema. */
export type StructuralSchema = Record<string, unknown>;

/** Keywords of strict objects and shallow checks that a structural schema does not allow or need. */
const FOREIGN: ReadonlySet<string> = new Set(['$schema', 'propertyNames', '$id', 'id', TAKES_EFFECT]);
const SAFE = Number.MAX_SAFE_INTEGER;

/**
 * Translates a zod schema. Elements of lists have no defaults: an element with added defaults differs from the applied
 * one, and tools that compare whole lists (Argo CD) would never be in sync. Readers add these defaults. Cross-field
 * rules come from its metadata (`x-kubernetes-validations`).
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return clean(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0', unrepresentable: 'any' }));
}

function clean(node: unknown): StructuralSchema {
  const given = node as StructuralSchema;
  if (given['x-kubernetes-int-or-string'] === true) return quantity(given);
  if (given['x-kubernetes-preserve-unknown-fields'] === true) {
    return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  }
  const cleaned: StructuralSchema = {};
  for (const [key, value] of Object.entries(given)) {
    if (FOREIGN.has(key)) continue;
    // kubectl refuses unknown fields and the API server prunes them; both forms at once are not structural.
    if (key === 'additionalProperties' && (value === false || 'properties' in given)) continue;
    // The format suffices: the pattern describes a date-time, too.
    if ((key === 'maximum' && value === SAFE) || (key === 'minimum' && value === -SAFE)) continue;
    cleaned[key] = translate(key, value);
  }
  if (cleaned['type'] === 'integer') cleaned['format'] = 'int64';
  if ('default' in cleaned) cleaned['default'] = populated(cleaned['default'], cleaned);
  return cleaned;
}

/**
 * Kubernetes accepts 500m, 1Gi, 2 and 0.5, but its "int or string" refuses 0.5. Without a type each value is checked by
 * its own type: numbers by size, strings by the pattern; anything else is refused.
 */
function quantity(given: StructuralSchema): StructuralSchema {
  const branches = given['anyOf'] as StructuralSchema[];
  const pattern = branches.find((branch) => branch['type'] === 'string')?.['pattern'];
  return {
    'x-kubernetes-preserve-unknown-fields': true,
    pattern,
    minimum: 0,
    maxItems: 0,
    maxProperties: 0,
    not: { enum: [true, false] },
  };
}

/** An element of a list, and everything below it. */
function withoutDefaults(schema: StructuralSchema): StructuralSchema {
  const { default: _, ...rest } = schema;
  const below = (key: string) =>
    Object.fromEntries(
      Object.entries(rest[key] as Record<string, StructuralSchema>).map(([name, child]) => [
        name,
        withoutDefaults(child),
      ]),
    );
  return { ...rest, ...('properties' in rest && { properties: below('properties') }) };
}

/** The API server evaluates the rules on a default as written: without the nested defaults they would fail. */
function populated(value: unknown, schema: StructuralSchema): unknown {
  if (Array.isArray(value)) return value.map((item) => populated(item, schema['items'] as StructuralSchema));
  if (!isPlainObject(value)) return value;
  const properties = (schema['properties'] ?? {}) as Record<string, StructuralSchema>;
  const below = Object.entries(properties).flatMap(([name, child]) =>
    'default' in child ? [[name, child['default']] as const] : [],
  );
  return { ...Object.fromEntries(below), ...value };
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function translate(key: string, value: unknown): unknown {
  if (key === 'properties') {
    return Object.fromEntries(Object.entries(value as object).map(([name, child]) => [name, clean(child)]));
  }
  if (key === 'items') return withoutDefaults(clean(value));
  return key === 'additionalProperties' ? clean(value) : value;
}
