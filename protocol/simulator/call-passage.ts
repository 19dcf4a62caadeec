import { createLeg, type Leg, type Party, type SimulatedAccount } from './call-leg.ts';
import { TICK_MS, type CallScript } from './call-script.ts';
import type { Random } from './random.ts';

/** The inputs of a call's script. */
export interface Scene {
  readonly random: Random;
  readonly account: SimulatedAccount;
  readonly script: CallScript;
  /** The caller's leg, created already. */
  readonly first: Leg;
}

const MEAN_TALK_MS = 35_000;
const MEAN_RINGING_MS = 6_000;

/** The switch calls the other party: a second leg appears. */
export function dial({ script, random, first }: Scene, callee: Party = first.callee): Leg {
  script.wait(random.integer(120, 600));
  const { caller } = first;
  const leg = createLeg(random, { direction: 'outbound', caller, callee, createdAt: script.now() });
  script.say('CHANNEL_CREATE', leg, { peer: first });
  script.wait(random.integer(60, 900));
  return leg;
}

/** The other phone rings, for some seconds. */
export function ring({ script, random, first }: Scene, second: Leg): void {
  script.say('CHANNEL_PROGRESS', second, { peer: first });
  if (first.answeredAt === null) {
    script.wait(TICK_MS);
    script.say('CHANNEL_PROGRESS', first);
  }
  script.wait(1_000 + random.exponential(MEAN_RINGING_MS));
}

/** Dial, ring, answer, bridge. Returns the leg that the first one is bridged to. */
export function beginTalk(scene: Scene, callee?: Party): Leg {
  const { script, first } = scene;
  const second = dial(scene, callee);
  ring(scene, second);
  script.say('CHANNEL_ANSWER', second, { peer: first });
  if (first.answeredAt === null) {
    script.wait(TICK_MS);
    script.say('CHANNEL_ANSWER', first);
  }
  // One BRIDGE for each bridge, on the leg that ran it.
  script.wait(TICK_MS);
  script.say('CHANNEL_BRIDGE', first, { peer: second });
  return second;
}

export function talk({ script, random }: Scene): void {
  script.wait(2_000 + random.exponential(MEAN_TALK_MS));
}

/** Either side hangs up: the bridge ends, then both legs, first the one that hung up. */
export function endTalk(scene: Scene, second: Leg): void {
  const { script, random, first } = scene;
  script.say('CHANNEL_UNBRIDGE', first, { peer: second });
  const [ended, other] = random.chance(0.5) ? [first, second] : [second, first];
  destroy(scene, ended, { peer: other });
  destroy(scene, other, { peer: ended });
}

export interface Ending {
  readonly peer?: Leg;
  /** Q.850 name. */
  readonly cause?: string;
  readonly code?: string;
  readonly disposition?: string;
}

export function destroy({ script }: Scene, leg: Leg, ending: Ending = {}): void {
  script.wait(TICK_MS);
  const now = script.now();
  const answered = leg.answeredAt;
  const seconds = (from: number | null, to: number) => (from === null ? 0 : Math.round((to - from) / 1_000));
  script.say('CHANNEL_DESTROY', leg, {
    peer: ending.peer ?? null,
    extra: {
      'Duration-Seconds': seconds(leg.createdAt, now),
      'Ringing-Seconds': seconds(leg.progressAt, answered ?? now),
      'Billing-Seconds': seconds(answered, now),
      'Hangup-Cause': ending.cause ?? 'NORMAL_CLEARING',
      'Hangup-Code': ending.code ?? 'sip:200',
      Disposition: ending.disposition ?? 'ANSWER',
    },
  });
}
