import { cpus, platform, release } from 'node:os';
import process from 'node:process';

/** What a figure was measured on. */
export interface BenchMachine {
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly processors: number;
}

export function benchMachine(): BenchMachine {
  const [cpu] = cpus();
  return {
    node: process.version,
    system: `${platform()} ${release()}`,
    processor: cpu?.model ?? 'unknown',
    processors: cpus().length,
  };
}

/** `21 November 2026, 2 × AMD EPYC, linux 6.1, Node v20.20.2`. */
export function machineLine({ node, system, processor, processors }: BenchMachine, date: Date = new Date()): string {
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
  return `${day}, ${processors} × ${processor}, ${system}, Node ${node}`;
}
