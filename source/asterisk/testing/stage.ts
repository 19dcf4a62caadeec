import { readFile } from 'node:fs/promises';
import { ASTERISK_USERS } from '../../../testing/asterisk/configuration.ts';
import { startAsterisk, type AsteriskServer, type AsteriskServerOptions } from '../../../testing/asterisk/server.ts';
import { makeCertificates, type Certificates } from '../../../testing/certificates.ts';
import { until } from '../../../testing/until.ts';
import type { Drop, MappedEvent, Mapper, SwitchEvent } from '../../mapper.ts';
import { defaultMappingOptions, type MappingOptions } from '../../mapping-options.ts';
import type { SwitchConnection, SwitchListener } from '../../switch.ts';
import { createAsteriskMapper } from '../asterisk-mapper.ts';
import { createAmiSwitch } from '../switches/ami-switch.ts';
import type { AriEndpoint } from '../switches/ari-request.ts';
import { createAriSwitch } from '../switches/ari-switch.ts';
import { startSipAgent, type SipAgent } from './sip-agent.ts';
import type { SipCall } from './sip-call.ts';

export type AsteriskInterface = 'AMI' | 'ARI';

/** What a listener received, raw and mapped. */
export interface Heard extends SwitchListener {
  readonly mapper: Mapper;
  readonly raw: SwitchEvent[];
  readonly mapped: MappedEvent[];
  readonly dropped: Drop[];
  readonly wrong: string[];
}

export function hear(kind: AsteriskInterface, options: Partial<MappingOptions> = {}): Heard {
  const mapper = createAsteriskMapper({
    ...defaultMappingOptions(),
    endpoint: 'pbx1',
    interface: kind,
    ...options,
  });
  const heard: Heard = {
    mapper,
    raw: [],
    mapped: [],
    dropped: [],
    wrong: [],
    event(event) {
      heard.raw.push(event);
      const { events, dropped } = mapper.feed(event, Date.now());
      heard.mapped.push(...events);
      if (dropped !== null) heard.dropped.push(dropped);
    },
    malformed: (what) => void heard.wrong.push(what),
  };
  return heard;
}

/** An Asterisk whose interfaces are both reached by TLS, and phones. */
export interface Stage extends AsyncDisposable {
  readonly asterisk: AsteriskServer;
  readonly certificates: Certificates;
  /** The options of a connection; `more` overrides them. */
  endpoint(kind: AsteriskInterface, more?: Partial<AriEndpoint>): Promise<AriEndpoint>;
  open(kind: AsteriskInterface, listener: SwitchListener, more?: Partial<AriEndpoint>): Promise<SwitchConnection>;
  /** A registered phone. */
  phone(name: string): Promise<SipAgent>;
}

const NEVER = new AbortController().signal;

export async function setStage(options: AsteriskServerOptions = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const certificates = options.tls ?? stack.use(await makeCertificates());
  const asterisk = stack.use(await startAsterisk({ ...options, tls: certificates }));
  const ca = await readFile(certificates.caFile);
  const endpoint: Stage['endpoint'] = async (kind, more = {}) => ({
    host: 'localhost',
    port: kind === 'AMI' ? asterisk.ports.amiTls : asterisk.ports.https,
    tls: { ca },
    application: 'firehose-pbx-0',
    policy: null,
    now: Date.now,
    ...ASTERISK_USERS.firehose,
    ...more,
  });
  return {
    asterisk,
    certificates,
    endpoint,
    async open(kind, listener, more) {
      const wanted = await endpoint(kind, more);
      const created = kind === 'AMI' ? createAmiSwitch(wanted) : createAriSwitch(wanted);
      return created.open(listener, NEVER);
    },
    async phone(name) {
      const phone = stack.use(await startSipAgent(name, asterisk.ports.sip));
      await phone.register();
      return phone;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export function stateOf(call: SipCall, state: SipCall['state']): Promise<unknown> {
  return until(`the call is ${state}`, () => call.state === state);
}
