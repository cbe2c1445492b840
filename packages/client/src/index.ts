/**
 * Bulk runs against any Message Batches API, Anthropic's and Batchwright alike: any number of requests, cut into batches
 * under the API's limits, sent so that prompt caching pays, followed, tried again where that helps, and taken up where
 * they were left. Runs wherever `fetch` does; `@batchwright/client/node` keeps runs in files.
 */
export { estimateRun, type EstimateOptions, type RunEstimate, type RunWarning } from './estimate/estimate-run.ts';
export type { WaveForecast } from './estimate/wave-forecast.ts';
export type { Difference } from './estimate/doctor/difference.ts';
export { examineRun, type Examination, type ExamineOptions } from './estimate/doctor/examine-run.ts';
export { findingText, type FindingText } from './estimate/doctor/finding-text.ts';
export type { Finding, FindingCode } from './estimate/doctor/finding.ts';
/** What `RunProgress.totals` and amounts of money come to, for people. */
export { sumOfModels, usdOf } from '@batchwright/core';
export type { BegunEntry, FinalCounts, JournalEntry, PlannedBatch } from './journal/journal-entry.ts';
export { BadRequestsError, type BulkRequest, type RequestLine } from './plan/bulk-request.ts';
export type { CustomIds } from './plan/custom-ids.ts';
export { FaultList } from './plan/fault-list.ts';
export type { BatchSize } from './plan/planning.ts';
export type { RequestFault } from './plan/request-line.ts';
export { RequestScan } from './plan/request-scan.ts';
export type { ScannedRequests } from './plan/scanned-parts.ts';
export type { FailureKind, RunCost, RunReport } from './report/run-report.ts';
export type { CostTerms } from './report/cost-tally.ts';
export { RunTally, type RunFacts } from './report/run-tally.ts';
export type { BulkRun, RunEnd } from './run/bulk-run.ts';
export { RETRY_CLASSES, type Judge, type RetryClass, type RunOptions, type Verdict } from './run/run-options.ts';
export { JournalDamageError, replay, type RunRecord } from './journal/run-record.ts';
export { runBatch } from './run/run-batch.ts';
export { BatchFaultError, RunMismatchError, RunOptionsError, UnpricedRunError } from './run/run-errors.ts';
export { RUN_POINTS, type RunPoint } from './run/run-point.ts';
export type { BatchProgress, RunProgress } from './run/run-progress.ts';
export type { SettledResult } from './run/settled-result.ts';
export {
  ServiceError,
  type BatchBody,
  type BatchDetails,
  type BatchEvent,
  type BatchService,
  type CreateOutcome,
  type PartialResults,
  type Rerun,
  type RerunChoice,
  type RetrievedBatch,
  type ServiceExtras,
} from './service/batch-service.ts';
export { resolveBatch } from './service/resolve-batch.ts';
export { connectService, sdkClient, type ClientSettings } from './service/sdk-service.ts';
export { memoryStore } from './store/memory-store.ts';
export { RunInUseError, StoreFullError, type ByteLog, type LogName, type RunStore } from './store/run-store.ts';
