import Anthropic from '@anthropic-ai/sdk';
import Anthropic0 from '@anthropic-ai/sdk-0';
import type { MessageBatch } from '@batchwright/protocol';
import type { Item } from './batches.ts';

/**
 * The official TypeScript SDKs, unmodified: 1.11.0 (Bearer, version 2026-10-21) and 0.120.0 (x-api-key, 2023-06-01,
 * `?beta=true` on beta calls), each through both of its namespaces. Their types differ in places that do not matter
 * here, so a test sees the narrow interface below, which all four satisfy.
 */
export interface SdkBatches {
  create(body: { requests: Item[] }): PromiseLike<SdkBatch>;
  retrieve(id: string): PromiseLike<SdkBatch>;
  list(query: { limit?: number; after_id?: string; before_id?: string }): AsyncIterable<SdkBatch>;
  cancel(id: string): PromiseLike<SdkBatch>;
  delete(id: string): PromiseLike<{ id: string; type: string }>;
  results(id: string): PromiseLike<AsyncIterable<SdkRow>>;
}

export type SdkBatch = Pick<MessageBatch, 'processing_status' | 'request_counts' | 'results_url'> & {
  readonly id: string;
};

export interface SdkRow {
  readonly custom_id: string;
  readonly result: { readonly type: string };
}

export interface SdkClient {
  /** `TS 1.11 beta` */
  readonly name: string;
  readonly batches: SdkBatches;
}

export interface SdkOptions {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly maxRetries?: number;
  readonly fetch?: typeof fetch;
}

export const SDK_NAMES = ['TS 1.11', 'TS 1.11 beta', 'TS 0.120', 'TS 0.120 beta'] as const;
export type SdkName = (typeof SDK_NAMES)[number];

/** Makes one of the four clients. */
export function sdkClient(name: SdkName, options: SdkOptions): SdkClient {
  return { name, batches: namespaceOf(name, options) as unknown as SdkBatches };
}

function namespaceOf(name: SdkName, options: SdkOptions): object {
  switch (name) {
    case 'TS 1.11':
      return new Anthropic(options).messages.batches;
    case 'TS 1.11 beta':
      return new Anthropic(options).beta.messages.batches;
    case 'TS 0.120':
      return new Anthropic0(options).messages.batches;
    case 'TS 0.120 beta':
      return new Anthropic0(options).beta.messages.batches;
    default:
      return name satisfies never;
  }
}

/** Every batch of a list, walked as a user would. */
export async function collect<Entry>(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}
