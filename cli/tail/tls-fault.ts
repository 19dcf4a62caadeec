/** The known content of a certificate. */
export interface SeenCertificate {
  /** Its names and addresses, as `DNS:localhost, IP Address:127.0.0.1`. */
  readonly names: string;
  readonly issuer: string;
  readonly from: string;
  readonly until: string;
}

export interface Asked {
  /** The URL as given: `https://host:9443`. */
  readonly url: URL;
  readonly hasOwnAuthority: boolean;
  /** The certificate of an example gateway in this folder; null when there is none. */
  readonly exampleAuthority: string | null;
}

const UNKNOWN_AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?)$/;
const NO_TLS =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|UNSUPPORTED_PROTOCOL|wrong version number/;
const NOT_HTTP = /^(ECONNRESET|EPIPE|HPE_|ERR_HTTP)/;

/** Why the gateway did not answer, and what to do: one line each. Pure. */
export function tlsFault(
  { code, message }: { readonly code: string; readonly message: string },
  { url, hasOwnAuthority, exampleAuthority }: Asked,
  seen: SeenCertificate | null,
): readonly string[] {
  const place = url.host;
  if (UNKNOWN_AUTHORITY.test(code)) {
    const issuer = seen === null ? '' : `, ${seen.issuer}`;
    return [
      `the certificate of ${place} is signed by an authority that is not trusted here${issuer} (${code})`,
      hasOwnAuthority
        ? 'the file of --ca holds another authority: ask the platform for the one of this gateway'
        : `give the file of its authority by --ca${exampleAuthority === null ? '' : `, as --ca ${exampleAuthority}`}`,
      'for a trial on your own machine alone: --insecure takes any certificate',
    ];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [
      `the certificate of ${place} is not for the name ${url.hostname}${seen === null ? '' : `, but for ${seen.names}`}`,
      'give one of its names in --url, or ask the platform for a certificate with this name; --ca does not help',
    ];
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const validity = seen === null ? '' : `: it is valid from ${seen.from} until ${seen.until}`;
    return [
      `the certificate of ${place} ${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}${validity}`,
      `the platform renews it; or the clock of this machine is wrong: it says ${new Date().toUTCString()}`,
    ];
  }
  if (url.protocol === 'https:' && NO_TLS.test(`${code} ${message}`)) {
    return [
      `${place} does not speak TLS`,
      'give the public port of the gateway (9443, unless it was changed); where TLS ends before the gateway, the port of that',
    ];
  }
  if (url.protocol === 'http:' && NOT_HTTP.test(code)) {
    return [`${place} does not answer plain HTTP (${code})`, `it may speak TLS: try https://${place}`];
  }
  return [unreachable(code, url)];
}

function unreachable(code: string, { host, hostname }: URL): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no host has the name ${hostname} (${code}): is --url right?`;
  if (code === 'ECONNREFUSED') return `nothing listens at ${host}: does the gateway run, and is this its public port?`;
  if (/TIMEDOUT|TIMEOUT|ABORT/i.test(code)) return `no answer from ${host} in time: is there a firewall between?`;
  return `no gateway answers at ${host} (${code})`;
}
