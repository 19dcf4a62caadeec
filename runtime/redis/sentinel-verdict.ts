/** One sentinel's report on the master. */
export interface SentinelView {
  /** The sentinel's own id: it identifies one that has two names. */
  readonly id: string;
  /** Number of this sentinel and all others that it knows. */
  readonly sentinels: number;
  /** How many must consider the master down before a failover may begin. */
  readonly quorum: number;
  readonly isWell: boolean;
  readonly host: string;
  readonly port: number;
}

const UNWELL = /(^|,)(s_down|o_down|failover_in_progress|disconnected|master_down)(,|$)/;

/** Alternating names and values, as sentinels reply; empty for anything else. */
function fieldsOf(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (!Array.isArray(reply)) return fields;
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(String(reply[at]), String(reply[at + 1]));
  return fields;
}

/** From the replies of SENTINEL MYID and SENTINEL MASTER; null for anything else. */
export function parseSentinelView(id: unknown, reply: unknown): SentinelView | null {
  const fields = fieldsOf(reply);
  const numberOf = (name: string) => Number(fields.get(name) ?? Number.NaN);
  const [others, quorum, port] = [numberOf('num-other-sentinels'), numberOf('quorum'), numberOf('port')];
  if (!Number.isInteger(others) || !Number.isInteger(quorum) || !Number.isInteger(port)) return null;
  const isWell = !UNWELL.test(fields.get('flags') ?? 's_down');
  return { id: String(id), sentinels: others + 1, quorum, isWell, host: fields.get('ip') ?? '', port };
}

/** From the reply of SENTINEL SENTINELS: the addresses of the others. */
export function parseSentinels(reply: unknown): { readonly host: string; readonly port: number }[] {
  return (Array.isArray(reply) ? reply : []).flatMap((one: unknown) => {
    const fields = fieldsOf(one);
    const [host = '', port] = [fields.get('ip'), Number(fields.get('port'))];
    return host !== '' && Number.isInteger(port) && port > 0 ? [{ host, port }] : [];
  });
}

/**
 * Whether no failover away from this master can have begun, by the replies of the sentinels that answered. One begins
 * only when `quorum` of them consider the master down, so among `sentinels - quorum + 1` there is one that does. A
 * sentinel that has finished one names another master. Pure.
 */
export function isMasterConfirmed(
  views: readonly SentinelView[],
  master: { readonly address: string; readonly port: number },
): boolean {
  if (views.some((view) => !view.isWell || !isSame(view, master))) return false;
  const needed = Math.max(1, ...views.map(({ sentinels, quorum }) => sentinels - quorum + 1));
  return new Set(views.map(({ id }) => id)).size >= needed;
}

const ADDRESS = /^[0-9.]+$|:/;

/** Sentinels may name hosts: only an address can be compared with that of the connection. */
function isSame({ host, port }: SentinelView, master: { readonly address: string; readonly port: number }): boolean {
  if (port !== master.port) return false;
  return !ADDRESS.test(host) || withoutMapping(host) === withoutMapping(master.address);
}

/** An IPv4 address as a socket for both families shows it. */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, '');
}
