import { createLeg, deskPhone, outsider, type Leg, type Party, type SimulatedAccount } from './call-leg.ts';
import { createScript, TICK_MS, type CallScript } from './call-script.ts';
import { beginTalk, destroy, dial, endTalk, ring, talk, type Scene } from './call-passage.ts';
import type { Random } from './random.ts';

/** The course of a call, and its share: of 100 calls. */
export const SCENARIOS = {
  answered: 46,
  held: 10,
  keyed: 8,
  recorded: 6,
  transferred: 5,
  parked: 5,
  abandoned: 12,
  busy: 8,
} as const;

type ScenarioName = keyof typeof SCENARIOS;

export interface CallScenario {
  readonly name: ScenarioName;
  readonly first: Leg;
  readonly script: CallScript;
}

/** Writes one whole call that begins at `startAt` (Unix milliseconds). */
export function writeCall(random: Random, account: SimulatedAccount, startAt: number): CallScenario {
  const name = chooseScenario(random);
  const script = createScript(startAt);
  const [caller, callee] = chooseParties(random, account);
  const first = createLeg(random, { direction: 'inbound', caller, callee, createdAt: startAt });
  script.say('CHANNEL_CREATE', first);
  PLAYS[name]({ random, account, script, first });
  return { name, first, script };
}

function chooseScenario(random: Random): ScenarioName {
  let rest = random.integer(0, 99);
  for (const name of Object.keys(SCENARIOS) as ScenarioName[]) {
    rest -= SCENARIOS[name];
    if (rest < 0) return name;
  }
  return 'answered';
}

/** Half of the calls come from outside, a quarter goes outside, a quarter stays within the account. */
function chooseParties(random: Random, account: SimulatedAccount): [caller: Party, callee: Party] {
  const place = random.unit();
  if (place < 0.5) return [outsider(random), deskPhone(account, random)];
  return [deskPhone(account, random), place < 0.75 ? outsider(random) : deskPhone(account, random)];
}

const PLAYS: Readonly<Record<ScenarioName, (scene: Scene) => void>> = {
  answered(scene) {
    const second = beginTalk(scene);
    talk(scene);
    endTalk(scene, second);
  },

  held(scene) {
    const { script, random, first } = scene;
    const second = beginTalk(scene);
    const [holder, other] = random.chance(0.5) ? [first, second] : [second, first];
    talk(scene);
    script.say('CHANNEL_HOLD', holder, { peer: other });
    script.wait(2_000 + random.exponential(12_000));
    script.say('CHANNEL_UNHOLD', holder, { peer: other });
    talk(scene);
    endTalk(scene, second);
  },

  keyed(scene) {
    const { script, random, first } = scene;
    const second = beginTalk(scene);
    for (let left = random.integer(1, 8); left > 0; left -= 1) {
      script.wait(300 + random.exponential(500));
      // Without DTMF-Digit, which may be card data: sources remove it.
      const extra = { 'DTMF-Duration': random.integer(8, 25) * 80 };
      script.say('DTMF', first, { extra });
    }
    talk(scene);
    endTalk(scene, second);
  },

  recorded(scene) {
    const { script, random, first } = scene;
    const second = beginTalk(scene);
    const id = random.hex(32);
    const Recording = {
      'Media-Recording-ID': id,
      'Media-Recorder': 'kz_recording',
      'Media-Name': `call_recording_${id}.mp3`,
    };
    script.wait(TICK_MS);
    const startedAt = script.now();
    script.say('RECORD_START', first, { peer: second, extra: { Recording } });
    talk(scene);
    const Length = String(script.now() - startedAt);
    script.say('RECORD_STOP', first, { peer: second, extra: { Recording, Length } });
    endTalk(scene, second);
  },

  /** The called party transfers the caller to a third one. */
  transferred(scene) {
    const { script, random, account, first } = scene;
    const second = beginTalk(scene);
    talk(scene);
    script.say('CHANNEL_TRANSFEROR', second, { peer: first });
    script.say('CHANNEL_TRANSFEREE', first, { peer: second });
    script.wait(TICK_MS);
    script.say('CHANNEL_UNBRIDGE', first, { peer: second });
    destroy(scene, second, { peer: first, cause: 'BLIND_TRANSFER' });
    const third = beginTalk(scene, deskPhone(account, random));
    talk(scene);
    endTalk(scene, third);
  },

  /** The called party parks the caller; a colleague takes the call, or the caller gives up. */
  parked(scene) {
    const { script, random, account, first } = scene;
    const second = beginTalk(scene);
    talk(scene);
    script.say('CHANNEL_UNBRIDGE', first, { peer: second });
    destroy(scene, second, { peer: first });
    const slot = String(random.integer(701, 719));
    const park = (name: string, leg: Leg) =>
      script.say(name, leg, { extra: { 'Msg-ID': random.hex(32), 'Parking-Slot': slot } });
    park('PARK_PARKED', first);
    script.wait(3_000 + random.exponential(20_000));
    if (random.chance(0.2)) {
      park('PARK_ABANDONED', first);
      destroy(scene, first);
      return;
    }
    const callee: Party = { number: `*4${slot}`, name: 'Park', userAgent: '', owner: null };
    const caller = deskPhone(account, random);
    const taker = createLeg(random, { direction: 'inbound', caller, callee, createdAt: script.now() });
    script.say('CHANNEL_CREATE', taker);
    script.wait(150);
    script.say('CHANNEL_ANSWER', taker);
    park('PARK_RETRIEVED', taker);
    script.wait(TICK_MS);
    script.say('CHANNEL_BRIDGE', taker, { peer: first });
    talk(scene);
    script.say('CHANNEL_UNBRIDGE', taker, { peer: first });
    destroy(scene, first, { peer: taker });
    destroy(scene, taker, { peer: first });
  },

  /** The caller gives up while the other phone rings. */
  abandoned(scene) {
    const { first } = scene;
    const second = dial(scene);
    ring(scene, second);
    destroy(scene, second, { peer: first, cause: 'ORIGINATOR_CANCEL', code: 'sip:487', disposition: 'CANCEL' });
    destroy(scene, first, { peer: second, cause: 'ORIGINATOR_CANCEL', code: 'sip:487', disposition: 'CANCEL' });
  },

  busy(scene) {
    const { first } = scene;
    const second = dial(scene);
    const end = { cause: 'USER_BUSY', code: 'sip:486', disposition: 'BUSY' };
    destroy(scene, second, { peer: first, ...end });
    destroy(scene, first, { peer: second, ...end });
  },
};
