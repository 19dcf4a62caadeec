/** A request or a response of SIP (RFC 3261). Headers keep their order; Via may occur more than once. */
export interface SipMessage {
  /** `INVITE sip:1002@127.0.0.1 SIP/2.0` or `SIP/2.0 200 OK`. */
  readonly start: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Null when the bytes are not SIP. */
export function parseSip(bytes: Buffer): SipMessage | null {
  const [head = '', body = ''] = splitOnce(bytes.toString('utf8'), '\r\n\r\n');
  const [start = '', ...lines] = head.split('\r\n');
  if (!start.includes('SIP/2.0')) return null;
  const headers = lines.map((line) => {
    const [name = '', value = ''] = splitOnce(line, ':');
    return [name.trim().toLowerCase(), value.trim()] as const;
  });
  return { start, headers, body };
}

/** The first header of this name, given in lower case; empty when absent. */
export function headerOf({ headers }: SipMessage, name: string): string {
  return headers.find(([other]) => other === name)?.[1] ?? '';
}

/** 0 for a request. */
export function statusOf({ start }: SipMessage): number {
  return start.startsWith('SIP/2.0 ') ? Number(start.slice(8, 11)) : 0;
}

/** Method of a request, or of the request that a response answers. */
export function methodOf(message: SipMessage): string {
  return headerOf(message, 'cseq').split(' ')[1] ?? '';
}

/** `<sip:1002@127.0.0.1>;tag=x` -> `x`. */
export function tagOf(address: string): string {
  return /;tag=([^;>\s]+)/.exec(address)?.[1] ?? '';
}

/** `"Bob" <sip:1002@127.0.0.1:5060>;expires=1` -> `sip:1002@127.0.0.1:5060`. */
export function uriOf(address: string): string {
  return /<([^>]+)>/.exec(address)?.[1] ?? address;
}

export function sipText(start: string, headers: SipMessage['headers'], body = ''): string {
  const all = [...headers, ['Content-Length', String(Buffer.byteLength(body))] as const];
  return `${start}\r\n${all.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`;
}

/** The answer to a request, with the headers that an answer has to repeat. */
export function responseTo(request: SipMessage, status: string, more: SipMessage['headers'], body = ''): string {
  const kept = request.headers.filter(([name]) => REPEATED.has(name) && (name !== 'to' || !hasOwnTo(more)));
  return sipText(`SIP/2.0 ${status}`, [...kept, ...more], body);
}

const REPEATED: ReadonlySet<string> = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

function hasOwnTo(headers: SipMessage['headers']): boolean {
  return headers.some(([name]) => name === 'To');
}

function splitOnce(text: string, by: string): readonly string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}
