#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
/** `websocat -kn <url>`, as far as the README uses it: prints what comes, believes any certificate, sends nothing. */
import { WebSocket } from 'ws';

const url = process.argv.at(-1) ?? '';
const socket = new WebSocket(url, { rejectUnauthorized: false });
socket.on('message', (data) => console.log((data as Buffer).toString()));
socket.on('error', (error) => {
  console.error(`websocat: ${error.message}`);
  process.exitCode = 1;
});
