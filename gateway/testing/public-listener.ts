import express from 'express';
import type { Socket } from 'node:net';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { AddressAllowance } from '../http/address-allowance.ts';
import { AddressFaults } from '../http/address-faults.ts';
import { createAddressOf } from '../http/client-address.ts';
import { createPublicApp } from '../http/public-app.ts';
import { openPublicListener, type PublicListenerOptions } from '../http/public-listener.ts';
import { refuseOnSocket } from '../http/refuse-upgrade.ts';
import type { Routes } from '../http/request-router.ts';

export interface ListenerChange {
  readonly listener?: Partial<PublicListenerOptions>;
  readonly origins?: readonly string[];
  readonly login?: (body: Buffer, address: string) => object | Promise<object>;
  readonly onUpgrade?: Routes['onUpgrade'];
  readonly allowance?: AddressAllowance;
}

/** A public listener without a gateway behind it; its login answers with its input. */
export async function openListener({
  listener = {},
  origins = ['*'],
  login,
  onUpgrade = refuseAll,
  allowance,
}: ListenerChange = {}) {
  const unexpected: unknown[] = [];
  const answers: number[] = [];
  const mismatches: string[] = [];
  const trustedProxies = listener.trustedProxies ?? [];
  const addressOf = createAddressOf(trustedProxies);
  const app = createPublicApp({
    login: async (body, { address }) => ({
      kind: 'granted',
      body: (await login?.(body, address)) ?? { bytes: body.length, address },
    }),
    reference: express.Router(),
    console: null,
    webhooks: express.Router(),
    calls: (_request, response) => void response.end(),
    explain: (_request, response) => void response.end(),
    jwks: () => ({ keys: [] }),
    addressOf,
    allowedOrigins: origins,
    isTls: false,
    unexpected: (error) => unexpected.push(error),
  });
  const opened = await openPublicListener({
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    tls: null,
    proxyProtocol: false,
    maxConnections: null,
    trustedProxies,
    allowance: allowance ?? new AddressAllowance({ burst: 10_000, perSecond: 1 }),
    faults: new AddressFaults(),
    routes: { addressOf, app, onUpgrade, events: NO_EVENTS },
    events: {
      onAnswer: (status) => answers.push(status),
      onMismatch: (mismatch) => mismatches.push(mismatch),
      onDropped: (why) => mismatches.push(`dropped ${why}`),
      unexpected: (error) => unexpected.push(error),
    },
    ...listener,
  });
  return {
    unexpected,
    answers,
    mismatches,
    port: opened.port,
    url: `http://127.0.0.1:${opened.port}`,
    setCertificate: (certificate: { cert: string; key: string }) => opened.setCertificate(certificate),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** Refuses every upgrade with a 403. */
async function refuseAll(_request: unknown, socket: Socket): Promise<number> {
  refuseOnSocket(socket, { status: 403, code: 'not_found', detail: 'no' });
  return 403;
}

const NO_EVENTS = {
  isMeant: () => false,
  open: () => Promise.reject(new Error('no stream of Server-Sent Events is expected here')),
  refuse: () => undefined,
};
