import { choice, integer, list, readBaseUrl, text } from './option-kinds.ts';
import type { Option } from './option-kinds.ts';
import type { PricesFile } from './prices-file.ts';

/**
 * Every option of the server, declared once. Flags, environment names, config file keys, `--help` and
 * `docs/reference/options.md` are derived from this object; `load-config.ts` is the one place that reads values.
 * Written by hand and without a schema library, since the server's start-up is counted in milliseconds.
 */

/** Which upstream runs the requests. */
export type UpstreamChoice =
  | { readonly type: 'simulated' }
  /** Anything that speaks `/v1/messages`, once or as several replicas; base URLs end before `/v1`, without a slash. */
  | { readonly type: 'messages'; readonly baseUrls: readonly string[] };

/** More are one cluster too many for one process, and for one view of its load. */
const MOST_REPLICAS = 64;

const HEADER_SAFE = /^[\x21-\x7e]{1,512}$/;

const credential = (value: string): string | undefined => (HEADER_SAFE.test(value) ? value : undefined);

/** SDK users copy base URLs with and without `/v1`; both mean the same upstream. A URL has no comma before its path. */
function readUpstream(value: string): UpstreamChoice | undefined {
  if (value === 'simulated') return { type: 'simulated' };
  const urls = value.split(',').map((url) => readBaseUrl(url.trim()));
  const baseUrls = urls.flatMap((url) => (url === undefined ? [] : [url.replace(/\/v1$/, '')]));
  const isSound = baseUrls.length === urls.length && urls.length <= MOST_REPLICAS;
  return isSound ? { type: 'messages', baseUrls } : undefined;
}

export const OPTIONS = {
  host: text({
    default: '127.0.0.1',
    prose: 'Address to listen on. `0.0.0.0` listens on every interface.',
    expects: 'a host name or an IP address',
    example: '127.0.0.1',
    read: (value) => (/^[A-Za-z0-9._:%-]{1,255}$/.test(value) ? value : undefined),
  }),
  port: integer({
    default: 4180,
    from: 0,
    to: 65_535,
    prose: 'Port to listen on. `0` takes any free port, which the first lines of output name.',
  }),
  dataDir: text({
    default: '.batchwright',
    prose:
      'Directory that holds everything the server keeps. A relative path is taken from the working directory, or from the config file that names it.',
    expects: 'a path',
    example: '.batchwright',
    read: (value) => (value === '' || value.includes('\0') ? undefined : value),
  }),
  apiKey: text<string | null>({
    default: null,
    prose:
      'A key accepted for the default workspace. Without it the first start creates one, prints it once and stores only its hash. Prefer the environment: flags are visible to other users of the machine.',
    expects: '1 to 512 printable ASCII characters without spaces',
    example: 'sk-bw-your-own-key',
    secret: true,
    defaultText: 'created at first start',
    read: credential,
  }),
  upstream: text<UpstreamChoice>({
    default: { type: 'simulated' },
    prose:
      'What runs the requests: `simulated` (no key, no network), or the base URL of anything that speaks `/v1/messages`; of several replicas that serve the same models, their base URLs. A trailing `/v1` is ignored.',
    expects: `\`simulated\` alone, or up to ${MOST_REPLICAS} http(s) URLs without credentials, query or fragment, separated by commas`,
    example: 'http://gpu-1:8000,http://gpu-2:8000',
    defaultText: '`simulated`',
    read: readUpstream,
  }),
  upstreamApiKey: text<string | null>({
    default: null,
    prose: 'Key sent to the upstream. Clients’ own keys are never forwarded.',
    expects: '1 to 512 printable ASCII characters without spaces',
    example: 'sk-your-upstream-key',
    secret: true,
    read: credential,
  }),
  upstreamProfile: choice({
    default: 'anthropic',
    words: ['anthropic', 'vllm', 'sglang', 'llama.cpp', 'none'],
    prose:
      'How the upstream caches prompts: `anthropic` where markers say what is cached, the name of an engine that caches by itself, or `none`. Decides in which order requests are sent.',
  }),
  cacheScope: choice({
    default: 'workspace',
    words: ['workspace', 'server'],
    prose:
      'Who shares what the upstream has cached: the batches of a workspace, or those of the whole `server`. The latter saves more where workspaces send the same prompts, and lets each tell from prices and times what another has sent.',
  }),
  markers: choice({
    default: 'respect',
    words: ['respect', 'auto', 'off'],
    prose:
      'What is done with `cache_control` in batches that do not say: forwarded as sent (`respect`), added as well where it pays (`auto`), or taken out (`off`).',
  }),
  prices: text<string | null>({
    default: null,
    prose:
      'A JSON file that says what models cost and from how many tokens on they cache, over what is published: by model name, or by its beginning and `*`, dollars per million tokens for `input`, `write_5m`, `write_1h`, `read` and `output`, and `minimum_cache_tokens`. A relative path is taken as that of `data_dir` is.',
    expects: 'a path',
    example: 'prices.json',
    read: (value) => (value === '' || value.includes('\0') ? undefined : value),
  }),
  concurrency: integer({
    default: 64,
    from: 1,
    to: 16_384,
    prose:
      'Most requests in flight to the upstream at once. The server goes lower by itself when the upstream pushes back.',
  }),
  publicUrl: text<string | null>({
    default: null,
    prose:
      'The URL clients reach this server under, used for `results_url`. Without it the request’s own `Host` header decides.',
    expects: 'an http(s) URL without credentials, query or fragment',
    example: 'https://batches.example.com',
    read: readBaseUrl,
  }),
  trustProxy: choice({
    default: 'no',
    words: ['no', 'yes'],
    prose:
      'Whether `X-Forwarded-Host`, `-Proto` and `-Prefix` count for `results_url`. Clients follow that URL with their key, so say `yes` only when every call comes through a proxy that overwrites these headers. `public_url` comes first.',
  }),
  databaseUrl: text<string | null>({
    default: null,
    prose: 'Reserved for running many nodes on one PostgreSQL. Not available in this version: any value is refused.',
    expects: 'left out',
    example: '',
    secret: true,
    read: (value) => value,
  }),
  clock: choice({
    default: 'real',
    words: ['real', 'virtual'],
    prose:
      '`virtual` time stands still until `POST /sim/clock` moves it, so that a test sees 24 hours pass at once. Needs the simulated upstream.',
  }),
  simulatorProfile: choice({
    default: 'real',
    words: ['real', 'instant'],
    prose: 'How fast the simulated upstream answers: as slowly as a model (`real`), or at once (`instant`).',
  }),
  upstreamTimeoutSeconds: integer({
    default: 600,
    from: 1,
    to: 86_400,
    prose: 'How long one call to the upstream may take before it counts as timed out and is tried again.',
  }),
  cancelGraceSeconds: integer({
    default: 10,
    from: 0,
    to: 3600,
    prose: 'How long requests in flight may still finish after their batch was canceled.',
  }),
  shutdownGraceSeconds: integer({
    default: 10,
    from: 0,
    to: 600,
    prose:
      'How long requests in flight may still finish after the server was told to stop. What does not is tried again at the next start.',
  }),
  requestsPerMinute: integer({
    default: 0,
    from: 0,
    to: 10_000_000,
    prose: 'Calls per minute each workspace may make to the batch endpoints; more answer 429. `0` sets no limit.',
  }),
  queuedRequests: integer({
    default: 0,
    from: 0,
    to: 1_000_000_000,
    prose:
      'Batch requests each workspace may have unfinished at once; a batch beyond it answers 429. `0` sets no limit.',
  }),
  concurrentUploads: integer({
    default: 4,
    from: 1,
    to: 64,
    prose:
      'Batches received at once. Further uploads wait their turn; each one received takes a fixed amount of memory.',
  }),
  logLevel: choice({
    default: 'info',
    words: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    prose: 'The least serious log line that is written.',
  }),
  betas: list({
    default: [],
    prose: 'Tokens accepted in the `anthropic-beta` header besides those the server knows.',
    expects: 'a comma list of beta tokens (letters, digits, `.`, `_`, `-`)',
    example: 'my-beta-2026-01-01',
    item: /^[A-Za-z0-9._-]{1,100}$/,
  }),
  exposeMetrics: choice({
    default: 'open',
    words: ['open', 'key'],
    prose: 'Whether `GET /metrics` answers everyone (`open`) or only callers with a valid key (`key`).',
  }),
} satisfies Readonly<Record<string, Option<unknown>>>;

export type OptionKey = keyof typeof OPTIONS;

type ValueOf<Declared> = Declared extends Option<infer Value> ? Value : never;

/** The server's settings, checked. `dataDir` is absolute once loaded, and `prices` is what its file says. */
export type Config = { readonly [Key in Exclude<OptionKey, 'prices'>]: ValueOf<(typeof OPTIONS)[Key]> } & {
  readonly prices: PricesFile | null;
};

/** All option keys in the order of their declaration. */
export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[];

/** What the server runs with when nothing is set. `dataDir` is still relative here. */
export const defaultConfig: Config = Object.fromEntries(
  OPTION_KEYS.map((key) => [key, OPTIONS[key].default]),
) as unknown as Config;

/** The three spellings of one option. */
export interface OptionNames {
  /** `data_dir`, in the config file. */
  readonly file: string;
  /** `--data-dir` */
  readonly flag: string;
  /** `BATCHWRIGHT_DATA_DIR` */
  readonly env: string;
}

/** The spellings that follow from an option's key. */
export function optionNames(key: OptionKey): OptionNames {
  const file = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { file, flag: `--${file.replaceAll('_', '-')}`, env: `${ENV_PREFIX}${file.toUpperCase()}` };
}

export const ENV_PREFIX = 'BATCHWRIGHT_';
/** Names another config file; has no key inside the file, for obvious reasons. */
export const CONFIG_FLAG = '--config';
export const CONFIG_ENV = 'BATCHWRIGHT_CONFIG';
export const CONFIG_FILE = 'batchwright.config.json';
