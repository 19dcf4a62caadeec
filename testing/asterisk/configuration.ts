/** A login of the test server; the secrets protect nothing. */
export interface AsteriskUser {
  readonly username: string;
  readonly password: string;
}

/** The same for AMI and ARI. `deaf` may not read calls, `powerless` may send no actions; both only for AMI. */
export const ASTERISK_USERS = {
  firehose: { username: 'firehose', password: 'firehose-secret-1' },
  deaf: { username: 'deaf', password: 'deaf-secret-1' },
  powerless: { username: 'powerless', password: 'powerless-secret-1' },
} as const satisfies Readonly<Record<string, AsteriskUser>>;

/** The phones of two tenants. Each registers without a password; its account code is the tenant's name. */
const ASTERISK_PHONES = { acme: ['1001', '1002', '1003', '1004'], globex: ['2001', '2002'] } as const;

export interface AsteriskPorts {
  /** UDP. */
  readonly sip: number;
  readonly ami: number;
  readonly amiTls: number;
  readonly http: number;
  readonly https: number;
}

export interface AsteriskOutbound {
  /** `ws://` or `wss://`, of the listener that this Asterisk connects to. */
  readonly uri: string;
  readonly application: string;
  readonly username: string;
  readonly password: string;
}

interface ConfigurationParts {
  readonly ports: AsteriskPorts;
  /** The instance's folder, as Asterisk sees it. */
  readonly folder: string;
  /** Folder of the modules, as Asterisk sees it. */
  readonly modules: string;
  readonly timestampEvents: boolean;
  readonly hasTls: boolean;
  readonly outbound: AsteriskOutbound | null;
}

/** The files of `etc/`, by their names, and `asterisk.conf`. Pure. */
export function asteriskConfiguration(parts: ConfigurationParts): Readonly<Record<string, string>> {
  return {
    'asterisk.conf': asterisk(parts),
    'manager.conf': manager(parts),
    'http.conf': http(parts),
    'ari.conf': ari(parts),
    'websocket_client.conf': websocketClient(parts),
    'pjsip.conf': pjsip(parts),
    'extensions.conf': extensions(),
    'logger.conf': '[general]\n[logfiles]\nmessages => notice,warning,error\n',
    'modules.conf': `[modules]\nautoload=yes\n${UNUSED_MODULES.map((name) => `noload=${name}.so\n`).join('')}`,
    'res_parking.conf':
      '[general]\n[default]\nparkext=700\nparkpos=701-720\ncontext=parkedcalls\ncomebacktoorigin=no\n',
    'confbridge.conf': '[general]\n[default_user]\ntype=user\nquiet=yes\n[default_bridge]\ntype=bridge\n',
    'queues.conf': '[general]\n[support]\nstrategy=ringall\nmember => PJSIP/1002\n',
    'features.conf': '[general]\n[featuremap]\n',
    'rtp.conf': '[general]\n',
  };
}

/** Modules that need a configuration or a service that does not exist here. */
const UNUSED_MODULES = ['res_snmp', 'chan_console', 'chan_unistim', 'chan_motif', 'res_xmpp', 'pbx_dundi', 'res_hep'];

function asterisk({ folder, modules }: ConfigurationParts): string {
  const own = {
    etc: 'etc',
    db: 'db',
    varlib: 'lib',
    cache: 'cache',
    key: 'keys',
    spool: 'spool',
    run: 'run',
    log: 'log',
  };
  const folders = Object.entries(own).map(([name, place]) => `ast${name}dir => ${folder}/${place}\n`);
  return `[directories]
astmoddir => ${modules}
astdatadir => /usr/share/asterisk
${folders.join('')}
[options]
systemname = pbx1
`;
}

/** The configuration that docs/sources.md requires from a platform, and users that lack a right. */
function manager({ ports, folder, timestampEvents, hasTls }: ConfigurationParts): string {
  const user = ({ username, password }: AsteriskUser, rights: string) =>
    `[${username}]\nsecret = ${password}\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n${rights}\n`;
  return `[general]
enabled = yes
webenabled = no
bindaddr = 127.0.0.1
port = ${ports.ami}
${timestampEvents ? 'timestampevents = yes\n' : ''}channelvars = TENANT
${hasTls ? `tlsenable = yes\ntlsbindaddr = 127.0.0.1:${ports.amiTls}\n${certificateLines('tls', folder)}` : ''}
${user(ASTERISK_USERS.firehose, 'read = call,dtmf\nwrite = reporting')}
${user(ASTERISK_USERS.deaf, 'read = dtmf\nwrite = reporting')}
${user(ASTERISK_USERS.powerless, 'read = call,dtmf\nwrite = ')}
`;
}

function certificateLines(prefix: string, folder: string): string {
  return `${prefix}certfile = ${folder}/keys/tls.crt\n${prefix}privatekey = ${folder}/keys/tls.key\n`;
}

function http({ ports, folder, hasTls }: ConfigurationParts): string {
  return `[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = ${ports.http}
${hasTls ? `tlsenable = yes\ntlsbindaddr = 127.0.0.1:${ports.https}\n${certificateLines('tls', folder)}` : ''}`;
}

function ari({ outbound }: ConfigurationParts): string {
  const { username, password } = ASTERISK_USERS.firehose;
  const own =
    outbound === null
      ? ''
      : `\n[firehose-out]\ntype = outbound_websocket\nwebsocket_client_id = firehose-out\napps = ${outbound.application}\nsubscribe_all = yes\nlocal_ari_user = ${username}\n`;
  return `[general]
enabled = yes
channelvars = CHANNEL(linkedid),TENANT

[${username}]
type = user
read_only = yes
password = ${password}
${own}`;
}

function websocketClient({ outbound, folder }: ConfigurationParts): string {
  if (outbound === null) return '';
  const tls = outbound.uri.startsWith('wss:') ? `tls_enabled = yes\nca_list_file = ${folder}/keys/ca.crt\n` : '';
  return `[firehose-out]
type = websocket_client
connection_type = persistent
uri = ${outbound.uri}
protocols = ari
username = ${outbound.username}
password = ${outbound.password}
reconnect_interval = 100
${tls}`;
}

function pjsip({ ports }: ConfigurationParts): string {
  const phone = (name: string, tenant: string) =>
    `\n[${name}]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n[${name}]\ntype=endpoint\ncontext=${tenant}\naors=${name}
accountcode=${tenant}\nset_var=TENANT=${tenant}\ncallerid=Phone ${name} <${name}>\ndisallow=all\nallow=ulaw\ndtmf_mode=info
direct_media=no\ntimers=no\nallow_transfer=yes\n`;
  const phones = Object.entries(ASTERISK_PHONES).flatMap(([tenant, names]) => names.map((name) => phone(name, tenant)));
  return `[transport]
type=transport
protocol=udp
bind=127.0.0.1:${ports.sip}
${phones.join('')}
[trunk]
type=aor
max_contacts=1
remove_existing=yes
[trunk]
type=endpoint
context=trunk
aors=trunk
disallow=all
allow=ulaw
direct_media=no
timers=no
`;
}

/**
 * 9 before a phone's number rings for one second. 600 is a conference, 610 a queue, 620 answers and waits, 700 parks.
 * From the trunk, +1555 and more digits reaches 1001; +1666 and more digits reaches no phone: it answers and waits.
 */
function extensions(): string {
  const tenant = (name: string, phones: string) => `
[${name}]
exten => _${phones}XX,1,Dial(PJSIP/\${EXTEN},30,tTkK)
 same => n,Hangup()
exten => _9${phones}XX,1,Dial(PJSIP/\${EXTEN:1},1)
 same => n,Hangup()
exten => 600,1,ConfBridge(${name})
exten => 610,1,Queue(support,,,,10)
 same => n,Hangup()
exten => 620,1,Answer()
 same => n,Wait(60)
exten => 630,1,MixMonitor(\${UNIQUEID}.wav)
 same => n,Answer()
 same => n,Wait(60)
include => parkedcalls
`;
  return `[general]
${tenant('acme', '10')}${tenant('globex', '20')}
[trunk]
exten => _+1555.,1,Dial(PJSIP/1001,30)
 same => n,Hangup()
exten => _+1666.,1,Answer()
 same => n,Wait(60)
`;
}
