import type { Registry } from 'prom-client';

let registry: Promise<Registry> | null = null;

/** The process's own metrics, by prom-client, which is loaded at the first scrape and never on the way to listening. */
export async function renderProcessMetrics(): Promise<string> {
  registry ??= openRegistry();
  return `${await (await registry).metrics()}\n`;
}

async function openRegistry(): Promise<Registry> {
  const { collectDefaultMetrics, Registry: OwnRegistry } = await import('prom-client');
  const own = new OwnRegistry();
  collectDefaultMetrics({ register: own });
  // Measured by `EventLoopDelay` from the start of the server on, and once is enough.
  for (const { name } of own.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) own.removeSingleMetric(name);
  }
  return own;
}
