import type { Command } from 'commander';
import { JSON_FLAG } from '../administration-commands.ts';
import { ENDPOINT_SETTINGS } from '../administration.ts';
import { addCommand, addGroup, type Surroundings } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import type { ReplayFlags, SenderKind } from './administer.ts';
import type { ListenFlags } from './listen.ts';
import { LISTEN_SETTINGS } from './settings.ts';

const ASKS = { 0: 'done', 1: 'refused by the gateway or by the receiver', 3: 'no gateway answers' };
const load = () => import('./administer.ts');

/** How the help names one and all of a kind. */
interface Words {
  readonly kind: SenderKind;
  readonly one: string;
  readonly all: string;
  readonly orders: string;
}

/** `firehose webhook` and its subcommands. */
export function addWebhooks(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addGroup(root, 'webhook', 'receive webhooks on this machine, and administer those of a gateway');
  const words = { kind: 'webhooks', one: 'webhook', all: 'webhooks', orders: 'requests' } as const;
  addListen(group, terminal, surroundings);
  addLooks(group, words, terminal, surroundings);
  addCommand(
    group,
    { name: 'enable <group>', about: 'enable a webhook that is off; it continues at its position', exitCodes: ASKS },
    ENDPOINT_SETTINGS,
    async (_, environment, [name]) => (await load()).enableWebhookCommand(String(name), terminal, environment),
    surroundings,
  );
  addStop(
    group,
    ['disable', 'switch off a webhook that a login created; only enable ends that'],
    terminal,
    surroundings,
  );
  addStop(group, ['delete', 'delete a webhook that a login created, with its position'], terminal, surroundings);
  addTest(group, words, terminal, surroundings);
  addReplay(group, words, terminal, surroundings);
}

function addStop(
  group: Command,
  [action, about]: readonly ['disable' | 'delete', string],
  terminal: Terminal,
  surroundings: Surroundings,
): void {
  addCommand(
    group,
    { name: `${action} <id>`, about, exitCodes: ASKS },
    ENDPOINT_SETTINGS,
    async (_, environment, [id]) =>
      (await load()).stopWebhookCommand({ action, id: String(id) }, terminal, environment),
    surroundings,
  );
}

/** `firehose sink` and its subcommands. */
export function addSinks(root: Command, terminal: Terminal, surroundings: Surroundings): void {
  const group = addGroup(root, 'sink', 'administer the NATS sinks of a gateway');
  const words = { kind: 'sinks', one: 'sink', all: 'NATS sinks', orders: 'messages' } as const;
  addLooks(group, words, terminal, surroundings);
  addTest(group, words, terminal, surroundings);
  addReplay(group, words, terminal, surroundings);
}

function addLooks(
  group: Command,
  { kind, one, all, orders }: Words,
  terminal: Terminal,
  surroundings: Surroundings,
): void {
  addCommand<{ json?: boolean }>(
    group,
    { name: 'list', about: `list the ${all} as one replica knows them`, exitCodes: ASKS, flags: [JSON_FLAG] },
    ENDPOINT_SETTINGS,
    async (flags, environment) => (await load()).listSendersCommand(kind, flags, terminal, environment),
    surroundings,
  );
  addCommand<{ json?: boolean }>(
    group,
    { name: 'show <group>', about: `show one ${one} with its last ${orders}`, exitCodes: ASKS, flags: [JSON_FLAG] },
    ENDPOINT_SETTINGS,
    async (flags, environment, [name]) =>
      (await load()).showSenderCommand({ kind, group: String(name) }, flags, terminal, environment),
    surroundings,
  );
}

function addTest(group: Command, { kind }: Words, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<{ json?: boolean }>(
    group,
    { name: 'test <group>', about: 'send a test event and print the answer', exitCodes: ASKS, flags: [JSON_FLAG] },
    ENDPOINT_SETTINGS,
    async (flags, environment, [name]) =>
      (await load()).testSenderCommand({ kind, group: String(name) }, flags, terminal, environment),
    surroundings,
  );
}

function addListen(group: Command, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<ListenFlags>(
    group,
    {
      name: 'listen',
      about: 'print webhooks that are sent here and verify: for people at a terminal, else one JSON object a line',
      exitCodes: { 0: 'ended as asked, by a signal or by its reader', 3: 'the port is taken or needs a privilege' },
      flags: [
        ['--status <code>', 'answer to what verifies', '204'],
        ['--count <n>', 'end after this many that verify'],
        ['--json', 'print one JSON object a line at a terminal, too'],
      ],
    },
    LISTEN_SETTINGS,
    async (flags, environment) => (await import('./listen.ts')).listenCommand(flags, terminal, environment),
    surroundings,
  );
}

function addReplay(group: Command, { kind, one }: Words, terminal: Terminal, surroundings: Surroundings): void {
  addCommand<ReplayFlags>(
    group,
    {
      name: 'replay <group>',
      about: `send a range of the log to a ${one} again, beside its live events, and wait for the end`,
      exitCodes: ASKS,
      flags: [
        ['--from <time>', 'begin there: RFC 3339, or as -15m'],
        ['--cursor <cursor>', 'begin behind this cursor'],
        ['--to <time>', 'end there, instead of now'],
        JSON_FLAG,
      ],
    },
    ENDPOINT_SETTINGS,
    async (flags, environment, [name]) => {
      const { from, to, cursor, json } = flags;
      const given = Object.entries({ from, to, cursor, json }).filter(([, value]) => value !== undefined);
      const { replaySenderCommand } = await load();
      return replaySenderCommand({ kind, group: String(name) }, Object.fromEntries(given), terminal, environment);
    },
    surroundings,
  );
}
