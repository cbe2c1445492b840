import type { Planner, RequestBook } from '../plan/planning.ts';
import type { BatchService } from '../service/batch-service.ts';
import type { RunStore } from '../store/run-store.ts';
import type { Downloads } from './downloads.ts';
import type { News } from './news.ts';
import type { RequestTable } from './request-table.ts';
import type { ResultIntake } from './result-intake.ts';
import type { ResultLogs } from './result-logs.ts';
import type { RunJournal } from './run-journal.ts';
import type { RunSettings } from './run-settings.ts';
import type { RunStatus } from './run-status.ts';
import type { ServiceCalls } from './service-calls.ts';
import type { Stop } from './stop.ts';

/** What everything that drives a run shares, once its requests are read. */
export interface RunState {
  readonly settings: RunSettings;
  readonly service: BatchService;
  readonly store: RunStore;
  readonly journal: RunJournal;
  readonly book: RequestBook;
  readonly planner: Planner;
  readonly table: RequestTable;
  readonly logs: ResultLogs;
  readonly intake: ResultIntake;
  readonly downloads: Downloads;
  readonly status: RunStatus;
  /** What the answers that are here cost, of those whose price is known. */
  spentNanoUsd(): number;
  readonly calls: ServiceCalls;
  /** Of anything that a decision may depend on. */
  readonly news: News;
  readonly stop: Stop;
  readonly random: () => number;
}
