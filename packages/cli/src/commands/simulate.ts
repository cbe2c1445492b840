import { insteadOfRefusedPort, systemClock, VirtualClock } from '@batchwright/core';
import type { Clock } from '@batchwright/core';
import { createSimulator, serveSimulator, SIMULATOR_PROFILES } from '@batchwright/simulator';
import type { CacheOptions, NativeBatchOptions, ServedSimulator } from '@batchwright/simulator';
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
  readonly cacheVisibility: string;
  readonly cacheLoss: string;
  readonly cacheRefresh: string;
  readonly batchCache: string;
  readonly intraBatch: string;
  readonly batchLatency?: string;
  readonly batchParallelism: string;
}

/** Runs the simulated upstream alone until a stop signal. */
export async function simulate(options: SimulateOptions, host: Host): Promise<number> {
  const faults = optionFaults(options);
  if (faults.length > 0) {
    for (const line of faults) complain(host, line);
    return EXIT_MISUSED;
  }
  const clock = makeClock(options.clock, host);
  const simulator = createSimulator({
    clock,
    seed: Number(options.seed),
    profile: SIMULATOR_PROFILES[options.profile as keyof typeof SIMULATOR_PROFILES],
    cache: cacheOptions(options),
    batches: batchOptions(options),
  });
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

/** When an entry can be read, and how many milliseconds after that. */
const VISIBILITY = /^(first_byte|completion|allocation)(?:\+(\d{1,9}))?$/;

function cacheOptions(options: SimulateOptions): Partial<CacheOptions> {
  const [, visibility, delayMs = '0'] = VISIBILITY.exec(options.cacheVisibility) ?? [];
  return {
    visibility: visibility as CacheOptions['visibility'],
    visibilityDelayMs: Number(delayMs),
    lossy: Number(options.cacheLoss),
    refresh: options.cacheRefresh as CacheOptions['refresh'],
    batchCache: options.batchCache as CacheOptions['batchCache'],
    intraBatch: options.intraBatch as CacheOptions['intraBatch'],
  };
}

function batchOptions({ batchLatency, batchParallelism, profile }: SimulateOptions): Partial<NativeBatchOptions> {
  const latencyMs = batchLatency ?? (profile === 'instant' ? '0' : null);
  return { parallelism: Number(batchParallelism), ...(latencyMs !== null && { latencyMs: Number(latencyMs) }) };
}

function optionFaults(options: SimulateOptions): readonly string[] {
  const { port, seed, clock, profile, cacheVisibility, cacheLoss, batchLatency, batchParallelism } = options;
  const faults: string[] = [];
  const check = (right: boolean, name: string, value: string, expects: string): void => {
    if (!right) faults.push(`${name} is ${JSON.stringify(value)}, but must be ${expects}.`);
  };
  check(/^\d{1,5}$/.test(port) && Number(port) <= 65_535, '--port', port, 'a whole number from 0 to 65535');
  const otherPort = insteadOfRefusedPort(Number(port));
  const expected = `one that browsers and the fetch of the SDKs do not refuse to connect to, such as ${otherPort}`;
  check(otherPort === null, '--port', port, expected);
  check(/^\d{1,15}$/.test(seed), '--seed', seed, 'a whole number');
  check(clock === 'real' || clock === 'virtual', '--clock', clock, 'one of real, virtual');
  const profiles = Object.keys(SIMULATOR_PROFILES);
  check(profiles.includes(profile), '--profile', profile, `one of ${profiles.join(', ')}`);
  check(
    VISIBILITY.test(cacheVisibility),
    '--cache-visibility',
    cacheVisibility,
    'one of first_byte, completion, allocation, perhaps with +<milliseconds>',
  );
  check(/^(0|1|0?\.\d+)$/.test(cacheLoss), '--cache-loss', cacheLoss, 'a share from 0 to 1');
  for (const [name, value, choices] of [
    ['--cache-refresh', options.cacheRefresh, ['path', 'exact']],
    ['--batch-cache', options.batchCache, ['separate', 'shared']],
    ['--intra-batch', options.intraBatch, ['isolated', 'visible']],
  ] as const) {
    check((choices as readonly string[]).includes(value), name, value, `one of ${choices.join(', ')}`);
  }
  check(/^\d{1,9}$/.test(batchLatency ?? '0'), '--batch-latency', batchLatency ?? '', 'a whole number of milliseconds');
  check(/^[1-9]\d{0,5}$/.test(batchParallelism), '--batch-parallelism', batchParallelism, 'a whole number from 1');
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
