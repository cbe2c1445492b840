/** Why there was no answer, in words. */
export interface Trouble {
  readonly reason: string;
  /** What helps; empty: nothing but trying again. */
  readonly remedy: string;
  /** Whether the call was certainly not sent. */
  readonly isUnsent: boolean;
  /** Whether trying again is in vain until somebody changes something. */
  readonly isLasting: boolean;
}

/** Codes of the runtimes' errors: Node's own, OpenSSL's, undici's. */
const REFUSED = new Set(['ECONNREFUSED', 'ConnectionRefused']);
const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA']);
const UNREACHED = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'UND_ERR_CONNECT_TIMEOUT']);
const UNCONNECTED = new Set(['UND_ERR_CONNECT_TIMEOUT']);
/** Of a secure connection that was there and broke. */
const BROKEN_SECURE = /BAD_RECORD_MAC|UNEXPECTED_EOF|ALERT_INTERNAL_ERROR/;
const CUT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);
const TIMED_OUT = new Set(['ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Says what a connection failed of; `server` is its address, for people. */
export function troubleOf(error: unknown, server: string): Trouble {
  const chain = causesOf(error);
  const codes = chain.map(codeOf).filter((code) => code !== '');
  const has = (known: ReadonlySet<string>): boolean => codes.some((code) => known.has(code));
  if (has(REFUSED)) {
    const remedy = `Start the server, as \`batchwright serve\` does, or set ANTHROPIC_BASE_URL to where it is.`;
    return { reason: `nothing answers at ${server}`, remedy, isUnsent: true, isLasting: false };
  }
  if (has(UNRESOLVED)) {
    const remedy = 'Check ANTHROPIC_BASE_URL and the network.';
    return { reason: `the name in ${server} cannot be resolved`, remedy, isUnsent: true, isLasting: false };
  }
  if (has(UNREACHED)) {
    const remedy = 'Check the network, a proxy or a firewall in between.';
    // A network that goes away ends connections too, on which a call may have arrived.
    return { reason: `${server} cannot be reached`, remedy, isUnsent: has(UNCONNECTED), isLasting: false };
  }
  return secureTrouble(codes, server) ?? brokenTrouble(codes, chain, has, server);
}

function secureTrouble(codes: readonly string[], server: string): Trouble | null {
  const code = codes.find((found) => UNTRUSTED.has(found) || /^CERT_|^ERR_TLS_|^ERR_SSL_|^EPROTO$/.test(found));
  if (code === undefined || BROKEN_SECURE.test(code)) return null;
  const lasting = { isUnsent: true, isLasting: true };
  if (UNTRUSTED.has(code)) {
    const remedy = 'Name the authority that signed it in NODE_EXTRA_CA_CERTS.';
    return { reason: `the certificate of ${server} is signed by nobody who is trusted here`, remedy, ...lasting };
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return { reason: `the certificate of ${server} is out of date`, remedy: 'Renew it, or set the clock.', ...lasting };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const remedy = 'Use the name that the certificate is for in ANTHROPIC_BASE_URL.';
    return { reason: `the certificate of ${server} is for another name`, remedy, ...lasting };
  }
  const remedy = 'If it speaks plain HTTP, begin ANTHROPIC_BASE_URL with http://.';
  return { reason: `no secure connection to ${server} could be made (${code})`, remedy, ...lasting };
}

function brokenTrouble(
  codes: readonly string[],
  chain: readonly Error[],
  has: (known: ReadonlySet<string>) => boolean,
  server: string,
): Trouble {
  const open = { remedy: '', isUnsent: false, isLasting: false };
  if (has(TIMED_OUT) || chain.some(({ message }) => /timed? ?out/i.test(message))) {
    return { reason: `${server} did not answer in time`, ...open };
  }
  // Undici names no code for a port that the standard of fetch forbids, and sends nothing.
  if (chain.some(({ message }) => message === 'bad port')) {
    const remedy = 'Have the server listen on another port: browsers and the SDKs refuse some, such as 6000.';
    return { reason: `fetch refuses the port of ${server}`, remedy, isUnsent: true, isLasting: true };
  }
  if (codes.some((code) => code.startsWith('HPE_'))) {
    const remedy = 'Check ANTHROPIC_BASE_URL, its port and whether it is http or https.';
    return { ...open, reason: `what answers at ${server} does not speak HTTP`, remedy };
  }
  // Undici names no code where a body ends before its announced length; `terminated` is all there is.
  if (has(CUT) || chain.some(({ message }) => /terminated|socket|closed|reset/i.test(message))) {
    return { reason: `the connection to ${server} was cut`, ...open };
  }
  const last = chain.at(-1);
  return { reason: last?.message ?? `no answer came from ${server}`, ...open };
}

/** An error and what it came of, outermost first; of an attempt on several addresses the last one's. */
function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let next = error; next instanceof Error && !chain.includes(next);) {
    chain.push(next);
    const several = (next as { readonly errors?: readonly unknown[] }).errors;
    next = Array.isArray(several) && several.length > 0 ? several.at(-1) : next.cause;
  }
  return chain;
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}
