import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Logger } from '../logging/logger.ts';

/** All addresses of this machine: IPv6 and IPv4, or only IPv4 if the kernel has no IPv6. */
export const ALL_ADDRESSES = '*';

/** The error of a kernel without IPv6 for `::`. */
const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/**
 * Listens, and returns the port. `*` falls back to IPv4 with one log line; a specific address that is not available
 * rejects with the system's error (EAFNOSUPPORT, EADDRNOTAVAIL, EADDRINUSE, EACCES, ...).
 */
export async function listenOn(
  server: Server,
  { host, port, logger }: { readonly host: string; readonly port: number; readonly logger: Pick<Logger, 'info'> },
): Promise<number> {
  if (host !== ALL_ADDRESSES) return listen(server, host, port);
  try {
    return await listen(server, '::', port);
  } catch (error) {
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    logger.info({ port }, 'this machine has no IPv6: listening on 0.0.0.0');
    return listen(server, '0.0.0.0', port);
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
