import type { BatchService } from '../service/batch-service.ts';
import type { BulkRequest } from '../plan/bulk-request.ts';
import type { Planner, PlanTerms, RequestBook } from '../plan/planning.ts';
import { RunTally } from '../report/run-tally.ts';
import type { RunStore } from '../store/run-store.ts';
import { Downloads } from './downloads.ts';
import type { News } from './news.ts';
import { planRound } from './replanning.ts';
import { RequestTable } from './request-table.ts';
import { restore } from './restoring.ts';
import { ResultIntake } from './result-intake.ts';
import { ResultLogs } from './result-logs.ts';
import { RunMismatchError } from './run-errors.ts';
import { RunJournal } from './run-journal.ts';
import type { RunSettings } from './run-settings.ts';
import type { RunState } from './run-state.ts';
import type { RunStatus } from './run-status.ts';
import { ServiceCalls } from './service-calls.ts';
import type { Stop } from './stop.ts';

/** How requests are read and planned. */
export interface Planning {
  write(
    requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>,
    store: RunStore,
    terms: { readonly signal: AbortSignal; readonly onRead: (requests: number) => void },
  ): Promise<{ readonly requests: number; readonly requestBytes: number }>;
  open(store: RunStore): Promise<RequestBook>;
  planner(book: RequestBook, store: RunStore, terms: PlanTerms): Planner;
}

/** What a run is opened with. */
export interface OpeningParts {
  readonly requests: Iterable<BulkRequest> | AsyncIterable<BulkRequest>;
  readonly settings: RunSettings;
  readonly store: RunStore;
  readonly planning: Planning;
  readonly status: RunStatus;
  readonly news: News;
  readonly stop: Stop;
  readonly random: () => number;
  readonly connect: (signal: AbortSignal) => Promise<BatchService>;
  /** Told of each request whose fate is settled. */
  readonly settled: (request: number) => void;
}

/** A run whose requests are read. */
export interface OpenedRun {
  readonly state: RunState;
  readonly tally: RunTally;
}

/** Opens a run's journal, and begins one where there is none, or none that got as far as having its requests. */
export async function openJournal({ store, settings, news }: OpeningParts): Promise<RunJournal> {
  const noted = (): void => news.tell();
  const found = await RunJournal.open(store, settings.clock, noted);
  const { begun, prepared } = found.record;
  if (prepared !== null || found.record.finishedAtMs !== null) {
    checkIdentity(begun?.identity ?? {}, settings.identity);
    return found;
  }
  // Nothing was sent, so whatever it was may be begun anew.
  if (begun !== null) await store.clear();
  const journal = begun === null ? found : await RunJournal.open(store, settings.clock, noted);
  await journal.note({ type: 'begun', format: 1, identity: settings.identity });
  settings.reached('begun');
  return journal;
}

function checkIdentity(kept: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>): void {
  const names = [...new Set([...Object.keys(kept), ...Object.keys(given)])];
  const differing = names.filter((name) => kept[name] !== given[name]);
  if (differing.length === 0) return;
  const described = differing.map((name) => `${name} was ${shown(kept[name])} and is ${shown(given[name])}`);
  throw new RunMismatchError(
    `the run that is kept here is another: ${described.join('; ')}. Take it up as it was begun, keep this one elsewhere, ` +
      'or remove the kept one first',
    differing,
  );
}

const SHOWN_CHARACTERS = 60;

function shown(value: string | undefined): string {
  if (value === undefined) return 'absent';
  return JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value);
}

/** Reads the requests, or finds them as they were read. */
export async function openRun(parts: OpeningParts, journal: RunJournal): Promise<OpenedRun> {
  // First, since a wrong address or key should not be told after a million lines were read.
  const service = await parts.stop.during(parts.connect);
  if (journal.record.prepared === null) await readRequests(parts, journal);
  parts.stop.throwIfStopped();
  parts.status.enter('planning');
  return makeRun(parts, journal, await parts.planning.open(parts.store), service);
}

/** Takes what results there are, and plans the first round where that was not done. A finished run is reopened. */
export async function prepareRun(state: RunState): Promise<void> {
  const { record } = state.journal;
  // Before results are taken, which are tries of before from now on.
  if (record.finishedAtMs !== null) await state.journal.note({ type: 'reopened' });
  await restore(state);
  if (record.round !== -1 || record.isCanceled) return;
  await planRound(state, 'all');
}

async function readRequests(
  { requests, settings, store, status, planning, stop }: OpeningParts,
  journal: RunJournal,
): Promise<void> {
  const prepared = await stop.during((signal) =>
    planning.write(requests, store, { signal, onRead: (count) => status.read(count) }),
  );
  settings.reached('requests_read');
  await journal.note({ type: 'prepared', ...prepared });
  settings.reached('prepared');
}

function makeRun(parts: OpeningParts, journal: RunJournal, book: RequestBook, service: BatchService): OpenedRun {
  const { settings, store, status, news, stop, random } = parts;
  const table = new RequestTable(book.count);
  const logs = new ResultLogs(store);
  const tally = new RunTally({ models: settings.models, hasDiscount: service.hasBatchDiscount });
  const calls = new ServiceCalls(settings.clock, random, stop, (reason, remedy) => status.callWaits(reason, remedy));
  const downloading = (): void => settings.reached('downloading');
  const settled = (request: number): void => {
    status.settled();
    parts.settled(request);
  };
  const intake = new ResultIntake({ settings, record: journal.record, book, table, logs, tally, settled });
  const downloads = new Downloads({ service, book, table, logs, calls, downloading });
  const planner = parts.planning.planner(book, store, planTerms(settings, journal, service));
  const state: RunState = {
    settings,
    service,
    store,
    journal,
    book,
    planner,
    table,
    logs,
    intake,
    downloads,
    status,
    calls,
    news,
    stop,
    random,
    spentNanoUsd: () => tally.spentNanoUsd,
  };
  return { state, tally };
}

/** A plan is made again when a run is taken up, and must come out the same: its time is the run's beginning. */
function planTerms(settings: RunSettings, { record }: RunJournal, service: BatchService): PlanTerms {
  const { markers, latencyTokens, batchSize: limits, models } = settings;
  const { extras, hasBatchDiscount } = service;
  return {
    // A Batchwright sends leaders first by itself.
    waves: extras === null ? settings.waves : 'off',
    markers,
    placesMarkers: extras === null,
    latencyTokens,
    limits,
    models,
    hasBatchDiscount,
    atMs: record.begun?.atMs ?? settings.clock.now(),
  };
}
