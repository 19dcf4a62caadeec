import type { Mutant } from './mutants.ts';

/** Deliberate bugs of the durable groups. */
export const GROUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'group: acknowledges what it has only written',
    scenario: 'groupConsumers',
    file: 'gateway/group/partition-work.ts',
    find: '      this.outbox.wrote(held);',
    replace: `      this.outbox.wrote(held);
      setImmediate(() => this.holds(held) && held.state === 'written' && this.acknowledge(held));`,
  },
  {
    name: 'group: does not wait for the event before it in its call',
    scenario: 'groupConsumers',
    file: 'gateway/group/ledger.ts',
    find: 'if (call.queue.length === 1) this.#makeReady(held);',
    replace: 'this.#makeReady(held);',
  },
  {
    name: 'group: keeps what a connection had that is gone',
    scenario: 'groupConsumers',
    file: 'gateway/group/partition-work.ts',
    find: 'if (gone.isHung || !this.#isExhausted(held, gone)) this.ledger.again(held);',
    replace: 'if (gone.isHung || !this.#isExhausted(held, gone)) continue;',
  },
  {
    name: 'group: an acknowledgement by cursor is for everything that the connection has',
    scenario: 'groupConsumers',
    file: 'gateway/group/member.ts',
    find: '      const held = this.#upTo(delivery);',
    replace: '      const held = this.#upTo(this.#deliveries);',
  },
  {
    name: 'group: takes a refusal for an acknowledgement',
    scenario: 'groupDead',
    file: 'gateway/group/partition-work.ts',
    find: '    this.#delay(held, delayMs);',
    replace: '    this.acknowledge(held);',
  },
  {
    name: 'group: delivers for ever what is refused for ever',
    scenario: 'groupDead',
    file: 'gateway/group/partition-work.ts',
    find: "if (this.#isExhausted(held, held.call.member)) return this.giveUp(held, 'max_deliver', why);",
    replace: '',
  },
  {
    name: 'group: acknowledges what it gives up without keeping it',
    scenario: 'groupDead',
    file: 'gateway/group/dead-letters.ts',
    find: "  redis.call('XADD', KEYS[5], 'MAXLEN', '=', ARGV[5], '*', unpack(fields))\n",
    replace: '',
  },
  {
    name: 'group: gives the lease up with events in hand',
    scenario: 'groupHandOver',
    file: 'gateway/group/partition-loop.ts',
    find: 'return isFinished || now >= this.#stopBy;',
    replace: 'return true;',
  },
  {
    name: 'group: takes a lease that another one has',
    scenario: 'groupHandOver',
    file: 'gateway/group/lease.ts',
    find: "if redis.call('EXISTS', KEYS[1]) == 1 then return false end",
    replace: '',
  },
  {
    name: 'group: closes connections before they could acknowledge what they have in hand',
    scenario: 'groupHandOver',
    file: 'gateway/session/sessions.ts',
    find: 'options.handedOver.then(() => closeSpread(members, left(), options)),',
    replace: 'closeSpread(members, left(), options),',
  },
  {
    name: 'group: does not look for what a dead owner had pending',
    scenario: 'groupKilled',
    file: 'gateway/group/exchange.ts',
    find: '#recovery: { readonly after: string | null } | null = { after: null };',
    replace: '#recovery: { readonly after: string | null } | null = null;',
  },
  {
    name: 'group: writes to connections after its lease (the fence)',
    scenario: 'groupPaused',
    file: 'gateway/group/partition-loop.ts',
    find: 'if (goesOn && now < lease.validUntil) this.work.deliver(now);',
    replace: 'if (goesOn) this.work.deliver(now);',
  },
  {
    name: 'group: acknowledges and reads under a lease that is no longer its own (the fence)',
    scenario: 'groupPaused',
    file: 'gateway/group/lease.ts',
    find: "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end\nif redis.call('PEXPIRE', KEYS[2]",
    replace: "if redis.call('PEXPIRE', KEYS[2]",
  },
  {
    name: 'group: says nothing of a group that was deleted',
    scenario: 'groupLost',
    file: 'gateway/group/open-groups.ts',
    find: 'onLost: (of, reason) => this.#lost(keyOf(of), reason),',
    replace: 'onLost: () => undefined,',
  },
];
