/** Which Message Batches API a command talks to. Nothing has been asked of it yet. */
export type EndpointChoice =
  | ApiChoice
  /** A Batchwright in this process, whose model is simulated: it was asked for, or there is neither a server nor a key. */
  | { readonly type: 'simulated'; readonly isAskedFor: boolean };

/** Whatever speaks the API. */
export interface ApiChoice {
  readonly type: 'api';
  /** Ends before `/v1`, without a slash. */
  readonly baseUrl: string;
  /** What named it, or would have. */
  readonly namedBy: '--server' | 'ANTHROPIC_BASE_URL';
}

/** A server that cannot be one. */
export interface EndpointFault {
  readonly type: 'fault';
  readonly line: string;
}

const HOSTED_API = 'https://api.anthropic.com';
/** What `--server` takes in place of a URL. */
const SIMULATED = 'simulated';
/** Any of them says that there is somebody to pay; the SDK reads them in this order. */
const CREDENTIALS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_PROFILE'] as const;

/** What `--server` and the environment come to: `--server`, else `ANTHROPIC_BASE_URL`, else the hosted API for whoever has a key. */
export function chooseEndpoint(
  server: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): EndpointChoice | EndpointFault {
  if (server === SIMULATED) return { type: 'simulated', isAskedFor: true };
  if (server !== undefined) return fromUrl(server, '--server', ', or simulated');
  const fromEnv = env['ANTHROPIC_BASE_URL']?.trim() ?? '';
  if (fromEnv !== '') return fromUrl(fromEnv, 'ANTHROPIC_BASE_URL', '');
  return CREDENTIALS.some((name) => (env[name] ?? '') !== '')
    ? { type: 'api', baseUrl: HOSTED_API, namedBy: 'ANTHROPIC_BASE_URL' }
    : { type: 'simulated', isAskedFor: false };
}

function fromUrl(value: string, name: ApiChoice['namedBy'], otherwise: string): EndpointChoice | EndpointFault {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isPlain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isPlain || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // A URL with a password in it must not end up in a log by way of its refusal.
    const shown = url !== null && (url.username !== '' || url.password !== '') ? 'has credentials' : `is "${value}"`;
    const expects = `an http(s) URL without credentials, query or fragment${otherwise}`;
    return { type: 'fault', line: `${name} ${shown}, but must be ${expects}. Example: http://127.0.0.1:4180` };
  }
  // People copy base URLs with and without /v1; both mean the same API.
  const baseUrl = `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/v1$/, '');
  return { type: 'api', baseUrl, namedBy: name };
}
