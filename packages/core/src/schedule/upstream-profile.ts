/** How an upstream caches prefixes: what decides whether waiting for a leader gains anything. */
export interface UpstreamProfile {
  readonly name: 'anthropic' | 'vllm' | 'sglang' | 'llama.cpp' | 'none';
  /** From when on others can read what a request writes. */
  readonly readyOn: 'allocation' | 'first_byte' | 'completion';
  readonly markers: 'required' | 'ignored';
  readonly scope: 'workspace' | 'replica';
  /** Whether writing costs money. Where it does not, an idle place costs more than a second prefill. */
  readonly priced: boolean;
  readonly usage: 'full' | 'read_only' | 'none';
  /** Milliseconds an entry lives after the start of its last use, by ttl class; null: until evicted. */
  readonly ttlMs: { readonly short: number | null; readonly long: number | null };
}

const SELF_HOSTED = {
  markers: 'ignored',
  scope: 'replica',
  priced: false,
  ttlMs: { short: null, long: null },
} as const;

/** What is known of each upstream. `none` is one that does not cache, or of which nothing is known. */
export const UPSTREAM_PROFILES = {
  anthropic: {
    name: 'anthropic',
    readyOn: 'first_byte',
    markers: 'required',
    scope: 'workspace',
    priced: true,
    usage: 'full',
    ttlMs: { short: 300_000, long: 3_600_000 },
  },
  vllm: { name: 'vllm', readyOn: 'allocation', usage: 'read_only', ...SELF_HOSTED },
  sglang: { name: 'sglang', readyOn: 'allocation', usage: 'read_only', ...SELF_HOSTED },
  'llama.cpp': { name: 'llama.cpp', readyOn: 'completion', usage: 'read_only', ...SELF_HOSTED },
  none: { name: 'none', readyOn: 'allocation', usage: 'none', ...SELF_HOSTED },
} as const satisfies { readonly [Name in UpstreamProfile['name']]: UpstreamProfile & { readonly name: Name } };

/** Whether followers wait for their leader at all. Where they do not, the order alone keeps a prefix's requests together. */
export function isGated(profile: UpstreamProfile): boolean {
  return profile.priced && profile.readyOn !== 'allocation';
}
