import { PARAMETERS, parametersOf, type Parameter, type ParameterName, type ScriptName } from './parameters.ts';

type Kind<Name extends ParameterName> = (typeof PARAMETERS)[Name]['kind'];
/** Durations in milliseconds. */
type Value<K extends Parameter['kind']> = K extends 'count' | 'duration'
  ? number
  : K extends 'list'
    ? readonly string[]
    : string;

/** The value of each parameter that the script takes, by its name. */
export type Settings = { readonly [Name in ParameterName]: Value<Kind<Name>> };

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const TERM = /(\d+)(ms|s|m|h)/g;

/** Milliseconds of `1h30m`, `10s`, `500ms`; null when it is not one. */
export function readDuration(text: string): number | null {
  if (!/^(\d+(ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(TERM)) total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  return total;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The parameters are invalid; the message lists every fault. */
export class WrongParameters extends Error {
  readonly code = 'wrong_parameters';

  constructor(faults: readonly string[]) {
    super(`wrong parameters: ${faults.join('; ')}`);
  }
}

/** Samples of the metrics after the warm-up: a line through fewer is meaningless. */
export const FEWEST_LOOKS = 5;

/**
 * Reads a script's parameters; throws one WrongParameters that lists every fault. A parameter that the script does not
 * take has its default, so that shared code may read it.
 */
export function readSettings(script: ScriptName, environment: Environment): Settings {
  const taken = parametersOf(script);
  const values: Record<string, string | number | readonly string[]> = {};
  const faults: string[] = [];
  for (const [name, known] of Object.entries<Parameter>(PARAMETERS)) {
    const own = taken.get(name as ParameterName);
    const text = (own === undefined ? undefined : environment[name]) || (own ?? known).fallback;
    const value = readValue(text, known.kind);
    if (value === null) faults.push(`${name}: ${known.kind === 'count' ? 'a whole number' : 'a duration as 1m30s'}`);
    else values[name] = value;
  }
  if (faults.length === 0) faults.push(...contradictions(script, values as unknown as Settings));
  if (faults.length > 0) throw new WrongParameters(faults);
  return values as unknown as Settings;
}

/** Counts that may be 0: nothing is published or tried. */
const MAY_BE_NONE: readonly string[] = ['RATE', 'WRONG_TRIES'];

/** Parameters that are valid separately but not together. */
function contradictions(script: ScriptName, settings: Settings): string[] {
  const faults = [...parametersOf(script)].flatMap(([name, { kind }]) =>
    kind === 'count' && settings[name] === 0 && !MAY_BE_NONE.includes(name) ? [`${name}: at least 1`] : [],
  );
  if (script === 'soak') faults.push(...soakFaults(settings));
  if (script === 'breakpoint') faults.push(...breakpointFaults(settings));
  return faults;
}

function soakFaults({ RAMP, DURATION, WARM_UP, SAMPLE }: Settings): string[] {
  if (WARM_UP >= RAMP + DURATION) return ['WARM_UP: shorter than RAMP and DURATION together, or nothing is measured'];
  if (SAMPLE === 0) return ['SAMPLE: longer than 0'];
  const looks = Math.floor((RAMP + DURATION - WARM_UP) / SAMPLE);
  return looks < FEWEST_LOOKS ? [`SAMPLE: short enough for ${FEWEST_LOOKS} looks after WARM_UP`] : [];
}

function breakpointFaults({ RATE, MOST_RATE, STEP, STEP_PERCENT }: Settings): string[] {
  const faults: string[] = [];
  if (STEP === 0) faults.push('STEP: longer than 0');
  if (RATE === 0) faults.push('RATE: at least 1, to rise from');
  else if (STEP_PERCENT > 0 && Math.round(RATE * (1 + STEP_PERCENT / 100)) === RATE) {
    faults.push('STEP_PERCENT: of RATE at least one event a second, or a step publishes no more than the one before');
  }
  if (MOST_RATE < RATE) faults.push('MOST_RATE: at least RATE');
  return faults;
}

function readValue(text: string, kind: Parameter['kind']): string | number | readonly string[] | null {
  switch (kind) {
    case 'text':
    case 'secret':
      return text;
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'count':
      return /^\d{1,9}$/.test(text) ? Number(text) : null;
    case 'duration':
      return readDuration(text);
  }
}
