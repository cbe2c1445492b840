import type { RequestCounts } from '@batchwright/protocol';
import type { Catalog, CatalogTally } from '../catalog/catalog.ts';
import type { Sample } from './exposition.ts';
import type { Metrics } from './metrics.ts';

/** A scrape reads the tally once for both gauges; it is at most this old. */
const FRESH_MS = 1000;

/**
 * Batches by status and requests by counter, over all workspaces. The catalog knows running batches as of their last
 * checkpoint; `moved` says how far their live counters have gone beyond it.
 */
export function registerCatalogGauges(metrics: Metrics, catalog: Catalog, moved: () => RequestCounts): void {
  const tally = fresh(() => catalog.batches.tally());
  metrics.gauge({
    name: 'batchwright_batches',
    help: 'Batches kept, by processing status; archived ones apart.',
    read: async () => samples((await tally()).batches),
  });
  metrics.gauge({
    name: 'batchwright_requests',
    help: 'Requests of batches kept, by what became of them.',
    read: async () => samples(sum((await tally()).requests, moved())),
  });
}

function fresh(read: () => Promise<CatalogTally>): () => Promise<CatalogTally> {
  let readAtMs = Number.NEGATIVE_INFINITY;
  let latest: Promise<CatalogTally> | null = null;
  return () => {
    if (latest !== null && performance.now() - readAtMs < FRESH_MS) return latest;
    readAtMs = performance.now();
    latest = read();
    return latest;
  };
}

function samples(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

function sum(a: RequestCounts, b: RequestCounts): Record<keyof RequestCounts, number> {
  return {
    processing: a.processing + b.processing,
    succeeded: a.succeeded + b.succeeded,
    errored: a.errored + b.errored,
    canceled: a.canceled + b.canceled,
    expired: a.expired + b.expired,
  };
}
