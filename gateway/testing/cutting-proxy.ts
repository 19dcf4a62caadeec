import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { createAuthority, issueCertificate } from '../../runtime/certificates/certificate.ts';

/** A proxy that terminates TLS, and cuts each connection once the server has sent this many bytes on it. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Number of connections that it cut. */
  cuts(): number;
}

/**
 * `nextCut` returns after which byte of the answer the next connection is cut; null: it is not cut. The peer gets every
 * byte up to there, then the end. It uses TLS to the client: over plain HTTP a browser treats a head that was cut as
 * complete.
 */
export async function startCuttingProxy(port: number, nextCut: () => number | null): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer(await certificate(), (client) => {
    const upstream = connect(port, '127.0.0.1');
    let left = nextCut() ?? Infinity;
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      const isCut = chunk.length >= left;
      client.write(chunk.subarray(0, left), () => isCut && client.destroy());
      left -= chunk.length;
      if (!isCut) return;
      cuts += 1;
      upstream.destroy();
    });
    upstream.on('close', () => left > 0 && client.end());
    client.on('close', () => upstream.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function certificate() {
  const common = { now: Date.now(), days: 1 };
  const authority = await createAuthority({ ...common, subject: 'CN=cutting proxy authority' });
  return issueCertificate(authority, { ...common, subject: 'CN=cutting proxy', usage: 'server', ips: ['127.0.0.1'] });
}
