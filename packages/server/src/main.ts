import { randomBytes as nodeRandomBytes } from 'node:crypto';
import {
  knownModels,
  modelTable,
  PUBLISHED_MODELS,
  systemClock,
  UPSTREAM_PROFILES,
  VirtualClock,
  type Clock,
} from '@batchwright/core';
import type { RandomBytes } from '@batchwright/protocol';
import { SIMULATOR_PROFILES } from '@batchwright/simulator';
import { openSqliteCatalog } from './catalog/sqlite/sqlite-catalog.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Config } from './config/options.ts';
import { deferredUpstream } from './dispatch/upstream/deferred-upstream.ts';
import { UpstreamPool } from './dispatch/upstream/upstream-pool.ts';
import type { Upstream } from './dispatch/upstream/upstream.ts';
import { createHttpServer, type HttpServer } from './http/http-server.ts';
import { DEFAULT_HTTP_SETTINGS, type Emulator, type HttpServices, type Readiness } from './http/services.ts';
import { createIntake } from './intake/create-intake.ts';
import { registerCatalogGauges } from './observe/catalog-gauges.ts';
import { createLog, type Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { registerReplicaGauges } from './observe/replica-gauges.ts';
import { Activity } from './runtime/activity.ts';
import { openDataDirectory } from './runtime/data-directory.ts';
import { embedSimulator } from './runtime/emulator.ts';
import { createEngine, type Engine } from './runtime/engine.ts';
import { firstKey } from './runtime/first-key.ts';
import { loadLateModules } from './runtime/late-modules.ts';
import { openFileSpool } from './spool/file/file-spool.ts';
import { nodeFiles } from './spool/file/node-files.ts';
import { unsyncedFiles } from './spool/file/unsynced-files.ts';

/**
 * The composition root: everything is made here and nothing is decided. Order of start: data directory (one owner),
 * stores, engine, HTTP last, so that nobody is answered before what they ask for exists. Order of stop: HTTP takes no
 * new batches, calls in flight drain, results are written, stores close, and the directory is let go.
 */
export interface RunningServer {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
  /** The key made at this start, or null when there was one already. The only time it can be shown. */
  readonly firstKey: string | null;
  /** Stops gracefully, within the configured grace and the time that writing takes. */
  close(): Promise<void>;
}

/** Group commit: one sync for all results that arrive in this time. */
const COMMIT_INTERVAL_MS = 5;
const NODE = 'embedded';
/** How long clients may take to read what they asked for while the server closes. */
const HTTP_CLOSE_GRACE_MS = 5000;
/** After start-up and the calls that come with it, and before much can have happened. */
const LOAD_LATE_MODULES_MS = 1000;

export async function startServer(config: Config): Promise<RunningServer> {
  const closers: Closer[] = [];
  try {
    return await assemble(config, (close) => closers.push(close));
  } catch (error) {
    // Whatever stands already is taken down again, last made first, so that a failed start leaves nothing behind.
    // The first failure is the one to tell, and no second one keeps the rest open.
    for (const close of closers.toReversed()) await close().catch(() => undefined);
    throw error;
  }
}

type Closer = () => Promise<void>;

async function assemble(config: Config, opened: (close: Closer) => void): Promise<RunningServer> {
  const directory = await openDataDirectory(config.dataDir);
  opened(() => directory.close());
  const pace = systemClock({ now: Date.now, setTimeout, clearTimeout });
  const isVirtual = config.clock === 'virtual';
  const clock = isVirtual ? new VirtualClock(Date.now()) : pace;
  const randomBytes: RandomBytes = (length) => nodeRandomBytes(length);
  const log = createLog({ level: config.logLevel, target: 'stderr' });
  const metrics = createMetrics();
  opened(async () => metrics.close());
  const activity = new Activity();
  const catalog = await openSqliteCatalog(directory.catalogFile, { randomBytes, now: () => clock.now() });
  opened(() => catalog.close());
  const files = isVirtual ? unsyncedFiles(nodeFiles) : nodeFiles;
  const damage = damageCounter(metrics);
  const spool = openFileSpool(directory.batchesDirectory, files, () => damage.met());
  opened(() => spool.close());
  const { upstream, controls, pool } = chooseUpstream(config, clock, activity);
  opened(() => upstream.close());
  const profile = UPSTREAM_PROFILES[config.upstreamProfile];
  const models = modelTable(knownModels(profile), config.prices?.models ?? []);
  const engine = createEngine({
    node: NODE,
    catalog,
    spool,
    upstream,
    profile,
    isCacheShared: config.cacheScope === 'server',
    models,
    replicas: pool?.seeds ?? [],
    clock,
    pace,
    random: Math.random,
    randomBytes,
    activity,
    metrics,
    log,
    concurrency: config.concurrency,
    // In virtual time nobody gains by waiting for company: what an instant brought is written when it is over.
    commitIntervalMs: isVirtual ? 0 : COMMIT_INTERVAL_MS,
    cancelGraceMs: config.cancelGraceSeconds * 1000,
    // Virtual time stands still while the server stops: what is in flight then can never finish.
    shutdownGraceMs: isVirtual ? 0 : config.shutdownGraceSeconds * 1000,
  });
  registerGauges(metrics, catalog, engine);
  if (pool !== null) registerReplicaGauges(metrics, () => pool.views());
  const http = createHttpServer({
    clock,
    pace,
    randomBytes,
    catalog,
    spool,
    intake: createIntake({
      spool,
      catalog,
      profile,
      models,
      hasBatchDiscount: upstream.isSimulated,
      clock,
      randomBytes,
      concurrentUploads: config.concurrentUploads,
      // As configured, whatever the upstream allows just now: an estimate is about later.
      pace: () => ({ concurrency: config.concurrency, durationMs: engine.dispatcher.callDurationMs }),
    }),
    upstream,
    progress: engine.scheduler,
    scheduler: schedulerOf(engine),
    settings: httpSettings(config),
    metrics,
    log,
    emulator: controls,
    readiness: () => readiness(catalog),
  });

  opened(() => engine.stop());
  await engine.start();
  const { port } = await http.listen(config.host, config.port);
  opened(() => http.close(0));
  // Last, and before a first call can have come: a key made by a start that fails would be lost, and no other made.
  const key = await firstKey(catalog, config.apiKey, randomBytes, clock.now());
  const url = `http://${urlHost(config.host)}:${port}`;
  log.info({ url, upstream: upstream.name, dataDir: config.dataDir }, 'listening');
  const lateModules = pace.after(LOAD_LATE_MODULES_MS, () => {
    metrics.watchEventLoop();
    void loadLateModules(upstream);
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    lateModules.cancel();
    return (closing ??= stop(http, engine, [upstream, spool, catalog, directory], metrics, log));
  };
  return { url, firstKey: key, close };
}

interface ChosenUpstream {
  readonly upstream: Upstream;
  readonly controls: Emulator | null;
  /** The upstream again, where it is several. */
  readonly pool: UpstreamPool | null;
}

function chooseUpstream(config: Config, clock: Clock, activity: Activity): ChosenUpstream {
  const choice = config.upstream;
  if (choice.type === 'simulated') {
    // It plays the part of the published models, whatever profile it is taken for.
    const models = modelTable(PUBLISHED_MODELS, config.prices?.models ?? []);
    return { ...embedSimulator(clock, activity, models, SIMULATOR_PROFILES[config.simulatorProfile]), pool: null };
  }
  const members = choice.baseUrls.map((baseUrl) => ({ baseUrl, upstream: messagesUpstream(baseUrl, config) }));
  const [only] = members;
  if (only !== undefined && members.length === 1) return { upstream: only.upstream, controls: null, pool: null };
  const pool = new UpstreamPool(members, clock);
  return { upstream: pool, controls: null, pool };
}

function messagesUpstream(baseUrl: string, config: Config): Upstream {
  return deferredUpstream(new URL(baseUrl).origin, async () => {
    const { openMessagesUpstream } = await import('./dispatch/upstream/messages-upstream.ts');
    return openMessagesUpstream({
      baseUrl,
      apiKey: config.upstreamApiKey,
      timeoutMs: config.upstreamTimeoutSeconds * 1000,
    });
  });
}

function schedulerOf({ scheduler, segmentRemover }: Engine): HttpServices['scheduler'] {
  return {
    batchCreated: (batch) => scheduler.batchCreated(batch),
    cancelRequested: (batch) => scheduler.cancelRequested(batch),
    budgetChanged: (batch) => scheduler.budgetChanged(batch),
    batchDeleted: () => void segmentRemover.runOnce(),
  };
}

function httpSettings(config: Config): HttpServices['settings'] {
  return {
    ...DEFAULT_HTTP_SETTINGS,
    publicUrl: config.publicUrl,
    trustsProxy: config.trustProxy === 'yes',
    requestsPerMinute: config.requestsPerMinute,
    queuedRequests: config.queuedRequests,
    markers: config.markers,
    extraBetas: config.betas,
    metricsOpen: config.exposeMetrics === 'open',
  };
}

function registerGauges(metrics: Metrics, catalog: Catalog, { dispatcher, scheduler }: Engine): void {
  registerCatalogGauges(metrics, catalog, () => scheduler.unrecordedCounts());
  metrics.gauge({
    name: 'batchwright_requests_waiting_for_leader',
    help: 'Queued requests whose prefix is not in the upstream’s cache yet.',
    read: () => [{ value: scheduler.waitingForLeader }],
  });
  metrics.gauge({
    name: 'batchwright_batches_paused_by_budget',
    help: 'Batches whose next request does not fit under their budget.',
    read: () => [{ value: scheduler.pausedByBudget }],
  });
  metrics.gauge({
    name: 'batchwright_batches_unopened',
    help: 'Batches whose files could not be read at the last try.',
    read: () => [{ value: scheduler.unopened }],
  });
  metrics.gauge({
    name: 'batchwright_upstream_in_flight',
    help: 'Calls to the upstream that are under way.',
    read: () => [{ value: dispatcher.inFlight }],
  });
  metrics.gauge({
    name: 'batchwright_upstream_concurrency_limit',
    help: 'Calls that may be in flight now; adapts to the upstream.',
    read: () => [{ value: dispatcher.concurrencyLimit }],
  });
  metrics.gauge({
    name: 'batchwright_upstream_paused',
    help: '1 for each reason why nothing is sent to the upstream.',
    read: () => dispatcher.pauses.map(({ reason }) => ({ labels: { reason }, value: 1 })),
  });
}

/** How often stored bytes did not pass their check. */
function damageCounter(metrics: Metrics): { met(): void } {
  let count = 0;
  metrics.gauge({
    name: 'batchwright_stored_damage_total',
    type: 'counter',
    help: 'How often stored bytes did not match their checksum or length.',
    read: () => [{ value: count }],
  });
  return { met: () => void count++ };
}

async function readiness(catalog: Catalog): Promise<Readiness> {
  try {
    await catalog.ping();
    return { ready: true, reasons: [] };
  } catch {
    return { ready: false, reasons: ['the catalog does not answer'] };
  }
}

async function stop(
  http: HttpServer,
  engine: Engine,
  stores: readonly { close(): Promise<void> }[],
  metrics: Metrics,
  log: Log,
): Promise<void> {
  http.stopAccepting();
  await engine.stop();
  await http.close(HTTP_CLOSE_GRACE_MS);
  for (const store of stores) await store.close();
  metrics.close();
  log.info({}, 'stopped');
  await log.flush();
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
