import type { CatalogTally } from '../catalog/catalog.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registerCatalogGauges } from './catalog-gauges.ts';
import { createMetrics, type Metrics } from './metrics.ts';

function freshMetrics(): Metrics {
  const metrics = createMetrics();
  onTestFinished(() => metrics.close());
  return metrics;
}

/** The value of one sample; null when it is not there. */
async function valueOf(metrics: Metrics, series: string): Promise<number | null> {
  const line = (await metrics.render()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length + 1));
}

const NO_COUNTS = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };

describe('metrics', () => {
  it.each<[string, (metrics: Metrics) => void, number]>([
    ['batchwright_upstream_answers_total{class="overloaded"}', (m) => m.upstreamAnswered('overloaded', 1), 1],
    ['batchwright_upstream_latency_seconds_sum', (m) => m.upstreamAnswered('succeeded', 1.5), 1.5],
    ['batchwright_upstream_first_byte_seconds_count', (m) => m.upstreamFirstByte(0.2), 1],
    ['batchwright_upstream_retries_total', (m) => m.retried(), 1],
    ['batchwright_tokens_total{kind="cache_read"}', (m) => m.tokens('cache_read', 7), 7],
    ['batchwright_intake_bytes_total', (m) => m.intake(10, 0.1), 10],
    ['batchwright_intake_seconds_count', (m) => m.intake(10, 0.1), 1],
    ['batchwright_results_bytes_total', (m) => m.resultsWritten(5), 5],
    ['batchwright_results_served_bytes_total', (m) => m.resultsServed(6), 6],
    ['batchwright_spool_sync_seconds_count', (m) => m.synced(0.002), 1],
    ['batchwright_http_requests_total{route="/x",status="200"}', (m) => m.httpAnswered('/x', 200, 0.1), 1],
    ['batchwright_http_request_seconds_count{route="/x"}', (m) => m.httpAnswered('/x', 200, 0.1), 1],
  ])('%s counts', async (series, count, step) => {
    const metrics = freshMetrics();
    count(metrics);
    count(metrics);
    expect(await valueOf(metrics, series)).toBe(2 * step);
  });

  it('fill histogram buckets cumulatively, bounds included', async () => {
    const metrics = freshMetrics();
    for (const seconds of [0.001, 0.0011, 3600]) metrics.upstreamFirstByte(seconds);
    const bucket = (le: string) => valueOf(metrics, `batchwright_upstream_first_byte_seconds_bucket{le="${le}"}`);
    expect([await bucket('0.001'), await bucket('0.0025'), await bucket('600'), await bucket('+Inf')]).toEqual([
      1, 2, 2, 3,
    ]);
  });

  it('read gauges when asked, and replace one of the same name', async () => {
    const metrics = freshMetrics();
    let inFlight = 3;
    metrics.gauge({ name: 'batchwright_requests_in_flight', help: 'old', read: () => [] });
    metrics.gauge({ name: 'batchwright_requests_in_flight', help: 'h', read: () => [{ value: inFlight }] });
    expect(await valueOf(metrics, 'batchwright_requests_in_flight')).toBe(3);
    inFlight = 4;
    expect(await valueOf(metrics, 'batchwright_requests_in_flight')).toBe(4);
  });

  it('leave out a gauge that fails, show the rest, and count it', async () => {
    const metrics = freshMetrics();
    metrics.gauge({ name: 'broken', help: 'h', read: () => Promise.reject(new Error('down')) });
    metrics.retried();
    const text = await metrics.render();
    expect(text).not.toContain('broken');
    expect(text).toContain('batchwright_upstream_retries_total 1\n');
    expect(text).toContain('batchwright_scrape_failures_total 1\n');
  });

  it('escape label values', async () => {
    const metrics = freshMetrics();
    metrics.gauge({ name: 'g', help: 'h', read: () => [{ labels: { upstream: 'a"b\\c\nd' }, value: 1 }] });
    expect(await metrics.render()).toContain('g{upstream="a\\"b\\\\c\\nd"} 1\n');
  });

  it('render a text of only comments and samples, each name described once', async () => {
    const metrics = freshMetrics();
    metrics.upstreamAnswered('succeeded', 1);
    metrics.httpAnswered('/x', 200, 0.1);
    const lines = (await metrics.render()).split('\n').filter((line) => line !== '');
    const sample =
      /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_]\w*="[^"]*"(,[a-zA-Z_]\w*="[^"]*")*\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/;
    for (const line of lines) expect(line).toMatch(line.startsWith('#') ? /^# (HELP|TYPE) / : sample);
    const types = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
    expect(new Set(types).size).toBe(types.length);
    expect(types).toEqual(
      expect.arrayContaining(['process_resident_memory_bytes', 'batchwright_event_loop_delay_seconds']),
    );
  });

  it('count the CPU time the process used before anybody asked', async () => {
    const used = process.cpuUsage();
    const seconds = /^process_cpu_seconds_total (\S+)$/m.exec(await freshMetrics().render())?.[1];
    expect(Number(seconds)).toBeGreaterThan((used.user + used.system) / 2e6);
  });

  it('sum the catalog’s tally and what moved since, with one read for both gauges', async () => {
    const metrics = freshMetrics();
    let reads = 0;
    const tally: CatalogTally = {
      batches: { in_progress: 2, canceling: 0, ended: 1, archived: 0 },
      requests: { ...NO_COUNTS, processing: 10 },
    };
    const catalog = { batches: { tally: async () => (reads++, tally) } } as unknown as Catalog;
    registerCatalogGauges(metrics, catalog, () => ({ ...NO_COUNTS, processing: -3, succeeded: 3 }));
    const text = await metrics.render();
    expect(text).toContain('batchwright_batches{state="in_progress"} 2\n');
    expect(text).toContain('batchwright_requests{state="processing"} 7\n');
    expect(text).toContain('batchwright_requests{state="succeeded"} 3\n');
    expect(reads).toBe(1);
  });
});
