import { join } from 'node:path';
import { CONSOLE_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';

/** The next commands to paste: log in, then stream, with the quickstart's own user. */
export function quickstartLines(gateway: {
  port: number;
  innerPort: number;
  isTls: boolean;
  state: string;
  node: string;
}): string {
  const trust = gateway.isTls ? `--cacert ${join(gateway.state, 'ca.crt')} ` : '';
  const host = `localhost:${gateway.port}`;
  const scheme = gateway.isTls ? 's' : '';
  const body = '{"username":"admin","password":"adminpassword","domain":"admin"}';
  const certificates = gateway.isTls ? `NODE_EXTRA_CA_CERTS=${join(gateway.state, 'ca.crt')} ` : '';
  // A refused handshake and a close print a message: without one the WebSocket would end silently.
  const print = [
    'const socket = new WebSocket(process.argv[1])',
    'socket.onmessage = (event) => console.log(event.data)',
    'socket.onclose = ({ code, reason }) => { console.error(`closed with ${code} ${reason}: is TOKEN a token of the login?`); process.exit(1) }',
  ].join('; ');
  return `
Log in, then open the stream: paste these two lines into another terminal, in this folder.

  TOKEN=$(curl -s ${trust}http${scheme}://${host}${LOGIN_PATH} -d '${body}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  ${certificates}${gateway.node} -e '${print}' "ws${scheme}://${host}${STREAM_PATH}?token=$TOKEN"

Or look at it in a browser, which asks about the certificate once: user admin, password adminpassword, domain admin.

  http${scheme}://${host}${CONSOLE_PATH}

Administration: http://localhost:${gateway.innerPort}${CONSOLE_PATH} with the token in ${join(gateway.state, 'admin-token')}

`;
}
