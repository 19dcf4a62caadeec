import { html, nothing, type TemplateResult } from 'lit-html';
import { SINKS_PATH, WEBHOOKS_PATH } from '../../../../protocol/paths.ts';
import { say } from '../base/announce.ts';
import { askPerson, type PersonQuestion } from '../base/ask-person.ts';
import { attemptTable } from '../base/attempt-table.ts';
import { Poll } from '../base/poll.ts';
import { list, object, text, type Json } from '../base/read.ts';
import { redrawNow } from '../base/redraw.ts';
import { standingOf, testText, type Standing } from '../base/sending.ts';
import type { Administration } from './admin.ts';

const EVERY_MS = 4_000;
const KINDS = {
  webhooks: { path: WEBHOOKS_PATH, title: 'Webhook' },
  sinks: { path: SINKS_PATH, title: 'NATS sink' },
} as const;

/** A webhook or a sink as the gateway shows it. */
export interface ShownSender {
  readonly kind: keyof typeof KINDS;
  readonly name: string;
  readonly shown: Json;
}

/** The webhooks and sinks of this replica, and what a person does with one of them. */
export class Senders {
  readonly polls: readonly Poll[];
  readonly #administration: Administration;
  readonly #lists: Readonly<Record<ShownSender['kind'], Poll>>;
  /** Of the one whose last requests are open. */
  readonly #detail: Poll;
  #open: Pick<ShownSender, 'kind' | 'name'> | null = null;

  constructor(administration: Administration) {
    this.#administration = administration;
    this.#lists = {
      webhooks: new Poll(EVERY_MS, () => administration.get(WEBHOOKS_PATH)),
      sinks: new Poll(EVERY_MS, () => administration.get(SINKS_PATH)),
    };
    this.#detail = new Poll(EVERY_MS, () => administration.get(this.#open === null ? '' : pathOf(this.#open)));
    this.polls = Object.values(this.#lists);
  }

  /** Of a declared group. */
  of(group: string): ShownSender | null {
    return this.#all().find(({ name, shown }) => name === group && !isOwn(shown)) ?? null;
  }

  /** Those that logins created. */
  get own(): readonly ShownSender[] {
    return this.#all().filter(({ shown }) => isOwn(shown));
  }

  get isFailing(): boolean {
    return this.#all().some((sender) => this.standing(sender).tone !== 'good');
  }

  close(): void {
    this.#open = null;
    this.#detail.stop();
  }

  title({ kind, shown }: ShownSender): string {
    return `${KINDS[kind].title} to ${text(shown['host']) ?? ''}`;
  }

  standing({ shown }: ShownSender): Standing {
    const off = text(object(shown['self_service'])['switched_off']) ?? text(object(shown['off'])['reason']);
    return standingOf(text(shown['state']) ?? '', off, text(shown['held_back']));
  }

  /** What a person can do with it; what changes something asks first. */
  buttons(sender: ShownSender): TemplateResult {
    const isOpen = this.#isOpen(sender);
    const { kind, name, shown } = sender;
    const canBeEnabled = isOff(shown) && !['owner', 'revoked'].includes(offBy(shown) ?? '');
    return html`<button aria-expanded=${isOpen} @click=${() => this.#toggle(sender)}>
        Last ${kind === 'sinks' ? 'messages' : 'requests'}
      </button>
      <button @click=${() => this.#test(sender)}>Send a test event</button>
      ${canBeEnabled ? html`<button @click=${() => this.#do(sender, 'enable', enabling(name))}>Enable…</button>` : nothing}
      ${isOwn(shown) && offBy(shown) !== 'operator' ? html`<button @click=${() => this.#do(sender, 'disable', disabling(shown))}>Disable…</button>` : nothing}
      ${isOwn(shown) ? html`<button class="quiet" @click=${() => this.#do(sender, 'delete', deleting(shown))}>Delete…</button>` : nothing}`;
  }

  /** Its last requests, where they are open. */
  requests(sender: ShownSender): TemplateResult | typeof nothing {
    if (!this.#isOpen(sender)) return nothing;
    const { value } = this.#detail;
    return html`${this.#detail.trouble()}${this.#detail.waiting()}
    ${value === null ? nothing : attemptTable(list(value['attempts']).map(object))}`;
  }

  #all(): readonly ShownSender[] {
    return (['webhooks', 'sinks'] as const).flatMap((kind) =>
      list(this.#lists[kind].value?.[kind])
        .map(object)
        .map((shown) => ({ kind, name: text(shown['group']) ?? '', shown })),
    );
  }

  #isOpen({ kind, name }: ShownSender): boolean {
    return this.#open?.kind === kind && this.#open.name === name;
  }

  #toggle({ kind, name }: ShownSender): void {
    const isOpen = this.#open?.kind === kind && this.#open.name === name;
    this.close();
    this.#detail.clear();
    if (!isOpen) {
      this.#open = { kind, name };
      this.#detail.start();
    }
    redrawNow();
  }

  async #test(sender: ShownSender): Promise<void> {
    const answer = await this.#administration.post(`${pathOf(sender)}/test`);
    say(answer.ok ? testText(answer.value) : answer.problem.detail);
  }

  async #do(sender: ShownSender, action: 'enable' | 'disable' | 'delete', question: PersonQuestion): Promise<void> {
    if ((await askPerson(question)) === null) return;
    const answer = await this.#administration.post(`${pathOf(sender)}/${action}`);
    const done = { enable: 'is on', disable: 'is off', delete: 'is deleted' }[action];
    say(answer.ok ? `The webhook ${isOwn(sender.shown) ? '' : 'of '}${sender.name} ${done}` : answer.problem.detail);
    for (const poll of this.polls) poll.start();
  }
}

function pathOf({ kind, name }: Pick<ShownSender, 'kind' | 'name'>): string {
  return `${KINDS[kind].path}/${encodeURIComponent(name)}`;
}

const isOwn = (shown: Json) => object(shown['self_service'])['changed_by'] !== undefined;
const isOff = (shown: Json) => offBy(shown) !== null;

/** The code of who or what switched it off; null while it is on. */
function offBy(shown: Json): string | null {
  return text(object(shown['self_service'])['switched_off']) ?? text(object(shown['off'])['reason']);
}

const enabling = (name: string): PersonQuestion => ({
  title: `Enable the webhook of ${name}?`,
  detail: 'Every replica sends the events that wait to the receiver again.',
  action: 'Enable',
});

const disabling = (shown: Json): PersonQuestion => ({
  title: 'Disable this webhook?',
  detail: `Nothing more is sent to ${text(shown['host']) ?? ''}. Account ${text(shown['account']) ?? ''} sees that an administrator did it, and cannot enable it. Its events wait as long as the log keeps them.`,
  action: 'Disable',
  isDangerous: true,
});

const deleting = (shown: Json): PersonQuestion => ({
  title: 'Delete this webhook?',
  detail: `Its position and its dead letters are deleted with it, and cannot be restored. Account ${text(shown['account']) ?? ''} no longer finds it.`,
  action: 'Delete',
  isDangerous: true,
});
