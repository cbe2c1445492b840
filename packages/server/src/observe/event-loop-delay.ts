import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { formatSamples } from './exposition.ts';

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** How late the event loop ran since the last scrape. The figure to look at first when everything is slow at once. */
export class EventLoopDelay {
  #monitor: IntervalHistogram | null = null;

  /** Begins to measure, unless it has begun; at the latest `render` does. What measures it takes a start a millisecond to load. */
  begin(): void {
    this.#monitoring();
  }

  render(): string {
    const monitor = this.#monitoring();
    const samples = [
      { labels: { quantile: '0.5' }, value: monitor.percentile(50) / NANOSECONDS },
      { labels: { quantile: '0.99' }, value: monitor.percentile(99) / NANOSECONDS },
      { labels: { quantile: '1' }, value: monitor.max / NANOSECONDS },
    ];
    monitor.reset();
    const help = 'Delay of the event loop since the last scrape; one timer interval of 20 ms is included.';
    return formatSamples('batchwright_event_loop_delay_seconds', 'gauge', help, samples);
  }

  close(): void {
    this.#monitor?.disable();
  }

  #monitoring(): IntervalHistogram {
    if (this.#monitor === null) {
      this.#monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#monitor.enable();
    }
    return this.#monitor;
  }
}
