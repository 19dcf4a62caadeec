import { createSimulator, type SimulatedAccount } from '../../protocol/simulator/simulator.ts';
import { NAMES } from './numbering.ts';

const START = 1_700_000_000_000;
const STEP_MS = 5_000;
const MOST_STEPS = 200;

/** Events of realistic size, by name and account. */
export class EventBodies {
  readonly #simulated = new Map<string, string>();
  readonly #ready = new Map<string, string>();

  constructor() {
    const accounts: SimulatedAccount[] = [{ id: 'account', name: 'account', realm: 'account.sip.example.com' }];
    const simulator = createSimulator({ seed: 'load test', accounts, callsPerSecond: 1, startAt: START });
    // Only until each name was used once, because the engines of k6 are slow.
    for (let step = 1; step <= MOST_STEPS && NAMES.some((name) => !this.#simulated.has(name)); step += 1) {
      for (const { name, json } of simulator.next(START + step * STEP_MS)) {
        if (!this.#simulated.has(name)) this.#simulated.set(name, json);
      }
    }
  }

  /** The JSON of an event without its last brace; Call-ID and the event's other own members have to follow. */
  open(name: string, account: string): string {
    const key = `${name} ${account}`;
    let text = this.#ready.get(key);
    if (text === undefined) {
      const simulated = this.#simulated.get(name) ?? this.#simulated.get('CHANNEL_ANSWER') ?? '{}';
      const { 'Call-ID': _, ...fields } = JSON.parse(simulated) as Record<string, unknown>;
      const variables = { ...(fields['Custom-Channel-Vars'] as object | undefined), 'Account-ID': account };
      text = JSON.stringify({ ...fields, 'Event-Name': name, 'Custom-Channel-Vars': variables }).slice(0, -1);
      this.#ready.set(key, text);
    }
    return text;
  }
}
