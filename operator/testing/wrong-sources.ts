import { ASTERISK_SPEC, FREESWITCH_SPEC, KAZOO_SPEC, SIMULATOR_SPEC } from './sources.ts';
import type { WrongResource } from './wrong-resources.ts';

type Patch = { readonly [section: string]: unknown };

const wrong = (what: string, patch: Patch, says: RegExp): WrongResource => ({
  what,
  spec: { ...FREESWITCH_SPEC, ...patch },
  says,
});
const bus = { name: 'amqp' };
const kazoo = (what: string, patch: Patch, says: RegExp): WrongResource => ({
  what,
  spec: { ...KAZOO_SPEC, kazoo: { ...KAZOO_SPEC.kazoo, ...patch } },
  says,
});
const esl = { name: 'fs1', host: 'fs1', credentialsSecretRef: { name: 'esl' } };
const freeswitch = (what: string, endpoints: readonly object[], says: RegExp) =>
  wrong(what, { freeswitch: { endpoints } }, says);
const amqp = (what: string, section: object, says: RegExp) => wrong(what, { freeswitch: section }, says);
const ami = { name: 'pbx1', host: 'pbx1', credentialsSecretRef: { name: 'ami' } };
const outbound = { name: 'pbx1', interface: 'ARIOutbound', credentialsSecretRef: { name: 'ari' } };
const asterisk = (what: string, section: object, says: RegExp): WrongResource => ({
  what,
  spec: { ...ASTERISK_SPEC, asterisk: section },
  says,
});
const simulator = (what: string, patch: Patch, says: RegExp): WrongResource => ({
  what,
  spec: { ...SIMULATOR_SPEC, simulator: { ...SIMULATOR_SPEC.simulator, ...patch } },
  says,
});
const accounts = (what: string, patch: Patch, says: RegExp) => wrong(what, { accounts: patch }, says);
const rules = (what: string, rule: object, says: RegExp) => accounts(what, { rules: [rule] }, says);
const many = (count: number, make: (index: number) => unknown) => Array.from({ length: count }, (_, i) => make(i));
const { redis } = FREESWITCH_SPEC;

/** Specifications of a FirehoseSource that both readers must refuse, each in its own words. */
export const WRONG_SOURCES: readonly WrongResource[] = [
  { what: 'nothing', spec: { redis }, says: /exactly one of kazoo, freeswitch, asterisk, simulator/ },
  wrong('two kinds', { simulator: SIMULATOR_SPEC.simulator }, /exactly one of kazoo, freeswitch, asterisk, simulator/),
  {
    what: 'no Redis',
    spec: { ...FREESWITCH_SPEC, redis: {} },
    says: /redis\.urlSecretRef: Required/,
    clusterOnly: true,
  },
  {
    what: 'Redis left out',
    spec: { simulator: SIMULATOR_SPEC.simulator },
    says: /spec\.redis: Required/,
    clusterOnly: true,
  },
  {
    what: 'an endpoint without credentials',
    spec: { ...FREESWITCH_SPEC, freeswitch: { endpoints: [{ name: 'fs1', host: 'fs1' }] } },
    says: /endpoints\[0\]\.credentialsSecretRef: Required/,
    clusterOnly: true,
  },
  {
    what: 'a broker without a URL',
    spec: { ...KAZOO_SPEC, kazoo: { brokers: [{ name: 'b' }] } },
    says: /brokers\[0\]\.urlSecretRef: Required/,
    clusterOnly: true,
  },
  {
    what: 'accounts of a directory that it has not',
    spec: { ...FREESWITCH_SPEC, accounts: { fromDirectory: true } },
    says: /fromDirectory needs accounts\.directorySecretRef/,
    clusterOnly: true,
  },
  wrong('a misspelt field', { endpoints: [] }, /endpoints/),
  wrong('21 replicas', { replicas: 21 }, /spec\.replicas/),
  wrong('fewer than no replicas', { replicas: -1 }, /spec\.replicas/),
  wrong('a URL in clear', { redis: { ...redis, url: 'redis://10.0.0.1' } }, /redis\.url/),
  wrong('a secret of another namespace', { redis: { urlSecretRef: { name: 'a', namespace: 'b' } } }, /namespace/),
  wrong('no partition', { stream: { partitions: 0 } }, /stream\.partitions/),
  wrong('an age below the least', { stream: { retention: { maxAge: '5s' } } }, /a duration from 1m to 8760h/),
  wrong('a policy of calls that is none', { lostCalls: 'Keep' }, /"Destroy"/),
  wrong('33 variables', { channelVariables: many(33, (i) => `v${i}`) }, /channelVariables.*32/s),
  wrong('a variable twice', { channelVariables: ['a', 'a'] }, /channelVariables\[1\].*Duplicate/s),
  wrong('a variable with a star in it', { channelVariables: ['a*b'] }, /channelVariables\[0\]/),
  wrong('all fields kept', { privacy: { keep: ['*'] } }, /privacy\.keep\[0\]/),
  wrong('a privileged pod', { podTemplate: { securityContext: { privileged: true } } }, /securityContext/),
  wrong('a pod on the host network', { podTemplate: { hostNetwork: true } }, /hostNetwork/),
  wrong('a budget of none', { disruptionBudget: { maxUnavailable: 0 } }, /maxUnavailable/),
  wrong('an unknown log level', { logLevel: 'loud' }, /spec\.logLevel/),

  amqp('FreeSWITCH without a way to reach it', {}, /exactly one of endpoints .* and amqp/),
  amqp(
    'FreeSWITCH by both ways',
    { endpoints: [esl], amqp: { brokers: [{ urlSecretRef: bus }] } },
    /exactly one of endpoints .* and amqp/,
  ),
  amqp('mod_amqp without a broker', { amqp: { brokers: [] } }, /brokers.*at least 1/s),
  kazoo('no broker', { brokers: [] }, /brokers.*at least 1/s),
  kazoo('17 brokers', { brokers: many(17, (i) => ({ name: `b${i}`, urlSecretRef: bus })) }, /brokers.*16/s),
  kazoo('two brokers without names', { brokers: [{ urlSecretRef: bus }, { urlSecretRef: bus }] }, /name of its own/),
  kazoo(
    'two brokers of one name',
    { brokers: [{ name: 'broker', urlSecretRef: bus }, { urlSecretRef: bus }] },
    /name of its own/,
  ),
  kazoo('the URL of a broker in clear', { brokers: [{ url: 'amqp://u:p@host' }] }, /brokers\[0\]\.url/),
  kazoo('a pattern as exchange', { exchange: 'call*' }, /kazoo\.exchange/),
  kazoo('an unknown type of queue', { queue: { type: 'Stream' } }, /"Quorum"/),
  kazoo('a queue of nothing', { queue: { maxLength: 0 } }, /queue\.maxLength/),
  kazoo('a message that lives for a second', { queue: { messageTTL: '1s' } }, /a duration from 1m to 168h/),
  kazoo('no prefetch', { prefetch: 0 }, /kazoo\.prefetch/),
  kazoo('an event in small letters', { additionalEvents: ['queue'] }, /additionalEvents\[0\]/),

  freeswitch('no endpoint', [], /endpoints.*at least 1/s),
  freeswitch('33 endpoints', many(33, (i) => ({ ...esl, name: `fs${i}` })) as object[], /endpoints.*32/s),
  freeswitch('an endpoint twice', [esl, esl], /endpoints\[1\].*Duplicate/s),
  freeswitch('a name with a slash', [{ ...esl, name: 'a/b' }], /endpoints\[0\]\.name/),
  freeswitch('no host', [{ name: 'fs1', credentialsSecretRef: { name: 'esl' } }], /endpoints\[0\]\.host: Required/),
  freeswitch('a host with a port', [{ ...esl, host: 'fs1:8021' }], /endpoints\[0\]\.host/),
  freeswitch('a host with a blank', [{ ...esl, host: 'fs 1' }], /endpoints\[0\]\.host/),
  freeswitch('port 0', [{ ...esl, port: 0 }], /endpoints\[0\]\.port/),
  freeswitch('a password in clear', [{ ...esl, password: 'ClueCon' }], /endpoints\[0\]\.password/),
  freeswitch('TLS, which the event socket has not', [{ ...esl, tls: { enabled: true } }], /endpoints\[0\]\.tls/),
  wrong('an unknown park', { freeswitch: { endpoints: [esl], park: 'Lot' } }, /"Valet"/),

  asterisk('an interface that is none', { endpoints: [{ ...ami, interface: 'AGI' }] }, /"AMI"/),
  asterisk('AMI without a host', { endpoints: [{ ...ami, host: undefined }] }, /host is given with AMI and ARI/),
  asterisk(
    'a host with ARIOutbound',
    { endpoints: [{ ...outbound, host: 'pbx1' }], listen: {} },
    /host is given with AMI and ARI/,
  ),
  asterisk(
    'a port with ARIOutbound',
    { endpoints: [{ ...outbound, port: 1 }], listen: {} },
    /those of asterisk\.listen/,
  ),
  asterisk(
    'TLS of its own with ARIOutbound',
    { endpoints: [{ ...outbound, tls: { enabled: true } }], listen: {} },
    /those of asterisk\.listen/,
  ),
  asterisk('ARIOutbound without listen', { endpoints: [outbound] }, /listen belongs to endpoints/),
  asterisk('listen without ARIOutbound', { endpoints: [ami], listen: {} }, /listen belongs to endpoints/),
  asterisk('a privileged port', { endpoints: [outbound], listen: { port: 443 } }, /listen\.port/),
  asterisk(
    'two certificates',
    { endpoints: [outbound], listen: { tls: { secretName: 'a', disabled: true } } },
    /at most one of/,
  ),

  simulator('no account', { accounts: [] }, /simulator\.accounts.*at least 1/s),
  simulator('an account twice', { accounts: [0, 1].map(() => SIMULATOR_SPEC.simulator.accounts[0]) }, /Duplicate/),
  simulator('no calls', { callsPerSecond: 0 }, /simulator\.callsPerSecond/),
  simulator('101 calls a second', { callsPerSecond: 101 }, /simulator\.callsPerSecond/),

  accounts('a hold of an hour', { holdCreate: '1h' }, /accounts\.holdCreate/),
  accounts('a hold of three seconds', { holdCreate: '3000ms' }, /at most 2s/),
  accounts('a variable with a blank', { variable: 'a b' }, /accounts\.variable/),
  rules('a rule that matches everything', { match: {}, account: 'acme' }, /rules\[0\]\.match.*at least 1/s),
  rules('a rule without an account', { match: { did: '1' } }, /rules\[0\]\.account: Required/),
  rules('a rule for a field that is none', { match: { number: '1' }, account: 'acme' }, /rules\[0\]\.match\.number/),
  rules('a star in the middle', { match: { did: '+49*1' }, account: 'acme' }, /rules\[0\]\.match\.did/),
  rules('an account with a blank', { match: { did: '1' }, account: 'a b' }, /rules\[0\]\.account/),
];
