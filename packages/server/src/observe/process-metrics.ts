import type { Counter, Registry } from 'prom-client';

let registry: Promise<Registry> | null = null;

/** The process's own metrics, by prom-client, which is loaded at the first scrape and never on the way to listening. */
export async function renderProcessMetrics(): Promise<string> {
  registry ??= openRegistry();
  return `${await (await registry).metrics()}\n`;
}

async function openRegistry(): Promise<Registry> {
  const { collectDefaultMetrics, Registry: OwnRegistry } = await import('prom-client');
  const own = new OwnRegistry();
  const { user, system } = process.cpuUsage();
  collectDefaultMetrics({ register: own });
  // The library counts from its first scrape on; what the process used before belongs to it all the same.
  addSeconds(own, 'process_cpu_user_seconds_total', user);
  addSeconds(own, 'process_cpu_system_seconds_total', system);
  addSeconds(own, 'process_cpu_seconds_total', user + system);
  // Measured by `EventLoopDelay` from the start of the server on, and once is enough.
  for (const { name } of own.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag')) own.removeSingleMetric(name);
  }
  return own;
}

function addSeconds(registry: Registry, name: string, microseconds: number): void {
  const counter = registry.getSingleMetric(name) as Counter | undefined;
  counter?.inc(microseconds / 1e6);
}
