/** What the server knows of a model. Token limits are the synchronous API's; sizes in tokens. */
export interface Model {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly displayName: string;
  readonly createdAt: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** Shortest prefix the model caches. */
  readonly minimumCacheTokens: number;
  readonly lifecycle: 'active' | 'deprecated' | 'retired';
  /** Reported in `usage.inference_geo`; models before Opus 4.6 say `not_available`. */
  readonly reportsGeo: boolean;
  /** Rejects non-default sampling parameters, whatever the API version. */
  readonly fixedSampling: boolean;
  /** Rejects a conversation that ends with an assistant message. */
  readonly rejectsPrefill: boolean;
  /** Rejects `tool_choice` of type any or tool. */
  readonly rejectsForcedTools: boolean;
  /** Takes up to 300,000 output tokens in a batch under `output-300k-2026-03-24`. */
  readonly output300k: boolean;
}

type Row = readonly [
  id: string,
  name: string,
  created: string,
  input: number,
  output: number,
  cache: number,
  traits: string,
];

/** Traits: g reports geo, s fixed sampling, p rejects prefill, t rejects forced tools, x 300k output, r retired, d deprecated. */
const ROWS: readonly Row[] = [
  ['claude-mythos-5-2', 'Claude Mythos 5.2', '2026-11-09', 1_000_000, 128_000, 512, 'gspt'],
  ['claude-fable-5-2', 'Claude Fable 5.2', '2026-11-09', 1_000_000, 128_000, 512, 'gspt'],
  ['claude-mythos-5-1', 'Claude Mythos 5.1', '2026-09-15', 1_000_000, 128_000, 512, 'gsp'],
  ['claude-fable-5-1', 'Claude Fable 5.1', '2026-09-15', 1_000_000, 128_000, 512, 'gspt'],
  ['claude-opus-5-5', 'Claude Opus 5.5', '2026-09-29', 1_000_000, 128_000, 512, 'gsptx'],
  ['claude-sonnet-5-5', 'Claude Sonnet 5.5', '2026-09-29', 1_000_000, 128_000, 512, 'gsptx'],
  ['claude-haiku-5-5', 'Claude Haiku 5.5', '2026-10-07', 1_000_000, 128_000, 512, 'gsptx'],
  ['claude-mythos-5', 'Claude Mythos 5', '2026-06-20', 1_000_000, 128_000, 512, 'gsp'],
  ['claude-fable-5', 'Claude Fable 5', '2026-06-20', 1_000_000, 128_000, 512, 'gsp'],
  ['claude-opus-5', 'Claude Opus 5', '2026-05-28', 1_000_000, 128_000, 512, 'gspx'],
  ['claude-sonnet-5', 'Claude Sonnet 5', '2026-05-28', 1_000_000, 128_000, 1024, 'gspx'],
  ['claude-opus-4-8', 'Claude Opus 4.8', '2026-04-16', 1_000_000, 128_000, 1024, 'gspx'],
  ['claude-opus-4-7', 'Claude Opus 4.7', '2026-03-12', 1_000_000, 128_000, 2048, 'gspx'],
  ['claude-mythos-preview', 'Claude Mythos Preview', '2026-04-07', 1_000_000, 128_000, 2048, 'gsp'],
  ['claude-sonnet-4-6', 'Claude Sonnet 4.6', '2026-02-17', 1_000_000, 128_000, 1024, 'gpx'],
  ['claude-opus-4-6', 'Claude Opus 4.6', '2026-02-05', 1_000_000, 128_000, 4096, 'gpx'],
  ['claude-opus-4-5-20251101', 'Claude Opus 4.5', '2025-11-24', 200_000, 64_000, 4096, ''],
  ['claude-haiku-4-5-20251001', 'Claude Haiku 4.5', '2025-10-15', 200_000, 64_000, 4096, ''],
  ['claude-sonnet-4-5-20250929', 'Claude Sonnet 4.5', '2025-09-29', 200_000, 64_000, 1024, ''],
  ['claude-opus-4-1-20250805', 'Claude Opus 4.1', '2025-08-05', 200_000, 32_000, 1024, 'r'],
  ['claude-opus-4-20250514', 'Claude Opus 4', '2025-05-22', 200_000, 32_000, 1024, 'r'],
  ['claude-sonnet-4-20250514', 'Claude Sonnet 4', '2025-05-22', 200_000, 64_000, 1024, 'r'],
  ['claude-3-7-sonnet-20250219', 'Claude Sonnet 3.7', '2025-02-24', 200_000, 64_000, 1024, 'r'],
  ['claude-3-5-haiku-20241022', 'Claude Haiku 3.5', '2024-10-22', 200_000, 8192, 2048, 'r'],
  ['claude-3-5-sonnet-20241022', 'Claude Sonnet 3.5 (New)', '2024-10-22', 200_000, 8192, 1024, 'r'],
  ['claude-3-5-sonnet-20240620', 'Claude Sonnet 3.5', '2024-06-20', 200_000, 8192, 1024, 'r'],
  ['claude-3-haiku-20240307', 'Claude Haiku 3', '2024-03-07', 200_000, 4096, 2048, 'r'],
  ['claude-3-opus-20240229', 'Claude Opus 3', '2024-02-29', 200_000, 4096, 1024, 'r'],
];

/** Names that differ from a dated id only by its date, and the oldest `-latest` forms. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  'claude-opus-4-5-20251101': ['claude-opus-4-5'],
  'claude-haiku-4-5-20251001': ['claude-haiku-4-5'],
  'claude-sonnet-4-5-20250929': ['claude-sonnet-4-5'],
  'claude-opus-4-1-20250805': ['claude-opus-4-1'],
  'claude-opus-4-20250514': ['claude-opus-4-0'],
  'claude-sonnet-4-20250514': ['claude-sonnet-4-0'],
  'claude-3-7-sonnet-20250219': ['claude-3-7-sonnet-latest'],
  'claude-3-5-haiku-20241022': ['claude-3-5-haiku-latest'],
  'claude-3-5-sonnet-20241022': ['claude-3-5-sonnet-latest'],
  'claude-3-opus-20240229': ['claude-3-opus-latest'],
};

function model(row: Row): Model {
  const [id, displayName, created, maxInputTokens, maxOutputTokens, minimumCacheTokens, traits] = row;
  return {
    id,
    aliases: ALIASES[id] ?? [],
    displayName,
    createdAt: `${created}T00:00:00Z`,
    maxInputTokens,
    maxOutputTokens,
    minimumCacheTokens,
    lifecycle: traits.includes('r') ? 'retired' : traits.includes('d') ? 'deprecated' : 'active',
    reportsGeo: traits.includes('g'),
    fixedSampling: traits.includes('s'),
    rejectsPrefill: traits.includes('p'),
    rejectsForcedTools: traits.includes('t'),
    output300k: traits.includes('x'),
  };
}

/** Every model the simulated upstream serves, newest generation first. Retired ones stay, so that old code runs. */
export const MODELS: readonly Model[] = ROWS.map(model);

const BY_NAME = new Map(MODELS.flatMap((m) => [m.id, ...m.aliases].map((name) => [name, m] as const)));

/** The model an id or alias names, or undefined. */
export function findModel(name: string): Model | undefined {
  return BY_NAME.get(name);
}
