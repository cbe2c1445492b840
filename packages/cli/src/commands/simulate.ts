import { systemClock, VirtualClock } from '@batchwright/core';
import type { Clock } from '@batchwright/core';
import { createSimulator, serveSimulator } from '@batchwright/simulator';
import type { ServedSimulator, SimulatorProfile } from '@batchwright/simulator';
import { EXIT_FAILED, EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { untilStopSignal } from '../stop-signal.ts';

/** What `batchwright simulate` was given, as text. */
export interface SimulateOptions {
  readonly host: string;
  readonly port: string;
  readonly seed: string;
  readonly clock: string;
  readonly profile: string;
}

const PROFILES: Readonly<Record<string, Partial<SimulatorProfile>>> = {
  /** As slow as a model: the simulator's own defaults. */
  real: {},
  /** For tests of programs, where waiting teaches nothing. */
  instant: {
    baseTtftMs: 0,
    prefillTokensPerSecond: Number.MAX_VALUE,
    decodeTokensPerSecond: Number.MAX_VALUE,
    jitter: 0,
  },
};

/** Runs the simulated upstream alone until a stop signal. */
export async function simulate(options: SimulateOptions, host: Host): Promise<number> {
  const faults = optionFaults(options);
  if (faults.length > 0) {
    for (const line of faults) complain(host, line);
    return EXIT_MISUSED;
  }
  const clock = makeClock(options.clock, host);
  const simulator = createSimulator({ clock, seed: Number(options.seed), profile: PROFILES[options.profile] });
  const served = await listen(
    () => serveSimulator(simulator, { host: options.host, port: Number(options.port), clock }),
    options,
    host,
  );
  if (served === null) return EXIT_FAILED;
  const stopped = untilStopSignal(host);
  host.out(greeting(served.url, options));
  await stopped;
  await served.close();
  return EXIT_OK;
}

function optionFaults({ port, seed, clock, profile }: SimulateOptions): readonly string[] {
  const faults: string[] = [];
  const check = (right: boolean, name: string, value: string, expects: string): void => {
    if (!right) faults.push(`${name} is ${JSON.stringify(value)}, but must be ${expects}.`);
  };
  check(/^\d{1,5}$/.test(port) && Number(port) <= 65_535, '--port', port, 'a whole number from 0 to 65535');
  check(/^\d{1,15}$/.test(seed), '--seed', seed, 'a whole number');
  check(clock === 'real' || clock === 'virtual', '--clock', clock, 'one of real, virtual');
  check(Object.hasOwn(PROFILES, profile), '--profile', profile, `one of ${Object.keys(PROFILES).join(', ')}`);
  return faults;
}

function makeClock(kind: string, host: Host): Clock {
  if (kind === 'virtual') return new VirtualClock(host.now());
  return systemClock({ now: host.now, setTimeout, clearTimeout });
}

async function listen(
  start: () => Promise<ServedSimulator>,
  options: SimulateOptions,
  host: Host,
): Promise<ServedSimulator | null> {
  try {
    return await start();
  } catch (error) {
    const cause: unknown = error instanceof Error ? error.cause : null;
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES' && code !== 'ENOTFOUND') throw error;
    const why = code === 'EADDRINUSE' ? 'it is taken' : `this machine does not allow it (${code})`;
    complain(host, `cannot listen on ${options.host}:${options.port}: ${why}. Choose another with --host and --port.`);
    return null;
  }
}

function greeting(url: string, options: SimulateOptions): string {
  return [
    `The simulated upstream listens on ${url}; no model is asked.`,
    '',
    `  export ANTHROPIC_BASE_URL=${url}`,
    '  export ANTHROPIC_API_KEY=any',
    '',
    ...(options.clock === 'virtual' ? [`Time stands still until POST ${url}/sim/clock moves it.`] : []),
    'Ctrl-C stops it.',
    '',
  ].join('\n');
}
