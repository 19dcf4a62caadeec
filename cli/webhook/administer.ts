import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { SINKS_PATH, WEBHOOKS_PATH } from '../../protocol/paths.ts';
import type { Environment } from '../../runtime/lifecycle/environment.ts';
import { answering, CommandFault, openEndpoint, type Ask } from '../administration.ts';
import { columns } from '../columns.ts';
import { printable, type Terminal } from '../terminal.ts';

const attempt = z.object({
  at: z.string(),
  eventId: z.string(),
  attempt: z.int(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  ms: z.int(),
  verdict: z.string(),
  answer: z.string(),
});
const replay = z.object({
  state: z.enum(['running', 'done', 'stopped']),
  gap: z.string().nullable(),
  sent: z.int(),
  refused: z.int(),
  last_error: z.string().nullable(),
});
const shown = z.looseObject({
  group: z.string(),
  account: z.string(),
  host: z.string(),
  state: z.string(),
  held_back: z.string().nullable(),
  off: z.object({ reason: z.string(), since: z.string() }).nullable(),
  failing_since: z.string().nullable(),
  succeeded_at: z.string().nullable(),
  in_flight: z.int(),
  lost: z.int(),
  lag: z.int().nullable(),
  pending: z.int().nullable(),
  self_service: z.object({ changed_by: z.string(), switched_off: z.string().nullable() }).nullable(),
});
const list = z.object({ webhooks: z.array(shown).optional(), sinks: z.array(shown).optional() });
const whole = shown.extend({ attempts: z.array(attempt) });
const tested = z.object({ id: z.string(), outcome: z.string(), ms: z.int() });
const replayed = z.object({ replay: replay.nullable() });

const SINK_COLUMNS = [
  'group',
  'account',
  'host',
  'state',
  'failing_since',
  'succeeded_at',
  'in_flight',
  'lag',
  'pending',
  'lost',
] as const;
/** Those of webhooks: `owner` is the user of the account for one that a login created. */
const COLUMNS = { webhooks: [...SINK_COLUMNS, 'owner'], sinks: SINK_COLUMNS } as const;
const ATTEMPT_COLUMNS = ['at', 'eventId', 'attempt', 'verdict', 'status', 'ms', 'answer'] as const;
const LOOK_EVERY_MS = 500;

/** Webhooks, or other sinks. */
export type SenderKind = keyof typeof KINDS;
const KINDS = {
  webhooks: { path: WEBHOOKS_PATH, isTaken: (outcome: string) => /^HTTP 2\d\d/.test(outcome) },
  sinks: { path: SINKS_PATH, isTaken: (outcome: string) => /^\S+ \d+/.test(outcome) },
} as const;

/** One of them. */
export interface Named {
  readonly kind: SenderKind;
  readonly group: string;
}

interface JsonFlag {
  readonly json?: boolean;
}

/** Prints the webhooks or sinks as one replica knows them. Returns the exit code. */
export function listSendersCommand(
  kind: SenderKind,
  flags: JsonFlag,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    const answer = await ask(KINDS[kind].path, list);
    terminal.output.write(flags.json === true ? json(answer) : columns(COLUMNS[kind], (answer[kind] ?? []).map(rowOf)));
  });
}

/** Prints one of them with its last requests or messages. Returns the exit code. */
export function showSenderCommand(
  named: Named,
  flags: JsonFlag,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    const answer = await ask(pathOf(named), whole);
    if (flags.json === true) {
      terminal.output.write(json(answer));
      return;
    }
    const attempts = answer.attempts.map(({ status, code, ...rest }) => ({ ...rest, status: status ?? code ?? '-' }));
    terminal.output.write(`${columns(COLUMNS[named.kind], [rowOf(answer)])}\n${columns(ATTEMPT_COLUMNS, attempts)}`);
  });
}

/** Enables a webhook for all replicas. Returns the exit code. */
export function enableWebhookCommand(group: string, terminal: Terminal, environment: Environment): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    const { state } = await ask(`${pathOf({ kind: 'webhooks', group })}/enable`, shown, {});
    terminal.output.write(`the webhook of ${printable(group)} is on again (${printable(state)})\n`);
  });
}

/** Switches off a webhook that a login created, or deletes it. Returns the exit code. */
export function stopWebhookCommand(
  { action, id }: { readonly action: 'disable' | 'delete'; readonly id: string },
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    await ask(`${pathOf({ kind: 'webhooks', group: id })}/${action}`, z.looseObject({}), {});
    const done = { disable: 'is off, until it is enabled by an administrator', delete: 'is deleted' }[action];
    terminal.output.write(`the webhook ${printable(id)} ${done}\n`);
  });
}

/** Sends a test event; one that is not taken is exit code 1. Returns the exit code. */
export function testSenderCommand(
  named: Named,
  flags: JsonFlag,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    const answer = await ask(`${pathOf(named)}/test`, tested, {});
    const text = `${printable(answer.outcome)} after ${answer.ms} ms`;
    terminal.output.write(flags.json === true ? json(answer) : `${text}\n`);
    if (!KINDS[named.kind].isTaken(answer.outcome)) throw new CommandFault('refused', 'the test event was not taken');
  });
}

export interface ReplayFlags extends JsonFlag {
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
}

/**
 * Sends a range of the log again and waits for the end; after an interrupt, the replay continues. Returns the exit
 * code.
 */
export function replaySenderCommand(
  named: Named,
  { json: asJson = false, ...range }: ReplayFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return asking(terminal, environment, async (ask) => {
    let { replay: now } = await ask(`${pathOf(named)}/replay`, replayed, range);
    if (now !== null && now.gap !== null)
      terminal.errors.write(`begins at the oldest event that is kept (${now.gap})\n`);
    while (now?.state === 'running') {
      await delay(LOOK_EVERY_MS);
      ({ replay: now } = await ask(pathOf(named), replayed));
    }
    const { state = 'stopped', sent = 0, refused = 0, last_error: error = null } = now ?? {};
    const last = error === null ? '' : `; last error: ${printable(error)}`;
    terminal.output.write(asJson ? json({ replay: now }) : `${state}: ${sent} sent, ${refused} refused${last}\n`);
    if (state === 'stopped' || refused > 0) throw new CommandFault('refused', 'not every event was taken');
  });
}

function pathOf({ kind, group }: Named): string {
  return `${KINDS[kind].path}/${encodeURIComponent(group)}`;
}

function rowOf({ state, held_back: heldBack, off, lag, pending, self_service: own, ...rest }: z.output<typeof shown>) {
  const offBy = own?.switched_off ?? off?.reason ?? null;
  const { failing_since: failing, succeeded_at: succeeded } = rest;
  return {
    ...rest,
    state: offBy === null ? (heldBack ?? state) : `off (${offBy})`,
    failing_since: failing ?? '-',
    succeeded_at: succeeded ?? '-',
    lag: lag ?? '-',
    pending: pending ?? '-',
    owner: own === null ? 'declared' : `self-service, ${own.changed_by}`,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function asking(terminal: Terminal, environment: Environment, run: (ask: Ask) => Promise<void>): Promise<number> {
  return answering(terminal, async () => run(await openEndpoint(environment)));
}
