import { monitorEventLoopDelay } from 'node:perf_hooks';
import { formatSamples } from './exposition.ts';

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** How late the event loop ran since the last scrape. The figure to look at first when everything is slow at once. */
export class EventLoopDelay {
  readonly #monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#monitor.enable();
  }

  render(): string {
    const samples = [
      { labels: { quantile: '0.5' }, value: this.#monitor.percentile(50) / NANOSECONDS },
      { labels: { quantile: '0.99' }, value: this.#monitor.percentile(99) / NANOSECONDS },
      { labels: { quantile: '1' }, value: this.#monitor.max / NANOSECONDS },
    ];
    this.#monitor.reset();
    const help = 'Delay of the event loop since the last scrape; one timer interval of 20 ms is included.';
    return formatSamples('batchwright_event_loop_delay_seconds', 'gauge', help, samples);
  }

  close(): void {
    this.#monitor.disable();
  }
}
