import type { AnswerClass, TurnReason } from '@batchwright/core';
import { EventLoopDelay } from './event-loop-delay.ts';
import { formatHistograms, formatSamples, type Sample } from './exposition.ts';
import { Histogram, LATENCY_SECONDS, SYNC_SECONDS } from './histogram.ts';
import { renderProcessMetrics } from './process-metrics.ts';

/**
 * What the server counts. Rooms call plain methods that add to numbers and allocate nothing, since some of them run once
 * per request of a batch; names, labels and text appear only when somebody asks for `/metrics`. Values that another room
 * already holds are not copied here: it registers a gauge, which is read at that moment.
 */
export interface Metrics {
  upstreamAnswered(answer: AnswerClass, seconds: number): void;
  upstreamFirstByte(seconds: number): void;
  /** An attempt will be made again. */
  retried(): void;
  tokens(kind: TokenKind, count: number): void;
  /** Results cost this much more; those of models without a price are not in it. */
  cost(nanoUsd: number): void;
  /** A request was handed out, for a reason. */
  turned(reason: TurnReason): void;
  /** A create body was received; refused ones count too. */
  intake(bytes: number, seconds: number): void;
  /** Result lines became durable. */
  resultsWritten(bytes: number): void;
  /** Result bytes went out to a client. */
  resultsServed(bytes: number): void;
  synced(seconds: number): void;
  /** `route` is a pattern of the route table, so that the labels stay few. */
  httpAnswered(route: string, status: number, seconds: number): void;
  /** Adds a gauge that is read at render time. Registering a name again replaces it. */
  gauge(gauge: Gauge): void;
  /** Everything, in the text format of `EXPOSITION_CONTENT_TYPE`. A gauge that fails is left out and counted. */
  render(): Promise<string>;
  /** Begins to measure how late the event loop runs; at the latest the first `render` does. */
  watchEventLoop(): void;
  close(): void;
}

export type TokenKind = 'input' | 'output' | 'cache_creation_5m' | 'cache_creation_1h' | 'cache_read';

export interface Gauge {
  readonly name: string;
  readonly help: string;
  /** What the value is; a gauge unless it says otherwise. */
  readonly type?: 'counter' | 'gauge';
  read(): readonly Sample[] | Promise<readonly Sample[]>;
}

/** Makes the server's metrics. The clock of the samples is the host's, whatever clock the batches run on. */
export function createMetrics(): Metrics {
  return new Counters();
}

class Counters implements Metrics {
  readonly #answers = new Map<AnswerClass, number>();
  readonly #latency = new Histogram(LATENCY_SECONDS);
  readonly #firstByte = new Histogram(LATENCY_SECONDS);
  readonly #tokens = { input: 0, output: 0, cache_creation_5m: 0, cache_creation_1h: 0, cache_read: 0 };
  readonly #turns = new Map<TurnReason, number>();
  #costNanoUsd = 0;
  readonly #intakeSeconds = new Histogram(LATENCY_SECONDS);
  readonly #syncSeconds = new Histogram(SYNC_SECONDS);
  readonly #http = new Map<string, { readonly seconds: Histogram; readonly statuses: Map<number, number> }>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #eventLoop = new EventLoopDelay();
  #retries = 0;
  #intakeBytes = 0;
  #resultsWrittenBytes = 0;
  #resultsServedBytes = 0;
  #failedGauges = 0;

  upstreamAnswered(answer: AnswerClass, seconds: number): void {
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1);
    this.#latency.observe(seconds);
  }

  upstreamFirstByte(seconds: number): void {
    this.#firstByte.observe(seconds);
  }

  retried(): void {
    this.#retries++;
  }

  tokens(kind: TokenKind, count: number): void {
    this.#tokens[kind] += count;
  }

  cost(nanoUsd: number): void {
    this.#costNanoUsd += nanoUsd;
  }

  turned(reason: TurnReason): void {
    this.#turns.set(reason, (this.#turns.get(reason) ?? 0) + 1);
  }

  intake(bytes: number, seconds: number): void {
    this.#intakeBytes += bytes;
    this.#intakeSeconds.observe(seconds);
  }

  resultsWritten(bytes: number): void {
    this.#resultsWrittenBytes += bytes;
  }

  resultsServed(bytes: number): void {
    this.#resultsServedBytes += bytes;
  }

  synced(seconds: number): void {
    this.#syncSeconds.observe(seconds);
  }

  httpAnswered(route: string, status: number, seconds: number): void {
    let series = this.#http.get(route);
    if (series === undefined) {
      series = { seconds: new Histogram(LATENCY_SECONDS), statuses: new Map() };
      this.#http.set(route, series);
    }
    series.statuses.set(status, (series.statuses.get(status) ?? 0) + 1);
    series.seconds.observe(seconds);
  }

  gauge(gauge: Gauge): void {
    this.#gauges.set(gauge.name, gauge);
  }

  async render(): Promise<string> {
    const gauges = await Promise.all([...this.#gauges.values()].map((gauge) => this.#readGauge(gauge)));
    return [
      ...gauges,
      ...this.#renderUpstream(),
      ...this.#renderStorage(),
      ...this.#renderHttp(),
      counter('batchwright_scrape_failures_total', 'Gauges that could not be read for a scrape.', this.#failedGauges),
      this.#eventLoop.render(),
      await renderProcessMetrics(),
    ].join('');
  }

  watchEventLoop(): void {
    this.#eventLoop.begin();
  }

  close(): void {
    this.#eventLoop.close();
  }

  async #readGauge(gauge: Gauge): Promise<string> {
    try {
      return formatSamples(gauge.name, gauge.type ?? 'gauge', gauge.help, await gauge.read());
    } catch {
      // A scrape that shows the rest is worth more than none; the room that failed logs its own trouble.
      this.#failedGauges++;
      return '';
    }
  }

  #renderUpstream(): string[] {
    const answers = [...this.#answers].map(([answer, value]) => ({ labels: { class: answer }, value }));
    const tokens = Object.entries(this.#tokens).map(([kind, value]) => ({ labels: { kind }, value }));
    const turns = [...this.#turns].map(([reason, value]) => ({ labels: { reason }, value }));
    return [
      formatSamples('batchwright_upstream_answers_total', 'counter', 'Answers of the upstream by class.', answers),
      formatHistograms('batchwright_upstream_latency_seconds', 'From sending a request to its whole answer.', [
        { histogram: this.#latency },
      ]),
      formatHistograms('batchwright_upstream_first_byte_seconds', 'From sending a request to its first byte.', [
        { histogram: this.#firstByte },
      ]),
      counter('batchwright_upstream_retries_total', 'Attempts that were or will be made again.', this.#retries),
      formatSamples('batchwright_tokens_total', 'counter', 'Tokens the upstream reported, by kind.', tokens),
      counter('batchwright_cost_nano_usd_total', 'What results cost, in nano-dollars.', this.#costNanoUsd),
      formatSamples(
        'batchwright_turns_total',
        'counter',
        'Calls for requests of batches, by why it was their turn.',
        turns,
      ),
    ];
  }

  #renderStorage(): string[] {
    return [
      counter('batchwright_intake_bytes_total', 'Bytes of create bodies received.', this.#intakeBytes),
      formatHistograms('batchwright_intake_seconds', 'From the first byte of a create body to its outcome.', [
        { histogram: this.#intakeSeconds },
      ]),
      counter('batchwright_results_bytes_total', 'Bytes of result lines made durable.', this.#resultsWrittenBytes),
      counter('batchwright_results_served_bytes_total', 'Bytes of results sent to clients.', this.#resultsServedBytes),
      formatHistograms('batchwright_spool_sync_seconds', 'One sync of result lines to disk.', [
        { histogram: this.#syncSeconds },
      ]),
    ];
  }

  #renderHttp(): string[] {
    const answered = [...this.#http].flatMap(([route, { statuses }]) =>
      [...statuses].map(([status, value]) => ({ labels: { route, status }, value })),
    );
    const seconds = [...this.#http].map(([route, series]) => ({ labels: { route }, histogram: series.seconds }));
    return [
      formatSamples('batchwright_http_requests_total', 'counter', 'HTTP calls by route and status.', answered),
      formatHistograms('batchwright_http_request_seconds', 'From an HTTP call to the end of its response.', seconds),
    ];
  }
}

function counter(name: string, help: string, value: number): string {
  return formatSamples(name, 'counter', help, [{ value }]);
}
